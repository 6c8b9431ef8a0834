// A named SQL statement. The name is its prepared statement on each connection, its metric label and its log field, so
// one name stands for one text in a process.
#pragma once

#include <string>
#include <string_view>

namespace howdah::persistence::postgres {

struct Statement {
  std::string_view name;  // outlives every connection: a literal
  std::string sql;
};

}  // namespace howdah::persistence::postgres
