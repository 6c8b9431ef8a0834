// Holds the statements of FIFO queues to index probes by key as plans_pgtest does: what they read depends neither on
// the backlog, nor on how many groups are blocked or how much waits behind their heads.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/plans_test.h"

namespace howdah::testing {
namespace {

using namespace persistence;

class FifoPlans : public PlansTest {
 protected:
  FifoPlans()
      : small_(createQueue("small.fifo", {{"FifoQueue", "true"}})),
        deep_(createQueue("deep.fifo", {{"FifoQueue", "true"}})),
        send_(function("send_fifo")),
        receive_(function("receive_fifo")),
        change_(function("change_visibility_fifo")),
        delete_(function("delete_fifo")),
        count_(function("count_messages_fifo")),
        watch_(function("watch_queues")),
        sweep_windows_(function("sweep_windows")) {
    for (const char* table :
         {"message", "lane_cursor", "fifo_turn", "fifo_delivery", "fifo_deduplication", "fifo_attempt"})
      script(std::string("ALTER TABLE howdah.") + table + " SET (autovacuum_enabled = off)");
  }

  std::string sendTen(const std::string& q, const std::string& version, const std::string& lane) {
    const std::string ten = " FROM generate_series(1, 10) i)";
    return "SELECT * FROM " + send_ + "(" + q + ", " + version + ", 0, (SELECT array_agg(" + lane + ")" + ten +
           ", (SELECT array_agg(gen_random_uuid())" + ten + ", (SELECT array_agg('body'::text)" + ten +
           ", array_fill(NULL::bytea, ARRAY[10]), (SELECT array_agg('s'::text)" + ten +
           ", array_fill(NULL::text, ARRAY[10]), array_fill('g'::text, ARRAY[10]), array_fill('d'::text, ARRAY[10]), " +
           "(SELECT array_agg(uuid_send(gen_random_uuid()))" + ten + ")";
  }
  // What is available stays above the floor; dead turns lie below it.
  std::string receiveTen(const std::string& q, const std::string& version, int retention = 345600) {
    return "SELECT * FROM " + receive_ + "(" + q + ", " + version + ", 0, " + std::to_string(retention) +
           ", array_fill(1, ARRAY[10]), ARRAY[30], 0, array_fill(" + kFloor +
           ", ARRAY[8]), 1000000, NULL, NULL, NULL, NULL) WHERE receive > 0";
  }

  // A life cycle of twenty messages of a queue, each step's reads checked.
  void cycle(postgres::Connection& connection, QueueId queue, const std::string& state) {
    constexpr std::int64_t kMost = 250;  // ten messages, each of a few probes, and ten messages of each of their groups
    const std::string q = std::to_string(queue);
    const std::string version = text("SELECT version::text FROM howdah.queue WHERE queue_id = " + q);
    const auto check = [&](const char* step, const std::string& sql) {
      EXPECT_LE(reads(connection, sql, true), kMost) << step << ", " << state;
    };
    const std::string lane = std::to_string(++cycles_) + "000000::bigint";
    const std::string receive = "CREATE TEMP TABLE got ON COMMIT PRESERVE ROWS AS " + receiveTen(q, version);
    const auto array = [](const std::string& column) {
      return "(SELECT array_agg(" + column + " ORDER BY lane, seq) FROM got)";
    };
    const std::string keys = q + ", " + array("lane") + ", " + array("seq") + ", " + array("receive_count") + ", " +
                             array("substr(uuid_send(message_id), 1, 4)");
    check("send to ten groups", sendTen(q, version, lane + " + i"));
    check("send to one group", sendTen(q, version, lane));
    check("receive", receive);
    check("change visibility", "SELECT * FROM " + change_ + "(" + keys + ", (SELECT array_agg(0) FROM got))");
    connection.executeScript("DROP TABLE got");
    for (int round = 0; round < 2; ++round) {
      check("watch", "SELECT * FROM " + watch_ + "(ARRAY[" + q + "], ARRAY[" + kFloor + "], ARRAY[" + kFloor +
                         "], ARRAY[" + kFloor + "])");
      check("receive again", receive);
      ASSERT_EQ(connection.execute(statement("SELECT count(*) FROM got")).only().int8(0), 10) << state;
      check("delete", "SELECT * FROM " + delete_ + "(" + keys + ")");
      connection.executeScript("DROP TABLE got");
    }
    check("sweep windows", "SELECT * FROM " + sweep_windows_ + "(10)");
  }

  void checkState(const std::string& state) {
    auto fresh = database_.connect();
    for (const QueueId queue : {small_, deep_}) {
      const std::string which = queue == small_ ? ", small queue" : ", deep queue";
      cycle(*fresh, queue, state + ", fresh connection" + which);
      cycle(*old_, queue, state + ", connection of the empty state" + which);
    }
  }

