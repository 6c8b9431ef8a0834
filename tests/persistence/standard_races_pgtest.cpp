// The races of docs/storage.md on standard queues, step by step: one process is held at its commit by a gate in the
// database while another goes on, and each must see what the rules promise.
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <optional>

#include "persistence/postgres/database.h"
#include "persistence/store_error.h"
#include "tests/support/message_load.h"
#include "tests/support/test_database.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using postgres::PostgresDatabase;
using postgres::PostgresOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Held by the test; transactions of a gated process wait for it when they commit.
constexpr const char* kGate = R"(
CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('howdah_test.gated', true) = 'on' THEN PERFORM pg_advisory_xact_lock_shared(4242); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON howdah.message DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.gate();
CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE OR DELETE ON howdah.delivery DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.gate();
)";

class StandardRaces : public ::testing::Test {
 protected:
  StandardRaces() : a_(options(true), recorder_), b_(options(false), recorder_) {
    a_.migrate();
    b_.migrate();
    database_.outsider().executeScript(kGate);
    queue_ = std::get<QueueStore::Created>(b_.queues().createQueue({"000000000000", "q"}, {}, {}, seconds(60))).queue;
  }

  PostgresOptions options(bool gated) {
    PostgresOptions options = database_.options();
    options.lock_timeout = seconds(20);
    if (gated) options.connection_string += " options='-c howdah_test.gated=on'";
    return options;
  }

  void closeGate() { database_.outsider().executeScript("SELECT pg_advisory_lock(4242)"); }
  void openGate() { database_.outsider().executeScript("SELECT pg_advisory_unlock(4242)"); }

  // Returns when that many backends of this database wait for a lock of the kind ("advisory": at the gate).
  void awaitWaiting(const std::string& kind, std::int64_t count) {
    const postgres::Statement waiting{"test_waiting",
                                      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                      "wait_event_type = 'Lock' AND (wait_event = 'advisory') = ($1 = 'advisory')"};
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (database_.outsider().execute(waiting, postgres::Params().text(kind)).only().int8(0) != count)
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nobody waits for " << kind;
  }

  std::int64_t number(const std::string& sql) {
    ++statements_;
    names_.push_back("test_number_" + std::to_string(statements_));
    return database_.outsider().execute({names_.back(), sql}).only().int8(0);
  }

  NewMessage message(const std::string& body, int delay_seconds = 0) const {
    NewMessage message;
    message.queue_id = queue_.queue_id;
    message.queue_version = queue_.version;
    message.delay_seconds = delay_seconds;
    for (std::size_t i = 0; i < body.size() && i < 16; ++i) message.message_id[i] = static_cast<unsigned char>(body[i]);
    message.body = body;
    message.sender_id = "000000000000";
    return message;
  }

  SendOutcome send(PostgresDatabase& process, const std::string& body, int delay_seconds = 0) const {
    const std::vector<NewMessage> messages{message(body, delay_seconds)};
    return process.messages().send(messages).at(0);
  }

  ReceiveOutcome receive(PostgresDatabase& process, std::vector<std::int32_t> timeouts) const {
    return process.messages().receive({queue_.queue_id, queue_.version, std::move(timeouts)});
  }

  static std::string bodies(const ReceiveOutcome& outcome) {
    std::string all;
    for (const DeliveredMessage& m : outcome.messages) all += (all.empty() ? "" : " ") + m.body;
    return all;
  }

  static DeliveryKey delivery(const DeliveredMessage& m) {
    return {m.key, m.receive_count, {m.message_id[0], m.message_id[1], m.message_id[2], m.message_id[3]}};
  }

  DeleteOutcome remove(PostgresDatabase& process, const DeliveryKey& key) const {
    const std::vector<DeleteRequest> requests{{queue_.queue_id, key}};
    return process.messages().remove(requests).at(0);
  }

  ChangeVisibilityOutcome change(PostgresDatabase& process, const DeliveryKey& key, int timeout,
                                 bool only_this_delivery = false) const {
    const std::vector<ChangeVisibilityRequest> requests{{queue_.queue_id, key, timeout, only_this_delivery}};
    return process.messages().changeVisibility(requests).at(0);
  }

  NullRecorder recorder_;
  TestDatabase database_;
  PostgresDatabase a_;  // gated: its commits wait while the gate is closed
  PostgresDatabase b_;
  QueueRecord queue_;
  int statements_ = 0;
  std::deque<std::string> names_;
};

