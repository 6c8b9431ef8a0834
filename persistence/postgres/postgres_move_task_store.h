// The MoveTaskStore on PostgreSQL: binds, runs, maps rows. The rules are in persistence/postgres/sql/.
#pragma once

#include "persistence/move_task_store.h"
#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/functions.h"

namespace howdah::persistence::postgres {

class PostgresMoveTaskStore final : public MoveTaskStore {
 public:
  PostgresMoveTaskStore(ConnectionPool& pool, const InstalledFunctions& functions);

  StartOutcome startMoveTask(const NewMoveTask& task, int maximum_active) override;
  std::variant<std::int64_t, NoSuchTask, NotRunning> cancelMoveTask(const QueueName& source,
                                                                    const MoveTaskId& task_id) override;
  std::vector<MoveTask> listMoveTasks(const QueueName& source, int limit) override;
  std::vector<MoveTask> activeMoveTasks() override;
  MoveBatch moveBatch(const MoveTaskId& task_id, const MoveBatchLimits& limits) override;

 private:
  ConnectionPool& pool_;
  const Statement start_;
  const Statement cancel_;
  const Statement move_;
};

}  // namespace howdah::persistence::postgres
