#include "persistence/postgres/postgres_queue_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "persistence/postgres/transaction.h"
#include "persistence/store_error.h"
#include "tests/support/test_store.h"

namespace howdah::persistence::postgres {
namespace {

using howdah::testing::eventually;
using std::chrono::seconds;
using ::testing::ElementsAre;

const QueueName kName{"000000000000", "orders"};
const StringMap kAttributes{{"VisibilityTimeout", "45"}, {"Policy", "{\"quote\": \"\\\"žluť\\\"\"}"}};
const StringMap kTags{{"team", "a b"}, {"", ""}};
constexpr seconds kReuseDelay{60};
constexpr seconds kPurgeInterval{60};

class PostgresQueueStoreTest : public ::testing::Test {
 protected:
  QueueRecord created(const QueueName& name = kName) {
    return std::get<QueueStore::Created>(queues_.createQueue(name, kAttributes, kTags, kReuseDelay)).queue;
  }
  QueueRecord purged() { return std::get<QueueRecord>(queues_.purgeQueue(kName, kPurgeInterval)); }
  std::int64_t rows(const std::string& table, QueueId queue_id) {
    return test_.count(fmt::format("howdah.{} WHERE queue_id = {}", table, queue_id));
  }
  void lookLikeLanes(QueueId queue_id) {
    EXPECT_EQ(test_.count(fmt::format("howdah.send_lock WHERE queue_id = {} AND lane IN (0, 1)", queue_id)), 2);
    EXPECT_EQ(test_.count(fmt::format("howdah.claim_lock WHERE queue_id = {} AND lane IN (0, 1)", queue_id)), 2);
    EXPECT_EQ(test_.count(fmt::format("howdah.lane_cursor WHERE queue_id = {} AND lane = 1 AND hi = 0", queue_id)), 1);
  }
  void looksGone(QueueId queue_id) {
    EXPECT_EQ(rows("send_lock", queue_id), 0);
    EXPECT_EQ(rows("claim_lock", queue_id), 0);
    EXPECT_EQ(rows("remains", queue_id), 1);
  }

