#include "commands/top_table.h"

#include <gtest/gtest.h>

namespace howdah {
namespace {

ServerFigures server(double requests, double visible, double sent, double parked) {
  const std::string queue = "{queue=\"q\"} ";
  return figuresOf(
      readMetrics("howdah_requests_total{action=\"A\"} " + std::to_string(requests) +
                  "\nhowdah_requests_total{action=\"B\"} 1\nhowdah_db_up 1\nhowdah_receive_waiters 2\n"
                  "howdah_batch_size_sum{op=\"send\"} " +
                  std::to_string(2 * sent) + "\nhowdah_batch_size_count{op=\"send\"} " + std::to_string(sent) + "\n"),
      readMetrics("howdah_queue_messages{queue=\"q\",state=\"visible\"} " + std::to_string(visible) +
                  "\nhowdah_queue_messages{queue=\"full\",state=\"visible\"} 1000\nhowdah_queue_messages_sent_total" +
                  queue + std::to_string(sent) + "\nhowdah_queue_receive_waiters" + queue + std::to_string(parked) +
                  "\n"));
}

TEST(TopTable, CountersAreSummedOverServersAndGaugesOfTheSnapshotAreNot) {
  const TopFrame frame = compare({{"a", server(10, 5, 100, 1)}, {"b", server(10, 5, 100, 1)}},
                                 {{"a", server(20, 7, 110, 1)}, {"b", server(30, 8, 130, 3)}}, 2);
  EXPECT_EQ(frame.servers, 2U);
  EXPECT_EQ(frame.databases_up, 2U);
  EXPECT_EQ(frame.requests, 15);
  EXPECT_EQ(frame.parked, 4);
  ASSERT_EQ(frame.queues.size(), 2U);
  EXPECT_EQ(frame.queues[0].first, "full") << "the fullest comes first";
  EXPECT_EQ(frame.queues[1].second.visible, 8);
  EXPECT_EQ(frame.queues[1].second.sent, 20);
  EXPECT_EQ(frame.queues[1].second.parked, 4);
  ASSERT_EQ(frame.batches.size(), 1U);
  EXPECT_EQ(frame.batches[0], std::pair(std::string("send"), 2.0));
}

TEST(TopTable, AServerThatIsNewOrBeganAnewGivesNoWildRates) {
  const TopFrame appeared = compare({}, {{"a", server(1e6, 1, 1e6, 0)}}, 1);
  EXPECT_EQ(appeared.requests, 0);
  EXPECT_EQ(appeared.queues[1].second.sent, 0);
  const TopFrame restarted = compare({{"a", server(1e6, 1, 1e6, 0)}}, {{"a", server(4, 1, 3, 0)}}, 1);
  EXPECT_EQ(restarted.requests, 5);
  EXPECT_EQ(restarted.queues[1].second.sent, 3);
}

TEST(TopTable, LinesKeepToTheTerminal) {
  TopFrame frame;
  for (int i = 0; i < 50; ++i) frame.queues.push_back({"queue-" + std::string(80, 'x') + std::to_string(i), {}});
  const auto lines = topLines(frame, 100, 24);
  EXPECT_EQ(lines.size(), 24U);
  for (const auto& line : lines) EXPECT_LE(line.size(), 100U) << line;
  EXPECT_TRUE(lines[5].find("PARKED") == std::string::npos && lines[4].find("PARKED") != std::string::npos);
}

}  // namespace
}  // namespace howdah
