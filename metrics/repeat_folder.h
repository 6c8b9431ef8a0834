// Folds what is told over and over: of one key the first is told at once, and what comes within its window is only
// counted, and told at the window's end in one line. Bounded: keys beyond the most that are remembered are counted as
// one. No timer runs while nothing is repeated.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

namespace howdah::metrics {

// Any thread.
class RepeatFolder {
 public:
  // `line` is what add() was given with the key's first, empty for the keys that were too many. Called on a thread of
  // the folder's own, or by its destructor.
  using Tell = std::function<void(const std::string& line, std::uint64_t repeated)>;

  RepeatFolder(std::size_t most_keys, Tell tell) : most_keys_(most_keys), tell_(std::move(tell)) {}
  // Tells what is still counted.
  ~RepeatFolder();
  RepeatFolder(const RepeatFolder&) = delete;
  RepeatFolder& operator=(const RepeatFolder&) = delete;

  // Whether the line is the first of its key, for the caller to tell.
  bool add(const std::string& key, const std::string& line, std::chrono::milliseconds window);

 private:
  using Clock = std::chrono::steady_clock;
  struct Window {
    std::string line;
    Clock::time_point ends;
    std::uint64_t repeated = 0;
  };

  void run();

  const std::size_t most_keys_;
  const Tell tell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, Window> windows_;
  std::optional<Window> too_many_;
  bool stopping_ = false;
  std::thread thread_;  // once there was something to fold
};

}  // namespace howdah::metrics
