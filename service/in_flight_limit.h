// How many messages of a queue may be in flight; beyond that SQS hands out no more. Counting costs, so the
// store is asked only when what was handed out since the last count could have reached the limit, or when that count is
// old, since other processes hand out as well: the limit holds about, as SQS's own does. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "persistence/records.h"
#include "service/clock.h"

namespace howdah::service {

class InFlightLimit {
 public:
  using Count = std::function<std::int64_t(persistence::QueueId, std::int64_t limit)>;  // blocks

  InFlightLimit(const Clock& clock, std::int64_t limit, Count count)
      : clock_(clock), limit_(limit), count_(std::move(count)) {}

  bool isReached(persistence::QueueId queue_id) {
    const SteadyTime now = clock_.now();
    {
      std::lock_guard lock(mutex_);
      const auto found = queues_.find(queue_id);
      if (found != queues_.end() && now < found->second.count_again) {
        const Queue& queue = found->second;
        // Twice: another process may have handed out as many.
        if (queue.counted + 2 * queue.handed_out < limit_) return false;
        if (queue.counted >= limit_) return true;
      }
    }
    const std::int64_t counted = count_(queue_id, limit_);
    std::lock_guard lock(mutex_);
    if (queues_.size() >= kMaximumQueues) queues_.clear();
    queues_[queue_id] = {counted, 0, now + (counted < limit_ ? kCountIsOldAfter : kLookAgainAfter)};
    return counted >= limit_;
  }

  void handedOut(persistence::QueueId queue_id, std::size_t messages) {
    std::lock_guard lock(mutex_);
    const auto found = queues_.find(queue_id);
    if (found != queues_.end()) found->second.handed_out += static_cast<std::int64_t>(messages);
  }

 private:
  static constexpr std::chrono::seconds kCountIsOldAfter{10};
  static constexpr std::chrono::seconds kLookAgainAfter{1};
  static constexpr std::size_t kMaximumQueues = 10'000;

  struct Queue {
    std::int64_t counted = 0;
    std::int64_t handed_out = 0;  // by this process since
    SteadyTime count_again{};
  };

  const Clock& clock_;
  const std::int64_t limit_;
  const Count count_;
  std::mutex mutex_;
  std::unordered_map<persistence::QueueId, Queue> queues_;
};

}  // namespace howdah::service
