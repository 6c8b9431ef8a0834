// The clock of waits and deadlines of this process. Times of messages are the database's and never come from here.
#pragma once

#include <chrono>

namespace howdah::service {

using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace howdah::service
