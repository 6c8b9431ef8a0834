// What the actions do on FIFO queues on a real store, without HTTP; two services on one database are two replicas.
#include <gtest/gtest.h>

#include "service/sqs_service.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using persistence::StoreBug;
using persistence::StoreOutcomeUnknown;
using persistence::StoreUnavailable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FaultyFifoStore;
using testing::ServiceProcess;
using testing::TestDatabase;

const QueueRef kQueue{"000000000000", "orders.fifo"};

class SqsServiceFifoTest : public ::testing::Test {
 protected:
  ServiceProcess& addProcess(milliseconds watch_interval = std::chrono::hours(1), bool hears_wakes = true,
                             std::int64_t messages_in_flight = kMaximumMessagesInFlight) {
    auto postgres = database_.options();
    postgres.test_clock = true;
    ServiceOptions options;
    options.watch_interval = watch_interval;  // a test that needs the floor poll says so
    options.messages_in_flight = messages_in_flight;
    processes_.push_back(std::make_unique<ServiceProcess>(postgres, options, hears_wakes));
    return *processes_.back();
  }
  // `attributes` beside FifoQueue and ContentBasedDeduplication.
  static void createQueue(ServiceProcess& process, AttributeMap attributes = {}) {
    attributes.insert({{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}});
    ASSERT_TRUE(process.answer(&SqsService::createQueue, {kQueue.name, std::move(attributes), {}}).ok());
  }
  static SendMessageInput message(const std::string& group, const std::string& body) {
    SendMessageInput input;
    input.queue_url = kQueue;
    input.message_body = body;
    input.message_group_id = group;
    return input;
  }
  static SendMessageOutput send(ServiceProcess& process, const std::string& group, const std::string& body) {
    return process.answer(&SqsService::sendMessage, message(group, body)).value();
  }
  static ReceiveMessageInput receiveInput(int wait_seconds, int visibility_timeout = 30, int max = 10) {
    ReceiveMessageInput input;
    input.queue_url = kQueue;
    input.attribute_names = {"All"};
    input.wait_time_seconds = wait_seconds;
    input.visibility_timeout = visibility_timeout;
    input.max_number_of_messages = max;
    return input;
  }
  static std::vector<Message> receive(ServiceProcess& process, int visibility_timeout = 30, int max = 10) {
    return process.answer(&SqsService::receiveMessage, receiveInput(0, visibility_timeout, max)).value().messages;
  }
  static auto beginReceive(ServiceProcess& process, int max = 10, std::shared_ptr<ClientPresence> client = nullptr) {
    return process.begin(&SqsService::receiveMessage, receiveInput(20, 30, max), client);
  }
  static auto beginAttempt(ServiceProcess& process, const std::string& attempt_id, int wait_seconds = 0,
                           std::shared_ptr<ClientPresence> client = nullptr) {
    auto input = receiveInput(wait_seconds);
    input.receive_request_attempt_id = attempt_id;
    return process.begin(&SqsService::receiveMessage, std::move(input), client);
  }
  static std::string bodies(const std::vector<Message>& messages) {
    std::string all;
    for (const auto& message : messages) all += (all.empty() ? "" : " ") + message.body;
    return all;
  }
  static std::string bodies(std::future<Result<ReceiveMessageOutput>> future) {
    return bodies(ServiceProcess::wait(std::move(future)).value().messages);
  }
  static Result<Nothing> remove(ServiceProcess& process, const std::string& handle) {
    return process.answer(&SqsService::deleteMessage, {kQueue, handle});
  }
  static Result<Nothing> changeVisibility(ServiceProcess& process, const std::string& handle, int timeout) {
    return process.answer(&SqsService::changeMessageVisibility, {kQueue, handle, timeout});
  }
  static void setAttribute(ServiceProcess& process, const std::string& name, const std::string& value) {
    ASSERT_TRUE(process.answer(&SqsService::setQueueAttributes, {kQueue, AttributeMap{{name, value}}}).ok());
  }
  static std::string counts(ServiceProcess& process) {
    auto all =
        process.answer(&SqsService::getQueueAttributes, {kQueue, std::vector<std::string>{"All"}}).value().attributes;
    return all["ApproximateNumberOfMessages"] + " " + all["ApproximateNumberOfMessagesNotVisible"] + " " +
           all["ApproximateNumberOfMessagesDelayed"];
  }
  void moveClock(seconds by) {
    clock_offset_ += static_cast<double>(by.count());
    processes_.front()->database().setTestClockOffset(clock_offset_);
  }

  TestDatabase database_;
  std::vector<std::unique_ptr<ServiceProcess>> processes_;
  double clock_offset_ = 0;
};

