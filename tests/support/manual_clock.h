// A clock that stands until a test moves it. Any thread.
#pragma once

#include <atomic>

#include "service/clock.h"

namespace howdah::testing {

class ManualClock final : public service::Clock {
 public:
  service::SteadyTime now() const override { return service::SteadyTime(since_start_.load()); }
  void advance(service::SteadyTime::duration by) { since_start_ = since_start_.load() + by; }

 private:
  std::atomic<service::SteadyTime::duration> since_start_{std::chrono::hours(1)};
};

}  // namespace howdah::testing
