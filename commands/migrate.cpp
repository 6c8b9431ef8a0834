#include "commands/migrate.h"

#include <chrono>
#include <ctime>
#include <optional>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "metrics/prometheus_recorder.h"
#include "persistence/postgres/database.h"
#include "persistence/postgres/embedded.h"
#include "persistence/store_error.h"

namespace howdah {
namespace {

// Runs `work`; that the database cannot be reached is told with what to look at.
void reaching(const ServerConfig& config, const auto& work) {
  try {
    work();
  } catch (const persistence::StoreUnavailable& error) {
    throw std::runtime_error(fmt::format(
        "cannot reach the database: {}; {}", error.what(),
        config.embedded ? "see postgres.log in the data directory" : "check --database-url, and that PostgreSQL runs"));
  }
}

std::string text(persistence::DatabaseTime time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch());
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(seconds.count())));
}

}  // namespace

void prepareSchema(persistence::postgres::PostgresDatabase& database, const ServerConfig& config) {
  reaching(config, [&] { database.migrate(); });
}

int migrate(const ServerConfig& config, const metrics::BuildInfo& build, bool status_only) {
  metrics::PrometheusRecorder recorder(build);
  std::optional<persistence::postgres::EmbeddedPostgres> embedded;
  persistence::postgres::PostgresOptions options = config.postgres;
  if (config.embedded) {
    embedded.emplace(config.embedded_postgres);
    options.connection_string = embedded->start();
  }
  int exit_code = 0;
  {
    persistence::postgres::PostgresDatabase database(std::move(options), recorder);
    if (!status_only) prepareSchema(database, config);
    reaching(config, [&] {
      for (const auto& migration : database.migrationStatus()) {
        if (!migration.applied_at) exit_code = 1;
        fmt::print("{:<32} {}{}\n", migration.name,
                   migration.applied_at ? "applied " + text(*migration.applied_at) : "not applied",
                   migration.known ? "" : " by a newer version");
      }
    });
  }
  if (embedded) embedded->stop();
  return exit_code;
}

}  // namespace howdah