// Sending

TEST_F(SqsServiceFifoTest, AMessageCarriesItsGroupItsDeduplicationIdAndItsPlace) {
  auto& process = addProcess();
  createQueue(process);
  const auto sent = send(process, "g", "same");
  const auto received = receive(process).at(0);
  EXPECT_EQ(received.message_id, sent.message_id);
  EXPECT_EQ(received.attributes.at("MessageGroupId"), "g");
  EXPECT_EQ(received.attributes.at("MessageDeduplicationId"),
            "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5");
  EXPECT_EQ(received.attributes.at("SequenceNumber"), sent.sequence_number);
  EXPECT_GT(send(process, "g", "next").sequence_number, sent.sequence_number);
}

TEST_F(SqsServiceFifoTest, ADuplicateIsAnsweredWithTheFirstAndItsOwnDigests) {
  auto& process = addProcess();
  createQueue(process);
  auto first = message("g", "one");
  first.message_deduplication_id = "id";
  auto again = message("h", "two");
  again.message_deduplication_id = "id";
  const auto sent = process.answer(&SqsService::sendMessage, first).value();
  const auto duplicate = process.answer(&SqsService::sendMessage, again).value();
  EXPECT_EQ(duplicate.message_id, sent.message_id);
  EXPECT_EQ(duplicate.sequence_number, sent.sequence_number);
  EXPECT_NE(duplicate.md5_of_message_body, sent.md5_of_message_body);
  EXPECT_EQ(process.recorder().messagesDeduplicated(), 1u);
  EXPECT_EQ(bodies(receive(process)), "one");
}

TEST_F(SqsServiceFifoTest, ABatchKeepsItsOrderAndARepeatWithinItIsAnsweredWithTheFirst) {
  auto& process = addProcess();
  createQueue(process);
  SendMessageBatchInput batch;
  batch.queue_url = kQueue;
  batch.entries.emplace();
  for (const char* body : {"a", "b", "\x01", "a", "c"}) {
    auto& entry = batch.entries->emplace_back();
    entry.id = "e" + std::to_string(batch.entries->size());
    entry.message_body = body;
    entry.message_group_id = "g";
  }
  const auto output = process.answer(&SqsService::sendMessageBatch, batch).value();
  ASSERT_EQ(output.successful.size(), 4u);
  EXPECT_EQ(output.failed.at(0).id, "e3");
  EXPECT_EQ(output.successful[2].id, "e4");
  EXPECT_EQ(output.successful[2].message_id, output.successful[0].message_id);
  EXPECT_EQ(output.successful[2].sequence_number, output.successful[0].sequence_number);
  EXPECT_LT(*output.successful[1].sequence_number, *output.successful[3].sequence_number);
  EXPECT_EQ(bodies(receive(process)), "a b c");
}

TEST_F(SqsServiceFifoTest, ASendWhoseCommitIsUnknownIsRepeatedAndStoredOnce) {
  auto& process = addProcess();
  createQueue(process);
  process.fifoStore().failAfter("send", FaultyFifoStore::throws<StoreOutcomeUnknown>());
  const auto sent = process.answer(&SqsService::sendMessage, message("g", "x"));
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(process.fifoStore().calls("send"), 2);
  const auto received = receive(process);
  ASSERT_EQ(bodies(received), "x");
  EXPECT_EQ(received[0].message_id, sent->message_id);
  EXPECT_EQ(received[0].attributes.at("SequenceNumber"), sent->sequence_number);
}

TEST_F(SqsServiceFifoTest, AnUnavailableStoreIsServiceUnavailable) {
  auto& process = addProcess();
  createQueue(process);
  process.fifoStore().failBefore("send", FaultyFifoStore::throws<StoreUnavailable>());
  EXPECT_EQ(process.answer(&SqsService::sendMessage, message("g", "x")).error().code, ErrorCode::ServiceUnavailable);
  EXPECT_EQ(counts(process), "0 0 0");
}

TEST_F(SqsServiceFifoTest, SendsThatWaitForTheirTurnShareATransaction) {
  auto& process = addProcess();
  createQueue(process);
  std::promise<void> entered, gate;
  process.fifoStore().failBefore("send", [&] {
    entered.set_value();
    gate.get_future().wait();
  });
  std::vector<std::future<Result<SendMessageOutput>>> sends;
  sends.push_back(process.begin(&SqsService::sendMessage, message("g", "first")));
  entered.get_future().wait();
  for (int i = 0; i < 20; ++i) {
    sends.push_back(process.begin(&SqsService::sendMessage, message("g" + std::to_string(i % 3), std::to_string(i))));
  }
  gate.set_value();
  for (auto& send : sends) EXPECT_TRUE(ServiceProcess::wait(std::move(send)).ok());
  EXPECT_EQ(process.fifoStore().calls("send"), 2);
  EXPECT_EQ(counts(process), "21 0 0");
}

