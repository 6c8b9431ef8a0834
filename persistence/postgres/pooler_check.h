// Refuses a pooler between us and PostgreSQL that does not keep a session on one backend: advisory locks, LISTEN and
// prepared statements would silently go astray.
#pragma once

#include "persistence/postgres/connection.h"

namespace howdah::persistence::postgres {

[[noreturn]] void refusePooler();

// Throws SetupError for a PgBouncer (or the like) in transaction or statement mode.
void checkPooler(Connection& connection, const PostgresOptions& options, metrics::Recorder& recorder);

}  // namespace howdah::persistence::postgres
