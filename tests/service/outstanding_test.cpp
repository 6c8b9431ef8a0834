#include "service/outstanding.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace howdah::service {
namespace {

using namespace std::chrono_literals;

class OutstandingTest : public ::testing::Test {
 protected:
  static constexpr OutstandingLimits kLimits{
      .queue_rows = 20, .queue_bytes = 1000, .caller_rows = 50, .caller_bytes = 3000, .company = 10s};

  testing::ManualClock clock_;
  Outstanding outstanding_{clock_, kLimits};
};

TEST_F(OutstandingTest, AQueueThatHasMuchGoingOnIsHeavyAndAnotherIsNot) {
  EXPECT_EQ(outstanding_.begin({.rows = 20, .queue = 1}), Weight::Light);
  EXPECT_EQ(outstanding_.begin({.rows = 1, .queue = 1}), Weight::Light) << "20 may be there";
  EXPECT_EQ(outstanding_.begin({.rows = 1, .queue = 1}), Weight::Heavy);
  EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = 2}), Weight::Light);
}

TEST_F(OutstandingTest, WhatARequestItselfBringsIsNotHeldAgainstIt) {
  EXPECT_EQ(outstanding_.begin({.rows = 500, .bytes = 1'000'000, .queue = 1}), Weight::Light);
  EXPECT_EQ(outstanding_.begin({.rows = 1, .bytes = 1, .queue = 1}), Weight::Heavy);
}

TEST_F(OutstandingTest, BytesWeighLikeRows) {
  EXPECT_EQ(outstanding_.begin({.rows = 1, .bytes = 1001, .queue = 1}), Weight::Light);
  EXPECT_EQ(outstanding_.begin({.rows = 1, .bytes = 1, .queue = 1}), Weight::Heavy);
}

TEST_F(OutstandingTest, WhatHasEndedNoLongerWeighs) {
  const Load large{.rows = 30, .bytes = 2000, .queue = 1, .caller = 7};
  const Weight first = outstanding_.begin(large);
  const Weight second = outstanding_.begin(large);
  outstanding_.end(large, first);
  EXPECT_EQ(outstanding_.begin({.rows = 1, .queue = 1}), Weight::Heavy) << "the second one is still there";
  outstanding_.end({.rows = 1, .queue = 1}, Weight::Heavy);
  outstanding_.end(large, second);
  EXPECT_EQ(outstanding_.begin(large), Weight::Light);
}

TEST_F(OutstandingTest, ACallerOfManyQueuesIsHeavyOnceTheyAddUp) {
  for (int queue = 1; queue <= 6; ++queue)
    EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = queue, .caller = 7}), Weight::Light);
  EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = 8, .caller = 7}), Weight::Heavy);
  EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = 9, .caller = 6}), Weight::Light) << "another caller";
  EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = 10}), Weight::Light) << "nobody in particular";
  outstanding_.end({.rows = 10, .queue = 1, .caller = 7}, Weight::Light);
  EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = 8, .caller = 7}), Weight::Light);
}

TEST_F(OutstandingTest, WhatOneQueueOfACallerPilesUpDoesNotMakeItsOthersHeavy) {
  for (int i = 0; i < 100; ++i) (void)outstanding_.begin({.rows = 10, .queue = 1, .caller = 7});
  EXPECT_EQ(outstanding_.begin({.rows = 10, .queue = 2, .caller = 7}), Weight::Light);
}

TEST_F(OutstandingTest, HeavyWorkHasCompanyForAWhileAfterALightRequestOfAnotherQueue) {
  const Load load{.rows = 30, .queue = 1}, quiet{.rows = 1, .queue = 2};
  const Weight first = outstanding_.begin(load);
  outstanding_.end(quiet, outstanding_.begin(quiet));
  EXPECT_FALSE(outstanding_.heavyHasCompany()) << "nothing heavy is there";
  const Weight second = outstanding_.begin(load);
  ASSERT_EQ(second, Weight::Heavy);
  EXPECT_FALSE(outstanding_.heavyHasCompany());
  outstanding_.end(quiet, outstanding_.begin(quiet));
  EXPECT_TRUE(outstanding_.heavyHasCompany());
  clock_.advance(9s);
  EXPECT_TRUE(outstanding_.heavyHasCompany());
  clock_.advance(1s);
  EXPECT_FALSE(outstanding_.heavyHasCompany());
  outstanding_.end(load, first);
  outstanding_.end(load, second);
}

TEST_F(OutstandingTest, ALoadIsNoCompanyForItself) {
  const Load load{.rows = 15, .queue = 1};
  const Weight first = outstanding_.begin(load), second = outstanding_.begin(load), third = outstanding_.begin(load);
  ASSERT_EQ(third, Weight::Heavy);
  outstanding_.end(load, first);
  outstanding_.end(load, second);
  EXPECT_EQ(outstanding_.begin(load), Weight::Light);
  EXPECT_FALSE(outstanding_.heavyHasCompany());
}

}  // namespace
}  // namespace howdah::service