  static constexpr const char* kFloor = "clock_timestamp() - interval '10 minutes'";
  const QueueId small_, deep_;
  const std::string send_, receive_, change_, delete_, count_, watch_, sweep_windows_;
  int cycles_ = 0;
  std::unique_ptr<postgres::Connection> old_;
};

TEST_F(FifoPlans, HotStatementsReadOnlyWhatTheyHandOutInEveryStateOfTheTables) {
  old_ = database_.connect();
  for (int i = 0; i < 6; ++i) cycle(*old_, small_, "empty");  // often enough for a generic plan
  checkState("empty");

  script(
      "ANALYZE howdah.message, howdah.lane_cursor, howdah.fifo_turn, howdah.fifo_delivery, howdah.fifo_deduplication, "
      "howdah.send_lock, howdah.claim_lock, howdah.queue");
  checkState("analysed while empty");

  const std::string deep = std::to_string(deep_);
  // At the head a blocked group of 100,000 messages; 100,000 blocked groups of one; behind them 1,000 groups of 300.
  const std::string blocked = "1000000000000";
  script("INSERT INTO howdah.message SELECT " + deep + ", " + blocked +
         ", -1000000 + i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM generate_series(1, 100000) i;"
         "INSERT INTO howdah.message SELECT " +
         deep + ", " + blocked +
         " + i, -800000 + i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM generate_series(1, 100000) i;"
         "INSERT INTO howdah.fifo_delivery SELECT " +
         deep + ", " + blocked +
         " + i, CASE WHEN i = 0 THEN -999999 ELSE -800000 + i END, clock_timestamp() + interval '1 hour', "
         "clock_timestamp(), clock_timestamp(), NULL, 1 FROM generate_series(0, 100000) i;"
         "INSERT INTO howdah.fifo_turn SELECT " +
         deep + ", " + blocked + " + i, -1000000, -1000000, clock_timestamp() + interval '1 hour', ((" + blocked +
         " + i) & 7) + 1 FROM generate_series(0, 100000) i");
  script("INSERT INTO howdah.message SELECT " + deep +
         ", 2000000000000 + i % 1000, -500000 + i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM "
         "generate_series(1, 300000) i;"
         "INSERT INTO howdah.fifo_turn SELECT " +
         deep +
         ", 2000000000000 + i, -1000000, -1000000, clock_timestamp() - interval '1 minute', (i & 7) + 1 FROM "
         "generate_series(0, 999) i;"
         "INSERT INTO howdah.fifo_deduplication SELECT " +
         deep +
         ", uuid_send(gen_random_uuid()), clock_timestamp() + interval '5 minutes', gen_random_uuid(), i FROM "
         "generate_series(1, 300000) i");
  checkState("after a million inserts without ANALYZE");

  script(
      "ANALYZE howdah.message, howdah.lane_cursor, howdah.fifo_turn, howdah.fifo_delivery, howdah.fifo_deduplication");
  checkState("after ANALYZE");

  auto snapshot = database_.connect();
  snapshot->executeScript("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM howdah.queue");
  // A million dead rows that vacuum may not remove: old turns, deliveries, messages, counters and windows.
  for (const std::string& queue : {std::to_string(small_), deep})
    script("INSERT INTO howdah.fifo_turn SELECT " + queue +
           ", 2000000000000 + i % 10, -2000000 - i, 0, clock_timestamp() - interval '1 hour', (i % 10 & 7) + 1 FROM "
           "generate_series(1, 150000) i;"
           "DELETE FROM howdah.fifo_turn WHERE queue_id = " +
           queue +
           " AND version < -2000000;"
           "INSERT INTO howdah.fifo_delivery SELECT " +
           queue +
           ", 2000000000000 + i % 10, -2000000 - i, clock_timestamp() - interval '1 hour', clock_timestamp(), "
           "clock_timestamp(), NULL, 1 FROM generate_series(1, 100000) i;"
           "DELETE FROM howdah.fifo_delivery WHERE queue_id = " +
           queue +
           " AND seq < -2000000;"
           "INSERT INTO howdah.message SELECT " +
           queue +
           ", 2000000000000 + i % 10, -2000000 - i, clock_timestamp(), gen_random_uuid(), 'body', NULL, 's' FROM "
           "generate_series(1, 150000) i;"
           "DELETE FROM howdah.message WHERE queue_id = " +
           queue +
           " AND seq < -2000000;"
           "INSERT INTO howdah.lane_cursor SELECT " +
           queue +
           ", (i % 8 + 1) * (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END), -i FROM generate_series(1, 50000) i;"
           "DELETE FROM howdah.lane_cursor WHERE queue_id = " +
           queue +
           " AND hi < 0;"
           "INSERT INTO howdah.fifo_deduplication SELECT " +
           queue +
           ", uuid_send(gen_random_uuid()), clock_timestamp() + interval '4 minutes', gen_random_uuid(), -i FROM "
           "generate_series(1, 50000) i;"
           "DELETE FROM howdah.fifo_deduplication WHERE queue_id = " +
           queue + " AND seq < 0");
  checkState("with a held snapshot and a million dead rows");
}

// A shortened retention makes the whole backlog of a group old at once: each receive deletes a bounded part of it. And
// depth is arithmetic.
TEST_F(FifoPlans, ACountAndAReceiveThatMeetsABacklogPastItsRetentionReadABoundedPart) {
  const std::string deep = std::to_string(deep_);
  script("INSERT INTO howdah.message SELECT " + deep +
         ", 8, i - 1000000, clock_timestamp() - interval '1 hour', gen_random_uuid(), 'body', NULL, 's' FROM "
         "generate_series(1, 100000) i;"
         "INSERT INTO howdah.fifo_turn VALUES (" +
         deep + ", 8, -1000000, -1000000, clock_timestamp() - interval '1 minute', 1)");
  auto connection = database_.connect();
  EXPECT_LE(reads(*connection, "SELECT * FROM " + count_ + "(" + deep + ")", false), 250);
  for (int i = 0; i < 7; ++i) EXPECT_LE(reads(*connection, receiveTen(deep, "1", 60), true), 250);
  EXPECT_EQ(text("SELECT count(*)::text FROM howdah.message WHERE queue_id = " + deep), "99930");
}

}  // namespace
}  // namespace howdah::testing
