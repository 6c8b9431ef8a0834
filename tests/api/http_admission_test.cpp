#include "api/http_admission.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace howdah::api {
namespace {

boost::asio::ip::address address(const char* text) { return boost::asio::ip::make_address(text); }

TEST(ConnectionsPerAddress, AreCountedByTheAddressOrTheIpv6Network) {
  ConnectionsPerAddress connections(2);
  EXPECT_TRUE(connections.enter(address("2001:db8:0:1::1")));
  EXPECT_TRUE(connections.enter(address("2001:db8:0:1:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(connections.enter(address("2001:db8:0:1::2")));
  EXPECT_TRUE(connections.enter(address("2001:db8:0:2::1")));

  EXPECT_TRUE(connections.enter(address("10.0.0.1")));
  EXPECT_TRUE(connections.enter(address("10.0.0.1")));
  EXPECT_FALSE(connections.enter(address("10.0.0.1")));
  EXPECT_TRUE(connections.enter(address("10.0.0.2")));

  connections.leave(address("10.0.0.1"));
  EXPECT_TRUE(connections.enter(address("10.0.0.1")));
  EXPECT_FALSE(connections.enter(address("10.0.0.1")));
}

TEST(ConnectionsPerAddress, HaveNoLimitByDefault) {
  ConnectionsPerAddress connections(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(connections.enter(address("10.0.0.1")));
  connections.leave(address("10.0.0.1"));
}

TEST(BytesInFlight, LargeSharesLeaveAnEighthToSmallOnes) {
  BytesInFlight all(8 * 100'000);
  BytesInFlight::Held large(all), larger(all), small(all);
  EXPECT_FALSE(all.haveRoomFor(700'001));
  EXPECT_TRUE(all.haveRoomFor(700'000));
  EXPECT_TRUE(large.resize(600'000));
  EXPECT_FALSE(larger.resize(100'001));
  EXPECT_EQ(larger.bytes(), 0U);
  EXPECT_TRUE(larger.resize(100'000));
  EXPECT_FALSE(all.haveRoomFor(BytesInFlight::kSmall + 1));
  EXPECT_TRUE(small.resize(BytesInFlight::kSmall));
  EXPECT_TRUE(all.haveRoomFor(100'000 - BytesInFlight::kSmall));
  EXPECT_FALSE(all.haveRoomFor(100'001 - BytesInFlight::kSmall));
}

TEST(BytesInFlight, AShareIsCountedOnceHoweverItMoves) {
  BytesInFlight all(1000);
  {
    BytesInFlight::Held first(all);
    ASSERT_TRUE(first.resize(600));
    BytesInFlight::Held second(std::move(first));
    EXPECT_EQ(second.bytes(), 600U);
    EXPECT_TRUE(second.resize(400));
    EXPECT_TRUE(first.resize(600)) << "what was moved from counts anew";
    EXPECT_FALSE(all.haveRoomFor(1));
    first = std::move(second);
    EXPECT_EQ(first.bytes(), 400U);
    EXPECT_FALSE(all.haveRoomFor(1));
  }
  EXPECT_TRUE(all.haveRoomFor(1000));
}

TEST(BytesInFlight, ThreadsNeverHoldMoreThanTheLimit) {
  BytesInFlight all(1000);
  std::atomic<int> held = 0, most = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        BytesInFlight::Held share(all);
        if (!share.resize(400)) continue;
        const int now = held += 400;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        held -= 400;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, 1000);
  EXPECT_GT(most, 0);
  EXPECT_TRUE(all.haveRoomFor(1000));
}

}  // namespace
}  // namespace howdah::api
