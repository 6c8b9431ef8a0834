// The mover of move tasks: its rate, what it costs when idle, and its change from process to process.
#include "service/message_mover.h"

#include <gtest/gtest.h>

#include <set>

#include "service/maintenance.h"
#include "tests/support/eventually.h"
#include "tests/support/manual_clock.h"
#include "tests/support/null_recorder.h"
#include "tests/support/test_store.h"

namespace howdah::service {
namespace {

using namespace persistence;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::eventually;

class MessageMoverTest : public ::testing::Test {
 protected:
  MessageMoverTest() {
    source_ = create("dead");
    destination_ = create("q");
  }

  QueueRecord create(const std::string& name) {
    return std::get<QueueStore::Created>(store_.store.queues().createQueue({"000000000000", name}, {}, {}, seconds(0)))
        .queue;
  }
  void fill(int count) {
    std::vector<NewMessage> messages;
    for (int i = 0; i < count; ++i) {
      NewMessage& m = messages.emplace_back();
      m.queue_id = source_.queue_id;
      m.queue_version = source_.version;
      for (std::size_t b = 0; b < 4; ++b) m.message_id[b] = static_cast<unsigned char>(i >> (8 * b));
      m.body = std::to_string(i);
      m.sender_id = "s";
    }
    store_.store.messages().send(messages);
  }
  void start(std::optional<std::int32_t> rate = std::nullopt) {
    NewMoveTask task;
    task.task_id[0] = 1;
    task.source = source_.queue_name;
    task.destination_name = "q";
    task.max_per_second = rate;
    ASSERT_EQ(store_.store.moveTasks().startMoveTask(task, 100), MoveTaskStore::StartOutcome::Started);
  }
  MoveTask task() { return store_.store.moveTasks().listMoveTasks(source_.queue_name, 1).at(0); }
  std::int64_t moved() { return store_.store.messages().countMessages(destination_.queue_id).visible; }
  // Lets the mover work for as long, by its clock.
  void run(MessageMover& mover, milliseconds duration) {
    const SteadyTime end = clock_.now() + duration;
    while (clock_.now() < end) {
      const auto next = mover.move();
      clock_.advance(std::min(next.value_or(milliseconds(1000)), std::chrono::ceil<milliseconds>(end - clock_.now())));
    }
  }
  MessageMover mover() {
    return MessageMover(store_.store.moveTasks(), clock_, recorder_, [](QueueId, std::size_t) {});
  }

  testing::TestStore store_;
  testing::ManualClock clock_;
  testing::NullRecorder recorder_;
  QueueRecord source_;
  QueueRecord destination_;
};

TEST_F(MessageMoverTest, ARateIsKept) {
  fill(1000);
  for (const int rate : {1, 7, 100}) {
    start(rate);
    MessageMover one = mover();
    const std::int64_t before = moved();
    run(one, seconds(6));
    const std::int64_t made = moved() - before;
    EXPECT_LE(made, 6 * rate + rate / 5 + 1) << rate;
    EXPECT_GE(made, 6 * rate - rate / 5 - 1) << rate;
    store_.store.moveTasks().cancelMoveTask(source_.queue_name, task().task_id);
    one.move();
    ASSERT_EQ(task().status, "CANCELLED");
    store_.database.outsider().executeScript("DELETE FROM howdah.move_task");
  }
}

TEST_F(MessageMoverTest, WithoutARateItGoesAsFastAsItCan) {
  fill(1200);
  start();
  MessageMover one = mover();
  std::optional<milliseconds> next;
  while ((next = one.move()) && moved() < 1200) EXPECT_EQ(*next, milliseconds(0));
  run(one, seconds(1));
  EXPECT_EQ(task().status, "COMPLETED");
  EXPECT_EQ(task().moved, 1200);
}

TEST_F(MessageMoverTest, AStandstillIsMadeUpForASecondAtMost) {
  fill(1000);
  start(10);
  MessageMover one = mover();
  run(one, seconds(2));
  const std::int64_t before = moved();
  clock_.advance(std::chrono::minutes(5));
  run(one, seconds(1));
  EXPECT_LE(moved() - before, 10 + 10 + 2);
}

TEST_F(MessageMoverTest, NoTransactionIsOpenBetweenTwoBatches) {
  fill(10);
  start(1);
  MessageMover one = mover();
  ASSERT_TRUE(one.move().has_value());
  ASSERT_EQ(moved(), 1);
  EXPECT_EQ(store_.count("pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "
                         "xact_start IS NOT NULL"),
            0);
}

TEST_F(MessageMoverTest, WithoutATaskARoundIsOneLook) {
  for (int i = 0; i < 50; ++i) create("idle" + std::to_string(i));
  MessageMover one = mover();
  EXPECT_EQ(one.move(), std::nullopt);
  EXPECT_EQ(one.duty().interval, seconds(1));
}

TEST_F(MessageMoverTest, ACancelledTaskEndsWithoutWaitingForItsRate) {
  fill(10);
  start(1);
  MessageMover one = mover();
  one.move();
  store_.store.moveTasks().cancelMoveTask(source_.queue_name, task().task_id);
  one.move();
  EXPECT_EQ(task().status, "CANCELLED");
  EXPECT_EQ(moved(), 1);
}

TEST_F(MessageMoverTest, ATaskSurvivesProcessesThatLoseTheDatabaseOrStop) {
  constexpr int kMessages = 1500;
  fill(kMessages);
  start(500);
  struct Process {
    explicit Process(const postgres::PostgresOptions& options)
        : store(options, recorder),
          mover((store.migrate(), store.moveTasks()), clock, recorder, [](QueueId, std::size_t) {}),
          maintenance(store.maintenance(), recorder, {mover.duty()}) {
      maintenance.start();
    }
    testing::NullRecorder recorder;
    postgres::PostgresDatabase store;
    SteadyClock clock;
    MessageMover mover;
    Maintenance maintenance;
  };
  auto first = std::make_unique<Process>(store_.options());
  auto second = std::make_unique<Process>(store_.options());
  const auto progress = [&] {
    return store_.database.outsider().execute({"progress", "SELECT moved FROM howdah.move_task"}).only().int8(0);
  };
  ASSERT_TRUE(eventually([&] { return progress() > 0; }));
  for (int kill = 0; kill < 3; ++kill) {
    store_.database.terminateBackends();
    const std::int64_t before = progress();
    ASSERT_LT(before, kMessages);
    ASSERT_TRUE(eventually([&] { return progress() > before; })) << "somebody goes on";
  }
  first.reset();
  ASSERT_TRUE(eventually([&] {
    return store_.database.outsider()
               .execute({"ended", "SELECT count(*) FROM howdah.move_task WHERE finished_at IS NOT NULL"})
               .only()
               .int8(0) == 1;
  }));
  const auto all = store_.database.outsider().execute(
      {"all",
       "SELECT t.status, t.moved, (SELECT count(*) FROM howdah.message), (SELECT count(DISTINCT body) FROM "
       "howdah.message) FROM howdah.move_task t"});
  EXPECT_EQ(all.only().text(0), "COMPLETED");
  EXPECT_EQ(all.only().int8(1), kMessages);
  EXPECT_EQ(all.only().int8(2), kMessages) << "nothing lost, nothing twice";
  EXPECT_EQ(all.only().int8(3), kMessages);
}

}  // namespace
}  // namespace howdah::service
