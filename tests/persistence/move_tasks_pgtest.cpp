// Message move tasks on the store: what a batch moves, how a task ends, and what no crash may do.
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <set>

#include "persistence/postgres/database.h"
#include "persistence/store_error.h"
#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using postgres::PostgresDatabase;
using postgres::PostgresOptions;
using std::chrono::seconds;
using StartOutcome = MoveTaskStore::StartOutcome;

constexpr const char* kAccount = "000000000000";
constexpr seconds kRetention{345600};

// Held by the test; the batches of a gated process wait for it when they commit.
constexpr const char* kGate = R"(
CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('howdah_test.gated', true) = 'on' THEN PERFORM pg_advisory_xact_lock_shared(4242); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate AFTER UPDATE ON howdah.move_task DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION public.gate();
)";

class MoveTasks : public ::testing::Test {
 protected:
  MoveTasks() : process_(options(false), recorder_) {
    process_.migrate();
    queue_ = create("q");
    dead_ = create("dead");
  }

  PostgresOptions options(bool gated) {
    PostgresOptions options = database_.options();
    options.test_clock = true;
    options.lock_timeout = seconds(20);
    if (gated) options.connection_string += " options='-c howdah_test.gated=on'";
    return options;
  }
  QueueRecord create(const std::string& name, StringMap attributes = {}) {
    if (name.ends_with(".fifo")) attributes["FifoQueue"] = "true";
    return std::get<QueueStore::Created>(process_.queues().createQueue({kAccount, name}, attributes, {}, seconds(0)))
        .queue;
  }

  NewMessage message(const std::string& body) {
    NewMessage m;
    ++made_;
    for (std::size_t b = 0; b < 8; ++b) m.message_id[b] = static_cast<unsigned char>(made_ >> (8 * b));
    m.body = body;
    m.sender_id = "s";
    return m;
  }
  void send(const QueueRecord& queue, NewMessage m) {
    m.queue_id = queue.queue_id;
    m.queue_version = queue.version;
    ASSERT_EQ(process_.messages().send(std::vector{m}).at(0).queue, QueueState::Current);
  }
  void send(const QueueRecord& queue, int count) {
    for (int i = 0; i < count; ++i) send(queue, message(std::to_string(i)));
  }
  ReceiveOutcome receive(const QueueRecord& queue, int count = 10, int timeout = 30, bool redrive = false) {
    ReceiveRequest request{queue.queue_id, queue.version,
                           std::vector<std::int32_t>(static_cast<std::size_t>(count), timeout), kRetention,
                           std::nullopt};
    if (redrive) request.redrive = Redrive{1, dead_.queue_name, queue.queue_name.name};
    return process_.messages().receive(request);
  }
  // `count` messages that `queue` could not have processed, in the dead-letter queue.
  void sendDead(const QueueRecord& queue, int count) {
    send(queue, count);
    for (int left = count; left > 0;) left -= static_cast<int>(receive(queue, 10, 0, false).messages.size());
    for (int left = count; left > 0;) left -= static_cast<int>(receive(queue, 10, 0, true).removals.dead_lettered);
  }

  static std::string bodies(const std::vector<DeliveredMessage>& messages) {
    std::string all;
    for (const auto& m : messages) all += (all.empty() ? "" : " ") + m.body;
    return all;
  }

  FifoQueueRef fifo(const QueueRecord& queue) {
    return {queue.queue_id, queue.version, seconds(0), kRetention, std::nullopt};
  }
  void sendFifo(const QueueRecord& queue, const std::string& group, const std::string& body) {
    NewFifoMessage m;
    m.message = message(body);
    m.message.queue_id = queue.queue_id;
    m.message.message_group_id = group;
    m.message_deduplication_id = m.deduplication_key = group + body;
    ASSERT_EQ(process_.fifo().send(fifo(queue), std::vector{m}).queue, QueueState::Current);
  }
  std::vector<DeliveredMessage> receiveFifo(const FifoQueueRef& queue, int count = 10, int timeout = 30) {
    const FifoReceive one{count, timeout};
    return process_.fifo().receive(queue, std::span(&one, 1)).messages.at(0);
  }
  // Everything that is in `queue` goes to `dead` as its dead letters.
  void killFifo(const QueueRecord& queue, const QueueRecord& dead) {
    FifoQueueRef ref = fifo(queue);
    while (process_.fifo().countMessages(queue.queue_id).visible > 0) {
      ref.redrive = Redrive{1, dead.queue_name, queue.queue_name.name};
      receiveFifo(ref, 10, 0);
    }
  }

