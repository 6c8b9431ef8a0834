// Turns moments of the database's clock into this process's and back, from what the store's answers told. Only for
// waits and hints, where being late or early costs a look: after a jump of the database's clock it is wrong until the
// next answer. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>
#include <optional>

#include "persistence/records.h"
#include "service/clock.h"

namespace howdah::service {

class DatabaseClock {
 public:
  explicit DatabaseClock(const Clock& clock) : clock_(clock) {}

  // The database said just now that it is `now` there.
  void observe(persistence::DatabaseTime now) { offset_us_ = now.time_since_epoch().count() - steadyUs(clock_.now()); }

  // Nothing before the first observation, for these.
  std::optional<SteadyTime> toSteady(persistence::DatabaseTime when) const {
    const std::int64_t offset_us = offset_us_;
    if (offset_us == kUnknown) return std::nullopt;
    return SteadyTime(std::chrono::microseconds(when.time_since_epoch().count() - offset_us));
  }
  std::optional<persistence::DatabaseTime> now() const {
    const std::int64_t offset_us = offset_us_;
    if (offset_us == kUnknown) return std::nullopt;
    return persistence::DatabaseTime(std::chrono::microseconds(steadyUs(clock_.now()) + offset_us));
  }

 private:
  static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();

  static std::int64_t steadyUs(SteadyTime when) {
    return std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  }

  const Clock& clock_;
  std::atomic<std::int64_t> offset_us_{kUnknown};
};

}  // namespace howdah::service
