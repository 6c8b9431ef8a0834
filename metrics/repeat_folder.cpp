#include "metrics/repeat_folder.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace howdah::metrics {

RepeatFolder::~RepeatFolder() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool RepeatFolder::add(const std::string& key, const std::string& line, std::chrono::milliseconds window) {
  const auto now = Clock::now();
  std::lock_guard lock(mutex_);
  if (const auto found = windows_.find(key); found != windows_.end() && now < found->second.ends) {
    ++found->second.repeated;
    return false;
  }
  if (windows_.size() >= most_keys_ && !windows_.contains(key)) {
    if (!too_many_) too_many_ = Window{{}, now + window};
    ++too_many_->repeated;
    changed_.notify_one();
    return false;
  }
  Window& opened = windows_[key];
  if (opened.repeated > 0) tell_(opened.line, opened.repeated);  // its end has come, its thread has not
  opened = Window{line, now + window};
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
  return true;
}

void RepeatFolder::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    std::vector<Window> ended;
    const auto look = [&](Window& window) {
      const bool over = stopping_ || window.ends <= now;
      if (!over) next = std::min(next, window.ends);
      if (over && window.repeated > 0) ended.push_back(std::move(window));
      return over;
    };
    for (auto entry = windows_.begin(); entry != windows_.end();)
      entry = look(entry->second) ? windows_.erase(entry) : std::next(entry);
    if (too_many_ && look(*too_many_)) too_many_.reset();
    if (!ended.empty()) {
      lock.unlock();
      for (const Window& window : ended) tell_(window.line, window.repeated);
      lock.lock();
      continue;
    }
    if (stopping_) return;
    next == Clock::time_point::max() ? changed_.wait(lock) : void(changed_.wait_until(lock, next));
  }
}

}  // namespace howdah::metrics
