#include "persistence/postgres/postgres_notifications.h"

#include <gtest/gtest.h>

namespace howdah::persistence::postgres {
namespace {

const DatabaseTime kSooner{std::chrono::seconds(1'000'000)};
const DatabaseTime kLater{std::chrono::seconds(2'000'000)};

TEST(WakeHints, TravelWithTheirDueTimes) {
  const std::vector<WakeHint> hints{{1, std::nullopt}, {INT64_MAX, kSooner}, {-5, kLater}};
  const auto payloads = encodeHints(hints);
  ASSERT_EQ(payloads.size(), 1u);
  const auto decoded = decodeHints(payloads[0]);
  ASSERT_EQ(decoded.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decoded[i].queue_id, hints[i].queue_id);
    EXPECT_EQ(decoded[i].due_at, hints[i].due_at);
  }
}

TEST(WakeHints, AreSplitBelowPostgresLimit) {
  std::vector<WakeHint> hints;
  for (int i = 0; i < 1000; ++i) hints.push_back({INT64_MAX - i, kSooner});
  const auto payloads = encodeHints(hints);
  std::size_t decoded = 0;
  for (const std::string& payload : payloads) {
    EXPECT_LE(payload.size(), 7999u);
    decoded += decodeHints(payload).size();
  }
  EXPECT_EQ(decoded, 1000u);
}

TEST(WakeHints, AnythingElseInAPayloadIsLeftOut) {
  for (const char* const payload : {"", " ", "hello", "1x", "@", "1@", "@5", "99999999999999999999", "1@2@3", "  "}) {
    EXPECT_TRUE(decodeHints(payload).empty()) << payload;
  }
  EXPECT_EQ(decodeHints("x 7 y").size(), 1u);
}

}  // namespace
}  // namespace howdah::persistence::postgres
