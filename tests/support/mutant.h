// A function of the database with a rule of docs/storage.md taken out, to see that a check notices.
#pragma once

#include <utility>
#include <vector>

#include "tests/support/test_database.h"

namespace howdah::testing {

struct Mutant {
  const char* name;
  const char* file;                                        // of persistence/postgres/sql, without .sql
  std::vector<std::pair<const char*, const char*>> edits;  // from, to; all places
};

// Puts it in the place of the installed function, for every process on the database. False: it no longer fits the text.
bool install(const Mutant& mutant, TestDatabase& database, bool test_clock);

}  // namespace howdah::testing
