// Dead letters and retention: what leaves a queue by a receive or by the sweep, on the store.
#include <gtest/gtest.h>

#include <deque>
#include <future>

#include "persistence/postgres/database.h"
#include "persistence/store_error.h"
#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using postgres::PostgresDatabase;
using std::chrono::seconds;

// Held by the test; what a gated process inserts waits for it when it commits.
constexpr const char* kGate = R"(
CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('howdah_test.gated', true) = 'on' THEN PERFORM pg_advisory_xact_lock_shared(4242); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON howdah.message DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.gate();
)";

class DeadLetters : public ::testing::Test {
 protected:
  DeadLetters() : process_(options(), recorder_) {
    process_.migrate();
    queue_ = create("q", {});
    dead_ = create("dead", {});
  }

  postgres::PostgresOptions options(bool gated = false) {
    postgres::PostgresOptions options = database_.options();
    options.test_clock = true;
    options.lock_timeout = seconds(20);
    if (gated) options.connection_string += " options='-c howdah_test.gated=on'";
    return options;
  }
  QueueRecord create(const std::string& name, const StringMap& attributes) {
    return std::get<QueueStore::Created>(
               process_.queues().createQueue({"000000000000", name}, attributes, {}, seconds(60)))
        .queue;
  }

  void send(const QueueRecord& queue, int count, int delay = 0) {
    std::vector<NewMessage> messages;
    for (int i = 0; i < count; ++i) {
      NewMessage m;
      m.queue_id = queue.queue_id;
      m.queue_version = queue.version;
      m.delay_seconds = delay;
      ++made_;
      for (std::size_t b = 0; b < 8; ++b) m.message_id[b] = static_cast<unsigned char>(made_ >> (8 * b));
      m.body = std::to_string(made_);
      m.sender_id = "s";
      messages.push_back(m);
    }
    for (const auto& outcome : process_.messages().send(messages)) ASSERT_EQ(outcome.queue, QueueState::Current);
  }
  ReceiveOutcome receive(const QueueRecord& queue, int count = 10, int timeout = 0, int max_receives = 0,
                         const std::string& target = "dead") {
    return process_.messages().receive(request(queue, count, timeout, max_receives, target));
  }
  ReceiveRequest request(const QueueRecord& queue, int count, int timeout, int max_receives,
                         const std::string& target = "dead") const {
    ReceiveRequest request{queue.queue_id, queue.version,
                           std::vector<std::int32_t>(static_cast<std::size_t>(count), timeout), retention_,
                           std::nullopt};
    if (max_receives > 0) request.redrive = Redrive{max_receives, {"000000000000", target}, queue.queue_name.name};
    return request;
  }
  NewFifoMessage fifoMessage(const std::string& body) {
    NewFifoMessage m;
    ++made_;
    for (std::size_t b = 0; b < 8; ++b) m.message.message_id[b] = static_cast<unsigned char>(made_ >> (8 * b));
    m.message.body = body;
    m.message.sender_id = "s";
    m.message.message_group_id = "g";
    m.message_deduplication_id = m.deduplication_key = body;
    return m;
  }
  std::string receiveFifo(PostgresDatabase& process, const FifoQueueRef& queue, int timeout) {
    const FifoReceive one{10, timeout};
    std::string all;
    const auto outcome = process.fifo().receive(queue, std::span(&one, 1));
    for (const auto& m : outcome.messages.at(0)) all += m.body + std::to_string(m.receive_count) + " ";
    return all;
  }
  void closeGate() {
    database_.outsider().executeScript(kGate);
    database_.outsider().executeScript("SELECT pg_advisory_lock(4242)");
  }
  void openGate() { database_.outsider().executeScript("SELECT pg_advisory_unlock(4242)"); }
  bool someoneWaitsAtTheGate() {
    return eventually([&] {
      return number(
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
                 "'Lock' AND wait_event = 'advisory'") == 1;
    });
  }
  std::int64_t number(const std::string& sql) {
    names_.push_back("number_" + std::to_string(names_.size()));
    return database_.outsider().execute({names_.back(), sql}).only().int8(0);
  }
  void passSeconds(double s) {
    ahead_ += s;
    process_.setTestClockOffset(ahead_);
  }
  MessageCounts counts(const QueueRecord& queue) { return process_.messages().countMessages(queue.queue_id); }

