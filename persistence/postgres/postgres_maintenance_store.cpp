#include "persistence/postgres/postgres_maintenance_store.h"

#include "persistence/postgres/advisory_lock.h"
#include "persistence/postgres/function_call.h"

namespace howdah::persistence::postgres {

namespace {

const Statement kTryDuty{"hold_duty", "SELECT pg_try_advisory_lock($1, hashtext($2))"};
const Statement kStillThere{"check_duty", "SELECT true"};
const Statement kStartCounting{"start_counting_stored_bytes", "SELECT howdah.start_counting_stored_bytes()"};
const Statement kStopCounting{
    "stop_counting_stored_bytes",
    "SELECT howdah.stop_counting_stored_bytes() FROM howdah.stored_bytes_count c "
    "WHERE c.id = 1 AND c.wanted_until < clock_timestamp() AND EXISTS (SELECT 1 FROM pg_trigger t "
    "WHERE t.tgrelid = 'howdah.message'::regclass AND t.tgname IN ('stored', 'removed'))"};

// Of reading all messages once.
constexpr std::chrono::minutes kRecountDeadline{10};

}  // namespace

PostgresMaintenanceStore::PostgresMaintenanceStore(PostgresOptions options, metrics::Recorder& recorder,
                                                   const InstalledFunctions& functions)
    : options_(std::move(options)),
      recorder_(recorder),
      sweep_remains_(functionCall("sweep_remains", functions, 1)),
      sweep_retention_(functionCall("sweep_retention", functions, 2)),
      sweep_windows_(functionCall("sweep_windows", functions, 1)),
      fold_stored_bytes_(functionCall("fold_stored_bytes", functions, 0)),
      recount_stored_bytes_(functionCall("recount_stored_bytes", functions, 0)) {}

Connection& PostgresMaintenanceStore::connection() {
  if (!connection_ || !connection_->alive()) {
    held_.clear();
    connection_.reset();
    connection_ = std::make_unique<Connection>(options_, recorder_, "howdah maintenance");
  }
  return *connection_;
}

bool PostgresMaintenanceStore::holdDuty(const char* duty) {
  Connection& connection = this->connection();
  if (held_.contains(duty)) {
    connection.execute(kStillThere);  // a peer that vanished without a word shows only when asked
    return true;
  }
  if (!connection.execute(kTryDuty, Params().int4(kAdvisoryLockSpace).text(duty)).only().boolean(0)) return false;
  held_.insert(duty);
  return true;
}

void PostgresMaintenanceStore::releaseDuties() {
  held_.clear();
  connection_.reset();
}

MaintenanceStore::SweepResult PostgresMaintenanceStore::sweepRemains(int batch_rows) {
  return sweep(sweep_remains_, Params().int4(batch_rows));
}

MaintenanceStore::SweepResult PostgresMaintenanceStore::sweepRetention(int batch_rows,
                                                                       std::chrono::seconds default_retention) {
  return sweep(sweep_retention_, Params().int4(batch_rows).int8(default_retention.count()));
}

MaintenanceStore::SweepResult PostgresMaintenanceStore::sweepWindows(int batch_rows) {
  const Rows rows = connection().execute(sweep_windows_, Params().int4(batch_rows));
  return {rows.only().int8(0), rows.only().boolean(1)};
}

void PostgresMaintenanceStore::foldStoredBytes() {
  if (connection().execute(fold_stored_bytes_).only().boolean(0)) return;
  connection().execute(kStartCounting);
  PostgresOptions patient = options_;
  patient.statement_deadline = kRecountDeadline;
  Connection(patient, recorder_, "howdah count").execute(recount_stored_bytes_);
}

void PostgresMaintenanceStore::endUnwantedCount() { connection().execute(kStopCounting); }

MaintenanceStore::SweepResult PostgresMaintenanceStore::sweep(const Statement& statement, const Params& params) {
  const Rows rows = connection().execute(statement, params);
  return {rows.only().int8(0), rows.only().boolean(1), rows.only().int8(2)};
}

}  // namespace howdah::persistence::postgres
