#include "service/outstanding.h"

#include <algorithm>
#include <utility>

namespace howdah::service {

Weight Outstanding::begin(Load& load) {
  const std::lock_guard lock(mutex_);
  if (load.caller != 0) {
    const std::size_t before = std::exchange(last_caller_, load.caller);
    if (before != load.caller && before != 0) several_callers_until_ = clock_.now() + limits_.company;
  }
  const std::size_t counted_bytes = std::min(load.bytes, limits_.caller_request_bytes);
  const auto callerIsLight = [&] {
    const auto caller = callers_.find(load.caller);
    return caller == callers_.end() ||
           (caller->second.rows + load.rows <= limits_.caller_rows &&
            caller->second.bytes + counted_bytes <= limits_.caller_bytes) ||
           clock_.now() >= several_callers_until_;
  };
  Sum& queue = queues_[static_cast<std::size_t>(load.queue)];
  const bool queue_is_light = queue.rows <= limits_.queue_rows && queue.bytes <= limits_.queue_bytes;
  const bool light = queue_is_light && callerIsLight();
  queue.rows += load.rows;
  queue.bytes += load.bytes;
  if (!queue_is_light) load.caller = 0;
  if (load.caller != 0) {
    Sum& caller = callers_[load.caller];
    caller.rows += load.rows;
    caller.bytes += counted_bytes;
  }
  if (light) {
    if (heavy_ > 0 && queue.heavy == 0) company_until_ = clock_.now() + limits_.company;
    return Weight::Light;
  }
  ++queue.heavy;
  ++heavy_;
  return Weight::Heavy;
}

void Outstanding::end(const Load& load, Weight weight) {
  const std::lock_guard lock(mutex_);
  const auto subtract = [&](Sums& sums, Sums::iterator whose, std::size_t bytes) {
    whose->second.rows -= load.rows;
    whose->second.bytes -= bytes;
    if (whose->second.rows == 0) sums.erase(whose);
  };
  const auto queue = queues_.find(static_cast<std::size_t>(load.queue));
  if (weight == Weight::Heavy) {
    --queue->second.heavy;
    --heavy_;
  }
  if (load.caller != 0)
    subtract(callers_, callers_.find(load.caller), std::min(load.bytes, limits_.caller_request_bytes));
  subtract(queues_, queue, load.bytes);
}

bool Outstanding::heavyHasCompany() const { return clock_.now() < company_until_.load(); }

}  // namespace howdah::service
