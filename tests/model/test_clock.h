// The test clock of a run, which its clients read without asking, and which steps only while none of them calls.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>

#include "tests/support/service_process.h"

namespace howdah::testing::model {

// The database's clock, between what it can be at least and at most. Steps only forward.
class TestClock {
 public:
  explicit TestClock(ServiceProcess& process) : process_(process) {
    for (int i = 0; i < 20; ++i) {
      const std::chrono::microseconds before = local();
      const std::chrono::microseconds now = process.store().now().time_since_epoch();
      const std::chrono::microseconds after = local();
      if (i > 0 && after - before >= most_.load() - least_.load()) continue;
      least_ = now - after;
      most_ = now - before;
    }
    offset_ = process.database().testClockOffset();
  }
  DatabaseTime earliest() const { return DatabaseTime(local() + least_.load()); }
  DatabaseTime latest() const { return DatabaseTime(local() + most_.load()); }

  // No call that holds this meets a step. A transaction for which more time seems to pass than commits take is late
  // for its messages (docs/storage.md, floors), which they are not to be blamed for.
  std::shared_lock<std::shared_mutex> standsStill() {
    std::lock_guard turn(turnstile_);
    return std::shared_lock(mutex_);
  }
  void step(std::chrono::microseconds by) {
    std::lock_guard turn(turnstile_);  // or those who hold it would never all be gone
    std::lock_guard lock(mutex_);
    most_ = most_.load() + by;
    offset_ += static_cast<double>(by.count()) / 1e6;
    process_.database().setTestClockOffset(offset_);
    least_ = least_.load() + by;
  }

 private:
  static std::chrono::microseconds local() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  }

  ServiceProcess& process_;
  std::mutex turnstile_;
  std::shared_mutex mutex_;
  double offset_ = 0;
  std::atomic<std::chrono::microseconds> least_;
  std::atomic<std::chrono::microseconds> most_;
};

}  // namespace howdah::testing::model
