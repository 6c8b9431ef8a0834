#include "tests/support/test_database.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

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

// Databases of this process. Emptying one takes a tenth of what dropping and creating it does, which is a checkpoint.
class Databases {
 public:
  ~Databases() {
    try {
      for (const std::string& name : unused_) drop(name);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
    }
  }

  std::string take() {
    if (unused_.empty()) return create("");
    const std::string name = unused_.back();
    unused_.pop_back();
    return name;
  }

  void giveBack(const std::string& name) {
    server().executeScript(
        fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS true; ALTER DATABASE {} RESET ALL;"
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE datname = '{}' AND backend_type = 'client backend'",
                    name, name, name));
    Connection(optionsFor(name), recorder_)
        .executeScript(
            "DROP SCHEMA IF EXISTS howdah CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
            "GRANT USAGE, CREATE ON SCHEMA public TO public");
    unused_.push_back(name);
  }

  std::string create(const std::string& clause) {
    const std::string name = fmt::format("howdah_test_{}_{}", ::getpid(), ++count_);
    server().executeScript(fmt::format("CREATE DATABASE {} {}", name, clause));
    return name;
  }

  void drop(const std::string& name) { server().executeScript(fmt::format("DROP DATABASE {} WITH (FORCE)", name)); }

  Connection& server() {
    if (!server_ || !server_->alive()) {
      server_ = std::make_unique<Connection>(optionsFor(""), recorder_);
      server_->executeScript("SET client_min_messages = error");  // of backends that ended before we could end them
    }
    return *server_;
  }

 private:
  NullRecorder recorder_;
  std::unique_ptr<Connection> server_;
  std::vector<std::string> unused_;
  int count_ = 0;
};

Databases& databases() {
  static Databases databases;
  return databases;
}

}  // namespace

TestDatabase::TestDatabase(const std::string& create_clause) : special_(!create_clause.empty()) {
  name_ = special_ ? databases().create(create_clause) : databases().take();
}

TestDatabase::~TestDatabase() {
  outsider_.reset();
  try {
    if (special_) {
      databases().drop(name_);
    } else {
      databases().giveBack(name_);
    }
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
  databases().server().executeScript(fmt::format("ALTER DATABASE {} ALLOW_CONNECTIONS {}", name_, allowed));
}

void TestDatabase::terminateBackends() {
  outsider().execute(
      {"terminate_backends",
       "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
       "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"});
}

}  // namespace howdah::testing