TEST_F(StandardRaces, ASendWaitsForTheSendBeforeItAndReceiversSeeAPrefix) {
  closeGate();
  auto first = std::async(std::launch::async, [&] { return send(a_, "first"); });
  awaitWaiting("advisory", 1);
  auto second = std::async(std::launch::async, [&] { return send(b_, "second"); });
  awaitWaiting("row", 1);
  EXPECT_EQ(bodies(receive(b_, {30, 30})), "");
  openGate();
  EXPECT_TRUE(first.get().queue_was_empty);
  EXPECT_FALSE(second.get().queue_was_empty);
  EXPECT_EQ(bodies(receive(b_, {30, 30})), "first second");
}

TEST_F(StandardRaces, AClaimAndDeletesBetweenTwoSendsNeverPutAMessageBehindTheCursor) {
  send(b_, "one");
  const ReceiveOutcome received = receive(b_, {30});
  ASSERT_TRUE(remove(b_, delivery(received.messages.at(0))).deleted);
  send(b_, "two");
  send(b_, "three");
  EXPECT_EQ(b_.messages().countMessages(queue_.queue_id), (MessageCounts{2, 0, 0}));
  EXPECT_EQ(bodies(receive(b_, {30, 30, 30})), "two three");
}

TEST_F(StandardRaces, TwoReceiversNeverGetTheSameMessage) {
  for (const char* body : {"one", "two", "three"}) send(b_, body);
  closeGate();
  auto first = std::async(std::launch::async, [&] { return receive(a_, {30}); });
  awaitWaiting("advisory", 1);
  auto second = std::async(std::launch::async, [&] { return receive(b_, {30, 30, 30}); });
  awaitWaiting("row", 1);
  openGate();
  EXPECT_EQ(bodies(first.get()), "one");
  EXPECT_EQ(bodies(second.get()), "two three");
}

TEST_F(StandardRaces, AReceiverWithDueMessagesDoesNotWaitForALockedLane) {
  send(b_, "due");
  change(b_, delivery(receive(b_, {30}).messages.at(0)), 0);
  send(b_, "one");
  send(b_, "two");
  closeGate();
  // The first takes the due message and then the lane; the second finds only the lane's next message, and waits.
  auto first = std::async(std::launch::async, [&] { return receive(a_, {30, 30}); });
  awaitWaiting("advisory", 1);
  auto second = std::async(std::launch::async, [&] { return receive(b_, {30}); });
  awaitWaiting("row", 1);
  openGate();
  EXPECT_EQ(bodies(first.get()), "due one");
  EXPECT_EQ(bodies(second.get()), "two");
}

TEST_F(StandardRaces, AnOldHandleDoesNotDeleteTheDeliveryThatSupersedesItMeanwhile) {
  send(b_, "one");
  const DeliveredMessage old = receive(b_, {0}).messages.at(0);
  closeGate();
  auto again = std::async(std::launch::async, [&] { return receive(a_, {30}); });
  awaitWaiting("advisory", 1);
  auto removed = std::async(std::launch::async, [&] { return remove(b_, delivery(old)); });
  awaitWaiting("row", 1);
  openGate();
  EXPECT_EQ(again.get().messages.at(0).receive_count, 2);
  EXPECT_FALSE(removed.get().deleted);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.delivery"), 1);
}

TEST_F(StandardRaces, ALatestHandleDeletesAfterItsTimeoutEnded) {
  send(b_, "one");
  EXPECT_TRUE(remove(b_, delivery(receive(b_, {0}).messages.at(0))).deleted);
  EXPECT_EQ(number("SELECT (SELECT count(*) FROM howdah.message) + (SELECT count(*) FROM howdah.delivery)"), 0);
}

TEST_F(StandardRaces, ADeleteIsSafeToRepeat) {
  send(b_, "one");
  const DeliveryKey key = delivery(receive(b_, {30}).messages.at(0));
  const std::vector<DeleteRequest> twice{{queue_.queue_id, key}, {queue_.queue_id, key}};
  for (const DeleteOutcome& outcome : b_.messages().remove(twice)) EXPECT_TRUE(outcome.deleted);
  EXPECT_FALSE(remove(b_, key).deleted);
}

TEST_F(StandardRaces, AHandleFromBeforeARestoreDoesNotDeleteTheStrangerThatGotItsNumber) {
  send(b_, "mine");
  DeliveryKey key = delivery(receive(b_, {30}).messages.at(0));
  key.message_id_prefix[0] ^= 1;
  EXPECT_FALSE(remove(b_, key).deleted);
  EXPECT_FALSE(change(b_, key, 0).changed);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 1);
}

