// What the tests of plans share: queues, and a count of the index entries and rows that
// a call reads.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "persistence/postgres/database.h"
#include "tests/support/test_database.h"

namespace howdah::testing {

class PlansTest : public ::testing::Test {
 protected:
  PlansTest() : process_(database_.options(), recorder_) { process_.migrate(); }

  std::string function(const std::string& name) {
    return text("SELECT 'howdah.' || proname FROM pg_proc WHERE proname ~ '^" + name + "_[0-9a-f]+$'");
  }
  persistence::QueueId createQueue(const std::string& name, const persistence::StringMap& attributes = {}) {
    return std::get<persistence::QueueStore::Created>(
               process_.queues().createQueue({"000000000000", name}, attributes, {}, std::chrono::seconds(60)))
        .queue.queue_id;
  }

  persistence::postgres::Statement statement(const std::string& sql) {
    texts_.push_back("plan_" + std::to_string(texts_.size()));
    return {texts_.back(), sql};
  }
  std::string text(const std::string& sql) {
    return std::string(database_.outsider().execute(statement(sql)).only().text(0));
  }
  void script(const std::string& sql) { database_.outsider().executeScript(sql); }

  // Index entries and rows read by `sql`, which is rolled back unless `keep`.
  std::int64_t reads(persistence::postgres::Connection& connection, const std::string& sql, bool keep) {
    static const persistence::postgres::Statement kReads{
        "plan_reads",
        "SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(c.oid)), 0)::bigint "
        "FROM pg_class c WHERE c.relnamespace = "
        "'howdah'::regnamespace AND c.relkind IN ('r', 'i')"};
    connection.executeScript("BEGIN");
    const std::int64_t before = connection.execute(kReads).only().int8(0);
    connection.execute(statement(sql));
    const std::int64_t after = connection.execute(kReads).only().int8(0);
    connection.executeScript(keep ? "COMMIT" : "ROLLBACK");
    return after - before;
  }

  NullRecorder recorder_;
  TestDatabase database_;
  persistence::postgres::PostgresDatabase process_;
  std::deque<std::string> texts_;
};

}  // namespace howdah::testing
