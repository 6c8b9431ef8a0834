#include "service/receive_waiters.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

#include "tests/support/manual_clock.h"
#include "tests/support/null_recorder.h"

namespace howdah::service {
namespace {

using metrics::WakeSource;
using persistence::QueueId;
using std::chrono::milliseconds;
using std::chrono::seconds;

class TestReceive final : public ParkedReceive {
 public:
  explicit TestReceive(SteadyTime deadline, std::size_t wanted = 1,
                       std::shared_ptr<ClientPresence> client = std::make_shared<ClientPresence>())
      : ParkedReceive(std::move(client), wanted) {
    deadline_ = deadline;
    queue_counts_ = std::make_shared<metrics::QueueCounts>();
  }
  void lookAgain(WakeSource source) override { looks.push_back(source); }
  void lookAgainElsewhere() override { ++elsewhere; }
  void answerEmpty() override { ++answered_empty; }
  ClientPresence& client() { return *client_; }
  SteadyTime::duration parkedTime() const { return parked_time_; }

  std::vector<WakeSource> looks;
  int elsewhere = 0;
  int answered_empty = 0;
};
using TestReceivePtr = std::shared_ptr<TestReceive>;

class ReceiveWaitersTest : public ::testing::Test {
 protected:
  TestReceivePtr makeReceive(seconds wait = seconds(20), std::size_t wanted = 1) {
    return std::make_shared<TestReceive>(clock_.now() + wait, wanted);
  }
  void park(QueueId queue_id, const TestReceivePtr& receive) {
    ASSERT_TRUE(waiters_.park(waiters_.ticket(queue_id), receive));
  }
  TestReceivePtr parkNew(QueueId queue_id, seconds wait = seconds(20), std::size_t wanted = 1) {
    auto receive = makeReceive(wait, wanted);
    park(queue_id, receive);
    return receive;
  }
  void advance(milliseconds by) {
    clock_.advance(by);
    waiters_.runTimers();
  }

