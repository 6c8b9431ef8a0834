// The snapshot of queues and database for the metrics: one process, elected, takes it in slices, all read it. Every
// method blocks on one connection and throws StoreError when the database fails it.
#pragma once

#include <memory>
#include <optional>

#include "metrics/snapshot.h"
#include "persistence/records.h"

namespace howdah::persistence {

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  // Counts the next `queues` queues after `after` (nothing: from the first). Answers the last of them; nothing: there
  // are no more. Its cost grows with what is behind the cursors, not with the backlog.
  virtual std::optional<QueueId> countQueues(std::optional<QueueId> after, int queues) = 0;
  // Every queue was counted: asks PostgreSQL for its health and makes this the snapshot.
  virtual void finish() = 0;

  // The last one that was finished, unless it is number `known`: null. Null as well before the first. Any thread.
  virtual std::shared_ptr<const metrics::Snapshot> read(std::int64_t known) = 0;
};

}  // namespace howdah::persistence
