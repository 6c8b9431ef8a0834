// How many requests an access key may make a second, in this process alone: a token bucket a key that holds one
// second's worth. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "service/clock.h"

namespace howdah::api {

class RequestRate {
 public:
  // REQUIRES: per_second from 1 to 1,000,000,000.
  RequestRate(const service::Clock& clock, int per_second)
      : clock_(clock), interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second) {}

  // Whether the key may make one more request now; then it has. Callers without a key share "".
  bool take(const std::string& access_key_id);

  std::size_t keys() const;  // that are remembered

  // Only keys that have signed well come here, so more than this are seldom seen within a second.
  static constexpr std::size_t kMaximumKeys = 10'000;

 private:
  const service::Clock& clock_;
  const std::chrono::nanoseconds interval_;
  mutable std::mutex mutex_;
  // When the bucket will be full again. One that is full says no more than none.
  std::map<std::string, service::SteadyTime, std::less<>> full_at_;
};

}  // namespace howdah::api