TEST_F(SqsServiceFifoTest, TheDeduplicationScopeIsThatOfCreation) {
  auto& process = addProcess();
  createQueue(process, {{"DeduplicationScope", "messageGroup"}});
  const auto inGroup = [&](const std::string& group, const std::string& body) {
    auto input = message(group, body);
    input.message_deduplication_id = "id";
    return process.answer(&SqsService::sendMessage, input).value().message_id;
  };
  const auto first = inGroup("g", "1");
  EXPECT_EQ(inGroup("g", "2"), first);
  EXPECT_NE(inGroup("h", "3"), first);
  setAttribute(process, "DeduplicationScope", "queue");
  EXPECT_NE(inGroup("i", "4"), first);
}

// Handles

TEST_F(SqsServiceFifoTest, AnExpiredHandleDeletesNothingAndADeletedMessageMayBeDeletedAgain) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "x");
  const std::string first = receive(process).at(0).receipt_handle;
  moveClock(seconds(31));
  const auto expired = remove(process, first);
  EXPECT_EQ(expired.error().code, ErrorCode::InvalidParameterValueException);
  EXPECT_EQ(expired.error().message,
            "Value " + first + " for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.");
  const auto changed = changeVisibility(process, first, 10);
  EXPECT_EQ(changed.error().message, "Value " + first +
                                         " for parameter ReceiptHandle is invalid. Reason: Message does not exist or "
                                         "is not available for visibility timeout change.");
  const std::string second = receive(process).at(0).receipt_handle;
  EXPECT_FALSE(remove(process, first).ok());
  EXPECT_TRUE(remove(process, second).ok());
  EXPECT_TRUE(remove(process, second).ok());
  EXPECT_EQ(counts(process), "0 0 0");
}

TEST_F(SqsServiceFifoTest, ABatchOfDeletesTellsWhichHandlesHaveExpired) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "old");
  const std::string old = receive(process).at(0).receipt_handle;
  moveClock(seconds(31));
  send(process, "h", "new");
  std::vector<DeleteMessageBatchRequestEntry> entries{{"old", old}, {"garbage", "garbage"}};
  for (const auto& message : receive(process)) {
    if (message.body == "new") entries.push_back({"new", message.receipt_handle});
  }
  const auto output = process.answer(&SqsService::deleteMessageBatch, {kQueue, entries}).value();
  ASSERT_EQ(output.successful.size(), 1u);
  EXPECT_EQ(output.successful[0].id, "new");
  ASSERT_EQ(output.failed.size(), 2u);
  for (const auto& failed : output.failed) {
    EXPECT_EQ(failed.code,
              failed.id == "old" ? ErrorCode::InvalidParameterValueException : ErrorCode::ReceiptHandleIsInvalid);
  }
}

TEST_F(SqsServiceFifoTest, ADeleteWhoseCommitIsUnknownIsRepeated) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "x");
  const auto handle = receive(process).at(0).receipt_handle;
  process.fifoStore().failAfter("remove", FaultyFifoStore::throws<StoreOutcomeUnknown>());
  EXPECT_TRUE(remove(process, handle).ok());
  EXPECT_EQ(counts(process), "0 0 0");
}

TEST_F(SqsServiceFifoTest, AHandleFromBeforeAPurgeDeletesNothing) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "x");
  const auto handle = receive(process).at(0).receipt_handle;
  ASSERT_TRUE(process.answer(&SqsService::purgeQueue, {kQueue}).ok());
  EXPECT_EQ(counts(process), "0 0 0");
  send(process, "g", "x");  // the history is forgotten as well
  EXPECT_TRUE(remove(process, handle).ok());
  EXPECT_EQ(counts(process), "1 0 0");
}

// ReceiveRequestAttemptId

TEST_F(SqsServiceFifoTest, ARepeatedAttemptIsGivenTheSameMessagesUnderTheSameHandles) {
  auto& process = addProcess();
  auto& other = addProcess();
  createQueue(process);
  send(process, "g", "1");
  send(process, "g", "2");
  const auto first = ServiceProcess::wait(beginAttempt(process, "try")).value().messages;
  const auto again = ServiceProcess::wait(beginAttempt(other, "try")).value().messages;
  ASSERT_EQ(bodies(first), "1 2");
  ASSERT_EQ(bodies(again), "1 2");
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(again[i].receipt_handle, first[i].receipt_handle);
  EXPECT_EQ(bodies(beginAttempt(process, "another")), "");
}