  testing::ManualClock clock_;
  testing::NullRecorder recorder_;
  std::vector<std::vector<QueueId>> watches_;
  ReceiveWaiters waiters_{clock_, recorder_, seconds(2),
                          [this](std::vector<QueueId> queue_ids) { watches_.push_back(std::move(queue_ids)); }};
};

TEST_F(ReceiveWaitersTest, AWakeLetsAParkedReceiveLookAgain) {
  auto receive = parkNew(1);
  waiters_.wake(1, 1, WakeSource::Local);
  EXPECT_EQ(receive->looks, std::vector{WakeSource::Local});
  waiters_.wake(1, 1, WakeSource::Local);
  EXPECT_EQ(receive->looks.size(), 1u) << "it is no longer parked";
}

TEST_F(ReceiveWaitersTest, AWakeOfAnotherQueueDoesNothing) {
  auto receive = parkNew(1);
  waiters_.wake(2, 1, WakeSource::Local);
  EXPECT_TRUE(receive->looks.empty());
}

TEST_F(ReceiveWaitersTest, AReceiveWhoseQueueWasWokenWhileItLookedIsNotParked) {
  auto receive = makeReceive();
  auto ticket = waiters_.ticket(1);
  waiters_.wake(1, 1, WakeSource::Local);
  EXPECT_FALSE(waiters_.park(std::move(ticket), receive));
  EXPECT_TRUE(waiters_.park(waiters_.ticket(1), receive));
  EXPECT_TRUE(receive->looks.empty());
}

TEST_F(ReceiveWaitersTest, AWakeLetsJustEnoughReceivesLook) {
  auto first = parkNew(1, seconds(20), 10);
  auto second = parkNew(1, seconds(20), 1);
  auto third = parkNew(1, seconds(20), 10);
  auto fourth = parkNew(1, seconds(20), 1);
  waiters_.wake(1, 12, WakeSource::Local);
  EXPECT_EQ(first->looks.size(), 1u);
  EXPECT_EQ(second->looks.size(), 1u);
  EXPECT_EQ(third->looks.size(), 1u);
  EXPECT_TRUE(fourth->looks.empty());
}

TEST_F(ReceiveWaitersTest, WhoFoundNothingKeepsItsPlaceAndItsDeadline) {
  auto first = parkNew(1, seconds(5));
  advance(seconds(1));
  auto second = parkNew(1);
  waiters_.wake(1, 1, WakeSource::Notify);
  ASSERT_EQ(first->looks.size(), 1u);
  park(1, first);
  waiters_.wake(1, 1, WakeSource::Notify);
  EXPECT_EQ(first->looks.size(), 2u) << "before who came later";
  EXPECT_TRUE(second->looks.empty());
  park(1, first);
  advance(seconds(4));
  EXPECT_EQ(first->answered_empty, 1);
  EXPECT_EQ(first->parkedTime(), seconds(5));
  EXPECT_EQ(second->answered_empty, 0);
}

TEST_F(ReceiveWaitersTest, AWaitEndsAtItsDeadline) {
  auto longer = parkNew(1, seconds(20));
  auto shorter = parkNew(2, seconds(3));
  advance(milliseconds(2999));
  EXPECT_EQ(shorter->answered_empty, 0);
  advance(milliseconds(1));
  EXPECT_EQ(shorter->answered_empty, 1);
  EXPECT_EQ(longer->answered_empty, 0);
  advance(seconds(17));
  EXPECT_EQ(longer->answered_empty, 1);
  advance(seconds(60));
  EXPECT_EQ(longer->answered_empty, 1);
}

TEST_F(ReceiveWaitersTest, AReceiveWhoseWaitIsOverIsEndedInsteadOfParked) {
  auto receive = makeReceive(seconds(1));
  auto ticket = waiters_.ticket(1);
  advance(seconds(1));
  EXPECT_TRUE(waiters_.park(std::move(ticket), receive));
  EXPECT_EQ(receive->answered_empty, 1);
}

TEST_F(ReceiveWaitersTest, AMessageThatFallsDueWakesOneReceive) {
  auto first = parkNew(1);
  auto second = parkNew(1);
  waiters_.dueAt(1, clock_.now() + seconds(5));
  waiters_.dueAt(1, clock_.now() + seconds(3));
  waiters_.dueAt(1, clock_.now() + seconds(4));
  advance(milliseconds(2999));
  EXPECT_TRUE(first->looks.empty());
  advance(milliseconds(1));
  EXPECT_EQ(first->looks, std::vector{WakeSource::Timer});
  EXPECT_TRUE(second->looks.empty());
}

TEST_F(ReceiveWaitersTest, AMomentLearntWhileLookingHoldsForTheParkedReceive) {
  auto receive = makeReceive();
  auto ticket = waiters_.ticket(1);
  waiters_.dueAt(1, clock_.now() + seconds(1));
  ASSERT_TRUE(waiters_.park(std::move(ticket), receive));
  advance(seconds(1));
  EXPECT_EQ(receive->looks.size(), 1u);
}

TEST_F(ReceiveWaitersTest, AMomentThatPassesWhileLookingForbidsToPark) {
  auto receive = makeReceive();
  auto ticket = waiters_.ticket(1);
  waiters_.dueAt(1, clock_.now() + seconds(1));
  advance(seconds(1));
  EXPECT_FALSE(waiters_.park(std::move(ticket), receive));
}

TEST_F(ReceiveWaitersTest, ANewIncarnationSendsAllElsewhere) {
  auto first = parkNew(1);
  auto second = parkNew(1);
  auto other = parkNew(2);
  auto looking = waiters_.ticket(1);
  waiters_.wakeElsewhere(1);
  EXPECT_EQ(first->elsewhere, 1);
  EXPECT_EQ(second->elsewhere, 1);
  EXPECT_EQ(other->elsewhere, 0);
  EXPECT_FALSE(waiters_.park(std::move(looking), makeReceive()));
  park(3, first);  // the new one
  waiters_.wake(3, 1, WakeSource::Local);
  EXPECT_EQ(first->looks.size(), 1u);
}

TEST_F(ReceiveWaitersTest, AGoneClientFreesItsReceiveAtOnce) {
  auto receive = parkNew(1);
  std::weak_ptr<TestReceive> watched = receive;
  receive->client().markGone();
  EXPECT_EQ(receive->answered_empty, 1);
  receive.reset();
  EXPECT_TRUE(watched.expired());
  waiters_.wake(1, 1, WakeSource::Local);
}

TEST_F(ReceiveWaitersTest, AClientThatWentBeforeItsReceiveIsParkedAgainFreesIt) {
  auto receive = makeReceive();
  receive->client().markGone();
  park(1, receive);
  EXPECT_EQ(receive->answered_empty, 1);

  auto woken = parkNew(1);
  waiters_.wake(1, 1, WakeSource::Local);
  woken->client().markGone();
  EXPECT_EQ(woken->answered_empty, 0) << "it is looking, and answers by itself";
  park(1, woken);
  EXPECT_EQ(woken->answered_empty, 1);
}

TEST_F(ReceiveWaitersTest, DrainEndsParkedReceivesAndThoseThatWouldPark) {
  auto parked = parkNew(1);
  auto looking = makeReceive();
  auto ticket = waiters_.ticket(1);
  waiters_.drain();
  EXPECT_EQ(parked->answered_empty, 1);
  EXPECT_TRUE(waiters_.park(std::move(ticket), looking));
  EXPECT_EQ(looking->answered_empty, 1);
}

TEST_F(ReceiveWaitersTest, AllQueuesWithParkedReceivesAreWatchedTogetherOnceAnInterval) {
  parkNew(1);
  parkNew(1);
  parkNew(2);
  auto not_parked = waiters_.ticket(3);
  advance(milliseconds(1999));
  EXPECT_TRUE(watches_.empty());
  advance(milliseconds(1));
  ASSERT_EQ(watches_.size(), 1u);
  std::sort(watches_[0].begin(), watches_[0].end());
  EXPECT_EQ(watches_[0], (std::vector<QueueId>{1, 2}));
  advance(seconds(5));
  EXPECT_EQ(watches_.size(), 1u) << "the first has not ended";
  waiters_.watchFinished();
  advance(seconds(2));
  EXPECT_EQ(watches_.size(), 2u);
}

TEST_F(ReceiveWaitersTest, NothingIsWatchedWhileNothingIsParked) {
  auto receive = parkNew(1);
  waiters_.wake(1, 1, WakeSource::Local);
  advance(seconds(2));
  advance(seconds(2));
  EXPECT_TRUE(watches_.empty());
  park(1, receive);
  advance(seconds(2));
  EXPECT_EQ(watches_.size(), 1u);
}

TEST_F(ReceiveWaitersTest, LostHintsAreMadeUpForAtOnce) {
  waiters_.watchNow();
  waiters_.runTimers();
  EXPECT_TRUE(watches_.empty());
  parkNew(1);
  waiters_.watchNow();
  waiters_.runTimers();
  EXPECT_EQ(watches_.size(), 1u);
  waiters_.watchNow();  // while the watch runs: what it has read may be from before
  waiters_.runTimers();
  EXPECT_EQ(watches_.size(), 1u);
  waiters_.watchFinished();
  waiters_.runTimers();
  EXPECT_EQ(watches_.size(), 2u);
}

TEST(ReceiveWaitersThread, EndsAWaitByItself) {
  class Receive final : public ParkedReceive {
   public:
    Receive() : ParkedReceive(std::make_shared<ClientPresence>(), 1) {
      deadline_ = std::chrono::steady_clock::now() + milliseconds(20);
      queue_counts_ = std::make_shared<metrics::QueueCounts>();
    }
    void lookAgain(WakeSource) override {}
    void lookAgainElsewhere() override {}
    void answerEmpty() override { answered.set_value(); }
    SteadyTime deadline() const { return deadline_; }
    std::promise<void> answered;
  };
  SteadyClock clock;
  testing::NullRecorder recorder;
  ReceiveWaiters waiters(clock, recorder, seconds(2), [](const auto&) {});
  waiters.start();
  auto receive = std::make_shared<Receive>();
  ASSERT_TRUE(waiters.park(waiters.ticket(1), receive));
  receive->answered.get_future().get();
  EXPECT_GE(clock.now(), receive->deadline());
}

// Under the sanitizers: receives are parked, woken, left, timed out and drained by many threads, each ended exactly
// once.
TEST(ReceiveWaitersRace, EveryReceiveIsEndedExactlyOnce) {
  SteadyClock clock;
  testing::NullRecorder recorder;
  ReceiveWaiters waiters(clock, recorder, milliseconds(1), [&waiters](const auto&) { waiters.watchFinished(); });

  class Receive final : public ParkedReceive, public std::enable_shared_from_this<Receive> {
   public:
    Receive(ReceiveWaiters& waiters, QueueId queue_id, milliseconds wait, std::atomic<int>& ended)
        : ParkedReceive(std::make_shared<ClientPresence>(), 1), waiters_(waiters), queue_id_(queue_id), ended_(ended) {
      deadline_ = std::chrono::steady_clock::now() + wait;
      queue_counts_ = std::make_shared<metrics::QueueCounts>();
    }
    void start() {
      while (!waiters_.park(waiters_.ticket(queue_id_), shared_from_this())) {
      }
    }
    void lookAgain(WakeSource) override {
      if (++looks_ == 3) {
        ++ended_;  // found something
      } else {
        start();
      }
    }
    void lookAgainElsewhere() override { start(); }
    void answerEmpty() override { ++ended_; }
    ClientPresence& client() { return *client_; }

   private:
    ReceiveWaiters& waiters_;
    const QueueId queue_id_;
    std::atomic<int>& ended_;
    int looks_ = 0;
  };

  waiters.start();
  std::atomic<int> ended = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  std::latch wakers(3);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      wakers.arrive_and_wait();
      for (QueueId queue_id = 0; !stop; queue_id = (queue_id + 1) % 5) {
        waiters.wake(queue_id, 2, WakeSource::Local);
        waiters.dueAt(queue_id, clock.now() + std::chrono::microseconds(100));
        if (queue_id == 0) waiters.wakeElsewhere(1);
        std::this_thread::yield();
      }
    });
  }
  wakers.arrive_and_wait();
  constexpr int kReceives = 2000;
  for (int i = 0; i < kReceives; ++i) {
    auto receive = std::make_shared<Receive>(waiters, i % 5, milliseconds(i % 4 == 0 ? 1 : 10'000), ended);
    receive->start();
    if (i % 3 == 0) receive->client().markGone();
  }
  waiters.drain();
  stop = true;
  for (auto& thread : threads) thread.join();
  waiters.stop();
  EXPECT_EQ(ended, kReceives);
}

}  // namespace
}  // namespace howdah::service
