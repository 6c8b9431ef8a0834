#include "service/worker_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <latch>

#include "metrics/request_trace.h"
#include "tests/support/eventually.h"

namespace howdah::service {
namespace {

using persistence::StoreBug;
using persistence::StoreConflict;
using persistence::StoreOutcomeUnknown;
using persistence::StoreUnavailable;

TEST(WorkerPool, OneThreadRunsTasksInTheOrderTheyWerePosted) {
  WorkerPool pool(1);
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pool.post([&order, i] { order.push_back(i); }));
  pool.start();
  pool.stop();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(WorkerPool, ThreadsRunTasksAtTheSameTime) {
  WorkerPool pool(2);
  pool.start();
  std::latch both(2);  // neither task ends before the other has begun
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.post([&both] { both.arrive_and_wait(); }));
  pool.stop();
}

// Heavy tasks that stand still until open(), posted to this many threads; a light task that is answered shows that no
// more of them can begin.
class HeavyTasks {
 public:
  HeavyTasks(int threads, bool have_company) : pool_(threads, [have_company] { return have_company; }) {
    pool_.start();
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(pool_.post(
          [this, opened = opened_] {
            ++begun_;
            opened.wait();
          },
          Weight::Heavy));
    }
  }
  // Counts what the light task finds, or -1 if it does not come to run.
  int begun() {
    const auto ran = std::make_shared<std::promise<void>>();
    EXPECT_TRUE(pool_.post([ran] { ran->set_value(); }, Weight::Light));
    return ran->get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready ? begun_.load() : -1;
  }
  int open() {
    gate_.set_value();
    pool_.stop();
    return begun_;
  }

 private:
  std::promise<void> gate_;
  std::shared_future<void> opened_ = gate_.get_future().share();
  std::atomic<int> begun_ = 0;
  WorkerPool pool_;
};

TEST(WorkerPool, HeavyTasksLeaveAThreadToLightOnes) {
  HeavyTasks tasks(4, false);
  EXPECT_TRUE(testing::eventually([&] { return tasks.begun() == 3; }));
  EXPECT_EQ(tasks.begun(), 3);
  EXPECT_EQ(tasks.open(), 10);
}

TEST(WorkerPool, HeavyTasksLeaveThreeOfFourThreadsWhileThereAreLightOnes) {
  HeavyTasks tasks(8, true);
  EXPECT_TRUE(testing::eventually([&] { return tasks.begun() == 2; }));
  EXPECT_EQ(tasks.begun(), 2);
  EXPECT_EQ(tasks.open(), 10);
}

TEST(WorkerPool, OneThreadTakesLightAndHeavyTasksInTurn) {
  WorkerPool pool(1);
  std::string order;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.post([&] { order += 'H'; }, Weight::Heavy));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool.post([&] { order += 'l'; }, Weight::Light));
  pool.start();
  pool.stop();
  EXPECT_EQ(order, "lHlHlHll");
}

TEST(WorkerPool, StopFinishesWhatIsQueuedAndWhatThatPosts) {
  WorkerPool pool(2);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pool.post([&] {
      ++ran;
      EXPECT_TRUE(pool.post([&] { ++ran; }));
    }));
  }
  pool.start();
  pool.stop();
  EXPECT_EQ(ran, 200);
}

TEST(WorkerPool, ATaskGoesOnWorkingForTheRequestThatPostedIt) {
  WorkerPool pool(1);
  const auto request = std::make_shared<metrics::RequestTrace>();
  {
    const metrics::RequestScope scope(request);
    ASSERT_TRUE(pool.post([&] {
      EXPECT_EQ(metrics::currentRequest(), request);
      EXPECT_GT(request->queued.load(), 0);
      try {
        throw StoreUnavailable("the database is away");
      } catch (const std::exception&) {
        (void)failureOf(std::current_exception(), "test");
      }
    }));
  }
  ASSERT_TRUE(pool.post([] { EXPECT_EQ(metrics::currentRequest(), nullptr); }));
  pool.start();
  pool.stop();
  EXPECT_EQ(request->cause(), "the database is away");
}

TEST(WorkerPool, RefusesTasksOnceStopped) {
  WorkerPool pool(1);
  pool.start();
  pool.stop();
  EXPECT_FALSE(pool.post([] { FAIL(); }));
  pool.stop();
}

TEST(WorkerPool, ATaskThatThrowsDoesNotEndItsThread) {
  WorkerPool pool(1);
  pool.start();
  ASSERT_TRUE(pool.post([] { throw std::runtime_error("lost"); }));
  std::promise<void> ran;
  ASSERT_TRUE(pool.post([&] { ran.set_value(); }));
  ran.get_future().get();
}

template <class Failure>
ErrorCode codeOf(Failure failure) {
  return failureOf(std::make_exception_ptr(failure), "test").code;
}

TEST(AnswerGuarded, AFailingDatabaseIsServiceUnavailableAndAnythingElseInternalFailure) {
  EXPECT_EQ(codeOf(StoreUnavailable("")), ErrorCode::ServiceUnavailable);
  EXPECT_EQ(codeOf(StoreConflict("")), ErrorCode::ServiceUnavailable);
  EXPECT_EQ(codeOf(StoreOutcomeUnknown("")), ErrorCode::ServiceUnavailable);
  EXPECT_EQ(codeOf(StoreBug("", "42703")), ErrorCode::InternalFailure);
  EXPECT_EQ(codeOf(std::bad_alloc()), ErrorCode::InternalFailure);
}

TEST(AnswerGuarded, AConflictIsTriedAgainAFewTimes) {
  int calls = 0;
  std::optional<Result<int>> answer;
  const Done<int> done = [&](Result<int> result) { answer = result; };
  answerGuarded<int>("test", done, [&]() -> Result<int> {
    if (++calls < 3) throw StoreConflict("");
    return 7;
  });
  EXPECT_EQ(answer->value(), 7);

  calls = 0;
  answerGuarded<int>("test", done, [&]() -> Result<int> {
    ++calls;
    throw StoreConflict("");
  });
  EXPECT_EQ(calls, kConflictAttempts);
  EXPECT_EQ(answer->error().code, ErrorCode::ServiceUnavailable);
}

TEST(AnswerGuarded, AnOutcomeThatIsUnknownIsNotTriedAgain) {
  int calls = 0;
  answerGuarded<int>("test", Done<int>([](const Result<int>& result) {
                       EXPECT_EQ(result.error().code, ErrorCode::ServiceUnavailable);
                     }),
                     [&]() -> Result<int> {
                       ++calls;
                       throw StoreOutcomeUnknown("");
                     });
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace howdah::service
