// Holds every hot statement to index probes by key, whatever the statistics say (docs/storage.md): counts the index
// entries and rows each call reads, in five states of the tables, on connections that made their plans in an earlier
// state and on fresh ones. A bad plan reads thousands where a good one reads tens.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/plans_test.h"

namespace howdah::testing {
namespace {

using namespace persistence;

class Plans : public PlansTest {
 protected:
  Plans() {
    for (const char* name : {"small", "deep", "busy"}) queues_.push_back(createQueue(name));
    for (const char* name : {"send_standard", "receive_standard", "delete_standard", "change_visibility_standard",
                             "watch_queues", "count_messages", "snapshot_queues"})
      functions_.push_back(function(name));
  }

  // A life cycle of ten messages of a queue, each step's reads checked.
  void cycle(postgres::Connection& connection, QueueId queue, const std::string& state) {
    constexpr std::int64_t kMost = 120;  // ten messages, each of a few probes
    const std::string q = std::to_string(queue);
    const std::string version = text("SELECT version::text FROM howdah.queue WHERE queue_id = " + q);
    const std::string floor = "clock_timestamp() - interval '1 minute'";
    const auto check = [&](const char* step, const std::string& sql) {
      EXPECT_LE(reads(connection, sql, true), kMost) << step << ", " << state;
    };
    const std::string ten = "FROM generate_series(1, 10) i";
    check("send", "SELECT * FROM " + functions_[0] + "(ARRAY[" + q + "], ARRAY[" + version +
                      "], (SELECT array_agg(1) " + ten + "), (SELECT array_agg(i::bigint) " + ten +
                      "), (SELECT array_agg(0) " + ten + "), (SELECT array_agg(gen_random_uuid()) " + ten +
                      "), (SELECT array_agg('body'::text) " + ten +
                      "), array_fill(NULL::bytea, ARRAY[10]), (SELECT array_agg('s'::text) " + ten +
                      "), array_fill(NULL::text, ARRAY[10]), array_fill(NULL::text, ARRAY[10]))");
    const std::string receive = "CREATE TEMP TABLE got ON COMMIT PRESERVE ROWS AS SELECT * FROM " + functions_[1] +
                                "(" + q + ", " + version + ", array_fill(30, ARRAY[10]), " + floor + ", " + floor +
                                ", 200000, 345600, NULL, NULL, NULL, NULL) WHERE slot > 0";
    check("receive from the log", receive);
    const std::string keys =
        "array_fill(" + q +
        "::bigint, ARRAY[10]), (SELECT array_agg(lane ORDER BY lane, seq) FROM got), (SELECT "
        "array_agg(seq ORDER BY lane, seq) FROM got), (SELECT array_agg(receive_count ORDER BY lane, seq) FROM got), "
        "(SELECT array_agg(substr(uuid_send(message_id), 1, 4) ORDER BY lane, seq) FROM got)";
    check("change visibility",
          "SELECT * FROM " + functions_[3] + "(ARRAY[" + q + "], " + keys + ", array_fill(0, ARRAY[10]))");
    connection.executeScript("DROP TABLE got");
    check("receive what is due", receive);
    check("watch", "SELECT * FROM " + functions_[4] + "(ARRAY[" + q + "], ARRAY[" + floor + "], ARRAY[" + floor +
                       "], ARRAY[" + floor + "])");
    ASSERT_EQ(connection.execute(statement("SELECT count(*) FROM got")).only().int8(0), 10) << state;
    check("delete", "SELECT * FROM " + functions_[2] + "(ARRAY[" + q + "], " + keys + ")");
    connection.executeScript("DROP TABLE got");
  }

