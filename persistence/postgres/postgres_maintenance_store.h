// The MaintenanceStore on PostgreSQL, on a connection of its own: duties are session advisory locks, so they are lost
// with the connection and free for another process at once. One thread.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "persistence/maintenance_store.h"
#include "persistence/postgres/connection.h"
#include "persistence/postgres/functions.h"

namespace howdah::persistence::postgres {

class PostgresMaintenanceStore final : public MaintenanceStore {
 public:
  PostgresMaintenanceStore(PostgresOptions options, metrics::Recorder& recorder, const InstalledFunctions& functions);

  bool holdDuty(const char* duty) override;
  void releaseDuties() override;
  SweepResult sweepRemains(int batch_rows) override;
  SweepResult sweepRetention(int batch_rows, std::chrono::seconds default_retention) override;
  SweepResult sweepWindows(int batch_rows) override;
  void foldStoredBytes() override;
  void endUnwantedCount() override;

 private:
  SweepResult sweep(const Statement& statement, const Params& params);
  Connection& connection();

  const PostgresOptions options_;
  metrics::Recorder& recorder_;
  const Statement sweep_remains_, sweep_retention_, sweep_windows_, fold_stored_bytes_, recount_stored_bytes_;
  std::unique_ptr<Connection> connection_;
  std::set<std::string> held_;  // by connection_
};

}  // namespace howdah::persistence::postgres
