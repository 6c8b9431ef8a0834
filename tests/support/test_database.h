// A fresh, empty database for a test, on the server that HOWDAH_TEST_DATABASE_URL names; dropped at the end with
// whoever is still connected. Costs about 40 ms to make and 10 ms to drop (15 without fsync): one for each test, unless
// a suite shares one on purpose.
#pragma once

#include <string>

#include "persistence/postgres/connection.h"
#include "persistence/postgres/options.h"
#include "tests/support/null_recorder.h"

namespace howdah::testing {

class TestDatabase {
 public:
  // `create_clause` goes behind CREATE DATABASE name, e.g. "ENCODING 'LATIN1' ...".
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
  std::string name_;
  NullRecorder recorder_;
  std::unique_ptr<persistence::postgres::Connection> outsider_;
};

}  // namespace howdah::testing
