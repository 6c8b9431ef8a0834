// The hot operations are functions in the database, one round trip each (persistence/postgres/sql/). Each is installed
// under a name that carries a hash of its text, so that binaries of two releases work side by side.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "embedded_functions.h"
#include "persistence/postgres/connection.h"

namespace howdah::persistence::postgres {

class InstalledFunctions {
 public:
  // Installs what is missing. The caller holds the MigrationLock. In the files, {name} stands for the function's name,
  // {clock} for the time: the database's clock, or with `test_clock` that plus its offset, and {call:FILE} for the
  // function of another file, which must not call back.
  InstalledFunctions(Connection& connection, bool test_clock,
                     std::span<const embedded::File> files = embedded::embedded_functions());

  // With its schema, ready to be called; `file` is the file's name without .sql.
  const std::string& name(std::string_view file) const;

 private:
  const std::string& install(Connection& connection, std::string_view file);

  const bool test_clock_;
  const std::span<const embedded::File> files_;
  std::set<std::string, std::less<>> present_;
  std::map<std::string, std::string, std::less<>> names_;
};

}  // namespace howdah::persistence::postgres
