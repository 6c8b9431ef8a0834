// The floors of each queue's due lists (docs/storage.md): moments at or below which only dead rows lie, so that a
// receive need not walk what earlier ones left behind. A cache of one process, bounded; losing an entry costs one
// slower look. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "persistence/records.h"

namespace howdah::persistence::postgres {

struct Floors {
  DatabaseTime fresh;
  DatabaseTime worn;
};

class DueFloors {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Before everything: a look from here misses nothing.
  static constexpr DatabaseTime kBeginning = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
  // A row whose transaction took longer to commit than the slack lies below the floor; a look from the beginning finds
  // it. Looks from the beginning take at most a fiftieth of the time.
  static constexpr std::chrono::seconds kFullLookInterval{5};
  static constexpr int kFullLookShare = 50;
  static constexpr std::size_t kMaximumQueues = 20000;

  // Where the next look at the queue starts: at its floors, or at the beginning when that is due again.
  Floors forReceive(QueueId queue_id, SteadyTime now);

  // Where a look that is not a receive may start. Does not count as a look from the beginning.
  Floors peek(QueueId queue_id) const;

  // What a look that started at `started_from` learned, and how long it took.
  void learned(QueueId queue_id, const Floors& started_from, const Floors& floors,
               std::chrono::steady_clock::duration took, SteadyTime now);

  // How far back from the present a floor must stay: at least 200 ms, and well above what commits take (synchronous
  // replication makes them long).
  std::chrono::microseconds slack() const;
  void commitTook(std::chrono::steady_clock::duration took);

 private:
  struct Entry {
    Floors floors{kBeginning, kBeginning};
    SteadyTime next_full_look{};
  };
  mutable std::mutex mutex_;
  std::unordered_map<QueueId, Entry> entries_;
  std::chrono::microseconds slow_commit_{0};  // decays by a hundredth with each commit
};

}  // namespace howdah::persistence::postgres
