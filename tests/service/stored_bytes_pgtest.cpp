// The count of stored bytes against the messages that are there, and the limits that it serves, on a real store.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "persistence/postgres/transaction.h"
#include "service/message_mover.h"
#include "service/queue_attributes.h"
#include "service/sqs_service.h"
#include "tests/support/eventually.h"
#include "tests/support/manual_clock.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using persistence::kStoredMessageBytes;
using persistence::QueueId;
using persistence::postgres::Params;
using testing::ServiceProcess;

constexpr const char* kAccount = "000000000000";
constexpr std::int64_t kKiB = 1024;

QueueRef ref(const std::string& name) { return {kAccount, name}; }
std::string policyTo(const std::string& target) {
  return R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:)" + target + R"(","maxReceiveCount":1})";
}

class StoredBytesTest : public ::testing::Test {
 protected:
  ServiceProcess& addProcess(std::int64_t per_queue = 0, std::int64_t in_all = 0) {
    auto postgres = database_.options();
    postgres.test_clock = true;
    ServiceOptions options;
    options.stored_bytes_per_queue = per_queue;
    options.stored_bytes = in_all;
    options.purge_interval = std::chrono::seconds(0);
    processes_.push_back(std::make_unique<ServiceProcess>(postgres, options));
    return *processes_.back();
  }
  ServiceProcess& process() { return *processes_.front(); }
  void fold() { process().database().maintenance().foldStoredBytes(); }

  void create(const std::string& name, AttributeMap attributes = {}) {
    if (name.ends_with(".fifo")) attributes.insert({"FifoQueue", "true"});
    ASSERT_TRUE(process().answer(&SqsService::createQueue, {name, std::move(attributes), {}}).ok());
  }
  static SendMessageInput sendInput(const std::string& name, std::size_t bytes, int delay = 0) {
    static std::atomic<int> number = 0;
    SendMessageInput input;
    input.queue_url = ref(name);
    input.message_body = std::string(bytes, 'x');
    if (delay > 0) input.delay_seconds = delay;
    if (name.ends_with(".fifo")) {
      input.message_group_id = "g";
      input.message_deduplication_id = std::to_string(++number);
    }
    return input;
  }
  Result<SendMessageOutput> send(const std::string& name, std::size_t bytes, int delay = 0) {
    return process().answer(&SqsService::sendMessage, sendInput(name, bytes, delay));
  }
  std::vector<Message> receive(const std::string& name, int visibility_timeout = 30) {
    ReceiveMessageInput input;
    input.queue_url = ref(name);
    input.max_number_of_messages = 10;
    input.visibility_timeout = visibility_timeout;
    return process().answer(&SqsService::receiveMessage, std::move(input)).value().messages;
  }
  void remove(const std::string& name, const std::vector<Message>& messages) {
    for (const auto& message : messages)
      ASSERT_TRUE(process().answer(&SqsService::deleteMessage, {ref(name), message.receipt_handle}).ok());
  }
  void sweep() {
    auto& store = process().database().maintenance();
    while (store.sweepRemains(100).more) continue;
    while (store.sweepRetention(100, queueSettings({}).retention).more) continue;
  }

  std::vector<QueueId> queueIds() {
    std::vector<QueueId> ids;
    for (const auto row : database_.outsider().execute(
             {"ids", "SELECT queue_id FROM howdah.queue UNION SELECT queue_id FROM howdah.message"}))
      ids.push_back(row.int8(0));
    return ids;
  }
  // Of one queue; 0: of all. `moved`: of dead letters alone.
  std::int64_t truth(QueueId queue_id = 0, bool moved = false) {
    return database_.outsider()
        .execute({"truth",
                  "SELECT coalesce(sum(256 + octet_length(body) + coalesce(octet_length(message_attributes), 0)), "
                  "0)::bigint "
                  "FROM howdah.message WHERE $1 IN (queue_id, 0) AND (source_queue IS NOT NULL OR NOT $2)"},
                 Params().int8(queue_id).boolean(moved))
        .only()
        .int8(0);
  }
  void expectCounted(const char* after) {
    for (const bool folded : {false, true}) {
      if (folded) fold();
      const auto ids = queueIds();
      const auto stored = process().store().storedBytes(ids);
      ASSERT_TRUE(stored);
      EXPECT_EQ(stored->in_all, truth()) << after;
      for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(stored->of_queues[i], truth(ids[i])) << after;
    }
  }
  std::int64_t changes() {
    return database_.outsider().execute({"changes", "SELECT count(*) FROM howdah.stored_bytes_change"}).only().int8(0);
  }
  // Sends until one is refused, and answers how many were not.
  int fill(ServiceProcess& sender, const std::string& name, std::size_t bytes) {
    for (int sent = 0; sent < 10'000; ++sent) {
      const auto answer = sender.answer(&SqsService::sendMessage, sendInput(name, bytes));
      if (answer.ok()) continue;
      EXPECT_EQ(answer.error().code, ErrorCode::OverLimit);
      return sent;
    }
    ADD_FAILURE() << "never refused";
    return 0;
  }
  bool accepts(ServiceProcess& sender, const std::string& name) {
    return sender.answer(&SqsService::sendMessage, sendInput(name, 1)).ok();
  }

