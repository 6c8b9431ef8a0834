#include "service/outstanding.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace howdah::service {
namespace {

using namespace std::chrono_literals;

class OutstandingTest : public ::testing::Test {
 protected:
  static constexpr OutstandingLimits kLimits{.queue_rows = 20,
                                             .queue_bytes = 1000,
                                             .caller_rows = 50,
                                             .caller_bytes = 3000,
                                             .caller_request_bytes = 2000,
                                             .company = 10s};

  // Of one that does not end.
  Weight begin(Load load) { return outstanding_.begin(load); }
  void beginAndEnd(Load load) {
    const Weight weight = outstanding_.begin(load);
    outstanding_.end(load, weight);
  }
  void otherCallerAsks() { beginAndEnd({.rows = 1, .queue = 99, .caller = 3}); }

  testing::ManualClock clock_;
  Outstanding outstanding_{clock_, kLimits};
};

TEST_F(OutstandingTest, AQueueThatHasMuchGoingOnIsHeavyAndAnotherIsNot) {
  EXPECT_EQ(begin({.rows = 20, .queue = 1}), Weight::Light);
  EXPECT_EQ(begin({.rows = 1, .queue = 1}), Weight::Light) << "20 may be there";
  EXPECT_EQ(begin({.rows = 1, .queue = 1}), Weight::Heavy);
  EXPECT_EQ(begin({.rows = 10, .queue = 2}), Weight::Light);
}

TEST_F(OutstandingTest, WhatARequestItselfBringsIsNotHeldAgainstIt) {
  EXPECT_EQ(begin({.rows = 500, .bytes = 1'000'000, .queue = 1}), Weight::Light);
  EXPECT_EQ(begin({.rows = 1, .bytes = 1, .queue = 1}), Weight::Heavy);
}

TEST_F(OutstandingTest, BytesWeighLikeRows) {
  EXPECT_EQ(begin({.rows = 1, .bytes = 1001, .queue = 1}), Weight::Light);
  EXPECT_EQ(begin({.rows = 1, .bytes = 1, .queue = 1}), Weight::Heavy);
}

TEST_F(OutstandingTest, WhatHasEndedNoLongerWeighs) {
  const Load large{.rows = 30, .bytes = 2000, .queue = 1, .caller = 7};
  Load first = large, second = large;
  const Weight first_weight = outstanding_.begin(first), second_weight = outstanding_.begin(second);
  outstanding_.end(first, first_weight);
  EXPECT_EQ(begin({.rows = 1, .queue = 1}), Weight::Heavy) << "the second one is still there";
  outstanding_.end({.rows = 1, .queue = 1}, Weight::Heavy);
  outstanding_.end(second, second_weight);
  EXPECT_EQ(begin(large), Weight::Light);
}

TEST_F(OutstandingTest, ACallerOfManyQueuesIsHeavyOnceTheyAddUp) {
  otherCallerAsks();
  for (int queue = 1; queue <= 5; ++queue) EXPECT_EQ(begin({.rows = 10, .queue = queue, .caller = 7}), Weight::Light);
  Load sixth{.rows = 10, .queue = 8, .caller = 7};
  EXPECT_EQ(outstanding_.begin(sixth), Weight::Heavy);
  EXPECT_EQ(begin({.rows = 10, .queue = 9, .caller = 6}), Weight::Light) << "another caller";
  EXPECT_EQ(begin({.rows = 10, .queue = 10}), Weight::Light) << "nobody in particular";
  outstanding_.end({.rows = 10, .queue = 1, .caller = 7}, Weight::Light);
  EXPECT_EQ(begin({.rows = 1, .queue = 11, .caller = 7}), Weight::Heavy) << "the heavy one counts as well";
  outstanding_.end(sixth, Weight::Heavy);
  EXPECT_EQ(begin({.rows = 9, .queue = 8, .caller = 7}), Weight::Light);
}

TEST_F(OutstandingTest, TheBytesOfACallersQueuesAddUpAndOneRequestsAreNotAllOfThem) {
  otherCallerAsks();
  Load large{.rows = 1, .bytes = 1'000'000, .queue = 1, .caller = 7};
  const Weight weight = outstanding_.begin(large);
  EXPECT_EQ(begin({.rows = 1, .bytes = 1000, .queue = 2, .caller = 7}), Weight::Light);
  EXPECT_EQ(begin({.rows = 1, .bytes = 1, .queue = 3, .caller = 7}), Weight::Heavy) << "with this 3001";
  outstanding_.end(large, weight);
  EXPECT_EQ(begin({.rows = 1, .bytes = 1, .queue = 4, .caller = 7}), Weight::Light);
}

TEST_F(OutstandingTest, ACallerIsWeighedForAWhileAfterAnotherHasAsked) {
  for (int queue = 1; queue <= 20; ++queue)
    EXPECT_EQ(begin({.rows = 10, .queue = queue, .caller = 7}), Weight::Light) << "first caller of all";
  clock_.advance(10s);
  EXPECT_EQ(begin({.rows = 10, .queue = 21, .caller = 7}), Weight::Light);
  EXPECT_EQ(begin({.rows = 10, .queue = 22}), Weight::Light);
  EXPECT_EQ(begin({.rows = 10, .queue = 23, .caller = 7}), Weight::Light) << "nobody is no other";
  otherCallerAsks();
  EXPECT_EQ(begin({.rows = 10, .queue = 24, .caller = 7}), Weight::Heavy);
  clock_.advance(9s);
  EXPECT_EQ(begin({.rows = 10, .queue = 25, .caller = 7}), Weight::Heavy);
  clock_.advance(1s);
  EXPECT_EQ(begin({.rows = 10, .queue = 26, .caller = 7}), Weight::Light);
}

TEST_F(OutstandingTest, WhatOneQueueOfACallerPilesUpDoesNotMakeItsOthersHeavy) {
  otherCallerAsks();
  for (int i = 0; i < 100; ++i) (void)begin({.rows = 10, .queue = 1, .caller = 7});
  EXPECT_EQ(begin({.rows = 10, .queue = 2, .caller = 7}), Weight::Light);
}

TEST_F(OutstandingTest, HeavyWorkHasCompanyForAWhileAfterALightRequestOfAnotherQueue) {
  Load load{.rows = 30, .queue = 1};
  const Load quiet{.rows = 1, .queue = 2};
  const Weight first = outstanding_.begin(load);
  beginAndEnd(quiet);
  EXPECT_FALSE(outstanding_.heavyHasCompany()) << "nothing heavy is there";
  const Weight second = outstanding_.begin(load);
  ASSERT_EQ(second, Weight::Heavy);
  EXPECT_FALSE(outstanding_.heavyHasCompany());
  beginAndEnd(quiet);
  EXPECT_TRUE(outstanding_.heavyHasCompany());
  clock_.advance(9s);
  EXPECT_TRUE(outstanding_.heavyHasCompany());
  clock_.advance(1s);
  EXPECT_FALSE(outstanding_.heavyHasCompany());
  outstanding_.end(load, first);
  outstanding_.end(load, second);
}

TEST_F(OutstandingTest, ALoadIsNoCompanyForItself) {
  Load load{.rows = 15, .queue = 1};
  const Weight first = outstanding_.begin(load), second = outstanding_.begin(load), third = outstanding_.begin(load);
  ASSERT_EQ(third, Weight::Heavy);
  outstanding_.end(load, first);
  outstanding_.end(load, second);
  EXPECT_EQ(outstanding_.begin(load), Weight::Light);
  EXPECT_FALSE(outstanding_.heavyHasCompany());
}

}  // namespace
}  // namespace howdah::service
