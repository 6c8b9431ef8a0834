// An empty database for a test, on the server that HOWDAH_TEST_DATABASE_URL names. At the end whoever is still
// connected is thrown out and the database emptied for the next test of this process: 10 to 20 ms. Making the first one
// takes about 100 ms, dropping it when the process ends a second (a checkpoint).
#pragma once

#include <string>

#include "persistence/postgres/connection.h"
#include "persistence/postgres/options.h"
#include "tests/support/null_recorder.h"

namespace howdah::testing {

class TestDatabase {
 public:
  // With a `create_clause`, which goes behind CREATE DATABASE name, it is made anew: "ENCODING 'LATIN1' ...".
  explicit TestDatabase(const std::string& create_clause = "");
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  // For code under test: short waits, so that a test that fails does so soon.
  persistence::postgres::PostgresOptions options() const;

  // A connection apart from the code under test: looks, holds locks, kills. Made at the first use.
  persistence::postgres::Connection& outsider();
  std::unique_ptr<persistence::postgres::Connection> connect();

  // Whether new connections are let in: the database goes away, for everyone who is not connected already.
  void allowConnections(bool allowed);

  // Ends every backend of this database but the outsider's; returns when they are gone.
  void terminateBackends();

 private:
  const bool special_;
  std::string name_;
  NullRecorder recorder_;
  std::unique_ptr<persistence::postgres::Connection> outsider_;
};

}  // namespace howdah::testing
