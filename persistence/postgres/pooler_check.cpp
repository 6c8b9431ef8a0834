#include "persistence/postgres/pooler_check.h"

#include "persistence/postgres/setup_error.h"
#include "persistence/postgres/transaction.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

const Statement kBackend{"backend_pid", "SELECT pg_backend_pid()"};

}  // namespace

void refusePooler() {
  throw SetupError(
      "the database is behind a pooler in transaction or statement mode, and Howdah needs sessions of its own; set "
      "pool_mode = session for this database (PgBouncer), or connect to PostgreSQL directly");
}

void checkPooler(Connection& connection, const PostgresOptions& options, metrics::Recorder& recorder) {
  if (!connection.behindPooler()) return;
  // While we do nothing, our backend is free for others if sessions are not kept: a neighbour in a transaction either
  // gets it, or gets another one and leaves ours; then, in the transaction, we get another one than before.
  try {
    const int ours = connection.execute(kBackend).only().int4(0);
    Connection neighbour(options, recorder);
    const Transaction transaction(neighbour);
    if (neighbour.execute(kBackend).only().int4(0) == ours) refusePooler();
    if (connection.execute(kBackend).only().int4(0) != ours || connection.backendPid() != ours) refusePooler();
  } catch (const StoreError&) {
    // "prepared statement does not exist", "transaction blocks not allowed in statement pooling mode": other backends,
    // or other rules. A database that is merely away fails here as well, and again with its own words at the next step.
    if (connection.alive()) refusePooler();
    throw;
  }
}

}  // namespace howdah::persistence::postgres
