// The snapshot of queues on the store: slices, what is written, and that it counts as the queues' own counts do.
#include "persistence/snapshot_store.h"

#include <gtest/gtest.h>

#include "tests/support/test_store.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using std::chrono::seconds;

class SnapshotTest : public ::testing::Test {
 protected:
  QueueRecord create(const std::string& name, const StringMap& attributes = {}) {
    return std::get<QueueStore::Created>(
               test_.store.queues().createQueue({"000000000000", name}, attributes, {}, seconds(0)))
        .queue;
  }
  void send(const QueueRecord& queue, int count, int delay = 0) {
    std::vector<NewMessage> messages(static_cast<std::size_t>(count));
    for (NewMessage& m : messages) {
      m.queue_id = queue.queue_id;
      m.queue_version = queue.version;
      m.delay_seconds = delay;
      m.message_id[0] = ++made_;
      m.body = "x";
      m.sender_id = "s";
    }
    test_.store.messages().send(messages);
  }
  // How many slices it took.
  int take(int slice_queues = 500) {
    SnapshotStore& snapshots = test_.store.snapshots();
    int slices = 0;
    for (std::optional<QueueId> after; (after = snapshots.countQueues(after, slice_queues)); ++slices) {
    }
    snapshots.finish();
    return slices;
  }
  metrics::QueueSnapshot shown(const std::string& name) {
    const auto snapshot = test_.store.snapshots().read(0);
    for (const auto& queue : snapshot->queues) {
      if (queue.name == name) return queue;
    }
    throw std::runtime_error("not in the snapshot: " + name);
  }
  std::string versions() {
    return std::string(test_.database.outsider()
                           .execute({"versions",
                                     "SELECT string_agg(queue_id || ' ' || xmin::text, ',' ORDER BY queue_id) FROM "
                                     "howdah.queue_snapshot"})
                           .only()
                           .text(0));
  }

  TestStore test_{true};
  unsigned char made_ = 0;
};

TEST_F(SnapshotTest, SlicesMeetEveryQueueOnce) {
  for (const char* name : {"a", "b", "c", "d", "e"}) create(name);
  EXPECT_EQ(take(2), 3);
  EXPECT_EQ(test_.count("howdah.queue_snapshot"), 5);
  const auto snapshot = test_.store.snapshots().read(0);
  EXPECT_EQ(snapshot->number, 1);
  EXPECT_EQ(snapshot->queues.size(), 5u);
  EXPECT_EQ(snapshot->queues.front().name, "a") << "the oldest queue comes first";
  EXPECT_EQ(test_.store.snapshots().read(1), nullptr) << "nothing new";
}

TEST_F(SnapshotTest, BeforeTheFirstThereIsNone) {
  create("a");
  EXPECT_EQ(test_.store.snapshots().read(0), nullptr);
}

TEST_F(SnapshotTest, ARowThatSaysNothingNewIsNotWritten) {
  const QueueRecord changing = create("a");
  send(create("b"), 3);
  take();
  const std::string before = versions();
  take();
  EXPECT_EQ(versions(), before);
  send(changing, 1);
  take();
  EXPECT_NE(versions(), before);
  test_.store.queues().deleteQueue(changing.queue_name);
  take();
  EXPECT_EQ(test_.count("howdah.queue_snapshot"), 1) << "a queue that is no more is forgotten";
}

TEST_F(SnapshotTest, ItCountsAsTheQueuesOwnCountsDo) {
  const QueueRecord queue = create("q");
  send(queue, 9);
  send(queue, 2, 900);
  test_.store.messages().receive({queue.queue_id, queue.version, {600, 600, 0, 600}});
  const QueueRecord fifo = create("f.fifo", {{"FifoQueue", "true"}, {"DelaySeconds", "50"}});
  const FifoQueueRef ref{fifo.queue_id, fifo.version, seconds(50), seconds(345600), {}};
  const auto sendTo = [&](const std::string& group) {
    NewFifoMessage m;
    m.message.body = "x";
    m.message.sender_id = "s";
    m.message.message_group_id = group;
    m.message.message_id[0] = ++made_;
    m.message_deduplication_id = m.deduplication_key = std::to_string(made_);
    test_.store.fifo().send(ref, std::vector{m});
  };
  for (const char* group : {"g", "g", "h", "i"}) sendTo(group);
  test_.store.setTestClockOffset(60);
  for (const char* group : {"g", "k"}) sendTo(group);
  test_.store.fifo().receive(ref, std::vector<FifoReceive>{{3, 600}});

  take();
  for (const auto& [name, counts] : {std::pair("q", test_.store.messages().countMessages(queue.queue_id)),
                                     {"f.fifo", test_.store.fifo().countMessages(fifo.queue_id)}}) {
    const auto row = shown(name);
    EXPECT_EQ((MessageCounts{row.visible, row.in_flight, row.delayed}), counts) << name;
    EXPECT_GT(row.visible * row.in_flight * row.delayed, 0) << name << ": each state is tried";
    EXPECT_NEAR(row.oldest_age_seconds, 60, 30) << name;
  }
  EXPECT_GE(shown("f.fifo").groups_in_flight, 2);
}

}  // namespace
}  // namespace howdah::testing