  NullRecorder recorder_;
  TestDatabase database_;
  PostgresDatabase process_;
  QueueRecord queue_;
  QueueRecord dead_;
  seconds retention_{345600};
  std::uint64_t made_ = 0;
  double ahead_ = 0;
  std::deque<std::string> names_;
};

TEST_F(DeadLetters, TheReceiveThatExceedsTheMaximumMovesTheMessageInsteadOfAnsweringIt) {
  send(queue_, 1);
  const auto first = receive(queue_, 1, 0, 1);
  ASSERT_EQ(first.messages.size(), 1u);
  EXPECT_EQ(counts(dead_), MessageCounts{}) << "reaching the maximum is not exceeding it";
  const auto second = receive(queue_, 1, 0, 1);
  EXPECT_TRUE(second.messages.empty());
  EXPECT_EQ(second.removals.dead_lettered, 1);
  EXPECT_EQ(second.removals.dead_letter_queue_id, dead_.queue_id);
  EXPECT_EQ(counts(queue_), MessageCounts{});
  EXPECT_EQ(counts(dead_), (MessageCounts{1, 0, 0}));
  const auto moved = receive(dead_);
  ASSERT_EQ(moved.messages.size(), 1u);
  EXPECT_EQ(moved.messages[0].message_id, first.messages[0].message_id);
  EXPECT_EQ(moved.messages[0].sent_at, first.messages[0].sent_at);
  EXPECT_EQ(moved.messages[0].receive_count, 2);
  EXPECT_EQ(moved.messages[0].source_queue, "q");
  EXPECT_EQ(moved.messages[0].body, first.messages[0].body);
}

TEST_F(DeadLetters, AMoveLeavesRoomForMessagesThatAreDelivered) {
  send(queue_, 3);
  receive(queue_, 3, 0, 1);
  send(queue_, 2);
  const auto outcome = receive(queue_, 10, 30, 1);
  EXPECT_EQ(outcome.messages.size(), 2u);
  EXPECT_EQ(outcome.removals.dead_lettered, 3);
}

TEST_F(DeadLetters, AMissingTargetKeepsTheMessageAndDeliversIt) {
  send(queue_, 1);
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(receive(queue_, 1, 0, 1, "nobody").messages.at(0).receive_count, i);
  EXPECT_EQ(counts(queue_), (MessageCounts{1, 0, 0}));
}

TEST_F(DeadLetters, EachQueueOfAChainCountsAnew) {
  const QueueRecord last = create("last", {});
  send(queue_, 1);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(receive(queue_, 1, 0, 2).messages.size(), 1u);
  ASSERT_TRUE(receive(queue_, 1, 0, 2).messages.empty());
  for (int i = 3; i <= 4; ++i) ASSERT_EQ(receive(dead_, 1, 0, 2, "last").messages.at(0).receive_count, i);
  ASSERT_TRUE(receive(dead_, 1, 0, 2, "last").messages.empty());
  const auto end = receive(last);
  EXPECT_EQ(end.messages.at(0).receive_count, 5);
  EXPECT_EQ(end.messages.at(0).source_queue, "dead");
}

TEST_F(DeadLetters, AQueueMayBeItsOwnTarget) {
  send(queue_, 1);
  std::int32_t last = 0;
  for (int i = 0; i < 12; ++i) {
    const auto outcome = receive(queue_, 1, 0, 2, "q");
    if (!outcome.messages.empty()) last = outcome.messages[0].receive_count;
    EXPECT_EQ(counts(queue_), (MessageCounts{1, 0, 0}));
  }
  EXPECT_GE(last, 4);
}

TEST_F(DeadLetters, ManyAreMovedInBoundedStepsAndNoneIsLost) {
  send(queue_, 450);
  for (int i = 0; i < 45; ++i) ASSERT_EQ(receive(queue_, 10, 0, 45).messages.size(), 10u);
  int calls = 0;
  while (counts(dead_).visible < 450 && ++calls < 100) receive(queue_, 10, 0, 1);
  EXPECT_EQ(counts(dead_).visible, 450);
  EXPECT_EQ(counts(queue_), MessageCounts{});
  EXPECT_EQ(number("SELECT count(DISTINCT message_id) FROM howdah.message"), 450);
}

