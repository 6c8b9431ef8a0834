// The elected duties' view of the store. Used by one thread of one process at a time (whoever holds the election).
#pragma once

#include <chrono>
#include <cstdint>

namespace howdah::persistence {

class MaintenanceStore {
 public:
  virtual ~MaintenanceStore() = default;

  // Whether this process holds the duty named `duty`, taking it if it is free. It stays with this process until
  // released or the connection it is tied to is lost; ask again before each round.
  virtual bool holdDuty(const char* duty) = 0;
  virtual void releaseDuties() = 0;

  struct SweepResult {
    std::int64_t rows_deleted = 0;
    bool more = false;          // call again soon
    std::int64_t messages = 0;  // that ended by this; those that a receive has already told as expired are not of them
  };
  // Deletes up to about `batch_rows` rows of what purged and deleted queues left behind, and forgets an incarnation
  // when it is empty and what was in flight at its end can no longer arrive (ten minutes).
  virtual SweepResult sweepRemains(int batch_rows) = 0;

  // Deletes up to about `batch_rows` messages that are older than their queue's retention.
  virtual SweepResult sweepRetention(int batch_rows, std::chrono::seconds default_retention) = 0;

  // Deletes up to `batch_rows` rows of deduplication windows and receive attempts that have ended.
  virtual SweepResult sweepWindows(int batch_rows) = 0;

  // Keeps the count of stored bytes short. Begins to count if nobody did, and then reads all messages once, for minutes
  // if they are many. To be called every few seconds while anybody wants the count.
  virtual void foldStoredBytes() = 0;
  // Ends the count, which costs every send and delete a little, once nobody has folded it for five minutes.
  virtual void endUnwantedCount() = 0;
};

}  // namespace howdah::persistence
