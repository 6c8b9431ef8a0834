// The PostgreSQL that a server lives on: the one class that main and tests use. Refuses what cannot work, brings the
// schema up to date, and owns the stores.
#pragma once

#include <memory>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/fifo_store.h"
#include "persistence/maintenance_store.h"
#include "persistence/message_store.h"
#include "persistence/move_task_store.h"
#include "persistence/notifications.h"
#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/functions.h"
#include "persistence/postgres/migrator.h"
#include "persistence/postgres/options.h"
#include "persistence/postgres/turn_floors.h"
#include "persistence/queue_store.h"
#include "persistence/snapshot_store.h"

namespace howdah::persistence::postgres {

class PostgresDatabase {
 public:
  PostgresDatabase(PostgresOptions options, metrics::Recorder& recorder);  // connects to nothing yet
  ~PostgresDatabase();

  // Checks the server and brings the schema up to date. Needed before anything below. Throws SetupError or StoreError.
  void migrate();
  // What `howdah migrate --status` shows. Changes nothing, needs nothing.
  std::vector<MigrationStatus> migrationStatus();

  // After migrate(). Stores from any thread, but the maintenance store, which belongs to one.
  QueueStore& queues() { return *queues_; }
  MessageStore& messages() { return *messages_; }
  FifoStore& fifo() { return *fifo_; }
  MoveTaskStore& moveTasks() { return *move_tasks_; }
  MaintenanceStore& maintenance() { return *maintenance_; }
  SnapshotStore& snapshots() { return *snapshots_; }
  Notifications& notifications() { return *notifications_; }

  DatabaseTime time();  // by the database's own clock, which no test clock moves
  bool ping();          // whether a statement gets an answer now; waits no longer than any statement

  // Seconds that the test clock is ahead; for a server with test_clock only.
  double testClockOffset();
  void setTestClockOffset(double seconds);

 private:
  const PostgresOptions options_;
  metrics::Recorder& recorder_;
  ConnectionPool pool_;
  std::unique_ptr<InstalledFunctions> functions_;
  TurnFloors turn_floors_;
  std::unique_ptr<QueueStore> queues_;
  std::unique_ptr<MessageStore> messages_;
  std::unique_ptr<FifoStore> fifo_;
  std::unique_ptr<MoveTaskStore> move_tasks_;
  std::unique_ptr<MaintenanceStore> maintenance_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::unique_ptr<Notifications> notifications_;
};

}  // namespace howdah::persistence::postgres
