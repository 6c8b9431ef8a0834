#pragma once

#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/functions.h"
#include "persistence/snapshot_store.h"

namespace howdah::persistence::postgres {

class PostgresSnapshotStore final : public SnapshotStore {
 public:
  PostgresSnapshotStore(ConnectionPool& pool, const InstalledFunctions& functions);

  std::optional<QueueId> countQueues(std::optional<QueueId> after, int queues) override;
  void finish() override;
  std::shared_ptr<const metrics::Snapshot> read(std::int64_t known) override;

 private:
  ConnectionPool& pool_;
  const Statement count_;
  const Statement health_;
  const Statement finish_;
};

}  // namespace howdah::persistence::postgres
