#include "persistence/postgres/due_floors.h"

#include <algorithm>

namespace howdah::persistence::postgres {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Floors DueFloors::forReceive(QueueId queue_id, SteadyTime now) {
  std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaximumQueues && !entries_.contains(queue_id)) entries_.clear();
  Entry& entry = entries_[queue_id];
  if (now < entry.next_full_look) return entry.floors;
  entry.next_full_look = now + kFullLookInterval;
  return {kBeginning, kBeginning};
}

Floors DueFloors::peek(QueueId queue_id) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(queue_id);
  return found == entries_.end() ? Floors{kBeginning, kBeginning} : found->second.floors;
}

void DueFloors::learned(QueueId queue_id, const Floors& started_from, const Floors& floors,
                        std::chrono::steady_clock::duration took, SteadyTime now) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(queue_id);
  if (found == entries_.end()) return;
  found->second.floors = floors;
  if (started_from.fresh == kBeginning)
    found->second.next_full_look =
        now + std::max<std::chrono::steady_clock::duration>(kFullLookInterval, took * kFullLookShare);
}

microseconds DueFloors::slack() const {
  std::lock_guard lock(mutex_);
  return std::clamp<microseconds>(2 * slow_commit_, std::chrono::milliseconds(200), std::chrono::seconds(10));
}

void DueFloors::commitTook(std::chrono::steady_clock::duration took) {
  std::lock_guard lock(mutex_);
  slow_commit_ = std::max(duration_cast<microseconds>(took), slow_commit_ * 99 / 100);
}

}  // namespace howdah::persistence::postgres