  testing::TestDatabase database_;
  std::vector<std::unique_ptr<ServiceProcess>> processes_;
};

TEST_F(StoredBytesTest, TheCountIsThatOfTheMessagesWhateverStoresAndRemovesThem) {
  addProcess();
  create("dead");
  create("q", {{"RedrivePolicy", policyTo("dead")}, {"MessageRetentionPeriod", "3600"}});
  create("dead.fifo");
  create("q.fifo", {{"RedrivePolicy", policyTo("dead.fifo")}});
  ASSERT_TRUE(send("q", 100).ok());
  fold();
  expectCounted("what was there before");
  for (const char* queue : {"q", "q.fifo"}) {
    for (std::size_t bytes : {1, 1000, 10'000, 300'000}) ASSERT_TRUE(send(queue, bytes).ok());
    SendMessageInput with_attributes = sendInput(queue, 10);
    MessageAttributeValue& value = with_attributes.message_attributes["name"];
    value.data_type = "String";
    value.string_value = "the value";
    ASSERT_TRUE(process().answer(&SqsService::sendMessage, with_attributes).ok());
    ASSERT_TRUE(process().answer(&SqsService::sendMessage, with_attributes).ok());  // of FIFO a duplicate
  }
  ASSERT_TRUE(send("q", 77, 600).ok());
  expectCounted("sends");
  for (const char* queue : {"q", "q.fifo"}) {
    const auto received = receive(queue);
    ASSERT_GE(received.size(), 5u);
    remove(queue, {received[0], received[1]});
  }
  expectCounted("deletes");
  process().database().setTestClockOffset(40);  // in flight no more: the next receives move them
  for (const char* queue : {"q", "q.fifo"}) receive(queue);
  EXPECT_GE(receive("dead").size(), 3u);
  EXPECT_GE(receive("dead.fifo").size(), 3u);
  expectCounted("moves of dead letters");
  process().database().setTestClockOffset(80);
  ASSERT_TRUE(
      process().answer(&SqsService::startMessageMoveTask, {"arn:aws:sqs:us-east-1:000000000000:dead", {}, {}}).ok());
  testing::ManualClock clock;
  MessageMover mover(process().database().moveTasks(), clock, process().recorder(), [](QueueId, std::size_t) {});
  while (const auto next = mover.move()) clock.advance(*next);
  EXPECT_GE(receive("q").size(), 3u);
  expectCounted("a move task");
  process().database().setTestClockOffset(4000);
  receive("q");
  sweep();
  EXPECT_EQ(receive("q").size(), 0u);
  expectCounted("retention");
  ASSERT_TRUE(send("q", 5000).ok());
  ASSERT_TRUE(process().answer(&SqsService::purgeQueue, {ref("q")}).ok());
  expectCounted("a purge");
  ASSERT_TRUE(process().answer(&SqsService::deleteQueue, {ref("q.fifo")}).ok());
  ASSERT_TRUE(process().answer(&SqsService::deleteQueue, {ref("dead.fifo")}).ok());
  sweep();
  expectCounted("the sweep");
  EXPECT_EQ(truth(), 0);
  EXPECT_EQ(database_.outsider().execute({"left", "SELECT count(*) FROM howdah.stored_bytes"}).only().int8(0), 0);
}

