#include "tests/model/shrinker.h"

#include <algorithm>
#include <utility>

namespace howdah::testing::model {

namespace {

class Shrinker {
 public:
  Shrinker(Plan plan, const Fails& fails, std::chrono::seconds within)
      : plan_(std::move(plan)), fails_(fails), give_up_(Clock::now() + within) {}

  Plan run(const Plan& part) {
    Plan alone = part;
    alone.threads = 1;
    if (!attempt(std::move(alone)) && !attempt(part)) return plan_;
    // Delta debugging: leaves out ever smaller parts.
    for (std::size_t size = plan_.operations.size() / 2; size > 0;) {
      bool smaller = false;
      for (std::size_t at = 0; at < plan_.operations.size() && !isOver();) {
        Plan rest = plan_;
        const auto from = rest.operations.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t fewer = std::min(size, rest.operations.size() - at);
        rest.operations.erase(from, from + static_cast<std::ptrdiff_t>(fewer));
        if (attempt(std::move(rest))) {
          smaller = true;
        } else {
          at += size;
        }
      }
      if (isOver()) break;
      if (!smaller || size > 1) size = size == 1 ? 0 : size / 2;
    }
    return plan_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int kTries = 3;  // a race is not hit by each run

  bool isOver() const { return Clock::now() > give_up_; }

  bool attempt(Plan plan) {
    for (int i = 0; i < (plan.threads == 1 ? 1 : kTries) && !isOver(); ++i) {
      if (!fails_(plan)) continue;
      plan_ = std::move(plan);
      return true;
    }
    return false;
  }

  Plan plan_;
  const Fails& fails_;
  const Clock::time_point give_up_;
};

}  // namespace

Plan shrink(const Plan& plan, const Plan& part, const Fails& fails, std::chrono::seconds within) {
  return Shrinker(plan, fails, within).run(part);
}

}  // namespace howdah::testing::model
