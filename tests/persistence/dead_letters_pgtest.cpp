// Dead letters and retention: what leaves a queue by a receive or by the sweep, on the store.
#include <gtest/gtest.h>

#include <deque>
#include <future>

#include "persistence/postgres/database.h"
#include "tests/support/test_database.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using postgres::PostgresDatabase;
using std::chrono::seconds;

class DeadLetters : public ::testing::Test {
 protected:
  DeadLetters() : process_(options(), recorder_) {
    process_.migrate();
    queue_ = create("q", {});
    dead_ = create("dead", {});
  }

  postgres::PostgresOptions options() {
    postgres::PostgresOptions options = database_.options();
    options.test_clock = true;
    options.lock_timeout = seconds(20);
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
    ReceiveRequest request{queue.queue_id, queue.version,
                           std::vector<std::int32_t>(static_cast<std::size_t>(count), timeout), retention_,
                           std::nullopt};
    if (max_receives > 0) request.redrive = Redrive{max_receives, {"000000000000", target}, queue.queue_name.name};
    return process_.messages().receive(request);
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
  const auto sendFifo = [&](const std::string& body) {
    NewFifoMessage m;
    m.message.queue_id = queue.queue_id;
    ++made_;
    for (std::size_t b = 0; b < 8; ++b) m.message.message_id[b] = static_cast<unsigned char>(made_ >> (8 * b));
    m.message.body = body;
    m.message.sender_id = "s";
    m.message.message_group_id = "g";
    m.message_deduplication_id = m.deduplication_key = body;
    process_.fifo().send(ref, std::vector{m});
  };
  const auto bodies = [&](const FifoQueueRef& from, int timeout) {
    const FifoReceive one{10, timeout};
    std::string all;
    const auto outcome = process_.fifo().receive(from, std::span(&one, 1));
    for (const auto& m : outcome.messages.at(0)) all += m.body + std::to_string(m.receive_count) + " ";
    return all;
  };
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
  for (bool more = true; more;) more = process_.maintenance().sweepRetention(1000, seconds(345600)).more;
  EXPECT_EQ(number("SELECT count(*) FROM howdah.message"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.delivery"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM howdah.fifo_turn"), 0);
  EXPECT_EQ(counts(brief), MessageCounts{});
  EXPECT_EQ(counts(queue_), (MessageCounts{1, 0, 0}));
  EXPECT_EQ(process_.fifo().countMessages(ref.queue_id), MessageCounts{});
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
