#include "service/message_id.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace howdah::service {
namespace {

TEST(MessageId, TextIsAUuid) {
  EXPECT_EQ(toString({0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}),
            "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(MessageId, IsOfVersion4) {
  for (int i = 0; i < 1000; ++i) {
    const std::string text = toString(newMessageId());
    ASSERT_EQ(text[14], '4') << text;
    ASSERT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
  }
}

TEST(MessageId, IsNeverGivenTwiceOnAnyThread) {
  std::vector<std::vector<persistence::MessageId>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& ids : made) {
      threads.emplace_back([&ids] {
        for (int i = 0; i < 2000; ++i) ids.push_back(newMessageId());
      });
    }
  }
  std::set<persistence::MessageId> distinct;
  for (const auto& ids : made) distinct.insert(ids.begin(), ids.end());
  EXPECT_EQ(distinct.size(), 8000u);
}

}  // namespace
}  // namespace howdah::service