TEST_F(DeadLetters, ConcurrentReceiversMoveEachMessageOnce) {
  send(queue_, 200);
  while (receive(queue_, 10, 0, 1000).messages.at(0).receive_count < 3) {
  }
  std::vector<std::future<std::int64_t>> threads;
  for (int i = 0; i < 4; ++i)
    threads.push_back(std::async(std::launch::async, [&] {
      std::int64_t moved = 0;
      for (int n = 0; n < 60; ++n) moved += receive(queue_, 10, 0, 2).removals.dead_lettered;
      return moved;
    }));
  std::int64_t moved = 0;
  for (auto& thread : threads) moved += thread.get();
  EXPECT_EQ(counts(dead_).visible, moved);
  EXPECT_EQ(counts(queue_).visible + counts(dead_).visible, 200);
  EXPECT_EQ(number("SELECT count(DISTINCT message_id) FROM howdah.message"), 200);
}

TEST_F(DeadLetters, AMovePurgesWithItsTarget) {
  send(queue_, 1);
  receive(queue_, 1, 0, 1);
  const QueueRecord after = std::get<QueueRecord>(process_.queues().purgeQueue(dead_.queue_name, seconds(0)));
  EXPECT_EQ(receive(queue_, 1, 0, 1).removals.dead_letter_queue_id, after.queue_id);
  EXPECT_EQ(counts(after), (MessageCounts{1, 0, 0}));
}

TEST_F(DeadLetters, FifoMovesKeepTheOrderOfTheGroupAndTheGroupGoesOn) {
  const QueueRecord queue = create("q.fifo", {{"FifoQueue", "true"}});
  const QueueRecord dead = create("dead.fifo", {{"FifoQueue", "true"}});
  FifoQueueRef ref{queue.queue_id, queue.version, seconds(0), seconds(345600), {}};
  ref.redrive = Redrive{1, {"000000000000", "dead.fifo"}, "q.fifo"};
  const FifoQueueRef dead_ref{dead.queue_id, dead.version, seconds(0), seconds(345600), {}};
  const auto sendFifo = [&](const std::string& body) { process_.fifo().send(ref, std::vector{fifoMessage(body)}); };
  const auto bodies = [&](const FifoQueueRef& from, int timeout) { return receiveFifo(process_, from, timeout); };
  for (const char* body : {"a", "b", "c"}) sendFifo(body);
  EXPECT_EQ(bodies(ref, 0), "a1 b1 c1 ");
  sendFifo("d");
  EXPECT_EQ(bodies(ref, 30), "d1 ") << "those before it went, the group goes on";
  EXPECT_EQ(bodies(dead_ref, 30), "a2 b2 c2 ");
  EXPECT_EQ(process_.fifo().countMessages(ref.queue_id), (MessageCounts{0, 1, 0}));
  EXPECT_EQ(process_.fifo().countMessages(dead_ref.queue_id), (MessageCounts{0, 3, 0}));
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message WHERE source_queue = 'q.fifo' AND message_deduplication_id = "
                   "message_id::text"),
            3);
}

TEST_F(DeadLetters, AReceiverKilledBeforeItsCommitHasMovedNothing) {
  send(queue_, 3);
  ASSERT_EQ(receive(queue_, 3, 0).messages.size(), 3u);
  {
    PostgresDatabase other(options(true), recorder_);
    other.migrate();
    closeGate();
    auto held = std::async(std::launch::async, [&] { return other.messages().receive(request(queue_, 10, 30, 1)); });
    ASSERT_TRUE(someoneWaitsAtTheGate());
    database_.terminateBackends();
    EXPECT_THROW(held.get(), StoreError);
    openGate();
  }
  EXPECT_EQ(counts(queue_), (MessageCounts{3, 0, 0}));
  EXPECT_EQ(counts(dead_), MessageCounts{});
  EXPECT_EQ(receive(queue_, 10, 30, 1).removals.dead_lettered, 3);
  EXPECT_EQ(counts(dead_), (MessageCounts{3, 0, 0}));
}

