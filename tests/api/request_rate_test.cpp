#include "api/auth/request_rate.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace howdah::api {
namespace {

using namespace std::chrono_literals;

int takeAll(RequestRate& rate, const std::string& key, int attempts = 1000) {
  int taken = 0;
  for (int i = 0; i < attempts; ++i) taken += rate.take(key) ? 1 : 0;
  return taken;
}

TEST(RequestRate, AKeyMayMakeASecondsWorthAtOnceAndThenNoMore) {
  testing::ManualClock clock;
  RequestRate rate(clock, 10);
  EXPECT_EQ(takeAll(rate, "A"), 10);
  clock.advance(99ms);
  EXPECT_EQ(takeAll(rate, "A"), 0);
  clock.advance(1ms);
  EXPECT_EQ(takeAll(rate, "A"), 1);
  clock.advance(450ms);
  EXPECT_EQ(takeAll(rate, "A"), 4);
}

TEST(RequestRate, WhatARefusedRequestWouldHaveTakenIsNotTaken) {
  testing::ManualClock clock;
  RequestRate rate(clock, 1);
  EXPECT_EQ(takeAll(rate, "A"), 1);
  clock.advance(1s);
  EXPECT_EQ(takeAll(rate, "A"), 1);
}

TEST(RequestRate, AnIdleKeySavesUpNoMoreThanASecondsWorth) {
  testing::ManualClock clock;
  RequestRate rate(clock, 10);
  takeAll(rate, "A");
  clock.advance(1h);
  EXPECT_EQ(takeAll(rate, "A"), 10);
}

TEST(RequestRate, KeysDoNotShare) {
  testing::ManualClock clock;
  RequestRate rate(clock, 5);
  EXPECT_EQ(takeAll(rate, "A"), 5);
  EXPECT_EQ(takeAll(rate, "B"), 5);
  EXPECT_EQ(takeAll(rate, ""), 5);
}

TEST(RequestRate, TheRateHoldsOverTimeWhateverTheClocksSteps) {
  testing::ManualClock clock;
  RequestRate rate(clock, 300);
  int taken = 0;
  for (int step = 0; step < 10'000; ++step) {
    taken += takeAll(rate, "A", 5);
    clock.advance(1ms);
  }
  EXPECT_NEAR(taken, 300 + 3000, 1);
}

TEST(RequestRate, TheTableOfKeysIsBounded) {
  testing::ManualClock clock;
  RequestRate rate(clock, 2);
  for (std::size_t i = 0; i < 3 * RequestRate::kMaximumKeys; ++i) {
    EXPECT_TRUE(rate.take("key-" + std::to_string(i)));
    ASSERT_LE(rate.keys(), RequestRate::kMaximumKeys);
  }
}

TEST(RequestRate, AFullTableForgetsIdleKeysBeforeBusyOnes) {
  testing::ManualClock clock;
  RequestRate rate(clock, 1);
  for (std::size_t i = 1; i < RequestRate::kMaximumKeys; ++i) rate.take("idle-" + std::to_string(i));
  clock.advance(2s);
  EXPECT_TRUE(rate.take("busy"));
  EXPECT_TRUE(rate.take("one more"));
  EXPECT_EQ(rate.keys(), 2u);
  EXPECT_FALSE(rate.take("busy"));
}

}  // namespace
}  // namespace howdah::api
