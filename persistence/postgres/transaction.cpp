#include "persistence/postgres/transaction.h"

#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

Transaction::Transaction(Connection& connection) : connection_(connection) { connection_.begin(); }

Transaction::~Transaction() {
  if (ended_ || connection_.broken() || !connection_.inTransaction()) return;
  try {
    connection_.rollback();
  } catch (const StoreError&) {
    // The connection is broken now: the pool drops it, and the server rolls back.
  }
}

void Transaction::commit() {
  ended_ = true;
  connection_.commit();
}

}  // namespace howdah::persistence::postgres