TEST_F(DeadLetters, WhileOneProcessMovesAMessageAnotherNeitherMovesNorDeliversIt) {
  send(queue_, 2);
  ASSERT_EQ(receive(queue_, 2, 0).messages.size(), 2u);
  PostgresDatabase other(options(true), recorder_);
  other.migrate();
  closeGate();
  auto held = std::async(std::launch::async, [&] { return other.messages().receive(request(queue_, 10, 30, 1)); });
  ASSERT_TRUE(someoneWaitsAtTheGate());
  const auto second = receive(queue_, 10, 30, 1);
  EXPECT_TRUE(second.messages.empty());
  EXPECT_EQ(second.removals.dead_lettered, 0);
  EXPECT_EQ(counts(dead_), MessageCounts{}) << "not before the commit";
  openGate();
  EXPECT_EQ(held.get().removals.dead_lettered, 2);
  EXPECT_EQ(counts(queue_), MessageCounts{});
  EXPECT_EQ(counts(dead_), (MessageCounts{2, 0, 0}));
}

TEST_F(DeadLetters, TheTimeInTheSourceCountsAgainstTheRetentionOfTheTarget) {
  send(queue_, 1);
  receive(queue_, 1, 0, 1);
  passSeconds(50);
  ASSERT_EQ(receive(queue_, 1, 0, 1).removals.dead_lettered, 1);
  retention_ = seconds(60);  // of the target
  ASSERT_EQ(receive(dead_, 1, 0).messages.size(), 1u);
  passSeconds(11);
  const auto outcome = receive(dead_, 1, 0);
  EXPECT_TRUE(outcome.messages.empty());
  EXPECT_EQ(outcome.removals.expired, 1);
}

TEST_F(DeadLetters, OfAFifoQueueTheRetentionOfTheTargetBeginsWithTheMove) {
  const QueueRecord queue = create("q.fifo", {{"FifoQueue", "true"}});
  const QueueRecord dead = create("dead.fifo", {{"FifoQueue", "true"}});
  FifoQueueRef ref{queue.queue_id, queue.version, seconds(0), seconds(345600), {}};
  ref.redrive = Redrive{1, dead.queue_name, "q.fifo"};
  const FifoQueueRef dead_ref{dead.queue_id, dead.version, seconds(0), seconds(60), {}};
  process_.fifo().send(ref, std::vector{fifoMessage("a")});
  ASSERT_EQ(receiveFifo(process_, ref, 0), "a1 ");
  passSeconds(50);
  ASSERT_EQ(receiveFifo(process_, ref, 0), "");
  passSeconds(59);
  EXPECT_EQ(receiveFifo(process_, dead_ref, 0), "a2 ");
  passSeconds(2);
  EXPECT_EQ(receiveFifo(process_, dead_ref, 0), "");
  EXPECT_EQ(process_.fifo().countMessages(dead.queue_id), MessageCounts{});
}

TEST_F(DeadLetters, AFifoReceiverKilledBeforeItsCommitHasMovedNothing) {
  const QueueRecord queue = create("q.fifo", {{"FifoQueue", "true"}});
  const QueueRecord dead = create("dead.fifo", {{"FifoQueue", "true"}});
  FifoQueueRef ref{queue.queue_id, queue.version, seconds(0), seconds(345600), {}};
  const FifoQueueRef dead_ref{dead.queue_id, dead.version, seconds(0), seconds(345600), {}};
  for (const char* body : {"a", "b"}) process_.fifo().send(ref, std::vector{fifoMessage(body)});
  ASSERT_EQ(receiveFifo(process_, ref, 0), "a1 b1 ");
  ref.redrive = Redrive{1, dead.queue_name, "q.fifo"};
  {
    PostgresDatabase other(options(true), recorder_);
    other.migrate();
    closeGate();
    auto held = std::async(std::launch::async, [&] { return receiveFifo(other, ref, 30); });
    ASSERT_TRUE(someoneWaitsAtTheGate());
    database_.terminateBackends();
    EXPECT_THROW(held.get(), StoreError);
    openGate();
  }
  EXPECT_EQ(process_.fifo().countMessages(queue.queue_id), (MessageCounts{2, 0, 0}));
  EXPECT_EQ(process_.fifo().countMessages(dead.queue_id), MessageCounts{});
  EXPECT_EQ(receiveFifo(process_, ref, 30), "");
  EXPECT_EQ(receiveFifo(process_, dead_ref, 30), "a2 b2 ");
}

