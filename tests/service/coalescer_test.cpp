#include "service/coalescer.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>

#include "metrics/request_trace.h"
#include "tests/support/manual_clock.h"
#include "tests/support/null_recorder.h"

namespace howdah::service {
namespace {

using persistence::StoreBug;
using persistence::StoreConflict;
using persistence::StoreOutcomeUnknown;
using persistence::StoreUnavailable;

class CountingRecorder : public testing::NullRecorder {
 public:
  void coalesced(std::string_view, std::size_t requests) override { flights.push_back(requests); }
  std::vector<std::size_t> flights;  // how many requests each had
};

// A coalescer of numbers whose outcomes are their negatives, on tasks that a test runs one by one.
class CoalescerTest : public ::testing::Test {
 protected:
  using Numbers = Coalescer<std::string, int, int>;
  using Rows = std::vector<int>;

  void make(CoalescerOptions options) {
    numbers_ = std::make_unique<Numbers>(
        options,
        [this](WorkerPool::Task task, Weight weight) {
          if (stopped_) return false;
          tasks_.push_back(std::move(task));
          weights_.push_back(weight);
          return true;
        },
        outstanding_,
        [this](const std::string& key, std::span<const int> rows) {
          flown_.emplace_back(key, Rows(rows.begin(), rows.end()));
          if (during_flight_) during_flight_();
          Rows outcomes;
          for (const int row : rows) outcomes.push_back(-row);
          return outcomes;
        },
        recorder_);
  }

  // The index of the request's answer in answers_.
  std::size_t submit(const std::string& key, Rows rows, std::size_t bytes = 0, std::int64_t queue = 0) {
    const std::size_t index = answers_.size();
    answers_.emplace_back();
    const Load load{rows.size(), bytes, queue};
    numbers_->submit(key, std::move(rows), load, [this, index](Result<Rows> result) {
      ASSERT_FALSE(answers_[index]) << "answered twice";
      answers_[index] = std::move(result);
    });
    return index;
  }