TEST_F(StandardRaces, AReceiveSkipsARowUnderChangeAndTheFloorDoesNotPassIt) {
  send(b_, "one");
  const DeliveredMessage first = receive(b_, {0}).messages.at(0);
  closeGate();
  auto changed = std::async(std::launch::async, [&] { return change(a_, delivery(first), 0); });
  awaitWaiting("advisory", 1);
  const ReceiveOutcome meanwhile = receive(b_, {30});
  EXPECT_EQ(bodies(meanwhile), "");
  ASSERT_TRUE(meanwhile.next_due) << "a parked receive must look again soon";
  EXPECT_LE(*meanwhile.next_due, meanwhile.now + milliseconds(50));
  EXPECT_EQ(b_.messages().countMessages(queue_.queue_id), (MessageCounts{1, 0, 0})) << "counts never use floors";
  EXPECT_TRUE(b_.messages().watch(std::vector{queue_.queue_id}).at(0).deliverable);
  openGate();
  ASSERT_TRUE(changed.get().changed);
  EXPECT_EQ(bodies(receive(b_, {30})), "one");
}

TEST_F(StandardRaces, AClaimThatDiesLeavesItsMessageDueAndFindable) {
  send(b_, "one");
  receive(b_, {0});
  closeGate();
  auto dying = std::async(std::launch::async, [&] { return receive(a_, {30}); });
  awaitWaiting("advisory", 1);
  EXPECT_EQ(bodies(receive(b_, {30})), "");
  number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'advisory'");
  EXPECT_THROW(dying.get(), StoreError);
  openGate();
  const ReceiveOutcome again = receive(b_, {30});
  EXPECT_EQ(bodies(again), "one");
  EXPECT_EQ(again.messages.at(0).receive_count, 2) << "what did not commit is not counted";
}

TEST_F(StandardRaces, ASendWhoseBackendDiesAtCommitIsUnknownAndLeavesALaneThatGoesOn) {
  closeGate();
  auto dying = std::async(std::launch::async, [&] { return send(a_, "dead"); });
  awaitWaiting("advisory", 1);
  number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'advisory'");
  EXPECT_THROW(dying.get(), StoreOutcomeUnknown);
  openGate();
  EXPECT_TRUE(send(b_, "next").queue_was_empty);
  EXPECT_EQ(bodies(receive(b_, {30, 30})), "next");
}

TEST_F(StandardRaces, TimeoutZeroReturnsAMessageOnceAResponseAndLeavesItVisible) {
  send(b_, "one");
  for (int round = 1; round <= 5; ++round) {  // fresh, then worn
    const ReceiveOutcome outcome = receive(b_, {0, 0, 0});
    ASSERT_EQ(bodies(outcome), "one") << "round " << round;
    EXPECT_EQ(outcome.messages.at(0).receive_count, round);
    EXPECT_EQ(b_.messages().countMessages(queue_.queue_id), (MessageCounts{1, 0, 0}));
  }
}

TEST_F(StandardRaces, TenMessagesThatAlwaysFailDoNotStarveTheRest) {
  for (int i = 0; i < 10; ++i) send(b_, "bad" + std::to_string(i));
  const std::vector<std::int32_t> zeros(10, 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(receive(b_, zeros).messages.size(), 10u);
  send(b_, "good");
  EXPECT_EQ(receive(b_, zeros).messages.at(0).body, "good");
  EXPECT_EQ(receive(b_, zeros).messages.at(0).body, "good") << "due and fresh comes before worn";
}

TEST_F(StandardRaces, EachMessageTakesTheTimeoutOfItsSlot) {
  for (const char* body : {"one", "two", "three"}) send(b_, body);
  change(b_, delivery(receive(b_, {30}).messages.at(0)), 0);
  const ReceiveOutcome outcome = receive(b_, {100, 200, 300});
  ASSERT_EQ(bodies(outcome), "one two three");
  EXPECT_EQ(number("SELECT extract(epoch FROM sum(visible_at - received_at) FILTER (WHERE seq = 1))::bigint FROM "
                   "howdah.delivery"),
            100);
  EXPECT_EQ(number("SELECT extract(epoch FROM sum(visible_at - received_at) FILTER (WHERE seq = 3))::bigint FROM "
                   "howdah.delivery"),
            300);
}

TEST_F(StandardRaces, APurgeWaitsForASendUnderWayAndTakesItsMessage) {
  closeGate();
  auto sent = std::async(std::launch::async, [&] { return send(a_, "late"); });
  awaitWaiting("advisory", 1);
  auto purged = std::async(std::launch::async, [&] {
    return b_.queues().purgeQueue({"000000000000", "q"}, seconds(0));
  });
  awaitWaiting("row", 1);
  openGate();
  EXPECT_EQ(sent.get().queue, QueueState::Current);
  const QueueRecord after = std::get<QueueRecord>(purged.get());
  EXPECT_NE(after.queue_id, queue_.queue_id);
  EXPECT_EQ(b_.messages().countMessages(after.queue_id), MessageCounts{});
  EXPECT_EQ(send(b_, "to the old one").queue, QueueState::Changed);
  EXPECT_EQ(send(b_, "to the old one, delayed", 5).queue, QueueState::Changed);
  EXPECT_EQ(receive(b_, {30}).queue, QueueState::Changed);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 1) << "only remains: nothing went to a queue that is gone";
}