  StartOutcome start(NewMoveTask task, int maximum_active = 100) {
    return process_.moveTasks().startMoveTask(task, maximum_active);
  }
  NewMoveTask task(const QueueRecord& source, std::optional<std::string> destination = std::nullopt) {
    ++made_;
    NewMoveTask task;
    for (std::size_t b = 0; b < 8; ++b) task.task_id[b] = static_cast<unsigned char>(made_ >> (8 * b));
    task.source = source.queue_name;
    task.destination_name = std::move(destination);
    return task;
  }
  MoveTaskId started(const QueueRecord& source, std::optional<std::string> destination = std::nullopt) {
    const NewMoveTask made = task(source, std::move(destination));
    EXPECT_EQ(start(made), StartOutcome::Started);
    return made.task_id;
  }
  MoveBatch moveBatch(const MoveTaskId& id, int rows = 500, std::int64_t bytes = 4 * 1024 * 1024) {
    return process_.moveTasks().moveBatch(id, {.rows = rows, .bytes = bytes});
  }
  // Batches until the task is over. Answers how many were moved.
  std::int64_t moveAll(const MoveTaskId& id, int rows = 500) {
    std::int64_t moved = 0;
    for (int batches = 0; batches < 1000; ++batches) {
      const MoveBatch batch = moveBatch(id, rows);
      moved += batch.moved;
      if (batch.ended) return moved;
    }
    ADD_FAILURE() << "the task does not end";
    return moved;
  }
  MoveTask latest(const QueueRecord& source) { return process_.moveTasks().listMoveTasks(source.queue_name, 1).at(0); }
  static std::string ending(const MoveTask& task) { return task.status + " " + task.failure_reason.value_or("-"); }

  MessageCounts counts(const QueueRecord& queue) {
    return queue.queue_name.name.ends_with(".fifo") ? process_.fifo().countMessages(queue.queue_id)
                                                    : process_.messages().countMessages(queue.queue_id);
  }
  std::int64_t number(const std::string& sql) {
    names_.push_back("number_" + std::to_string(names_.size()));
    return database_.outsider().execute({names_.back(), sql}).only().int8(0);
  }
  void passSeconds(double s) {
    ahead_ += s;
    process_.setTestClockOffset(ahead_);
  }
  void closeGate() {
    database_.outsider().executeScript(kGate);
    database_.outsider().executeScript("SELECT pg_advisory_lock(4242)");
  }
  void openGate() { database_.outsider().executeScript("SELECT pg_advisory_unlock(4242)"); }
  bool someoneWaits(const std::string& which) {
    return eventually([&] {
      return number(
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
                 "'Lock' AND wait_event " +
                 which) == 1;
    });
  }

  NullRecorder recorder_;
  TestDatabase database_;
  PostgresDatabase process_;
  QueueRecord queue_;
  QueueRecord dead_;
  std::uint64_t made_ = 0;
  double ahead_ = 0;
  std::deque<std::string> names_;
};

// Starting

TEST_F(MoveTasks, ASourceHasOneTaskAtATime) {
  const QueueRecord other = create("other");
  const MoveTaskId first = started(dead_);
  EXPECT_EQ(start(task(dead_)), StartOutcome::AlreadyRunning);
  EXPECT_EQ(start(task(other)), StartOutcome::Started);
  moveAll(first);
  EXPECT_EQ(start(task(dead_)), StartOutcome::Started);
}

TEST_F(MoveTasks, OfTwoStartsAtOnceOneIsRefused) {
  PostgresDatabase other(options(false), recorder_);
  other.migrate();
  for (int round = 0; round < 20; ++round) {
    const NewMoveTask one = task(dead_);
    const NewMoveTask two = task(dead_);
    auto first = std::async(std::launch::async, [&] { return start(one); });
    const auto second = other.moveTasks().startMoveTask(two, 100);
    const std::multiset<StartOutcome> outcomes{first.get(), second};
    ASSERT_EQ(outcomes, (std::multiset<StartOutcome>{StartOutcome::Started, StartOutcome::AlreadyRunning}));
    moveAll(latest(dead_).task_id);
  }
}

