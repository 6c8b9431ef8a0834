// The floors of each FIFO queue's turns, as due_floors has those of due lists: of each partition, at or below which
// moments only dead turns lie. A cache of one process, bounded; losing an entry costs one slower look. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "persistence/records.h"

namespace howdah::persistence::postgres {

class TurnFloors {
 public:
  static constexpr std::size_t kPartitions = 8;  // of each queue; the functions say (lane & 7) + 1
  using Floors = std::array<DatabaseTime, kPartitions>;

  // Where the next receive starts to look: at the floors, or at the beginning when that is due again.
  Floors forReceive(QueueId queue_id);
  void learned(QueueId queue_id, const Floors& floors);

  // The lowest of them, for a look that is not a receive.
  DatabaseTime lowest(QueueId queue_id) const;

 private:
  struct Entry {
    Floors floors;
    std::chrono::steady_clock::time_point next_full_look{};
  };
  mutable std::mutex mutex_;
  std::unordered_map<QueueId, Entry> entries_;
};

}  // namespace howdah::persistence::postgres
