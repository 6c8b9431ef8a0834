#include "api/network.h"

#include <gtest/gtest.h>

namespace howdah::api {
namespace {

bool contains(std::string_view network, const std::string& address) {
  const auto parsed = parseNetwork(network);
  EXPECT_TRUE(parsed) << network;
  return parsed && parsed->contains(address);
}

TEST(Network, HoldsTheAddressesThatBeginAsItDoes) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(contains("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(contains("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(contains("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("fd00::/8", "fdff::1"));
  EXPECT_FALSE(contains("fd00::/8", "fe00::1"));
  EXPECT_TRUE(contains("::/0", "::1"));
  for (const char* network : {"::/0", "::/64", "::/80"}) {
    EXPECT_FALSE(contains(network, "1.2.3.4")) << network;
    EXPECT_FALSE(contains(network, "::ffff:1.2.3.4")) << network;
  }
  EXPECT_TRUE(contains("::ffff:0:0/96", "1.2.3.4"));
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.1.1")) << "as a socket of both families tells it";
}

TEST(Network, NothingElseIsInIt) {
  for (const char* address : {"", "localhost", "10.0.0", "10.0.0.1:80", "10.0.0.1 "})
    EXPECT_FALSE(contains("0.0.0.0/0", address) || contains("::/0", address)) << address;
}

TEST(Network, WhatIsNoneIsNotRead) {
  for (const char* text : {"", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "host/8",
                           "10/8", "10.0.0.0/8x", "*"})
    EXPECT_FALSE(parseNetwork(text)) << text;
}

}  // namespace
}  // namespace howdah::api