TEST_F(DeadLetters, EachFifoQueueOfACycleCountsAnewAndNoneIsLost) {
  const QueueRecord one = create("one.fifo", {{"FifoQueue", "true"}});
  const QueueRecord two = create("two.fifo", {{"FifoQueue", "true"}});
  FifoQueueRef one_ref{one.queue_id, one.version, seconds(0), seconds(345600), {}};
  FifoQueueRef two_ref{two.queue_id, two.version, seconds(0), seconds(345600), {}};
  one_ref.redrive = Redrive{1, two.queue_name, "one.fifo"};
  two_ref.redrive = Redrive{1, one.queue_name, "two.fifo"};
  process_.fifo().send(one_ref, std::vector{fifoMessage("a")});
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(receiveFifo(process_, one_ref, 0), "a" + std::to_string(2 * round + 1) + " ");
    EXPECT_EQ(receiveFifo(process_, one_ref, 0), "");
    EXPECT_EQ(receiveFifo(process_, two_ref, 0), "a" + std::to_string(2 * round + 2) + " ");
    EXPECT_EQ(receiveFifo(process_, two_ref, 0), "");
  }
}

TEST_F(DeadLetters, TwoQueuesThatAreEachOthersTargetDoNotDeadlock) {
  send(queue_, 50);
  const auto receiveFrom = [&](const QueueRecord& from, const std::string& to) {
    return std::async(std::launch::async, [this, &from, to] {
      for (int n = 0; n < 100; ++n) receive(from, 10, 0, 1, to);
    });
  };
  auto there = receiveFrom(queue_, "dead");
  auto back = receiveFrom(dead_, "q");
  EXPECT_NO_THROW(there.get());
  EXPECT_NO_THROW(back.get());
  EXPECT_EQ(counts(queue_).visible + counts(dead_).visible, 50);
  EXPECT_EQ(number("SELECT count(DISTINCT message_id) FROM howdah.message"), 50);
}

TEST_F(DeadLetters, AFifoQueueWithoutItsTargetDelivers) {
  const QueueRecord queue = create("lonely.fifo", {{"FifoQueue", "true"}});
  FifoQueueRef ref{queue.queue_id, queue.version, seconds(0), seconds(345600), {}};
  ref.redrive = Redrive{1, {"000000000000", "nobody.fifo"}, "lonely.fifo"};
  NewFifoMessage m;
  m.message.body = "a";
  m.message.sender_id = "s";
  m.message.message_group_id = "g";
  m.message_deduplication_id = m.deduplication_key = "a";
  process_.fifo().send(ref, std::vector{m});
  const FifoReceive one{1, 0};
  for (int i = 1; i <= 3; ++i)
    EXPECT_EQ(process_.fifo().receive(ref, std::span(&one, 1)).messages.at(0).at(0).receive_count, i);
}

TEST_F(DeadLetters, NothingOlderThanTheRetentionIsDeliveredWhateverItsState) {
  retention_ = seconds(60);
  send(queue_, 2);         // above the cursor
  receive(queue_, 1, 30);  // one in flight
  send(queue_, 1, 10);     // delayed
  passSeconds(40);
  send(queue_, 1);
  passSeconds(21);
  const auto outcome = receive(queue_, 10, 30);
  ASSERT_EQ(outcome.messages.size(), 1u);
  EXPECT_EQ(outcome.messages[0].body, "4");
  EXPECT_EQ(outcome.removals.expired, 3);
  EXPECT_EQ(counts(queue_), (MessageCounts{0, 1, 0}));
}

