#include "service/stored_bytes_limit.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/manual_clock.h"

namespace howdah::service {
namespace {

using namespace std::chrono_literals;
using persistence::QueueId;
using Verdict = StoredBytesLimit::Verdict;
using Messages = std::vector<StoredBytesLimit::Message>;

// What several processes have committed.
class StoredBytesLimitTest : public ::testing::Test {
 protected:
  StoredBytesLimit::Read reads() {
    return [this](std::span<const QueueId> queue_ids) -> std::optional<persistence::StoredBytes> {
      ++reads_;
      if (!is_counted_) return std::nullopt;
      persistence::StoredBytes answer;
      for (const QueueId queue_id : queue_ids) answer.of_queues.push_back(committed_[queue_id]);
      for (const auto& [queue_id, bytes] : committed_) answer.in_all += bytes;
      return answer;
    };
  }

  // Sends what fits, and answers how many that were.
  int send(StoredBytesLimit& limit, const Messages& messages) {
    const auto verdicts = limit.admit(messages);
    int fitted = 0;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (verdicts[i] != Verdict::Fits) continue;
      ++fitted;
      committed_[messages[i].queue_id] += messages[i].bytes;
    }
    limit.finished(messages, verdicts);
    return fitted;
  }

  testing::ManualClock clock_;
  std::map<QueueId, std::int64_t> committed_;
  int reads_ = 0;
  bool is_counted_ = true;
};

TEST_F(StoredBytesLimitTest, OneProcessPassesNoLimitHoweverItSends) {
  StoredBytesLimit limit(clock_, 1000, 0, reads());
  int sent = 0;
  for (int i = 0; i < 500; ++i) {
    sent += send(limit, {{1, 7}});
    if (i % 3 == 0) clock_.advance(13ms);
  }
  EXPECT_EQ(sent, 142);
  EXPECT_EQ(committed_[1], 994);
}

TEST_F(StoredBytesLimitTest, TheStoreIsAskedOnceASecondWhileTheLimitIsFar) {
  StoredBytesLimit limit(clock_, 1'000'000, 1'000'000, reads());
  for (int i = 0; i < 1000; ++i) {
    send(limit, {{1, 1}});
    clock_.advance(1ms);
  }
  EXPECT_EQ(reads_, 1);
  send(limit, {{1, 1}});
  EXPECT_EQ(reads_, 2);
}

TEST_F(StoredBytesLimitTest, AtTheLimitTheStoreIsAskedTenTimesASecond) {
  StoredBytesLimit limit(clock_, 10, 0, reads());
  send(limit, {{1, 10}});
  reads_ = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(send(limit, {{1, 1}}), 0);
    clock_.advance(1ms);
  }
  EXPECT_EQ(reads_, 9);  // the first send asked at the beginning
}

TEST_F(StoredBytesLimitTest, ItOpensAgainATenthOfASecondAfterMessagesAreGone) {
  StoredBytesLimit limit(clock_, 10, 0, reads());
  EXPECT_EQ(send(limit, {{1, 10}}), 1);
  EXPECT_EQ(send(limit, {{1, 1}}), 0);
  committed_[1] = 0;
  EXPECT_EQ(send(limit, {{1, 1}}), 0);
  clock_.advance(100ms);
  EXPECT_EQ(send(limit, {{1, 1}}), 1);
}

TEST_F(StoredBytesLimitTest, TwoProcessesPassItByWhatTheOtherSendsInATenthOfASecond) {
  StoredBytesLimit one(clock_, 10'000, 0, reads());
  StoredBytesLimit other(clock_, 10'000, 0, reads());
  for (int i = 0; i < 30'000; ++i) {  // 1000 bytes a second each
    send(i % 2 == 0 ? one : other, {{1, 1}});
    if (i % 2 == 1) clock_.advance(1ms);
  }
  EXPECT_GE(committed_[1], 10'000);
  EXPECT_LE(committed_[1], 10'100);
}

TEST_F(StoredBytesLimitTest, QueuesHaveTheirOwnAndAllHaveOneTogether) {
  StoredBytesLimit limit(clock_, 100, 150, reads());
  EXPECT_EQ(limit.admit(Messages{{1, 101}}), std::vector{Verdict::QueueIsFull});
  EXPECT_EQ(send(limit, {{1, 100}}), 1);
  EXPECT_EQ(limit.admit(Messages{{2, 60}}), std::vector{Verdict::AllIsFull});
  EXPECT_EQ(limit.admit(Messages{{1, 1}, {2, 50}}), (std::vector{Verdict::QueueIsFull, Verdict::Fits}));
}

TEST_F(StoredBytesLimitTest, AfterARefusedMessageNoneOfItsQueueFitsInThatFlight) {
  StoredBytesLimit limit(clock_, 100, 0, reads());
  EXPECT_EQ(limit.admit(Messages{{1, 90}, {1, 20}, {2, 5}, {1, 5}}),
            (std::vector{Verdict::Fits, Verdict::QueueIsFull, Verdict::Fits, Verdict::QueueIsFull}));
}

TEST_F(StoredBytesLimitTest, WhatIsUnderWayCountsThoughTheStoreDoesNotKnowIt) {
  StoredBytesLimit limit(clock_, 100, 0, reads());
  const Messages first{{1, 60}};
  const auto verdicts = limit.admit(first);
  clock_.advance(5s);
  EXPECT_EQ(limit.admit(Messages{{1, 60}}), std::vector{Verdict::QueueIsFull});
  limit.finished(first, verdicts);  // it failed
  clock_.advance(100ms);
  EXPECT_EQ(limit.admit(Messages{{1, 60}}), std::vector{Verdict::Fits});
}

TEST_F(StoredBytesLimitTest, NothingIsRefusedWhileTheStoreHasNotCounted) {
  is_counted_ = false;
  StoredBytesLimit limit(clock_, 10, 10, reads());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(limit, {{1, 8}}), 1);
  is_counted_ = true;
  clock_.advance(1s);
  EXPECT_EQ(send(limit, {{1, 8}}), 0);
}

TEST_F(StoredBytesLimitTest, MoreQueuesThanAreRememberedAreLimitedStill) {
  StoredBytesLimit limit(clock_, 10, 0, [this](std::span<const QueueId> queue_ids) {
    persistence::StoredBytes answer;
    for (const QueueId queue_id : queue_ids) answer.of_queues.push_back(committed_[queue_id]);
    return std::optional(answer);
  });
  for (QueueId queue_id = 1; queue_id <= 25'000; ++queue_id) ASSERT_EQ(send(limit, {{queue_id, 10}, {queue_id, 1}}), 1);
  EXPECT_EQ(send(limit, {{1, 1}}), 0);
}

}  // namespace
}  // namespace howdah::service