TEST_F(MoveTasks, AnAccountHasSoManyActiveTasks) {
  const QueueRecord other = create("other");
  started(dead_);
  EXPECT_EQ(start(task(other), 1), StartOutcome::TooManyActive);
  EXPECT_EQ(start(task(other), 2), StartOutcome::Started);
}

TEST_F(MoveTasks, AMissingSourceHasNone) {
  process_.queues().deleteQueue(dead_.queue_name);
  EXPECT_EQ(start(task(dead_)), StartOutcome::NoSuchSource);
}

// Moving

TEST_F(MoveTasks, EachMessageReturnsToTheQueueItCameFrom) {
  const QueueRecord other = create("other");
  sendDead(queue_, 3);
  sendDead(other, 2);
  ASSERT_EQ(counts(dead_), (MessageCounts{5, 0, 0}));
  const MoveTaskId id = started(dead_);
  const MoveBatch batch = moveBatch(id);
  EXPECT_EQ(batch.moved, 5);
  EXPECT_EQ(std::set(batch.targets.begin(), batch.targets.end()), (std::set{queue_.queue_id, other.queue_id}));
  EXPECT_EQ(counts(queue_), (MessageCounts{3, 0, 0}));
  EXPECT_EQ(counts(other), (MessageCounts{2, 0, 0}));
  EXPECT_EQ(counts(dead_), MessageCounts{});
  EXPECT_EQ(moveAll(id), 0);
  EXPECT_EQ(ending(latest(dead_)), "COMPLETED -");
}

TEST_F(MoveTasks, ADestinationTakesAllEvenWhatWasSentStraightToTheSource) {
  const QueueRecord destination = create("destination");
  sendDead(queue_, 2);
  send(dead_, 3);
  EXPECT_EQ(moveAll(started(dead_, "destination")), 5);
  EXPECT_EQ(counts(destination), (MessageCounts{5, 0, 0}));
  EXPECT_EQ(counts(queue_), MessageCounts{});
  EXPECT_EQ(counts(dead_), MessageCounts{});
  EXPECT_EQ(ending(latest(dead_)), "COMPLETED -");
}

TEST_F(MoveTasks, AMovedMessageIsANewOneWithTheSameContent) {
  NewMessage m = message("body");
  m.message_attributes = "attributes";
  m.trace_header = "trace";
  m.message_group_id = "group";
  send(queue_, m);
  const auto before = receive(queue_, 1, 0).messages.at(0);
  receive(queue_, 1, 0, true);
  passSeconds(100);
  moveAll(started(dead_));
  const auto after = receive(queue_).messages.at(0);
  EXPECT_NE(after.message_id, before.message_id);
  EXPECT_GE(after.sent_at - before.sent_at, seconds(100));
  EXPECT_EQ(after.receive_count, 1);
  EXPECT_EQ(after.first_received_at, after.received_at);
  EXPECT_EQ(after.source_queue, std::nullopt);
  EXPECT_EQ(after.body, "body");
  EXPECT_EQ(after.message_attributes, "attributes");
  EXPECT_EQ(after.sender_id, "s");
  EXPECT_EQ(after.trace_header, "trace");
  EXPECT_EQ(after.message_group_id, "group");
}

TEST_F(MoveTasks, AMovedMessageMayBecomeADeadLetterAgain) {
  sendDead(queue_, 1);
  moveAll(started(dead_));
  EXPECT_EQ(receive(queue_, 1, 0, true).messages.size(), 1u) << "its receives are counted anew";
  EXPECT_EQ(receive(queue_, 1, 0, true).removals.dead_lettered, 1);
  EXPECT_EQ(counts(dead_), (MessageCounts{1, 0, 0}));
}

TEST_F(MoveTasks, TheOldestGoFirstInBatchesOfSoManyRows) {
  for (int i = 0; i < 7; ++i) send(dead_, message(std::to_string(i)));
  const QueueRecord destination = create("destination");
  const MoveTaskId id = started(dead_, "destination");
  EXPECT_EQ(moveBatch(id, 3).moved, 3);
  EXPECT_EQ(bodies(receive(destination).messages), "0 1 2");
  EXPECT_EQ(counts(dead_), (MessageCounts{4, 0, 0}));
  EXPECT_EQ(moveBatch(id, 3).moved, 3);
  EXPECT_EQ(bodies(receive(destination).messages), "3 4 5");
  EXPECT_EQ(moveAll(id, 3), 1);
  EXPECT_EQ(bodies(receive(destination).messages), "6");
}

