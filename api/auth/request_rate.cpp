#include "api/auth/request_rate.h"

#include <algorithm>

namespace howdah::api {

bool RequestRate::take(const std::string& access_key_id) {
  const service::SteadyTime now = clock_.now();
  std::lock_guard lock(mutex_);
  if (full_at_.size() >= kMaximumKeys && !full_at_.contains(access_key_id)) {
    std::erase_if(full_at_, [&](const auto& key) { return key.second <= now; });
    if (full_at_.size() >= kMaximumKeys) full_at_.clear();  // a second's worth for each once more
  }
  service::SteadyTime& full_at = full_at_[access_key_id];
  const service::SteadyTime after = std::max(full_at, now) + interval_;
  if (after > now + std::chrono::seconds(1)) return false;
  full_at = after;
  return true;
}

std::size_t RequestRate::keys() const {
  std::lock_guard lock(mutex_);
  return full_at_.size();
}

}  // namespace howdah::api
