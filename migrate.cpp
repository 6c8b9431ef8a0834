#include "migrate.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "metrics/prometheus_recorder.h"
#include "persistence/postgres/database.h"
#include "persistence/postgres/embedded.h"

namespace howdah {

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
    if (!status_only) database.migrate();
    for (const auto& migration : database.migrationStatus()) {
      const bool pending = !migration.applied_at;
      if (pending) exit_code = 1;
      fmt::print(
          "{:04} {:<30} {}{}\n", migration.version, migration.name,
          pending ? "not applied"
                  : fmt::format(
                        "applied {:%Y-%m-%d %H:%M:%S} UTC",
                        fmt::gmtime(std::chrono::system_clock::to_time_t(
                            std::chrono::time_point_cast<std::chrono::system_clock::duration>(*migration.applied_at)))),
          migration.known ? "" : " by a newer version");
    }
  }
  if (embedded) embedded->stop();
  return exit_code;
}

}  // namespace howdah
