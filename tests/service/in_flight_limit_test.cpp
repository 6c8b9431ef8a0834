#include "service/in_flight_limit.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace howdah::service {
namespace {

using std::chrono::seconds;

class InFlightLimitTest : public ::testing::Test {
 protected:
  testing::ManualClock clock_;
  std::int64_t in_flight_ = 0;
  int counts_ = 0;
  InFlightLimit limit_{clock_, 100, [this](persistence::QueueId, std::int64_t limit) {
                         ++counts_;
                         return std::min(in_flight_, limit);
                       }};
};

TEST_F(InFlightLimitTest, CountsOnlyOnceWhatWasHandedOutCouldHaveReachedTheLimit) {
  EXPECT_FALSE(limit_.isReached(1));
  EXPECT_EQ(counts_, 1);
  limit_.handedOut(1, 49);
  EXPECT_FALSE(limit_.isReached(1));
  EXPECT_EQ(counts_, 1);
  limit_.handedOut(1, 1);
  in_flight_ = 50;
  EXPECT_FALSE(limit_.isReached(1));
  EXPECT_EQ(counts_, 2);
}

TEST_F(InFlightLimitTest, IsReachedUntilACountASecondLaterSaysOtherwise) {
  in_flight_ = 100;
  EXPECT_TRUE(limit_.isReached(1));
  in_flight_ = 99;
  EXPECT_TRUE(limit_.isReached(1));
  EXPECT_EQ(counts_, 1);
  clock_.advance(seconds(1));
  EXPECT_FALSE(limit_.isReached(1));
}

TEST_F(InFlightLimitTest, AnOldCountIsNotTrustedSinceOthersHandOutAsWell) {
  EXPECT_FALSE(limit_.isReached(1));
  in_flight_ = 100;
  EXPECT_FALSE(limit_.isReached(1));
  clock_.advance(seconds(10));
  EXPECT_TRUE(limit_.isReached(1));
}

TEST_F(InFlightLimitTest, QueuesAreCountedApart) {
  in_flight_ = 100;
  EXPECT_TRUE(limit_.isReached(1));
  in_flight_ = 0;
  EXPECT_FALSE(limit_.isReached(2));
}

}  // namespace
}  // namespace howdah::service