  howdah::testing::TestStore test_{/*test_clock=*/true};
  QueueStore& queues_ = test_.store.queues();
};

TEST_F(PostgresQueueStoreTest, ACreatedQueueIsFoundAsItWasMade) {
  const QueueRecord made = created();
  EXPECT_EQ(made.queue_name, kName);
  EXPECT_EQ(made.version, 1);
  EXPECT_EQ(made.attributes, kAttributes);
  EXPECT_EQ(made.tags, kTags);
  EXPECT_EQ(made.created_at, made.modified_at);
  const QueueRecord found = queues_.findQueue(kName).value();
  EXPECT_EQ(found.queue_id, made.queue_id);
  EXPECT_EQ(found.attributes, kAttributes);
  EXPECT_EQ(found.tags, kTags);
  EXPECT_EQ(found.created_at, made.created_at);
  lookLikeLanes(made.queue_id);
}

TEST_F(PostgresQueueStoreTest, ANameBelongsToItsAccountAndItsCase) {
  const QueueId made = created().queue_id;
  EXPECT_FALSE(queues_.findQueue({"111111111111", "orders"}));
  EXPECT_FALSE(queues_.findQueue({"000000000000", "Orders"}));
  EXPECT_NE(created({"111111111111", "orders"}).queue_id, made);
}

TEST_F(PostgresQueueStoreTest, ANameInUseIsAnsweredWithItsQueue) {
  const QueueRecord made = created();
  const auto again = std::get<QueueStore::AlreadyExists>(queues_.createQueue(kName, {}, {}, kReuseDelay)).queue;
  EXPECT_EQ(again.queue_id, made.queue_id);
  EXPECT_EQ(again.attributes, kAttributes);
}

TEST_F(PostgresQueueStoreTest, TagsAreReplacedLikewiseAndAreNoModification) {
  const QueueRecord made = created();
  test_.store.setTestClockOffset(10);
  const auto outcome = queues_.replaceTags(kName, made.queue_id, made.version, {{"team", "a"}, {"", "\xc3\xa9"}});
  const QueueRecord& replaced = std::get<QueueRecord>(outcome);
  EXPECT_EQ(replaced.tags, (StringMap{{"team", "a"}, {"", "\xc3\xa9"}}));
  EXPECT_EQ(replaced.attributes, made.attributes);
  EXPECT_EQ(replaced.version, made.version + 1);
  EXPECT_EQ(replaced.modified_at, made.modified_at);
  EXPECT_EQ(queues_.findQueue(kName)->tags, replaced.tags);
  EXPECT_TRUE(
      std::holds_alternative<QueueStore::VersionChanged>(queues_.replaceTags(kName, made.queue_id, made.version, {})));
  EXPECT_TRUE(std::holds_alternative<QueueStore::VersionChanged>(
      queues_.replaceTags(kName, made.queue_id + 1, replaced.version, {})));
  EXPECT_TRUE(std::holds_alternative<QueueStore::NotFound>(
      queues_.replaceTags({"000000000000", "none"}, made.queue_id, 1, {})));
}

TEST_F(PostgresQueueStoreTest, OneOfEightConcurrentCreatorsOfANameCreatesIt) {
  for (int round = 0; round < 20; ++round) {
    const QueueName name{"000000000000", fmt::format("round-{}", round)};
    std::atomic<int> creators{0};
    std::mutex mutex;
    std::set<QueueId> ids;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto outcome = queues_.createQueue(name, {}, {}, kReuseDelay);
        const auto* const made = std::get_if<QueueStore::Created>(&outcome);
        creators += made ? 1 : 0;
        const std::scoped_lock lock(mutex);
        ids.insert(made ? made->queue.queue_id : std::get<QueueStore::AlreadyExists>(outcome).queue.queue_id);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(creators, 1);
    EXPECT_EQ(ids.size(), 1u);
  }
}

TEST_F(PostgresQueueStoreTest, QueueIdsAreRandom) {
  std::set<QueueId> ids;
  QueueId spread = 0;
  for (int i = 0; i < 20; ++i) {
    ids.insert(created({"000000000000", fmt::format("q{}", i)}).queue_id);
    spread |= *ids.rbegin() ^ *ids.begin();
  }
  EXPECT_EQ(ids.size(), 20u);
  EXPECT_GT(*ids.rbegin() - *ids.begin(), std::int64_t{1} << 56);
}

TEST_F(PostgresQueueStoreTest, ListedNamesComeInByteOrderAfterTheGivenOne) {
  for (const char* const name : {"b", "a", "B", "a-1", "a_1", "a1", "ab"}) created({"000000000000", name});
  created({"111111111111", "a-other"});
  created({"000000000000", "a-deleted"});
  queues_.deleteQueue({"000000000000", "a-deleted"});
  EXPECT_THAT(queues_.listQueues("000000000000", "", "", 100), ElementsAre("B", "a", "a-1", "a1", "a_1", "ab", "b"));
  EXPECT_THAT(queues_.listQueues("000000000000", "a", "", 100), ElementsAre("a", "a-1", "a1", "a_1", "ab"));
  EXPECT_THAT(queues_.listQueues("000000000000", "a", "a-1", 2), ElementsAre("a1", "a_1"));
  EXPECT_THAT(queues_.listQueues("000000000000", "zzz", "", 100), ElementsAre());
}

TEST_F(PostgresQueueStoreTest, AttributesAreReplacedOnlyAtTheVersionThatWasRead) {
  const QueueRecord made = created();
  test_.store.setTestClockOffset(10);
  const auto outcome = queues_.replaceAttributes(kName, made.queue_id, made.version, {{"DelaySeconds", "5"}});
  const QueueRecord& replaced = std::get<QueueRecord>(outcome);
  EXPECT_EQ(replaced.attributes, (StringMap{{"DelaySeconds", "5"}}));
  EXPECT_EQ(replaced.tags, kTags);
  EXPECT_EQ(replaced.version, made.version + 1);
  EXPECT_GE(replaced.modified_at, made.modified_at + seconds(10));
  EXPECT_EQ(replaced.created_at, made.created_at);
  EXPECT_TRUE(std::holds_alternative<QueueStore::VersionChanged>(
      queues_.replaceAttributes(kName, made.queue_id, made.version, {})));
  EXPECT_TRUE(std::holds_alternative<QueueStore::VersionChanged>(
      queues_.replaceAttributes(kName, made.queue_id + 1, replaced.version, {})));
  EXPECT_TRUE(std::holds_alternative<QueueStore::NotFound>(
      queues_.replaceAttributes({"000000000000", "none"}, made.queue_id, 1, {})));
}

TEST_F(PostgresQueueStoreTest, OneOfSeveralConcurrentChangesOfAVersionWins) {
  const QueueRecord made = created();
  std::optional<Transaction> holder(test_.database.outsider());
  test_.database.outsider().execute({"hold", "SELECT 1 FROM howdah.queue FOR UPDATE"});
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  constexpr int kChanges = 6;  // as many as there are connections
  for (int i = 0; i < kChanges; ++i) {
    threads.emplace_back([&] {
      const auto outcome = queues_.replaceAttributes(kName, made.queue_id, made.version, {});
      winners += std::holds_alternative<QueueRecord>(outcome) ? 1 : 0;
    });
  }
  EXPECT_TRUE(eventually([&] { return test_.waitingForLocks() == kChanges; }));
  holder.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(winners, 1);
}

TEST_F(PostgresQueueStoreTest, ADeletedQueueIsGoneAndItsNameNotFreeForAWhile) {
  const QueueRecord made = created();
  EXPECT_TRUE(queues_.deleteQueue(kName));
  EXPECT_FALSE(queues_.findQueue(kName));
  EXPECT_FALSE(queues_.deleteQueue(kName));
  looksGone(made.queue_id);
  test_.store.setTestClockOffset(59);
  EXPECT_TRUE(std::holds_alternative<QueueStore::DeletedRecently>(queues_.createQueue(kName, {}, {}, kReuseDelay)));
  test_.store.setTestClockOffset(61);
  const QueueRecord again = created();
  EXPECT_NE(again.queue_id, made.queue_id);
  EXPECT_GT(again.version, made.version);
  EXPECT_GT(again.created_at, made.created_at + seconds(60));
  lookLikeLanes(again.queue_id);
}

TEST_F(PostgresQueueStoreTest, WithoutAReuseDelayANameIsFreeAtOnce) {
  created();
  queues_.deleteQueue(kName);
  EXPECT_TRUE(std::holds_alternative<QueueStore::Created>(queues_.createQueue(kName, {}, {}, seconds(0))));
}

TEST_F(PostgresQueueStoreTest, APurgeGivesTheQueueANewIncarnation) {
  const QueueRecord made = created();
  const QueueRecord after = purged();
  EXPECT_NE(after.queue_id, made.queue_id);
  EXPECT_EQ(after.version, made.version + 1);
  EXPECT_EQ(after.attributes, made.attributes);
  EXPECT_EQ(after.created_at, made.created_at);
  EXPECT_EQ(after.modified_at, made.modified_at);
  EXPECT_EQ(queues_.findQueue(kName)->queue_id, after.queue_id);
  looksGone(made.queue_id);
  lookLikeLanes(after.queue_id);
}

TEST_F(PostgresQueueStoreTest, APurgeWithinAMinuteOfTheLastIsRefused) {
  created();
  const QueueId first = purged().queue_id;
  test_.store.setTestClockOffset(59);
  EXPECT_TRUE(std::holds_alternative<QueueStore::PurgeInProgress>(queues_.purgeQueue(kName, kPurgeInterval)));
  EXPECT_EQ(queues_.findQueue(kName)->queue_id, first);
  test_.store.setTestClockOffset(61);
  EXPECT_NE(purged().queue_id, first);
  EXPECT_TRUE(
      std::holds_alternative<QueueStore::NotFound>(queues_.purgeQueue({"000000000000", "none"}, kPurgeInterval)));
}

TEST_F(PostgresQueueStoreTest, AQueueMadeAgainMayBePurgedAtOnce) {
  created();
  purged();
  queues_.deleteQueue(kName);
  test_.store.setTestClockOffset(0);
  std::get<QueueStore::Created>(queues_.createQueue(kName, {}, {}, seconds(0)));
  purged();
}

TEST_F(PostgresQueueStoreTest, OneOfEightConcurrentPurgesHappens) {
  created();
  std::atomic<int> purges{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { purges += std::holds_alternative<QueueRecord>(queues_.purgeQueue(kName, kPurgeInterval)) ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(purges, 1);
  lookLikeLanes(queues_.findQueue(kName)->queue_id);
  EXPECT_EQ(test_.count("howdah.remains"), 1);
}

TEST_F(PostgresQueueStoreTest, CreatingDeletingAndPurgingAtOnceLeavesOneWholeQueueOrNone) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 25; ++round) {
        if (i % 3 == 0) queues_.createQueue(kName, {}, {}, seconds(0));
        if (i % 3 == 1) queues_.deleteQueue(kName);
        if (i % 3 == 2) queues_.purgeQueue(kName, seconds(0));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  queues_.createQueue(kName, {}, {}, seconds(0));
  const QueueRecord last = queues_.findQueue(kName).value();
  lookLikeLanes(last.queue_id);
  EXPECT_EQ(test_.count("howdah.send_lock"), 2);
  EXPECT_EQ(test_.count("howdah.claim_lock"), 2);
  EXPECT_EQ(test_.count(fmt::format("howdah.remains WHERE queue_id = {}", last.queue_id)), 0);
}

// An application that enqueues by SQL, in a transaction of its own that it leaves open.
class OutsiderTest : public PostgresQueueStoreTest {
 protected:
  OutsiderTest() : queue_id_(created().queue_id) {
    transaction_.emplace(test_.database.outsider());
    test_.database.outsider().execute(
        {"outsider", "SELECT 1 FROM howdah.send_lock WHERE queue_id = $1 AND lane = 0 FOR KEY SHARE"},
        Params().int8(queue_id_));
  }
  const QueueId queue_id_;
  std::optional<Transaction> transaction_;
};

TEST_F(OutsiderTest, APurgeBehindAnOpenTransactionIsUnavailableAndChangesNothing) {
  EXPECT_THROW(queues_.purgeQueue(kName, kPurgeInterval), StoreUnavailable);
  EXPECT_EQ(queues_.findQueue(kName)->queue_id, queue_id_);
  lookLikeLanes(queue_id_);
  EXPECT_EQ(test_.waitingForLocks(), 0);
}

TEST_F(OutsiderTest, APurgeGoesThroughOnceTheTransactionEnds) {
  std::thread purger([&] { purged(); });
  ASSERT_TRUE(eventually([&] { return test_.waitingForLocks() > 0; }));
  transaction_.reset();
  purger.join();
  looksGone(queue_id_);
}

TEST_F(OutsiderTest, ADeletionBehindAnOpenTransactionKeepsNobodyFromTheQueuesRow) {
  std::thread deleter([&] { EXPECT_THROW(queues_.deleteQueue(kName), StoreUnavailable); });
  ASSERT_TRUE(eventually([&] { return test_.waitingForLocks() > 0; }));
  const auto outcome = queues_.replaceAttributes(kName, queue_id_, 1, {});
  EXPECT_TRUE(std::holds_alternative<QueueRecord>(outcome));
  deleter.join();
}

TEST_F(OutsiderTest, APurgeHoldsNoOtherLockWhileItWaits) {
  std::thread purger([&] { EXPECT_THROW(queues_.purgeQueue(kName, kPurgeInterval), StoreUnavailable); });
  ASSERT_TRUE(eventually([&] { return test_.waitingForLocks() > 0; }));
  // NOWAIT fails if the purge holds them.
  const auto other = test_.database.connect();
  EXPECT_NO_THROW(other->execute({"free",
                                  "SELECT (SELECT count(*) FROM (SELECT 1 FROM howdah.claim_lock FOR UPDATE NOWAIT) a),"
                                  "       (SELECT count(*) FROM (SELECT 1 FROM howdah.queue FOR UPDATE NOWAIT) b),"
                                  "       (SELECT count(*) FROM (SELECT 1 FROM howdah.send_lock WHERE lane = 1 "
                                  "FOR UPDATE NOWAIT) c)"}));
  purger.join();
}

TEST_F(PostgresQueueStoreTest, TheReceiptHandleKeyIsOneForAllAndRandom) {
  const std::string key = queues_.receiptHandleKey();
  EXPECT_EQ(key.size(), 32u);
  PostgresDatabase replica(test_.options(), test_.recorder);
  replica.migrate();
  EXPECT_EQ(replica.queues().receiptHandleKey(), key);
  howdah::testing::TestStore other;
  EXPECT_NE(other.store.queues().receiptHandleKey(), key);
}

TEST_F(PostgresQueueStoreTest, ADatabaseThatIsAwayIsUnavailableAndUsableAfterwards) {
  created();
  test_.database.outsider();
  test_.database.allowConnections(false);
  test_.database.terminateBackends();
  EXPECT_THROW(queues_.findQueue(kName), StoreUnavailable);
  EXPECT_FALSE(test_.store.ping());
  test_.database.allowConnections(true);
  EXPECT_TRUE(eventually([&] { return test_.store.ping(); }));
  EXPECT_TRUE(queues_.findQueue(kName));
}

TEST_F(PostgresQueueStoreTest, TheTestClockIsSharedAndKeptToTheMicrosecond) {
  EXPECT_EQ(test_.store.testClockOffset(), 0);
  test_.store.setTestClockOffset(1209600.000001);
  PostgresDatabase replica(test_.options(/*test_clock=*/true), test_.recorder);
  replica.migrate();
  EXPECT_DOUBLE_EQ(replica.testClockOffset(), 1209600.000001);
  PostgresDatabase plain(test_.options(/*test_clock=*/false), test_.recorder);
  plain.migrate();
  const auto outcome = plain.queues().createQueue({"000000000000", "plain"}, {}, {}, kReuseDelay);
  EXPECT_GT(created().created_at - std::get<QueueStore::Created>(outcome).queue.created_at, seconds(1209600));
}

}  // namespace
}  // namespace howdah::persistence::postgres