TEST_F(SqsServiceFifoTest, AnAttemptWhoseCommitIsUnknownIsRepeated) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "1");
  process.fifoStore().failAfter("receiveAttempt", FaultyFifoStore::throws<StoreOutcomeUnknown>());
  EXPECT_EQ(bodies(beginAttempt(process, "try")), "1");
}

TEST_F(SqsServiceFifoTest, AClientThatGoesAwayKeepsItsMessagesIfItNamedAnAttempt) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "1");
  auto client = std::make_shared<ClientPresence>();
  process.fifoStore().failAfter("receiveAttempt", [client] { client->markGone(); });
  EXPECT_EQ(bodies(beginAttempt(process, "try", 0, client)), "");
  EXPECT_EQ(counts(process), "0 1 0");
  const auto again = ServiceProcess::wait(beginAttempt(process, "try")).value();
  EXPECT_EQ(bodies(again.messages), "1");
  process.service().returnUndelivered(process.context, again);
  EXPECT_EQ(counts(process), "0 1 0");
}

TEST_F(SqsServiceFifoTest, WhatWasClaimedForAClientThatWentIsVisibleAgain) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "1");
  auto client = std::make_shared<ClientPresence>();
  process.fifoStore().failAfter("receive", [client] { client->markGone(); });
  EXPECT_EQ(bodies(beginReceive(process, 10, client)), "");
  auto waiting = beginReceive(process);
  const auto received = ServiceProcess::wait(std::move(waiting)).value();
  EXPECT_EQ(bodies(received.messages), "1");
  process.service().returnUndelivered(process.context, received);
  EXPECT_EQ(bodies(beginReceive(process)), "1");
}

TEST_F(SqsServiceFifoTest, AnAttemptWaitsLikeAnyReceive) {
  auto& process = addProcess();
  createQueue(process);
  auto waiting = beginAttempt(process, "try", 20);
  process.recorder().waitUntilParked(1);
  send(process, "g", "1");
  EXPECT_EQ(bodies(std::move(waiting)), "1");
  EXPECT_EQ(bodies(beginAttempt(process, "try")), "1");
}

// Waking

TEST_F(SqsServiceFifoTest, ASendWakesAReceiveHereAndOnAnotherProcess) {
  auto& process = addProcess();
  auto& other = addProcess();
  createQueue(process);
  for (auto* receiver : {&process, &other}) {
    auto waiting = beginReceive(*receiver);
    receiver->recorder().waitUntilParked(1);
    send(process, receiver == &process ? "here" : "there", receiver == &process ? "1" : "2");
    EXPECT_EQ(bodies(std::move(waiting)), receiver == &process ? "1" : "2");
  }
}

TEST_F(SqsServiceFifoTest, ADeleteThatUnlocksAGroupWakesAReceiveHereAndOnAnotherProcess) {
  auto& process = addProcess();
  auto& other = addProcess();
  createQueue(process);
  for (const char* body : {"1", "2", "3"}) send(process, "g", body);
  auto first = receive(process, 30, 1);
  for (auto* receiver : {&process, &other}) {
    auto waiting = beginReceive(*receiver, 1);
    receiver->recorder().waitUntilParked(1);
    ASSERT_TRUE(remove(process, first.at(0).receipt_handle).ok());
    first = ServiceProcess::wait(std::move(waiting)).value().messages;
    EXPECT_EQ(bodies(first), receiver == &process ? "2" : "3");
  }
}

TEST_F(SqsServiceFifoTest, ADeleteThatLeavesNothingWakesNobody) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "1");
  const auto first = receive(process);
  auto waiting = beginReceive(process);
  process.recorder().waitUntilParked(1);
  ASSERT_TRUE(remove(process, first.at(0).receipt_handle).ok());
  send(process, "g", "2");
  EXPECT_EQ(bodies(std::move(waiting)), "2");
  EXPECT_EQ(process.recorder().parked(), 1) << "it looked again for nothing";
}

TEST_F(SqsServiceFifoTest, VisibilityZeroWakesAReceiveOnAnotherProcess) {
  auto& process = addProcess();
  auto& other = addProcess();
  createQueue(process);
  send(process, "g", "1");
  const auto first = receive(process);
  auto waiting = beginReceive(other);
  other.recorder().waitUntilParked(1);
  ASSERT_TRUE(changeVisibility(process, first.at(0).receipt_handle, 0).ok());
  EXPECT_EQ(bodies(std::move(waiting)), "1");
}

