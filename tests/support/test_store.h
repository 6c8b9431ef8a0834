// A migrated database with its stores, for one test. Costs about 150 ms beyond TestDatabase (25 without fsync).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "persistence/postgres/database.h"
#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::testing {

class TestStore {
 public:
  explicit TestStore(bool test_clock = false) : store(options(test_clock), recorder) { store.migrate(); }

  // As another server process on the same database would be.
  persistence::postgres::PostgresOptions options(bool test_clock = false) const {
    auto options = database.options();
    options.test_clock = test_clock;
    return options;
  }
  std::int64_t count(const std::string& from_where) {
    const auto name = count_names_.try_emplace(from_where, "count_" + std::to_string(count_names_.size())).first;
    if (!watcher_) watcher_ = database.connect();
    return watcher_->execute({name->second, "SELECT count(*) FROM " + from_where}).only().int8(0);
  }
  std::int64_t waitingForLocks() {
    return count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
  }

  TestDatabase database;
  NullRecorder recorder;
  persistence::postgres::PostgresDatabase store;

 private:
  std::map<std::string, std::string> count_names_;
  std::unique_ptr<persistence::postgres::Connection> watcher_;
};

}  // namespace howdah::testing