TEST_F(MoveTasks, DeadLettersGoInTheOrderInWhichTheyCame) {
  sendDead(queue_, 5);
  const QueueRecord destination = create("destination");
  moveAll(started(dead_, "destination"), 2);
  EXPECT_EQ(bodies(receive(destination).messages), "0 1 2 3 4");
}

TEST_F(MoveTasks, ABatchHoldsSoManyBytesButAtLeastOneMessage) {
  for (int i = 0; i < 4; ++i) send(dead_, message(std::string(1000, 'x')));
  create("destination");
  const MoveTaskId id = started(dead_, "destination");
  EXPECT_EQ(moveBatch(id, 500, 2000).moved, 2);
  EXPECT_EQ(moveBatch(id, 500, 10).moved, 1);
  EXPECT_EQ(moveAll(id), 1);
}

TEST_F(MoveTasks, ProgressIsCountedAgainstWhatWasVisibleAtTheStart) {
  sendDead(queue_, 5);
  receive(dead_, 1, 1000);
  const MoveTaskId id = started(dead_);
  EXPECT_EQ(latest(dead_).to_move, 4);
  moveBatch(id, 3);
  const MoveTask half = latest(dead_);
  EXPECT_EQ(half.moved, 3);
  EXPECT_EQ(half.to_move, 4);
  EXPECT_EQ(half.status, "RUNNING");
}

TEST_F(MoveTasks, WhatIsInFlightStaysUnlessItBecomesVisibleInTime) {
  sendDead(queue_, 4);
  ASSERT_EQ(receive(dead_, 1, 20).messages.size(), 1u);
  ASSERT_EQ(receive(dead_, 1, 1000).messages.size(), 1u);
  const MoveTaskId id = started(dead_);
  EXPECT_EQ(moveBatch(id, 1).moved, 1);
  passSeconds(21);
  EXPECT_EQ(moveAll(id, 1), 2) << "the one whose timeout ended comes too, the other does not hold the task";
  EXPECT_EQ(counts(dead_), (MessageCounts{0, 1, 0}));
  EXPECT_EQ(ending(latest(dead_)), "COMPLETED -");
}

TEST_F(MoveTasks, WhatComesAfterTheStartStays) {
  const QueueRecord destination = create("destination");
  send(dead_, 2);
  const MoveTaskId id = started(dead_, "destination");
  passSeconds(1);
  send(dead_, 3);
  ASSERT_EQ(receive(dead_, 5, 0).messages.size(), 5u);  // those that were received too
  EXPECT_EQ(moveAll(id), 2);
  EXPECT_EQ(counts(dead_), (MessageCounts{3, 0, 0}));
}

TEST_F(MoveTasks, WhatIsTooOldIsDeletedInsteadOfMoved) {
  create("destination");
  send(dead_, 2);
  passSeconds(static_cast<double>(kRetention.count()) - 10);
  send(dead_, 1);
  const MoveTaskId id = started(dead_, "destination");
  passSeconds(11);
  EXPECT_EQ(moveAll(id), 1);
  EXPECT_EQ(counts(dead_), MessageCounts{});
}

TEST_F(MoveTasks, ADeadLetterQueueMayBeItsOwnSource) {
  send(dead_, 3);
  ASSERT_EQ(receive(dead_, 3, 0).messages.size(), 3u);
  ASSERT_EQ(receive(dead_, 3, 0, true).removals.dead_lettered, 3);
  passSeconds(1);
  EXPECT_EQ(moveAll(started(dead_)), 3) << "each once: moved ones are newer than the task";
  EXPECT_EQ(counts(dead_), (MessageCounts{3, 0, 0}));
}

TEST_F(MoveTasks, APurgedDestinationIsTheSameQueue) {
  sendDead(queue_, 2);
  const MoveTaskId id = started(dead_);
  moveBatch(id, 1);
  const auto after = std::get<QueueRecord>(process_.queues().purgeQueue(queue_.queue_name, seconds(0)));
  EXPECT_EQ(moveAll(id), 1);
  EXPECT_EQ(counts(after), (MessageCounts{1, 0, 0}));
}