TEST_F(SqsServiceFifoTest, AVisibilityTimeoutThatEndsWakesAReceive) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "g", "1");
  receive(process, 1);
  EXPECT_EQ(bodies(beginReceive(process)), "1");
}

TEST_F(SqsServiceFifoTest, ADelayThatEndsWakesAReceive) {
  auto& process = addProcess();
  createQueue(process, {{"DelaySeconds", "1"}});
  auto waiting = beginReceive(process);
  process.recorder().waitUntilParked(1);
  send(process, "g", "1");
  EXPECT_EQ(counts(process), "0 0 1");
  EXPECT_EQ(bodies(std::move(waiting)), "1");
}

TEST_F(SqsServiceFifoTest, ALostWakeIsMadeGoodByTheFloorPoll) {
  auto& sender = addProcess();
  auto& deaf = addProcess(milliseconds(100), false);
  createQueue(sender);
  auto waiting = beginReceive(deaf);
  deaf.recorder().waitUntilParked(1);
  send(sender, "g", "1");
  EXPECT_EQ(bodies(std::move(waiting)), "1");
}

TEST_F(SqsServiceFifoTest, EveryParkedReceiveGetsAGroupOfABatch) {
  auto& process = addProcess();
  createQueue(process);
  std::vector<std::future<Result<ReceiveMessageOutput>>> receives;
  for (int i = 0; i < 5; ++i) receives.push_back(beginReceive(process, 1));
  process.recorder().waitUntilParked(5);
  SendMessageBatchInput batch;
  batch.queue_url = kQueue;
  batch.entries.emplace();
  for (int i = 0; i < 5; ++i) {
    auto& entry = batch.entries->emplace_back();
    entry.id = entry.message_body = entry.message_group_id = std::to_string(i);
  }
  ASSERT_EQ(process.answer(&SqsService::sendMessageBatch, batch).value().successful.size(), 5u);
  std::set<std::string> got;
  for (auto& receive : receives) got.insert(bodies(std::move(receive)));
  EXPECT_EQ(got, (std::set<std::string>{"0", "1", "2", "3", "4"}));
}

// Delay and limits

TEST_F(SqsServiceFifoTest, AShorterDelayHoldsForWhatWaitsAlreadyOnEveryProcess) {
  auto& process = addProcess();
  auto& other = addProcess();
  createQueue(process, {{"DelaySeconds", "900"}});
  send(process, "g", "1");
  send(process, "g", "2");
  EXPECT_EQ(bodies(receive(other)), "");  // which has read the queue now
  auto waiting = beginReceive(other, 1);
  other.recorder().waitUntilParked(1);
  setAttribute(process, "DelaySeconds", "0");
  const auto first = ServiceProcess::wait(std::move(waiting)).value().messages;
  EXPECT_EQ(bodies(first), "1");
  EXPECT_EQ(counts(process), "1 1 0");
  ASSERT_TRUE(remove(other, first.at(0).receipt_handle).ok());
  EXPECT_EQ(bodies(receive(process)), "2");
}

TEST_F(SqsServiceFifoTest, ADelayIsAppliedByASecondTryOfTheSameChange) {
  auto& process = addProcess();
  createQueue(process, {{"DelaySeconds", "900"}});
  send(process, "g", "1");
  process.fifoStore().failBefore("applyDelay", FaultyFifoStore::throws<StoreUnavailable>());
  const SetQueueAttributesInput change{kQueue, AttributeMap{{"DelaySeconds", "0"}}};
  EXPECT_EQ(process.answer(&SqsService::setQueueAttributes, change).error().code, ErrorCode::ServiceUnavailable);
  EXPECT_TRUE(process.answer(&SqsService::setQueueAttributes, change).ok());
  EXPECT_EQ(bodies(receive(process)), "1");
}

TEST_F(SqsServiceFifoTest, WithTheLimitInFlightReceivesAreAnsweredEmpty) {
  auto& process = addProcess(milliseconds(100), true, 3);
  createQueue(process);
  for (const char* group : {"a", "b", "c", "d"}) send(process, group, group);
  std::string handle;
  for (int i = 0; i < 3; ++i) handle = receive(process, 30, 1).at(0).receipt_handle;
  EXPECT_EQ(bodies(receive(process)), "");
  EXPECT_EQ(counts(process), "1 3 0");
  ASSERT_TRUE(remove(process, handle).ok());
  EXPECT_EQ(receive(process, 30, 1).size() + ServiceProcess::wait(beginReceive(process)).value().messages.size(), 1u);
}

}  // namespace
}  // namespace howdah::service
