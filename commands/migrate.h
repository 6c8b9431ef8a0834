// The database's schema, before a server and (`howdah migrate`) without one.
#pragma once

#include "config/server_config.h"
#include "metrics/build_info.h"

namespace howdah::persistence::postgres {
class PostgresDatabase;
}

namespace howdah {

// Checks the database and brings its schema to this version. Throws, in one sentence, what keeps it from that.
void prepareSchema(persistence::postgres::PostgresDatabase& database, const ServerConfig& config);

// Exit code; `status_only` changes nothing and answers 1 if something is left to apply. Throws what cannot be done, in
// one sentence.
int migrate(const ServerConfig& config, const metrics::BuildInfo& build, bool status_only);

}  // namespace howdah