TEST_F(MoveTasks, APurgedSourceHasNothingLeft) {
  sendDead(queue_, 2);
  const MoveTaskId id = started(dead_);
  moveBatch(id, 1);
  std::get<QueueRecord>(process_.queues().purgeQueue(dead_.queue_name, seconds(0)));
  EXPECT_EQ(moveAll(id), 0);
  EXPECT_EQ(ending(latest(dead_)), "COMPLETED -");
  EXPECT_EQ(latest(dead_).moved, 1);
}

// Endings

TEST_F(MoveTasks, AMessageThatCameFromNoQueueFailsTheTaskAndStays) {
  sendDead(queue_, 2);
  send(dead_, 1);
  EXPECT_EQ(moveAll(started(dead_)), 2);
  EXPECT_EQ(ending(latest(dead_)), "FAILED CouldNotDetermineMessageSource");
  EXPECT_EQ(latest(dead_).moved, 2);
  EXPECT_EQ(counts(dead_), (MessageCounts{1, 0, 0}));
  EXPECT_EQ(counts(queue_), (MessageCounts{2, 0, 0}));
}

TEST_F(MoveTasks, ADestinationDeletedMeanwhileFailsTheTaskAndNothingIsLost) {
  const QueueRecord destination = create("destination");
  sendDead(queue_, 3);
  const MoveTaskId id = started(dead_, "destination");
  moveBatch(id, 1);
  process_.queues().deleteQueue(destination.queue_name);
  EXPECT_EQ(moveAll(id), 0);
  EXPECT_EQ(ending(latest(dead_)), "FAILED AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(counts(dead_), (MessageCounts{2, 0, 0}));
}

TEST_F(MoveTasks, AMissingOriginFailsTheTask) {
  sendDead(queue_, 1);
  process_.queues().deleteQueue(queue_.queue_name);
  EXPECT_EQ(moveAll(started(dead_)), 0);
  EXPECT_EQ(ending(latest(dead_)), "FAILED AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(counts(dead_), (MessageCounts{1, 0, 0}));
}

TEST_F(MoveTasks, ADeletedSourceEndsItsTaskAndAQueueOfItsNameDoesNotInheritIt) {
  sendDead(queue_, 1);
  send(queue_, 1);
  ASSERT_EQ(receive(queue_, 1, 0).messages.size(), 1u);
  const MoveTaskId id = started(dead_);
  process_.queues().deleteQueue(dead_.queue_name);
  passSeconds(1);
  const QueueRecord anew = create("dead");
  ASSERT_EQ(receive(queue_, 1, 0, true).removals.dead_lettered, 1) << "sent before the task began";
  EXPECT_EQ(moveAll(id), 0);
  EXPECT_EQ(counts(anew), (MessageCounts{1, 0, 0}));
  EXPECT_TRUE(process_.moveTasks().listMoveTasks(anew.queue_name, 10).empty());
  EXPECT_TRUE(process_.moveTasks().activeMoveTasks().empty());
}

TEST_F(MoveTasks, ATaskEndsAfterThirtySixHours) {
  sendDead(queue_, 2);
  const MoveTaskId id = started(dead_);
  moveBatch(id, 1);
  passSeconds(36 * 3600);
  EXPECT_EQ(moveAll(id), 0);
  EXPECT_EQ(latest(dead_).status, "FAILED");
  EXPECT_EQ(counts(dead_), (MessageCounts{1, 0, 0}));
}

TEST_F(MoveTasks, ACancelledTaskStopsAndWhatItMovedStays) {
  sendDead(queue_, 3);
  const MoveTaskId id = started(dead_);
  moveBatch(id, 2);
  EXPECT_EQ(std::get<std::int64_t>(process_.moveTasks().cancelMoveTask(dead_.queue_name, id)), 2);
  EXPECT_EQ(latest(dead_).status, "CANCELLING");
  EXPECT_EQ(start(task(dead_)), StartOutcome::AlreadyRunning);
  EXPECT_TRUE(
      std::holds_alternative<MoveTaskStore::NotRunning>(process_.moveTasks().cancelMoveTask(dead_.queue_name, id)));
  const MoveBatch last = moveBatch(id);
  EXPECT_TRUE(last.ended);
  EXPECT_EQ(last.moved, 0);
  EXPECT_EQ(ending(latest(dead_)), "CANCELLED -");
  EXPECT_EQ(counts(dead_), (MessageCounts{1, 0, 0}));
  EXPECT_EQ(counts(queue_), (MessageCounts{2, 0, 0}));
}

TEST_F(MoveTasks, OnlyARunningTaskOfThatSourceCanBeCancelled) {
  const MoveTaskId id = started(dead_);
  EXPECT_TRUE(
      std::holds_alternative<MoveTaskStore::NoSuchTask>(process_.moveTasks().cancelMoveTask(queue_.queue_name, id)));
  EXPECT_TRUE(std::holds_alternative<MoveTaskStore::NoSuchTask>(
      process_.moveTasks().cancelMoveTask(dead_.queue_name, task(dead_).task_id)));
  moveAll(id);
  EXPECT_TRUE(
      std::holds_alternative<MoveTaskStore::NotRunning>(process_.moveTasks().cancelMoveTask(dead_.queue_name, id)));
}

TEST_F(MoveTasks, TheLatestTenAreKeptNewestFirst) {
  std::vector<MoveTaskId> ids;
  for (int i = 0; i < 12; ++i) {
    passSeconds(1);
    ids.insert(ids.begin(), started(dead_));
    moveAll(ids.front());
  }
  const auto all = process_.moveTasks().listMoveTasks(dead_.queue_name, 100);
  ASSERT_EQ(all.size(), 10u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].task_id, ids[i]);
  EXPECT_EQ(process_.moveTasks().listMoveTasks(dead_.queue_name, 3).size(), 3u);
}

// Other processes

TEST_F(MoveTasks, AnotherProcessGoesOnWhereTheFirstStopped) {
  sendDead(queue_, 5);
  const MoveTaskId id = started(dead_);
  moveBatch(id, 2);
  PostgresDatabase other(options(false), recorder_);
  other.migrate();
  ASSERT_EQ(other.moveTasks().activeMoveTasks().size(), 1u);
  EXPECT_EQ(other.moveTasks().moveBatch(id, {}).moved, 3);
  EXPECT_EQ(latest(dead_).moved, 5);
}

TEST_F(MoveTasks, TwoProcessesNeverMoveForATaskAtOnce) {
  sendDead(queue_, 2);
  const MoveTaskId id = started(dead_);
  PostgresDatabase other(options(true), recorder_);
  other.migrate();
  closeGate();
  auto held = std::async(std::launch::async, [&] { return other.moveTasks().moveBatch(id, {.rows = 1}); });
  ASSERT_TRUE(someoneWaits("= 'advisory'"));
  const MoveBatch second = moveBatch(id);
  EXPECT_EQ(second.moved, 0);
  EXPECT_FALSE(second.ended);
  openGate();
  EXPECT_EQ(held.get().moved, 1);
  EXPECT_EQ(moveAll(id), 1);
}

TEST_F(MoveTasks, ACancelWaitsForTheBatchUnderWayAndCountsIt) {
  sendDead(queue_, 2);
  const MoveTaskId id = started(dead_);
  PostgresDatabase other(options(true), recorder_);
  other.migrate();
  closeGate();
  auto held = std::async(std::launch::async, [&] { return other.moveTasks().moveBatch(id, {.rows = 1}); });
  ASSERT_TRUE(someoneWaits("= 'advisory'"));
  auto cancelled =
      std::async(std::launch::async, [&] { return process_.moveTasks().cancelMoveTask(dead_.queue_name, id); });
  ASSERT_TRUE(someoneWaits("<> 'advisory'"));
  openGate();
  EXPECT_EQ(held.get().moved, 1);
  EXPECT_EQ(std::get<std::int64_t>(cancelled.get()), 1);
  EXPECT_EQ(moveAll(id), 0);
}

TEST_F(MoveTasks, AProcessKilledInMidBatchHasMovedNothing) {
  sendDead(queue_, 4);
  const MoveTaskId id = started(dead_);
  moveBatch(id, 1);
  {
    PostgresDatabase other(options(true), recorder_);
    other.migrate();
    closeGate();
    auto held = std::async(std::launch::async, [&] { return other.moveTasks().moveBatch(id, {.rows = 2}); });
    ASSERT_TRUE(someoneWaits("= 'advisory'"));
    database_.terminateBackends();
    EXPECT_THROW(held.get(), StoreError);
    openGate();
  }
  EXPECT_EQ(counts(queue_), (MessageCounts{1, 0, 0}));
  EXPECT_EQ(counts(dead_), (MessageCounts{3, 0, 0}));
  EXPECT_EQ(latest(dead_).moved, 1);
  EXPECT_EQ(moveAll(id), 3);
  EXPECT_EQ(counts(queue_), (MessageCounts{4, 0, 0}));
  EXPECT_EQ(latest(dead_).moved, 4);
}

TEST_F(MoveTasks, ConsumersOfTheSourceAndTheTaskNeverShareAMessage) {
  const QueueRecord destination = create("destination");
  for (int i = 0; i < 300; ++i) send(dead_, message(std::to_string(i)));
  const MoveTaskId id = started(dead_, "destination");
  std::vector<std::future<std::int64_t>> consumers;
  for (int c = 0; c < 2; ++c)
    consumers.push_back(std::async(std::launch::async, [&] {
      std::int64_t deleted = 0;
      for (int n = 0; n < 20; ++n) {
        std::vector<DeleteRequest> deletes;
        for (const auto& m : receive(dead_, 5, 300).messages)
          deletes.push_back(
              {dead_.queue_id,
               {m.key, m.receive_count, {m.message_id[0], m.message_id[1], m.message_id[2], m.message_id[3]}}});
        for (const auto& outcome : process_.messages().remove(deletes)) deleted += outcome.deleted;
      }
      return deleted;
    }));
  std::int64_t moved = moveAll(id, 7);
  std::int64_t deleted = 0;
  for (auto& consumer : consumers) deleted += consumer.get();
  EXPECT_EQ(counts(dead_).in_flight, 0) << "what was received was deleted";
  // What a consumer held while the last look was taken was not the task's to move; none of it may be lost.
  EXPECT_EQ(moved + deleted + counts(dead_).visible, 300);
  EXPECT_EQ(counts(destination).visible, moved);
  EXPECT_EQ(number("SELECT count(DISTINCT body) FROM howdah.message"), 300 - deleted);
}

// FIFO

TEST_F(MoveTasks, FifoDeadLettersReturnInTheOrderOfTheirGroups) {
  const QueueRecord queue = create("q.fifo");
  const QueueRecord dead = create("dead.fifo");
  for (const char* body : {"1", "2", "3"})
    for (const char* group : {"a", "b"}) sendFifo(queue, group, std::string(group) + body);
  killFifo(queue, dead);
  ASSERT_EQ(counts(dead), (MessageCounts{6, 0, 0}));
  const MoveTaskId id = started(dead);
  EXPECT_EQ(latest(dead).to_move, 6);
  EXPECT_EQ(moveAll(id, 2), 6);
  EXPECT_EQ(ending(latest(dead)), "COMPLETED -");
  EXPECT_EQ(counts(dead), MessageCounts{});
  EXPECT_EQ(counts(queue), (MessageCounts{6, 0, 0}));
  std::map<std::string, std::string> groups;
  for (const auto& m : receiveFifo(fifo(queue))) {
    groups[*m.message_group_id] += m.body + " ";
    EXPECT_EQ(m.receive_count, 1);
    EXPECT_EQ(m.source_queue, std::nullopt);
  }
  EXPECT_EQ(groups, (std::map<std::string, std::string>{{"a", "a1 a2 a3 "}, {"b", "b1 b2 b3 "}}));
  EXPECT_EQ(number("SELECT count(*) FROM howdah.fifo_turn WHERE queue_id = " + std::to_string(dead.queue_id)), 0);
}

TEST_F(MoveTasks, FifoMessagesGoBehindWhatTheirGroupHasThere) {
  const QueueRecord dead = create("dead.fifo");
  const QueueRecord destination = create("destination.fifo");
  sendFifo(dead, "g", "1");
  sendFifo(dead, "g", "2");
  sendFifo(destination, "g", "0");
  EXPECT_EQ(moveAll(started(dead, "destination.fifo"), 1), 2);
  sendFifo(destination, "g", "3");
  EXPECT_EQ(bodies(receiveFifo(fifo(destination))), "0 1 2 3");
}

TEST_F(MoveTasks, AFifoGroupInFlightIsNotMoved) {
  const QueueRecord dead = create("dead.fifo");
  const QueueRecord destination = create("destination.fifo");
  sendFifo(dead, "held", "1");
  ASSERT_EQ(receiveFifo(fifo(dead), 1, 1000).size(), 1u);
  sendFifo(dead, "held", "2");
  sendFifo(dead, "free", "3");
  EXPECT_EQ(moveAll(started(dead, "destination.fifo")), 1);
  EXPECT_EQ(bodies(receiveFifo(fifo(destination))), "3");
  passSeconds(1001);
  EXPECT_EQ(bodies(receiveFifo(fifo(dead))), "1 2");
}

TEST_F(MoveTasks, AFifoMoveNeitherAsksNorTellsTheDeduplicationWindow) {
  const QueueRecord dead = create("dead.fifo");
  const QueueRecord destination = create("destination.fifo");
  sendFifo(dead, "g", "x");
  sendFifo(destination, "g", "x");
  EXPECT_EQ(moveAll(started(dead, "destination.fifo")), 1);
  EXPECT_EQ(bodies(receiveFifo(fifo(destination))), "x x");
}

TEST_F(MoveTasks, AFifoMessageThatCameFromNoQueueFailsTheTask) {
  const QueueRecord queue = create("q.fifo");
  const QueueRecord dead = create("dead.fifo");
  sendFifo(queue, "g", "1");
  killFifo(queue, dead);
  sendFifo(dead, "g", "2");
  EXPECT_EQ(moveAll(started(dead)), 1);
  EXPECT_EQ(ending(latest(dead)), "FAILED CouldNotDetermineMessageSource");
  EXPECT_EQ(bodies(receiveFifo(fifo(dead))), "2");
  EXPECT_EQ(bodies(receiveFifo(fifo(queue))), "1");
}

TEST_F(MoveTasks, AFifoDestinationDeletedMeanwhileFailsTheTask) {
  const QueueRecord dead = create("dead.fifo");
  const QueueRecord destination = create("destination.fifo");
  for (const char* body : {"1", "2", "3"}) sendFifo(dead, "g", body);
  const MoveTaskId id = started(dead, "destination.fifo");
  moveBatch(id, 1);
  process_.queues().deleteQueue(destination.queue_name);
  EXPECT_EQ(moveAll(id), 0);
  EXPECT_EQ(ending(latest(dead)), "FAILED AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(bodies(receiveFifo(fifo(dead))), "2 3");
}

TEST_F(MoveTasks, WhatComesToAFifoSourceAfterTheStartStays) {
  const QueueRecord dead = create("dead.fifo");
  create("destination.fifo");
  sendFifo(dead, "g", "1");
  const MoveTaskId id = started(dead, "destination.fifo");
  passSeconds(1);
  sendFifo(dead, "g", "2");
  sendFifo(dead, "h", "3");
  EXPECT_EQ(moveAll(id), 1);
  EXPECT_EQ(counts(dead), (MessageCounts{2, 0, 0}));
  EXPECT_EQ(receiveFifo(fifo(dead)).size(), 2u);
}

TEST_F(MoveTasks, AFifoProcessKilledInMidBatchHasMovedNothing) {
  const QueueRecord dead = create("dead.fifo");
  const QueueRecord destination = create("destination.fifo");
  for (const char* body : {"1", "2", "3", "4"}) sendFifo(dead, "g", body);
  const MoveTaskId id = started(dead, "destination.fifo");
  moveBatch(id, 1);
  {
    PostgresDatabase other(options(true), recorder_);
    other.migrate();
    closeGate();
    auto held = std::async(std::launch::async, [&] { return other.moveTasks().moveBatch(id, {.rows = 2}); });
    ASSERT_TRUE(someoneWaits("= 'advisory'"));
    database_.terminateBackends();
    EXPECT_THROW(held.get(), StoreError);
    openGate();
  }
  EXPECT_EQ(counts(dead), (MessageCounts{3, 0, 0}));
  EXPECT_EQ(moveAll(id, 1), 3);
  EXPECT_EQ(bodies(receiveFifo(fifo(destination))), "1 2 3 4");
}

}  // namespace
}  // namespace howdah::testing
