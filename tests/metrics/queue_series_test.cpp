#include "metrics/queue_series.h"

#include <gtest/gtest.h>

namespace howdah::metrics {
namespace {

std::shared_ptr<Snapshot> snapshotOf(std::int64_t number, std::vector<std::string> names) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->number = number;
  snapshot->taken_at = std::chrono::steady_clock::now();
  for (auto& name : names) {
    QueueSnapshot& queue = snapshot->queues.emplace_back();
    queue.account = "000000000000";
    queue.name = std::move(name);
    queue.visible = 1;
  }
  return snapshot;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::string rendered(const QueueSeries& series) {
  std::string text;
  series.render(text);
  return text;
}

TEST(QueueSeries, AQueueOfAnotherAccountBearsIt) {
  QueueSeries series({"000000000000", 10});
  series.counts("000000000000", "q")->sent = 1;
  series.counts("111111111111", "q")->sent = 2;
  const std::string text = rendered(series);
  EXPECT_TRUE(has(text, "howdah_queue_messages_sent_total{queue=\"q\"} 1\n")) << text;
  EXPECT_TRUE(has(text, "howdah_queue_messages_sent_total{queue=\"111111111111/q\"} 2\n")) << text;
}

TEST(QueueSeries, CountsOfAQueueThatTwoSnapshotsDoNotKnowAreHidden) {
  QueueSeries series({"000000000000", 10});
  series.counts("000000000000", "q")->sent = 1;
  series.snapshotRead(snapshotOf(1, {}));  // taken before the queue was made, perhaps
  series.snapshotRead(snapshotOf(1, {}));  // the same one again
  EXPECT_TRUE(has(rendered(series), "queue=\"q\""));
  series.snapshotRead(snapshotOf(2, {}));
  EXPECT_FALSE(has(rendered(series), "queue=\"q\""));
}

TEST(QueueSeries, CountsGoOnWhereTheQueueTurnsUpAgainWhileItsRecordIsKept) {
  QueueSeries series({"000000000000", 10});
  const QueueCountsPtr kept = series.counts("000000000000", "q");
  kept->sent = 1;
  series.queueDeleted("000000000000", "q");
  EXPECT_FALSE(has(rendered(series), "queue=\"q\""));
  series.snapshotRead(snapshotOf(1, {}));
  series.counts("000000000000", "q")->sent += 1;
  EXPECT_TRUE(has(rendered(series), "howdah_queue_messages_sent_total{queue=\"q\"} 2\n"));
}

TEST(QueueSeries, ADeletedQueueMakesRoomForAnother) {
  QueueSeries series({"000000000000", 1});
  series.counts("000000000000", "a");
  series.counts("000000000000", "b")->sent = 5;
  EXPECT_TRUE(has(rendered(series), "howdah_queue_messages_sent_total{queue=\"_other\"} 5\n"));
  series.queueDeleted("000000000000", "a");
  series.snapshotRead(snapshotOf(1, {"b"}));
  series.counts("000000000000", "b")->sent = 1;
  const std::string text = rendered(series);
  EXPECT_TRUE(has(text, "howdah_queue_messages_sent_total{queue=\"b\"} 1\n")) << text;
  EXPECT_TRUE(has(text, "howdah_queue_messages_sent_total{queue=\"_other\"} 5\n")) << "what it counted stays" << text;
}

TEST(QueueSeries, TheYoungestQueuesAreAddedUp) {
  QueueSeries series({"000000000000", 2});
  auto snapshot = snapshotOf(1, {"a", "b", "c", "d"});
  snapshot->queues[2].oldest_age_seconds = 7.5;
  snapshot->queues[3].oldest_age_seconds = 3;
  series.snapshotRead(snapshot);
  const std::string text = rendered(series);
  EXPECT_TRUE(has(text, "howdah_queue_messages{queue=\"b\",state=\"visible\"} 1\n")) << text;
  EXPECT_TRUE(has(text, "howdah_queue_messages{queue=\"_other\",state=\"visible\"} 2\n")) << text;
  EXPECT_TRUE(has(text, "howdah_queue_oldest_message_age_seconds{queue=\"_other\"} 7.5\n")) << text;
  EXPECT_TRUE(has(text, "howdah_queue_metrics_dropped 2\n")) << text;
  EXPECT_FALSE(has(text, "howdah_queue_info{queue=\"_other\"")) << text;
}

TEST(QueueSeries, AFigureOfANewerServerIsLeftOut) {
  QueueSeries series({"000000000000", 2});
  auto snapshot = snapshotOf(1, {});
  snapshot->database = {{"howdah_db_of_tomorrow", "", 1}, {"howdah_db_xid_age", "", 42}};
  series.snapshotRead(snapshot);
  const std::string text = rendered(series);
  EXPECT_TRUE(has(text, "howdah_db_xid_age 42\n")) << text;
  EXPECT_FALSE(has(text, "tomorrow")) << text;
}

TEST(QueueSeries, APatternChoosesByTheWholeLabelAndIsNotBounded) {
  QueueSeries series({"000000000000", 1});
  series.snapshotRead(snapshotOf(1, {"a", "ab", "b"}));
  std::string text;
  ASSERT_TRUE(series.renderMatching("a.?", text));
  EXPECT_TRUE(has(text, "queue=\"a\"") && has(text, "queue=\"ab\"") && !has(text, "queue=\"b\"")) << text;
  EXPECT_FALSE(series.renderMatching("(", text));
  EXPECT_FALSE(series.renderMatching("((a{100}){100}){100}", text)) << "it would take too much memory";
}

}  // namespace
}  // namespace howdah::metrics
