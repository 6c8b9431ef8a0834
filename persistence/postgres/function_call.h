// The statement that calls an installed function.
#pragma once

#include <string>
#include <string_view>

#include "persistence/postgres/functions.h"
#include "persistence/postgres/statement.h"

namespace howdah::persistence::postgres {

// `SELECT * FROM function($1, ...)`; `name`, a literal, is the function's file and the statement's name.
inline Statement functionCall(std::string_view name, const InstalledFunctions& functions, int parameters) {
  std::string sql = "SELECT * FROM " + functions.name(name) + "(";
  for (int i = 1; i <= parameters; ++i) sql += (i == 1 ? "$" : ", $") + std::to_string(i);
  return {name, sql + ")"};
}

}  // namespace howdah::persistence::postgres
