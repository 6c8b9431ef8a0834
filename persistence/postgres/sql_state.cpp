#include "persistence/postgres/sql_state.h"

#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

[[noreturn]] void throwLost(const std::string& what, IfLost if_lost) {
  if (if_lost == IfLost::MayHaveCommitted) throw StoreOutcomeUnknown(what);
  throw StoreUnavailable(what);
}

}  // namespace

void throwStoreError(std::string_view sql_state, const std::string& what, IfLost if_lost) {
  const std::string_view sql_class = sql_state.substr(0, 2);
  if (sql_state.empty() || sql_class == "08") throwLost(what, if_lost);
  // The server's crash reaches a backend as a signal at any instruction, in the middle of a commit as well.
  if (sql_state == "57P02" || sql_state == "40003") throwLost(what, if_lost);
  if (sql_state == "40001" || sql_state == "40P01") throw StoreConflict(what);
  // Resources, shutdown and cancelling, i/o errors, a lock not to be had, a read-only (demoted) server, a transaction
  // that was left idle for too long.
  if (sql_class == "53" || sql_class == "57" || sql_class == "58" || sql_state == "55P03" || sql_state == "25006" ||
      sql_state == "25P03") {
    throw StoreUnavailable(what);
  }
  throw StoreBug(what, std::string(sql_state));
}

}  // namespace howdah::persistence::postgres
