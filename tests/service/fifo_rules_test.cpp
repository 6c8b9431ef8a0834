#include "service/fifo_rules.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace howdah::service {
namespace {

TEST(FifoRules, IdsAreLettersDigitsAndPunctuation) {
  std::string all;
  for (char c = 0x21; c < 0x7f; ++c) all += c;
  EXPECT_EQ(all.size(), 94u);
  EXPECT_TRUE(isGroupOrDeduplicationId(all));
  EXPECT_TRUE(isGroupOrDeduplicationId("a"));
  EXPECT_TRUE(isGroupOrDeduplicationId(std::string(128, 'x')));
  EXPECT_FALSE(isGroupOrDeduplicationId(std::string(129, 'x')));
  for (const std::string_view id : {"", "a b", "a\n", "\x7f", "\xc3\xa4"}) EXPECT_FALSE(isGroupOrDeduplicationId(id));
}

TEST(FifoRules, TheBodyStandsInForAnIdAndAGivenOneWins) {
  EXPECT_EQ(deduplicationId(std::nullopt, "same"), "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5");
  EXPECT_EQ(deduplicationId("given", "same"), "given");
}

TEST(FifoRules, TheWindowComparesIdsAndWhereItIsTheGroupsOwnTheGroup) {
  EXPECT_EQ(deduplicationKey(false, "g1", "id"), deduplicationKey(false, "g2", "id"));
  EXPECT_NE(deduplicationKey(false, "g1", "id"), deduplicationKey(false, "g1", "id2"));
  EXPECT_NE(deduplicationKey(true, "g1", "id"), deduplicationKey(true, "g2", "id"));
  EXPECT_EQ(deduplicationKey(true, "g1", "id"), deduplicationKey(true, "g1", "id"));
  EXPECT_NE(deduplicationKey(true, "ga", "b"), deduplicationKey(true, "g", "ab"));
  EXPECT_EQ(deduplicationKey(true, "g", "id").size(), 16u);
}

// Number 22 of what emulators get wrong.
TEST(FifoRules, SequenceNumbersHave20DigitsAndGrow) {
  EXPECT_EQ(sequenceNumber(1), "10000000000000000001");
  std::string last;
  for (const std::int64_t sequence :
       {std::int64_t{1}, std::int64_t{9}, std::int64_t{10}, std::int64_t{1} << 40, std::int64_t{1} << 62}) {
    const std::string number = sequenceNumber(sequence);
    EXPECT_EQ(number.size(), 20u);
    EXPECT_GT(number, last);
    last = number;
  }
}

TEST(FifoRules, FifoQueuesAreKnownByTheirNames) {
  EXPECT_TRUE(isFifoQueueName("q.fifo"));
  EXPECT_FALSE(isFifoQueueName("q"));
  EXPECT_FALSE(isFifoQueueName("q.FIFO"));
}

}  // namespace
}  // namespace howdah::service
