// What is waiting or under way of each queue and each caller, and so which requests are light: those of a queue that
// has little going on. Light work is kept apart from heavy work, and heavy work gives way to it, so that who sends much
// waits for itself alone.
//
// A caller who uses many queues a little each is weighed as well while others ask too, but only by what its queues
// alone would let pass: what one of them piles up does not make the same caller's other queues heavy.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "service/clock.h"

namespace howdah::service {

enum class Weight { Light, Heavy };

// What a request counts. REQUIRES: rows > 0.
struct Load {
  std::size_t rows = 0;
  std::size_t bytes = 0;
  std::int64_t queue = 0;
  std::size_t caller = 0;  // a hash; 0: nobody that is told apart
};

struct OutstandingLimits {
  // What a queue may have waiting and under way for its next request to be light, however large that one is.
  std::size_t queue_rows = 20;
  std::size_t queue_bytes = 128 * 1024;
  // What a caller's requests may add up to, those apart that its queues make heavy: what else a busy queue has, and
  // some small ones of others.
  std::size_t caller_rows = 40;
  std::size_t caller_bytes = 384 * 1024;
  std::size_t caller_request_bytes = 256 * 1024;  // what one counts of that at most
  // How long heavy work gives way after the last light request that came while it was under way, and callers are
  // weighed after two have asked.
  std::chrono::seconds company{10};
};

// Any thread. Who has nothing outstanding takes no memory.
class Outstanding {
 public:
  explicit Outstanding(const Clock& clock, OutstandingLimits limits = {}) : clock_(clock), limits_(limits) {}

  // A request begins; it must end() with the load as this leaves it, which is without a caller if it weighs on its
  // queue alone, and with the weight that this answers.
  Weight begin(Load& load);
  void end(const Load& load, Weight weight);

  // Whether light requests come while other queues have heavy ones, which then should take less at once.
  bool heavyHasCompany() const;

 private:
  struct Sum {
    std::size_t rows = 0;
    std::size_t bytes = 0;
    std::size_t heavy = 0;  // requests
  };
  using Sums = std::unordered_map<std::size_t, Sum>;

  const Clock& clock_;
  const OutstandingLimits limits_;
  std::mutex mutex_;
  Sums queues_;
  Sums callers_;
  std::size_t last_caller_ = 0;
  SteadyTime several_callers_until_{};
  std::size_t heavy_ = 0;
  std::atomic<SteadyTime> company_until_{};
};

}  // namespace howdah::service
