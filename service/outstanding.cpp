#include "service/outstanding.h"

namespace howdah::service {

Weight Outstanding::begin(const Load& load) {
  const std::lock_guard lock(mutex_);
  const auto add = [&](Sum& sum) {
    sum.rows += load.rows;
    sum.bytes += load.bytes;
  };
  const auto callerIsLight = [&] {
    const auto caller = callers_.find(load.caller);
    return caller == callers_.end() ||
           (caller->second.rows <= limits_.caller_rows && caller->second.bytes <= limits_.caller_bytes);
  };
  Sum& queue = queues_[static_cast<std::size_t>(load.queue)];
  const bool light = queue.rows <= limits_.queue_rows && queue.bytes <= limits_.queue_bytes && callerIsLight();
  add(queue);
  if (light) {
    if (load.caller != 0) add(callers_[load.caller]);
    if (heavy_ > 0 && queue.heavy == 0) company_until_ = clock_.now() + limits_.company;
    return Weight::Light;
  }
  ++queue.heavy;
  ++heavy_;
  return Weight::Heavy;
}

void Outstanding::end(const Load& load, Weight weight) {
  const std::lock_guard lock(mutex_);
  const auto subtract = [&](Sums& sums, Sums::iterator whose) {
    whose->second.rows -= load.rows;
    whose->second.bytes -= load.bytes;
    if (whose->second.rows == 0) sums.erase(whose);
  };
  const auto queue = queues_.find(static_cast<std::size_t>(load.queue));
  if (weight == Weight::Heavy) {
    --queue->second.heavy;
    --heavy_;
  } else if (load.caller != 0) {
    subtract(callers_, callers_.find(load.caller));
  }
  subtract(queues_, queue);
}

bool Outstanding::heavyHasCompany() const { return clock_.now() < company_until_.load(); }

}  // namespace howdah::service