TEST_F(StandardRaces, ASendThatWaitedForAPurgeIsToldThatTheQueueChanged) {
  // An outsider that enqueues by SQL holds the aside lane, so the purge keeps waiting and trying; a delayed send that
  // comes while the purge holds what it has must not commit into the incarnation that goes.
  send(b_, "before");
  closeGate();
  auto claim = std::async(std::launch::async, [&] { return receive(a_, {30}); });  // holds the claim lock
  awaitWaiting("advisory", 1);
  auto purged = std::async(std::launch::async, [&] {
    return b_.queues().purgeQueue({"000000000000", "q"}, seconds(0));
  });
  awaitWaiting("row", 1);
  auto sent = std::async(std::launch::async, [&] { return send(b_, "after", 5); });
  awaitWaiting("row", 2);
  openGate();
  EXPECT_EQ(bodies(claim.get()), "before");
  std::get<QueueRecord>(purged.get());
  EXPECT_EQ(sent.get().queue, QueueState::Changed);
}

TEST_F(StandardRaces, AReceiveThatWaitedHandsOutNothingThatHasBecomeTooOldMeanwhile) {
  send(b_, "one");
  send(b_, "two");
  closeGate();
  auto first = std::async(std::launch::async, [&] { return receive(a_, {30}); });  // holds the claim lock
  awaitWaiting("advisory", 1);
  auto second = std::async(std::launch::async, [&] {
    return b_.messages().receive({queue_.queue_id, queue_.version, {30}, seconds(1)});
  });
  awaitWaiting("row", 1);
  number("SELECT count(*) FROM pg_sleep(1.1)");  // longer than the retention
  openGate();
  EXPECT_EQ(bodies(first.get()), "one");
  EXPECT_EQ(bodies(second.get()), "");
}

TEST_F(StandardRaces, ADeletedQueueIsToldByEveryCall) {
  send(b_, "one");
  const DeliveryKey key = delivery(receive(b_, {30}).messages.at(0));
  ASSERT_TRUE(b_.queues().deleteQueue({"000000000000", "q"}));
  EXPECT_EQ(send(b_, "two").queue, QueueState::Changed);
  EXPECT_EQ(receive(b_, {30}).queue, QueueState::Changed);
  EXPECT_EQ(remove(b_, key).queue, QueueState::Changed);
  EXPECT_EQ(change(b_, key, 0).queue, QueueState::Changed);
  EXPECT_TRUE(b_.messages().watch(std::vector{queue_.queue_id}).at(0).gone);
}

TEST_F(StandardRaces, ARequestCheckedAgainstAnOlderVersionIsHandedBack) {
  const auto changed =
      b_.queues().replaceAttributes(queue_.queue_name, queue_.queue_id, queue_.version, {{"DelaySeconds", "1"}});
  ASSERT_TRUE(std::holds_alternative<QueueRecord>(changed));
  EXPECT_EQ(send(b_, "one").queue, QueueState::Changed);
  EXPECT_EQ(receive(b_, {30}).queue, QueueState::Changed);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 0);
}

