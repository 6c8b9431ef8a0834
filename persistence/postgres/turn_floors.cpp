#include "persistence/postgres/turn_floors.h"

#include <algorithm>

#include "persistence/postgres/due_floors.h"

namespace howdah::persistence::postgres {

TurnFloors::Floors TurnFloors::forReceive(QueueId queue_id) {
  const auto now = std::chrono::steady_clock::now();
  Floors beginning;
  beginning.fill(DueFloors::kBeginning);
  std::lock_guard lock(mutex_);
  if (entries_.size() >= DueFloors::kMaximumQueues && !entries_.contains(queue_id)) entries_.clear();
  Entry& entry = entries_.try_emplace(queue_id, Entry{beginning, {}}).first->second;
  if (now < entry.next_full_look) return entry.floors;
  entry.next_full_look = now + DueFloors::kFullLookInterval;
  return beginning;
}

void TurnFloors::learned(QueueId queue_id, const Floors& floors) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(queue_id);
  if (found != entries_.end()) found->second.floors = floors;
}

DatabaseTime TurnFloors::lowest(QueueId queue_id) const {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(queue_id);
  if (found == entries_.end()) return DueFloors::kBeginning;
  return *std::min_element(found->second.floors.begin(), found->second.floors.end());
}

}  // namespace howdah::persistence::postgres
