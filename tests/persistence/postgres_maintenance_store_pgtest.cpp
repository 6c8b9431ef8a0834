#include "persistence/postgres/postgres_maintenance_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "persistence/postgres/transaction.h"
#include "persistence/store_error.h"
#include "tests/support/test_store.h"

namespace howdah::persistence::postgres {
namespace {

using howdah::testing::eventually;
using std::chrono::seconds;

const QueueName kName{"000000000000", "orders"};

class PostgresMaintenanceStoreTest : public ::testing::Test {
 protected:
  PostgresMaintenanceStoreTest() { replica_.migrate(); }

  howdah::testing::TestStore test_{/*test_clock=*/true};
  MaintenanceStore& maintenance_ = test_.store.maintenance();
  PostgresDatabase replica_{test_.options(/*test_clock=*/true), test_.recorder};
};

TEST_F(PostgresMaintenanceStoreTest, ADutyIsHeldByOneAndKept) {
  EXPECT_TRUE(maintenance_.holdDuty("sweep"));
  EXPECT_FALSE(replica_.maintenance().holdDuty("sweep"));
  EXPECT_TRUE(replica_.maintenance().holdDuty("another"));
  EXPECT_TRUE(maintenance_.holdDuty("sweep"));
}

TEST_F(PostgresMaintenanceStoreTest, AReleasedDutyIsFreeHoweverOftenItWasAskedFor) {
  EXPECT_TRUE(maintenance_.holdDuty("sweep"));
  EXPECT_TRUE(maintenance_.holdDuty("sweep"));
  maintenance_.releaseDuties();
  // Once the server has seen the end of the connection.
  EXPECT_TRUE(eventually([&] { return replica_.maintenance().holdDuty("sweep"); }));
  EXPECT_FALSE(maintenance_.holdDuty("sweep"));
}

TEST_F(PostgresMaintenanceStoreTest, ADutyGoesToAnotherWhenItsHoldersBackendIsKilled) {
  EXPECT_TRUE(maintenance_.holdDuty("sweep"));
  EXPECT_FALSE(replica_.maintenance().holdDuty("sweep"));
  test_.database.outsider().execute(
      {"kill",
       "SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database = "
       "(SELECT oid FROM pg_database WHERE datname = current_database())"});
  EXPECT_TRUE(replica_.maintenance().holdDuty("sweep"));
  EXPECT_FALSE(maintenance_.holdDuty("sweep"));
}

TEST_F(PostgresMaintenanceStoreTest, TheApplicationsOwnAdvisoryLocksDoNotMatter) {
  test_.database.outsider().executeScript("SELECT pg_advisory_lock(k) FROM generate_series(0, 100) k");
  EXPECT_TRUE(maintenance_.holdDuty("sweep"));
}

class SweepTest : public PostgresMaintenanceStoreTest {
 protected:
  // A queue with messages in the log, in flight and aside.
  QueueId fill() {
    const auto outcome = test_.store.queues().createQueue(kName, {}, {}, seconds(0));
    const QueueId queue_id = std::get<QueueStore::Created>(outcome).queue.queue_id;
    test_.database.outsider().execute(
        {"fill",
         "WITH m AS (INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, sender_id) "
         "SELECT $1, l, s, now(), gen_random_uuid(), 'x', 'me' FROM generate_series(0, 1) l, generate_series(1, 50) s)"
         "INSERT INTO howdah.delivery (queue_id, lane, seq, visible_at, receive_count) "
         "SELECT $1, l, s, now(), 0 FROM generate_series(0, 1) l, generate_series(1, 20) s"},
        Params().int8(queue_id));
    return queue_id;
  }
  std::int64_t rowsOf(QueueId queue_id) {
    std::int64_t rows = 0;
    for (const char* const table : {"message", "delivery", "lane_cursor"}) {
      rows += test_.count(fmt::format("howdah.{} WHERE queue_id = {}", table, queue_id));
    }
    return rows;
  }
  std::int64_t messages_ = 0;  // that sweepAll() met
  std::int64_t sweepAll(int batch) {
    std::int64_t rows = 0;
    MaintenanceStore::SweepResult result;
    do {
      result = maintenance_.sweepRemains(batch);
      EXPECT_LE(result.rows_deleted, batch);
      rows += result.rows_deleted;
      messages_ += result.messages;
    } while (result.more);
    return rows;
  }
};

TEST_F(SweepTest, NothingIsSweptOfAQueueInUse) {
  const QueueId queue_id = fill();
  EXPECT_EQ(sweepAll(10), 0);
  EXPECT_EQ(rowsOf(queue_id), 141);
}

TEST_F(SweepTest, WhatAPurgeLeftIsDeletedInBatchesAndTheSuccessorKept) {
  const QueueId before = fill();
  const auto purged = test_.store.queues().purgeQueue(kName, seconds(60));
  const std::int64_t messages = test_.count("howdah.message");
  EXPECT_EQ(sweepAll(10), 141);
  EXPECT_EQ(messages_, messages);
  EXPECT_EQ(rowsOf(before), 0);
  EXPECT_EQ(rowsOf(std::get<QueueRecord>(purged).queue_id), 1);
}

TEST_F(SweepTest, AnIncarnationIsForgottenWhenEmptyAndTenMinutesOld) {
  const QueueId queue_id = fill();
  test_.store.queues().deleteQueue(kName);
  sweepAll(1000);
  EXPECT_EQ(test_.count("howdah.remains"), 1);
  EXPECT_FALSE(maintenance_.sweepRemains(1000).more);
  // What was in flight at the end arrives late.
  test_.database.outsider().execute({"late", "INSERT INTO howdah.lane_cursor VALUES ($1, 1, 7)"},
                                    Params().int8(queue_id));
  EXPECT_EQ(sweepAll(1000), 0);
  test_.store.setTestClockOffset(601);
  EXPECT_EQ(sweepAll(1000), 1);
  EXPECT_EQ(rowsOf(queue_id), 0);
  EXPECT_EQ(test_.count("howdah.remains"), 0);
}

TEST_F(SweepTest, AnIncarnationIsNotForgottenWhileARowIsHeldByAnother) {
  fill();
  test_.store.queues().deleteQueue(kName);
  test_.store.setTestClockOffset(601);
  // A late claim moved a row between our look at it and our delete: here, before it commits, the sweep must wait for
  // it.
  Transaction late(test_.database.outsider());
  test_.database.outsider().execute(
      {"late", "UPDATE howdah.delivery SET receive_count = 1 WHERE lane = 0 AND seq = 1"});
  std::thread committer([&] {
    EXPECT_TRUE(eventually([&] { return test_.waitingForLocks() > 0; }));
    late.commit();
  });
  const auto first = maintenance_.sweepRemains(1000);
  committer.join();
  EXPECT_TRUE(first.more);
  EXPECT_EQ(test_.count("howdah.remains"), 1);
  sweepAll(1000);
  EXPECT_EQ(test_.count("howdah.remains"), 0);
  EXPECT_EQ(test_.count("howdah.delivery"), 0);
}

TEST_F(SweepTest, NamesOfQueuesDeletedADayAgoAreForgotten) {
  fill();
  test_.store.queues().deleteQueue(kName);
  test_.store.setTestClockOffset(3600);
  sweepAll(1000);
  EXPECT_EQ(test_.count("howdah.queue"), 1);
  test_.store.setTestClockOffset(90000);
  sweepAll(1000);
  EXPECT_EQ(test_.count("howdah.queue"), 0);
}

TEST_F(SweepTest, TwoSweepsAtOnceDoNotWaitForEachOther) {
  fill();
  test_.store.queues().deleteQueue(kName);
  Transaction other(test_.database.outsider());
  test_.database.outsider().execute({"hold", "SELECT 1 FROM howdah.remains FOR UPDATE"});
  EXPECT_EQ(maintenance_.sweepRemains(1000).rows_deleted, 0);
}

}  // namespace
}  // namespace howdah::persistence::postgres