  void checkState(const std::string& state, bool has_dead_rows = false) {
    auto fresh = database_.connect();
    for (const QueueId queue : {queues_[0], queues_[1]}) {
      const std::string which = queue == queues_[0] ? ", small queue" : ", deep queue";
      cycle(*fresh, queue, state + ", fresh connection" + which);
      cycle(*old_, queue, state + ", connection of the empty state" + which);
      // It reads the dead delivery rows too, until vacuum; what lies above the cursor is arithmetic.
      if (!has_dead_rows) {
        for (postgres::Connection* connection : {fresh.get(), old_.get()})
          EXPECT_LE(reads(*connection, "SELECT " + functions_[6] + "(" + std::to_string(queue - 1) + ", 1)", true), 150)
              << state << which;
      }
    }
  }

  std::vector<QueueId> queues_;
  std::vector<std::string> functions_;
  std::unique_ptr<postgres::Connection> old_;
};

TEST_F(Plans, HotStatementsReadOnlyWhatTheyHandOutInEveryStateOfTheTables) {
  script(
      "ALTER TABLE howdah.message SET (autovacuum_enabled = off); ALTER TABLE howdah.delivery SET (autovacuum_enabled "
      "= off);"
      "ALTER TABLE howdah.lane_cursor SET (autovacuum_enabled = off)");
  old_ = database_.connect();
  for (int i = 0; i < 6; ++i) cycle(*old_, queues_[0], "empty");  // often enough for a generic plan
  checkState("empty");

  script(
      "ANALYZE howdah.message, howdah.delivery, howdah.lane_cursor, howdah.send_lock, howdah.claim_lock, howdah.queue");
  checkState("analysed while empty");

  const std::string deep = std::to_string(queues_[1]);
  const std::string busy = std::to_string(queues_[2]);
  // A backlog in one queue, and another with as many in flight.
  script("INSERT INTO howdah.message SELECT " + deep +
         ", 1, (SELECT max(hi) FROM howdah.lane_cursor WHERE queue_id = " + deep +
         ") + i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM generate_series(1, 700000) i");
  script("INSERT INTO howdah.message SELECT " + busy +
         ", 1, i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM generate_series(1, 300000) i;"
         "INSERT INTO howdah.delivery SELECT " +
         busy +
         ", 1, i, clock_timestamp() + interval '1 hour', clock_timestamp(), "
         "clock_timestamp(), 1 FROM generate_series(1, 300000) i;"
         "INSERT INTO howdah.lane_cursor VALUES (" +
         busy + ", 1, 300000)");
  checkState("after a million inserts without ANALYZE");

  script("ANALYZE howdah.message, howdah.delivery, howdah.lane_cursor");
  checkState("after ANALYZE");
  // What lies above the cursor is arithmetic: a count reads only the rows behind it (dead ones too, until vacuum).
  EXPECT_LE(reads(*old_, "SELECT * FROM " + functions_[5] + "(" + deep + ")", false), 120);

  auto snapshot = database_.connect();
  snapshot->executeScript("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM howdah.queue");
  // A million dead rows that vacuum may not remove: due long ago in both queues, and cursors.
  for (const std::string& queue : {std::to_string(queues_[0]), deep})
    script("INSERT INTO howdah.delivery SELECT " + queue +
           ", 1, -i, clock_timestamp() - interval '1 hour', clock_timestamp(), "
           "clock_timestamp(), 1 FROM generate_series(1, 250000) i;"
           "DELETE FROM howdah.delivery WHERE queue_id = " +
           queue +
           " AND seq < 0;"
           "INSERT INTO howdah.message SELECT " +
           queue +
           ", 1, -i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM generate_series(1, 200000) i;"
           "DELETE FROM howdah.message WHERE queue_id = " +
           queue +
           " AND seq < 0;"
           "INSERT INTO howdah.lane_cursor SELECT " +
           queue +
           ", 1, -i FROM generate_series(1, 50000) i;"
           "DELETE FROM howdah.lane_cursor WHERE queue_id = " +
           queue + " AND hi < 0");
  checkState("with a held snapshot and a million dead rows", true);
}

}  // namespace
}  // namespace howdah::testing