  void runTask() {
    ASSERT_FALSE(tasks_.empty());
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
  void runTasks() {
    while (!tasks_.empty()) runTask();
  }

  Rows outcomes(std::size_t index) { return answers_[index]->value(); }
  ErrorCode error(std::size_t index) { return answers_[index]->error().code; }

  CountingRecorder recorder_;
  testing::ManualClock clock_;
  // Heavy is what has more than ten rows waiting.
  Outstanding outstanding_{clock_, {.queue_rows = 10, .queue_bytes = 1'000'000}};
  std::unique_ptr<Numbers> numbers_;
  std::deque<WorkerPool::Task> tasks_;
  std::vector<Weight> weights_;  // of all tasks so far
  bool stopped_ = false;
  std::vector<std::pair<std::string, Rows>> flown_;
  std::function<void()> during_flight_;
  std::deque<std::optional<Result<Rows>>> answers_;
};

TEST_F(CoalescerTest, AnIdleKeyFliesAtOnce) {
  make({});
  submit("q", {1});
  ASSERT_EQ(tasks_.size(), 1u);
  runTask();
  EXPECT_EQ(outcomes(0), Rows{-1});
  EXPECT_TRUE(tasks_.empty());
}

TEST_F(CoalescerTest, RequestsGatherUntilAWorkerStartsTheFlight) {
  make({});
  submit("q", {1});
  submit("q", {2, 3});
  submit("q", {4});
  ASSERT_EQ(tasks_.size(), 1u);
  runTask();
  EXPECT_EQ(flown_, (std::vector<std::pair<std::string, Rows>>{{"q", {1, 2, 3, 4}}}));
  EXPECT_EQ(outcomes(0), Rows{-1});
  EXPECT_EQ(outcomes(1), (Rows{-2, -3}));
  EXPECT_EQ(outcomes(2), Rows{-4});
  EXPECT_EQ(recorder_.flights, std::vector<std::size_t>{3});
}

TEST_F(CoalescerTest, RequestsThatArriveDuringAFlightLeaveTogetherInTheNext) {
  make({});
  submit("q", {1});
  during_flight_ = [this] {
    during_flight_ = nullptr;
    submit("q", {2});
    submit("q", {3});
    EXPECT_TRUE(tasks_.empty()) << "the key may have one flight only";
  };
  runTask();
  ASSERT_EQ(tasks_.size(), 1u);
  runTask();
  EXPECT_EQ(flown_[1].second, (Rows{2, 3}));
}

TEST_F(CoalescerTest, AKeyHasAtMostItsNumberOfFlights) {
  make({.max_flights = 2});
  submit("q", {1});
  during_flight_ = [this] {
    during_flight_ = nullptr;
    submit("q", {2});
    ASSERT_EQ(tasks_.size(), 1u);
    during_flight_ = [this] {
      during_flight_ = nullptr;
      submit("q", {3});
      EXPECT_TRUE(tasks_.empty());
    };
    runTask();  // the second flight, inside the first
    EXPECT_EQ(tasks_.size(), 1u) << "the second flight has ended, and one waits";
  };
  runTask();
  runTasks();
  EXPECT_EQ(flown_.size(), 3u);
  EXPECT_EQ(outcomes(2), Rows{-3});
}

TEST_F(CoalescerTest, KeysDoNotWaitForOneAnother) {
  make({});
  submit("a", {1});
  submit("b", {2});
  ASSERT_EQ(tasks_.size(), 2u);
  runTasks();
  EXPECT_EQ(flown_.size(), 2u);
}

TEST_F(CoalescerTest, AFlightIsCappedInRowsAndARequestIsNeverSplit) {
  make({.flight_rows = 4});
  submit("q", {1, 2, 3});
  submit("q", {4, 5});
  submit("q", {6});
  submit("q", {7, 8, 9, 10, 11, 12});  // beyond the cap by itself: flies alone
  submit("q", {13});
  runTasks();
  ASSERT_EQ(flown_.size(), 4u);
  EXPECT_EQ(flown_[0].second, (Rows{1, 2, 3}));
  EXPECT_EQ(flown_[1].second, (Rows{4, 5, 6}));
  EXPECT_EQ(flown_[2].second, (Rows{7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(flown_[3].second, (Rows{13}));
}

TEST_F(CoalescerTest, AFlightIsCappedInBytes) {
  make({.flight_bytes = 100});
  submit("q", {1}, 60);
  submit("q", {2}, 40);
  submit("q", {3}, 1);
  submit("q", {4}, 1000);
  runTasks();
  ASSERT_EQ(flown_.size(), 3u);
  EXPECT_EQ(flown_[0].second, (Rows{1, 2}));
}

TEST_F(CoalescerTest, HoweverMuchOneQueueHasWaitingAnothersRequestLeavesWithTheNextFlight) {
  make({.flight_rows = 4});
  for (int i = 0; i < 100; ++i) submit("all", {i}, 0, 1);
  const auto quiet = submit("all", {1000}, 0, 2);
  const auto other = submit("all", {2000}, 0, 3);
  runTask();
  EXPECT_EQ(flown_[0].second, (Rows{0, 1000, 2000, 1}));
  EXPECT_TRUE(answers_[quiet] && answers_[other]);
  const auto again = submit("all", {1001}, 0, 2);
  runTask();
  EXPECT_TRUE(answers_[again]) << "its turn comes again at once";
  runTasks();
  EXPECT_EQ(flown_.size(), 26u) << "no flight left with less than it could carry";
}

TEST_F(CoalescerTest, AQueuesRequestsStayInOrderWhateverTheTurns) {
  make({.flight_rows = 3});
  for (int i = 0; i < 30; ++i) submit("all", {i}, 0, i % 3 == 0 ? 1 : 2);
  runTasks();
  std::array<int, 2> last{-1, -1};
  std::size_t rows = 0;
  for (const auto& [key, flown] : flown_) {
    for (const int row : flown) {
      EXPECT_GT(row, std::exchange(last[row % 3 == 0 ? 0 : 1], row));
      ++rows;
    }
  }
  EXPECT_EQ(rows, 30u);
}

TEST_F(CoalescerTest, ALargeRequestWhoseTurnItIsIsNotPassedByForEver) {
  make({.flight_bytes = 100});
  submit("all", {1}, 60, 1);
  const auto large = submit("all", {2}, 90, 2);
  for (int i = 0; i < 50; ++i) submit("all", {10 + i}, 10, 1);
  runTask();
  EXPECT_EQ(flown_[0].second, Rows{1});
  runTask();
  EXPECT_TRUE(answers_[large]);
}

TEST_F(CoalescerTest, WhatMayWaitIsBounded) {
  make({.pending_rows = 2, .pending_bytes = 100});
  submit("a", {1}, 50);
  submit("b", {2, 3}, 0);
  EXPECT_EQ(error(1), ErrorCode::ServiceUnavailable) << "too many rows";
  submit("b", {4}, 60);
  EXPECT_EQ(error(2), ErrorCode::ServiceUnavailable) << "too many bytes";
  runTasks();
  submit("b", {5, 6}, 100);
  runTasks();
  EXPECT_EQ(outcomes(3), (Rows{-5, -6})) << "a flight that has left makes room";
}

TEST_F(CoalescerTest, AConflictIsFlownAgain) {
  make({});
  int conflicts = 2;
  during_flight_ = [&] {
    if (conflicts-- > 0) throw StoreConflict("deadlock");
  };
  submit("q", {1});
  submit("q", {2});
  runTasks();
  EXPECT_EQ(flown_.size(), 3u);
  EXPECT_EQ(outcomes(0), Rows{-1});
  EXPECT_EQ(outcomes(1), Rows{-2});
}

TEST_F(CoalescerTest, AConflictThatDoesNotEndIsServiceUnavailable) {
  make({});
  during_flight_ = [] { throw StoreConflict("deadlock"); };
  submit("q", {1});
  runTasks();
  EXPECT_EQ(flown_.size(), static_cast<std::size_t>(kConflictAttempts));
  EXPECT_EQ(error(0), ErrorCode::ServiceUnavailable);
}

TEST_F(CoalescerTest, AnUnknownOutcomeIsRepeatedOnceWhereThatIsSafe) {
  make({.safe_to_repeat = true});
  bool lost = false;
  during_flight_ = [&] {
    if (!std::exchange(lost, true)) throw StoreOutcomeUnknown("connection lost in commit");
  };
  submit("q", {1});
  runTasks();
  EXPECT_EQ(flown_.size(), 2u);
  EXPECT_EQ(outcomes(0), Rows{-1});

  during_flight_ = [] { throw StoreOutcomeUnknown("connection lost in commit"); };
  submit("q", {2});
  runTasks();
  EXPECT_EQ(flown_.size(), 4u);
  EXPECT_EQ(error(1), ErrorCode::ServiceUnavailable);
}

TEST_F(CoalescerTest, AnUnknownOutcomeIsNeverRepeatedWhereThatIsNotSafe) {
  make({});
  during_flight_ = [] { throw StoreOutcomeUnknown("connection lost in commit"); };
  submit("q", {1});
  submit("q", {2});
  runTasks();
  EXPECT_EQ(flown_.size(), 1u);
  EXPECT_EQ(error(0), ErrorCode::ServiceUnavailable);
  EXPECT_EQ(error(1), ErrorCode::ServiceUnavailable);
}

TEST_F(CoalescerTest, WithoutADatabaseAllAreToldAtOnce) {
  make({});
  during_flight_ = [] { throw StoreUnavailable("no connection"); };
  submit("q", {1});
  submit("q", {2});
  runTasks();
  EXPECT_EQ(flown_.size(), 1u);
  EXPECT_EQ(error(0), ErrorCode::ServiceUnavailable);
  EXPECT_EQ(error(1), ErrorCode::ServiceUnavailable);
}

TEST_F(CoalescerTest, ARequestThatPostgresRefusesFailsAlone) {
  make({});
  during_flight_ = [this] {
    const Rows& rows = flown_.back().second;
    if (std::find(rows.begin(), rows.end(), 3) != rows.end()) throw StoreBug("refused", "22021");
  };
  submit("q", {1});
  submit("q", {2, 3});
  submit("q", {4, 5});
  runTasks();
  EXPECT_EQ(outcomes(0), Rows{-1});
  EXPECT_EQ(error(1), ErrorCode::InternalFailure);
  EXPECT_EQ(outcomes(2), (Rows{-4, -5}));
}

TEST_F(CoalescerTest, AfterAFailureTheKeyFliesOn) {
  make({});
  during_flight_ = [] { throw std::runtime_error("bug"); };
  submit("q", {1});
  runTasks();
  EXPECT_EQ(error(0), ErrorCode::InternalFailure);
  during_flight_ = nullptr;
  submit("q", {2});
  runTasks();
  EXPECT_EQ(outcomes(1), Rows{-2});
}

TEST_F(CoalescerTest, ADoneThatThrowsHarmsNobodyElse) {
  make({});
  numbers_->submit("q", {1}, {1, 0}, [](const Result<Rows>&) { throw std::runtime_error("bug"); });
  submit("q", {2});
  runTasks();
  EXPECT_EQ(outcomes(0), Rows{-2});
  submit("q", {3});
  runTasks();
  EXPECT_EQ(outcomes(1), Rows{-3});
}

TEST_F(CoalescerTest, AfterTheWorkersHaveStoppedRequestsAreRefused) {
  make({});
  stopped_ = true;
  submit("q", {1});
  EXPECT_EQ(error(0), ErrorCode::ServiceUnavailable);
}

// Twelve rows of queue 1 that wait, and another one of it, which is heavy.
constexpr int kHeavyRow = 13;

TEST_F(CoalescerTest, ALightRequestOfManyQueuesFliesWhileHeavyOnesHaveAllTheirFlights) {
  make({.max_flights = 1, .many_queues = true});
  submit("all", Rows(12, 1), 0, 1);
  submit("all", {kHeavyRow}, 0, 1);
  ASSERT_EQ(weights_, (std::vector{Weight::Light, Weight::Heavy}));
  runTask();
  during_flight_ = [this] {  // of the heavy one
    during_flight_ = nullptr;
    submit("all", {99}, 0, 2);
    ASSERT_EQ(tasks_.size(), 1u);
    runTask();
    EXPECT_EQ(flown_.back().second, Rows{99});
  };
  runTask();
  EXPECT_EQ(outcomes(1), Rows{-kHeavyRow});
  EXPECT_EQ(outcomes(2), Rows{-99});
}

TEST_F(CoalescerTest, RequestsOfOneQueuesKeyStayTogetherWhateverTheyWeigh) {
  make({});
  submit("q", Rows(12, 1), 0, 1);
  submit("q", {kHeavyRow}, 0, 1);
  ASSERT_EQ(tasks_.size(), 1u);
  runTask();
  EXPECT_EQ(flown_.back().second.size(), 13u);
}

TEST_F(CoalescerTest, HeavyFlightsAreSmallWhileThereAreLightRequestsOfOthers) {
  make({.many_queues = true, .flight_rows = 500, .heavy_rows = 30});
  const auto submitHeavy = [this] {
    submit("all", Rows(12, 1), 0, 1);
    for (int i = 0; i < 5; ++i) submit("all", Rows(12, 2), 0, 1);
  };
  submitHeavy();
  runTasks();
  EXPECT_EQ(recorder_.flights, (std::vector<std::size_t>{1, 5})) << "nobody else is there";
  submitHeavy();
  submit("all", {99}, 0, 2);
  runTasks();
  EXPECT_EQ(recorder_.flights, (std::vector<std::size_t>{1, 5, 2, 2, 2, 1}));
  clock_.advance(std::chrono::seconds(10));
  submitHeavy();
  runTasks();
  EXPECT_EQ(recorder_.flights, (std::vector<std::size_t>{1, 5, 2, 2, 2, 1, 1, 5}));
}

TEST_F(CoalescerTest, WhatIsRefusedWeighsNothing) {
  make({.pending_rows = 11});
  submit("q", Rows(11, 1), 0, 1);
  submit("q", Rows(11, 1), 0, 1);
  EXPECT_EQ(error(1), ErrorCode::ServiceUnavailable);
  runTasks();
  Load one{.rows = 1, .queue = 1};
  EXPECT_EQ(outstanding_.begin(one), Weight::Light);
}

// Under the sanitizers: every request is answered once, with its own outcomes, whatever the interleaving.
TEST(CoalescerRace, EachRequestOfManyThreadsGetsItsOwnOutcomes) {
  testing::NullRecorder recorder;
  const SteadyClock clock;
  Outstanding outstanding(clock);
  WorkerPool pool(3, [&] { return outstanding.heavyHasCompany(); });
  using Numbers = Coalescer<int, int, int>;
  std::atomic<int> flights = 0;
  Numbers numbers(
      {.max_flights = 2, .flight_rows = 8},
      [&](WorkerPool::Task task, Weight weight) { return pool.post(std::move(task), weight); }, outstanding,
      [&](int, std::span<const int> rows) {
        if (++flights % 7 == 0) throw StoreConflict("deadlock");
        return std::vector<int>(rows.begin(), rows.end());
      },
      recorder);
  pool.start();
  constexpr int kThreads = 4;
  constexpr int kRequests = 500;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        const std::vector<int> rows{t * kRequests + i, i};
        numbers.submit(i % 3, rows, {2, 0}, [&right, rows](const Result<std::vector<int>>& result) {
          if (result && *result == rows) ++right;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  pool.stop();
  EXPECT_EQ(right, kThreads * kRequests);
}

TEST_F(CoalescerTest, EachRequestWaitedForItsFlightAndIsAnsweredAsItself) {
  make({});
  std::vector<metrics::RequestTracePtr> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(std::make_shared<metrics::RequestTrace>());
  during_flight_ = [] { metrics::currentRequest()->database += 7; };
  std::vector<metrics::RequestTracePtr> answered;
  const auto submitFor = [&](std::size_t i) {
    const metrics::RequestScope scope(requests[i]);
    numbers_->submit("q", {1}, {1, 0}, [&](Result<Rows>) { answered.push_back(metrics::currentRequest()); });
  };
  submitFor(0);
  runTask();
  EXPECT_EQ(requests[0]->database, 7);
  submitFor(1);
  submitFor(2);
  runTasks();
  EXPECT_EQ(recorder_.flights, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(answered, requests);
  for (const auto& request : requests) {
    EXPECT_EQ(request->database, 7);
    EXPECT_GT(request->queued, 0);
  }
  EXPECT_EQ(requests[0]->database, 7);  // not by the flight of others
}

TEST_F(CoalescerTest, WhyASharedFlightFailedIsKnownToEachRequest) {
  make({});
  std::vector<metrics::RequestTracePtr> requests;
  during_flight_ = [] { throw StoreUnavailable("the database is away"); };
  for (int i = 0; i < 2; ++i) {
    requests.push_back(std::make_shared<metrics::RequestTrace>());
    const metrics::RequestScope scope(requests.back());
    submit("q", {i});
  }
  runTasks();
  for (const auto& request : requests) EXPECT_EQ(request->cause(), "the database is away");
  EXPECT_EQ(error(0), ErrorCode::ServiceUnavailable);
}

}  // namespace
}  // namespace howdah::service