TEST_F(StoredBytesTest, WhatIsSentAndDeletedWhileTheCountBeginsIsCountedOnce) {
  ServiceProcess& counting = addProcess();
  ServiceProcess& loading = addProcess();
  create("q");
  std::atomic<bool> stop = false;
  std::thread load([&] {
    while (!stop) {
      std::vector<std::future<Result<SendMessageOutput>>> sends;
      for (int i = 0; i < 20; ++i) sends.push_back(loading.begin(&SqsService::sendMessage, sendInput("q", 500)));
      for (auto& sent : sends) EXPECT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
      ReceiveMessageInput input;
      input.queue_url = ref("q");
      input.max_number_of_messages = 10;
      const auto received = loading.answer(&SqsService::receiveMessage, std::move(input));
      for (const auto& message : received.value().messages)
        EXPECT_TRUE(loading.answer(&SqsService::deleteMessage, {ref("q"), message.receipt_handle}).ok());
    }
  });
  for (int i = 0; i < 10; ++i) {
    fold();
    fold();
    database_.outsider().execute({"unwanted", "UPDATE howdah.stored_bytes_count SET wanted_until = '-infinity'"});
    counting.database().maintenance().endUnwantedCount();
  }
  fold();
  stop = true;
  load.join();
  EXPECT_GT(truth(), 0);
  expectCounted("a load");
}

TEST_F(StoredBytesTest, AChangeThatCommitsBelowTheFloorIsFoldedAMinuteLaterAtMost) {
  addProcess();
  create("q");
  fold();
  auto late = database_.connect();
  persistence::postgres::Transaction transaction(*late);
  late->execute({"late",
                 "INSERT INTO howdah.message (queue_id, lane, seq, sent_at, message_id, body, sender_id) "
                 "SELECT queue_id, 0, nextval('howdah.aside_seq'), now(), gen_random_uuid(), 'late', 'me' "
                 "FROM howdah.queue"});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(send("q", 10).ok());
    fold();
  }
  transaction.commit();
  database_.outsider().execute({"a minute later", "UPDATE howdah.stored_bytes_count SET whole_at = '-infinity'"});
  fold();
  expectCounted("a late commit");
}

TEST_F(StoredBytesTest, WithoutALimitNothingIsCountedAndACountThatNobodyWantsEnds) {
  addProcess();
  create("q");
  auto& maintenance = process().database().maintenance();
  ASSERT_TRUE(send("q", 10).ok());
  EXPECT_EQ(changes(), 0);
  EXPECT_FALSE(process().store().storedBytes(std::vector<QueueId>{1}));
  maintenance.endUnwantedCount();

  fold();
  ASSERT_TRUE(send("q", 10).ok());
  EXPECT_EQ(changes(), 1);
  maintenance.endUnwantedCount();  // still wanted
  ASSERT_TRUE(send("q", 10).ok());
  EXPECT_EQ(changes(), 2);

  database_.outsider().execute(
      {"five minutes later", "UPDATE howdah.stored_bytes_count SET wanted_until = clock_timestamp()"});
  maintenance.endUnwantedCount();
  ASSERT_TRUE(send("q", 10).ok());
  EXPECT_EQ(changes(), 0);
  EXPECT_FALSE(process().store().storedBytes(std::vector<QueueId>{1}));
  EXPECT_EQ(process().store().calls("storedBytes"), 2);
}

TEST_F(StoredBytesTest, AFullQueueIsOverLimitAndAnotherIsNot) {
  ServiceProcess& limited = addProcess(100 * kKiB);
  for (const std::string queue : {"q", "q.fifo"}) create(queue);
  create("other");
  fold();
  for (const std::string queue : {"q", "q.fifo"}) {
    EXPECT_EQ(fill(limited, queue, 10 * kKiB - kStoredMessageBytes), 10) << queue;
    EXPECT_TRUE(accepts(limited, "other"));
    const auto refused = send(queue, 1);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message, "The queue stores as many bytes as it may.");
  }
  EXPECT_EQ(limited.recorder().throttledBy("stored-bytes-per-queue"), 4);
}

TEST_F(StoredBytesTest, ABatchIsRefusedByItsEntries) {
  ServiceProcess& limited = addProcess(10 * kKiB);
  create("q");
  fold();
  SendMessageBatchInput input;
  input.queue_url = ref("q");
  input.entries.emplace();
  for (const int bytes : {4000, 4000, 4000, 10}) {
    SendMessageBatchRequestEntry entry;
    entry.id = std::to_string(input.entries->size());
    entry.message_body = std::string(static_cast<std::size_t>(bytes), 'x');
    input.entries->push_back(std::move(entry));
  }
  const auto answer = limited.answer(&SqsService::sendMessageBatch, std::move(input)).value();
  ASSERT_EQ(answer.successful.size(), 2u);
  EXPECT_EQ(answer.successful[1].id, "1");
  ASSERT_EQ(answer.failed.size(), 2u);  // what follows a refused one as well, so that order is kept
  EXPECT_EQ(answer.failed[0].id, "2");
  EXPECT_EQ(answer.failed[1].id, "3");
  EXPECT_TRUE(answer.failed[0].sender_fault);
  EXPECT_EQ(answer.failed[0].code, ErrorCode::OverLimit);
  EXPECT_EQ(limited.recorder().throttledBy("stored-bytes-per-queue"), 2);
  EXPECT_EQ(truth(), 8000 + 2 * kStoredMessageBytes);
}

