#include "persistence/postgres/database.h"

#include <cmath>

#include "persistence/postgres/pooler_check.h"
#include "persistence/postgres/postgres_fifo_store.h"
#include "persistence/postgres/postgres_maintenance_store.h"
#include "persistence/postgres/postgres_message_store.h"
#include "persistence/postgres/postgres_move_task_store.h"
#include "persistence/postgres/postgres_notifications.h"
#include "persistence/postgres/postgres_queue_store.h"
#include "persistence/postgres/postgres_snapshot_store.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

const Statement kPing{"ping", "SELECT true"};
const Statement kTime{"time", "SELECT clock_timestamp()"};
const Statement kGetTestClock{"get_test_clock", "SELECT ahead_microseconds FROM howdah.test_clock WHERE id = 1"};
const Statement kSetTestClock{"set_test_clock", "UPDATE howdah.test_clock SET ahead_microseconds = $1 WHERE id = 1"};

}  // namespace

PostgresDatabase::PostgresDatabase(PostgresOptions options, metrics::Recorder& recorder)
    : options_(std::move(options)), recorder_(recorder), pool_(options_, recorder_) {}

PostgresDatabase::~PostgresDatabase() = default;

void PostgresDatabase::migrate() {
  Connection connection(options_, recorder_, "howdah migrate");
  checkPooler(connection, options_, recorder_);
  const MigrationLock lock(connection);
  Migrator(connection).migrate();
  functions_ = std::make_unique<InstalledFunctions>(connection, options_.test_clock);
  queues_ = std::make_unique<PostgresQueueStore>(pool_, *functions_);
  messages_ = std::make_unique<PostgresMessageStore>(pool_, *functions_, turn_floors_);
  fifo_ = std::make_unique<PostgresFifoStore>(pool_, *functions_, turn_floors_);
  move_tasks_ = std::make_unique<PostgresMoveTaskStore>(pool_, *functions_);
  maintenance_ = std::make_unique<PostgresMaintenanceStore>(options_, recorder_, *functions_);
  snapshots_ = std::make_unique<PostgresSnapshotStore>(pool_, *functions_);
  notifications_ = std::make_unique<PostgresNotifications>(options_, recorder_);
}

std::vector<MigrationStatus> PostgresDatabase::migrationStatus() {
  Connection connection(options_, recorder_, "howdah migrate");
  return Migrator(connection).status();
}

DatabaseTime PostgresDatabase::time() { return pool_.acquire()->execute(kTime).only().timestamptz(0); }

bool PostgresDatabase::ping() {
  try {
    pool_.acquire()->execute(kPing);
    return true;
  } catch (const StoreError&) {
    return false;
  }
}

double PostgresDatabase::testClockOffset() {
  return static_cast<double>(pool_.acquire()->execute(kGetTestClock).only().int8(0)) / 1e6;
}

void PostgresDatabase::setTestClockOffset(double seconds) {
  pool_.acquire()->execute(kSetTestClock, Params().int8(std::llround(seconds * 1e6)));
}

}  // namespace howdah::persistence::postgres