TEST_F(DeadLetters, ARetentionShortenedOverManyMessagesCostsAReceiveLittleAndTheSweepFreesThem) {
  number("WITH m AS (INSERT INTO howdah.message SELECT " + std::to_string(queue_.queue_id) +
         ", 1, i, clock_timestamp() - interval '1 day' + i * interval '1 microsecond', gen_random_uuid(), 'body', "
         "NULL, 's' "
         "FROM generate_series(1, 200000) i RETURNING 1) SELECT count(*) FROM m");
  send(queue_, 1);
  retention_ = seconds(3600);
  const auto before = std::chrono::steady_clock::now();
  const auto outcome = receive(queue_, 10, 30);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(outcome.messages.size(), 1u);
  EXPECT_EQ(outcome.removals.expired, 200000);
  EXPECT_LT(took, std::chrono::seconds(1)) << "twenty probes, not a walk";
  EXPECT_EQ(counts(queue_), (MessageCounts{0, 1, 0}));
  std::int64_t deleted = 0;
  for (bool more = true; more;) {
    const auto sweep = process_.maintenance().sweepRetention(10000, seconds(345600));
    deleted += sweep.rows_deleted;
    EXPECT_EQ(sweep.messages, 0) << "the receive has told them";
    more = sweep.more;
  }
  EXPECT_EQ(deleted, 200000);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.expired_range"), 0);
}

TEST_F(DeadLetters, TheSweepFreesWhatNobodyReceives) {
  const QueueRecord fifo = create("old.fifo", {{"FifoQueue", "true"}, {"MessageRetentionPeriod", "60"}});
  FifoQueueRef ref{fifo.queue_id, fifo.version, seconds(0), seconds(60), {}};
  NewFifoMessage m;
  m.message.body = "a";
  m.message.sender_id = "s";
  m.message.message_group_id = "g";
  m.message_deduplication_id = m.deduplication_key = "a";
  process_.fifo().send(ref, std::vector{m});
  const QueueRecord brief = create("brief", {{"MessageRetentionPeriod", "60"}});
  send(brief, 5);
  receive(brief, 2, 43200);
  send(brief, 2, 900);
  send(queue_, 1);
  passSeconds(61);
  std::int64_t messages = 0;
  for (bool more = true; more;) {
    const auto swept = process_.maintenance().sweepRetention(1000, seconds(345600));
    messages += swept.messages;
    more = swept.more;
  }
  EXPECT_EQ(messages, 1 + 5 + 2);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.delivery"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.fifo_turn"), 0);
  EXPECT_EQ(counts(brief), MessageCounts{});
  EXPECT_EQ(counts(queue_), (MessageCounts{1, 0, 0}));
  EXPECT_EQ(process_.fifo().countMessages(ref.queue_id), MessageCounts{});
}

TEST_F(DeadLetters, AGroupWhoseHeadGrowsTooOldInFlightGoesOnAfterTheSweep) {
  const QueueRecord fifo = create("held.fifo", {{"FifoQueue", "true"}, {"MessageRetentionPeriod", "60"}});
  const FifoQueueRef ref{fifo.queue_id, fifo.version, seconds(0), seconds(60), {}};
  process_.fifo().send(ref, std::vector{fifoMessage("a")});
  EXPECT_EQ(receiveFifo(process_, ref, 43200), "a1 ");
  passSeconds(61);
  process_.fifo().send(ref, std::vector{fifoMessage("b")});
  EXPECT_EQ(receiveFifo(process_, ref, 30), "");
  EXPECT_EQ(process_.maintenance().sweepRetention(1000, seconds(345600)).messages, 1);
  EXPECT_EQ(receiveFifo(process_, ref, 30), "b1 ");
}

TEST_F(DeadLetters, DeduplicationWindowsAreSweptAfterTheyEnd) {
  const QueueRecord fifo = create("w.fifo", {{"FifoQueue", "true"}});
  const FifoQueueRef ref{fifo.queue_id, fifo.version, seconds(0), seconds(345600), {}};
  NewFifoMessage m;
  m.message.body = "a";
  m.message.sender_id = "s";
  m.message.message_group_id = "g";
  m.message_deduplication_id = m.deduplication_key = "a";
  process_.fifo().send(ref, std::vector{m});
  process_.fifo().receiveAttempt(ref, {1, 30}, "try");
  EXPECT_EQ(process_.maintenance().sweepWindows(100).rows_deleted, 0);
  passSeconds(365);
  EXPECT_EQ(process_.maintenance().sweepWindows(100).rows_deleted, 2);
}

}  // namespace
}  // namespace howdah::testing