TEST_F(StoredBytesTest, DeletesPurgesAndTheSweepOpenAFullQueueAgain) {
  ServiceProcess& limited = addProcess(20 * kKiB, 39 * kKiB);
  create("q");
  create("other");
  fold();
  fill(limited, "q", 1000);
  remove("q", receive("q"));
  EXPECT_TRUE(testing::eventually([&] { return accepts(limited, "q"); }));
  fill(limited, "q", 1000);
  ASSERT_TRUE(limited.answer(&SqsService::purgeQueue, {ref("q")}).ok());
  EXPECT_TRUE(accepts(limited, "q"));

  fill(limited, "q", 1000);
  fill(limited, "other", 1);  // what was purged is still there: all together are full
  EXPECT_FALSE(accepts(limited, "other"));
  EXPECT_GT(limited.recorder().throttledBy("stored-bytes"), 0);
  ASSERT_TRUE(limited.answer(&SqsService::deleteQueue, {ref("q")}).ok());
  sweep();
  EXPECT_TRUE(testing::eventually([&] { return accepts(limited, "other"); }));
  fold();
  EXPECT_TRUE(accepts(limited, "other"));
}

TEST_F(StoredBytesTest, TwoProcessesPassTheLimitByLittleAndAThirdKnowsIt) {
  constexpr std::int64_t kLimit = 600 * kKiB;
  ServiceProcess& one = addProcess(kLimit);
  ServiceProcess& other = addProcess(kLimit);
  create("q");
  fold();
  int sent_by_other = 0;
  std::thread sender([&] { sent_by_other = fill(other, "q", kKiB); });
  const int sent = fill(one, "q", kKiB);
  sender.join();
  EXPECT_GT(sent, 30);
  EXPECT_GT(sent_by_other, 30);
  EXPECT_GE(truth(), kLimit - 2 * kKiB);
  EXPECT_LE(truth(), kLimit * 3 / 2);  // by what one sends in a tenth of a second, on a busy machine
  fold();
  EXPECT_FALSE(accepts(addProcess(kLimit), "q"));
}

TEST_F(StoredBytesTest, DeadLettersAndMoveTasksAreNotRefused) {
  ServiceProcess& limited = addProcess(10 * kKiB, 40 * kKiB);
  create("dead");
  create("q", {{"RedrivePolicy", policyTo("dead")}});
  fold();
  fill(limited, "dead", 1000);
  const int sent = fill(limited, "q", 1000);
  while (!receive("q", 0).empty()) continue;
  const auto stored = process().store().storedBytes(queueIds());
  EXPECT_EQ(stored->in_all, truth());
  EXPECT_EQ(truth(0, true), sent * (1000 + kStoredMessageBytes));  // they are in the full queue
  EXPECT_TRUE(testing::eventually([&] { return accepts(limited, "q"); }));
  fill(limited, "q", 1000);
  ASSERT_TRUE(
      limited.answer(&SqsService::startMessageMoveTask, {"arn:aws:sqs:us-east-1:000000000000:dead", {}, {}}).ok());
  testing::ManualClock clock;
  MessageMover mover(process().database().moveTasks(), clock, process().recorder(), [](QueueId, std::size_t) {});
  while (const auto next = mover.move()) clock.advance(*next);
  EXPECT_EQ(truth(0, true), 0);
  expectCounted("a move into a full queue");
}

TEST_F(StoredBytesTest, AFailedReadRefusesTheSendWithAnErrorAndCountsNothingTwice) {
  ServiceProcess& limited = addProcess(10 * kKiB);
  create("q");
  fold();
  limited.store().failBefore("storedBytes", testing::Faults::throws<persistence::StoreUnavailable>());
  EXPECT_EQ(send("q", 9000).error().code, ErrorCode::ServiceUnavailable);
  limited.store().failBefore("send", testing::Faults::throws<persistence::StoreUnavailable>());
  EXPECT_EQ(send("q", 9000).error().code, ErrorCode::ServiceUnavailable);
  EXPECT_TRUE(testing::eventually([&] { return send("q", 9000).ok(); }));
}

}  // namespace
}  // namespace howdah::service
