#include "tests/support/test_database.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace howdah::testing {

using persistence::postgres::Connection;
using persistence::postgres::Params;
using persistence::postgres::PostgresOptions;

namespace {

// The server's connection string with another database, as keywords.
std::string connectionString(const std::string& database) {
  const char* const url = std::getenv("HOWDAH_TEST_DATABASE_URL");
  if (!url) throw std::runtime_error("HOWDAH_TEST_DATABASE_URL is not set; run the tests under tests/with_postgres");
  char* error = nullptr;
  PQconninfoOption* const parsed = PQconninfoParse(url, &error);
  if (!parsed) throw std::runtime_error(fmt::format("HOWDAH_TEST_DATABASE_URL: {}", error));
  std::string result;
  for (const PQconninfoOption* option = parsed; option->keyword; ++option) {
    if (!option->val || (!database.empty() && std::string_view(option->keyword) == "dbname")) continue;
    std::string quoted;
    for (const char* c = option->val; *c; ++c) {
      if (*c == '\'' || *c == '\\') quoted += '\\';
      quoted += *c;
    }
    result += fmt::format("{}='{}' ", option->keyword, quoted);
  }
  PQconninfoFree(parsed);
  if (!database.empty()) result += fmt::format("dbname='{}'", database);
  return result;
}

PostgresOptions optionsFor(const std::string& database) {
  PostgresOptions options;
  options.connection_string = connectionString(database);
  options.lock_timeout = std::chrono::seconds(10);
  return options;
}

}  // namespace

TestDatabase::TestDatabase(const std::string& create_clause) {
  static std::atomic<int> count{0};
  name_ = fmt::format("howdah_test_{}_{}", ::getpid(), ++count);
  Connection server(optionsFor(""), recorder_);
  server.executeScript(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  server.executeScript(fmt::format("CREATE DATABASE {} {}", name_, create_clause));
}

TestDatabase::~TestDatabase() {
  outsider_.reset();
  try {
    Connection(optionsFor(""), recorder_).executeScript(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());  // a leftover database harms nobody
  }
}

PostgresOptions TestDatabase::options() const { return optionsFor(name_); }

std::unique_ptr<Connection> TestDatabase::connect() {
  return std::make_unique<Connection>(options(), recorder_, "outsider");
}

Connection& TestDatabase::outsider() {
  if (!outsider_) outsider_ = connect();
  return *outsider_;
}

void TestDatabase::allowConnections(bool allowed) {
  Connection(optionsFor(""), recorder_)
      .executeScript(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS {}", name_, allowed));
}

void TestDatabase::terminateBackends() {
  outsider().execute(
      {"terminate_backends",
       "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
       "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"});
}

}  // namespace howdah::testing