TEST_F(StandardRaces, OneTransactionOverManyQueuesKeepsTheirOutcomesApart) {
  const QueueRecord other =
      std::get<QueueStore::Created>(b_.queues().createQueue({"000000000000", "other"}, {}, {}, seconds(60))).queue;
  std::vector<NewMessage> messages{message("a"), message("b", 1), message("c"), message("d")};
  messages[1].queue_id = messages[2].queue_id = other.queue_id;
  messages[1].queue_version = messages[2].queue_version = other.version;
  messages[3].queue_id = 12345;  // no such queue
  const auto outcomes = b_.messages().send(messages);
  EXPECT_EQ(outcomes.at(0).queue, QueueState::Current);
  EXPECT_EQ(outcomes.at(1).queue, QueueState::Current);
  EXPECT_EQ(outcomes.at(2).queue, QueueState::Current);
  EXPECT_EQ(outcomes.at(3).queue, QueueState::Changed);
  EXPECT_EQ(b_.messages().countMessages(other.queue_id), (MessageCounts{1, 0, 1}));
  EXPECT_EQ(bodies(receive(b_, {30, 30})), "a");
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message WHERE queue_id = 12345"), 0);
}

TEST_F(StandardRaces, ALaneThatIsNotDenseIsReportedAndGoesOn) {
  for (const char* body : {"one", "two", "three"}) send(b_, body);
  database_.outsider().executeScript("DELETE FROM howdah.message WHERE seq = 2");
  EXPECT_EQ(bodies(receive(b_, {30, 30, 30})), "one three");
  send(b_, "four");
  EXPECT_EQ(bodies(receive(b_, {30, 30})), "four");
}

TEST_F(StandardRaces, AVisibilityChangeActsOnTheMessageOrOnlyOnItsDelivery) {
  send(b_, "one");
  const DeliveredMessage first = receive(b_, {0}).messages.at(0);
  const DeliveredMessage second = receive(b_, {30}).messages.at(0);
  EXPECT_FALSE(change(b_, delivery(first), 0, true).changed);
  EXPECT_EQ(bodies(receive(b_, {30})), "");
  EXPECT_TRUE(change(b_, delivery(first), 0).changed) << "on a standard queue any handle acts on the message";
  EXPECT_EQ(bodies(receive(b_, {30})), "one");
  EXPECT_FALSE(change(b_, delivery(second), 0, true).changed);
}

TEST_F(StandardRaces, TransactionsOverTheSameQueuesDoNotDeadlock) {
  std::vector<QueueRecord> queues;
  for (int i = 0; i < 12; ++i)
    queues.push_back(std::get<QueueStore::Created>(
                         b_.queues().createQueue({"000000000000", "d" + std::to_string(i)}, {}, {}, seconds(60)))
                         .queue);
  std::vector<std::future<void>> threads;
  for (unsigned thread = 0; thread < 4; ++thread)
    threads.push_back(std::async(std::launch::async, [&, thread] {
      PostgresDatabase& process = thread % 2 ? a_ : b_;
      for (unsigned round = 0; round < 60; ++round) {
        std::vector<NewMessage> messages;
        for (unsigned i = 0; i < 8; ++i) {  // in an order of its own
          const QueueRecord& queue = queues[(thread * 5 + round * 7 + i * (thread + 1)) % queues.size()];
          NewMessage m = message("m", round % 3 == 0 && i % 2 ? 1 : 0);
          m.queue_id = queue.queue_id;
          m.queue_version = queue.version;
          messages.push_back(m);
        }
        for (const SendOutcome& outcome : process.messages().send(messages))
          ASSERT_EQ(outcome.queue, QueueState::Current);
      }
    }));
  for (auto& thread : threads) thread.get();
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 4 * 60 * 8);
}

// Eight threads, two processes; HOWDAH_LOAD_MESSAGES makes it longer.
class StandardLoad : public StandardRaces, public ::testing::WithParamInterface<bool> {};

TEST_P(StandardLoad, LosesNothingAndDeliversNothingEarlyOrAfterItsDelete) {
  std::unique_ptr<postgres::Connection> snapshot;
  if (GetParam()) {  // a forgotten transaction
    snapshot = database_.connect();
    snapshot->executeScript("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM howdah.message");
  }
  LoadOptions load;
  load.stores = {&a_.messages(), &b_.messages()};
  load.queue_id = queue_.queue_id;
  load.queue_version = queue_.version;
  if (const char* messages = std::getenv("HOWDAH_LOAD_MESSAGES")) load.messages = std::atoi(messages);
  for (const std::string& fault : runLoad(load)) ADD_FAILURE() << fault;
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.delivery"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.lane_cursor"), 1);
}

INSTANTIATE_TEST_SUITE_P(Snapshot, StandardLoad, ::testing::Bool(),
                         [](const auto& p) { return p.param ? std::string("Held") : std::string("NotHeld"); });

}  // namespace
}  // namespace howdah::testing
