// What the actions do on a real store, without HTTP; two services on one database are two replicas.
#include "service/sqs_service.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using persistence::StoreBug;
using persistence::StoreConflict;
using persistence::StoreOutcomeUnknown;
using persistence::StoreUnavailable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FaultyStore;
using testing::ServiceProcess;
using testing::TestDatabase;

const QueueRef kQueue{"000000000000", "orders"};

ServiceOptions options() {
  ServiceOptions options;
  options.watch_interval = std::chrono::hours(1);  // a test that needs the floor poll says so
  return options;
}

class SqsServiceTest : public ::testing::Test {
 protected:
  ServiceProcess& addProcess(ServiceOptions service_options = options(), bool hears_wakes = true) {
    auto postgres = database_.options();
    postgres.test_clock = true;
    processes_.push_back(std::make_unique<ServiceProcess>(postgres, service_options, hears_wakes));
    return *processes_.back();
  }

  static void createQueue(ServiceProcess& process, AttributeMap attributes = {}) {
    ASSERT_TRUE(process.answer(&SqsService::createQueue, {kQueue.name, std::move(attributes), {}}).ok());
  }
  static SendMessageInput message(const std::string& body) {
    SendMessageInput input;
    input.queue_url = kQueue;
    input.message_body = body;
    return input;
  }
  static void send(ServiceProcess& process, const std::string& body, std::optional<int> delay_seconds = {}) {
    auto input = message(body);
    input.delay_seconds = delay_seconds;
    ASSERT_TRUE(process.answer(&SqsService::sendMessage, std::move(input)).ok());
  }
  static ReceiveMessageInput receiveInput(int wait_seconds, std::optional<int> visibility_timeout = {}, int max = 10) {
    ReceiveMessageInput input;
    input.queue_url = kQueue;
    input.wait_time_seconds = wait_seconds;
    input.visibility_timeout = visibility_timeout;
    input.max_number_of_messages = max;
    return input;
  }
  // The messages there are now.
  static std::vector<Message> receive(ServiceProcess& process, std::optional<int> visibility_timeout = {}) {
    return process.answer(&SqsService::receiveMessage, receiveInput(0, visibility_timeout)).value().messages;
  }
  static auto beginReceive(ServiceProcess& process, int wait_seconds = 20, std::optional<int> visibility_timeout = {},
                           int max = 10, std::shared_ptr<ClientPresence> client = nullptr) {
    return process.begin(&SqsService::receiveMessage, receiveInput(wait_seconds, visibility_timeout, max), client);
  }
  static std::vector<std::string> bodies(const std::vector<Message>& messages) {
    std::vector<std::string> bodies;
    for (const auto& message : messages) bodies.push_back(message.body);
    return bodies;
  }
  static std::vector<std::string> bodies(std::future<Result<ReceiveMessageOutput>> future) {
    return bodies(ServiceProcess::wait(std::move(future)).value().messages);
  }
  static Result<Nothing> remove(ServiceProcess& process, const std::string& handle) {
    return process.answer(&SqsService::deleteMessage, {kQueue, handle});
  }
  static Result<Nothing> changeVisibility(ServiceProcess& process, const std::string& handle, int timeout) {
    return process.answer(&SqsService::changeMessageVisibility, {kQueue, handle, timeout});
  }
  static AttributeMap attributes(ServiceProcess& process) {
    return process.answer(&SqsService::getQueueAttributes, {kQueue, std::vector<std::string>{"All"}})
        .value()
        .attributes;
  }
  static std::vector<std::string> counts(ServiceProcess& process) {
    auto all = attributes(process);
    return {all["ApproximateNumberOfMessages"], all["ApproximateNumberOfMessagesNotVisible"],
            all["ApproximateNumberOfMessagesDelayed"]};
  }
  void moveClock(seconds by) {
    clock_offset_ += static_cast<double>(by.count());
    processes_.front()->database().setTestClockOffset(clock_offset_);
  }

  using Bodies = std::vector<std::string>;

  TestDatabase database_;
  std::vector<std::unique_ptr<ServiceProcess>> processes_;
  double clock_offset_ = 0;
};

// Queues

TEST_F(SqsServiceTest, CreatingAQueueAgainComparesOnlyTheAttributesGiven) {
  auto& process = addProcess();
  createQueue(process, {{"DelaySeconds", "5"}});
  EXPECT_EQ(process.answer(&SqsService::createQueue, {kQueue.name, {}, {}}).value().queue_url, kQueue);
  EXPECT_TRUE(process.answer(&SqsService::createQueue, {kQueue.name, AttributeMap{{"DelaySeconds", "5"}}, {}}).ok());
  EXPECT_TRUE(
      process.answer(&SqsService::createQueue, {kQueue.name, AttributeMap{{"VisibilityTimeout", "30"}}, {}}).ok());
  const auto differing =
      process.answer(&SqsService::createQueue, {kQueue.name, AttributeMap{{"DelaySeconds", "6"}}, {}});
  EXPECT_EQ(differing.error().code, ErrorCode::QueueNameExists);
  EXPECT_EQ(differing.error().message,
            "A queue already exists with the same name and a different value for attribute DelaySeconds");
}

TEST_F(SqsServiceTest, ADeletedQueueIsGoneAndItsNameReserved) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "lost with the queue");
  EXPECT_TRUE(process.answer(&SqsService::deleteQueue, {kQueue}).ok());
  EXPECT_EQ(process.answer(&SqsService::deleteQueue, {kQueue}).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::sendMessage, message("x")).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::getQueueUrl, {kQueue.name, {}}).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::createQueue, {kQueue.name, {}, {}}).error().code,
            ErrorCode::QueueDeletedRecently);
  moveClock(seconds(61));
  createQueue(process);
  EXPECT_EQ(counts(process), (Bodies{"0", "0", "0"}));
}

TEST_F(SqsServiceTest, QueuesAreListedInPagesByName) {
  auto& process = addProcess();
  for (const char* name : {"b3", "a", "b1", "b2"}) {
    ASSERT_TRUE(process.answer(&SqsService::createQueue, {name, {}, {}}).ok());
  }
  auto names = [](const ListQueuesOutput& output) {
    Bodies listed;
    for (const auto& queue : output.queue_urls) listed.push_back(queue.name);
    return listed;
  };
  const auto all = process.answer(&SqsService::listQueues, {}).value();
  EXPECT_EQ(names(all), (Bodies{"a", "b1", "b2", "b3"}));
  EXPECT_FALSE(all.next_token);
  const auto page = process.answer(&SqsService::listQueues, {"b", {}, 2}).value();
  EXPECT_EQ(names(page), (Bodies{"b1", "b2"}));
  ASSERT_TRUE(page.next_token);
  const auto last = process.answer(&SqsService::listQueues, {"b", page.next_token, 2}).value();
  EXPECT_EQ(names(last), (Bodies{"b3"}));
  EXPECT_FALSE(last.next_token);
}

TEST_F(SqsServiceTest, AMissingQueueWinsOverBadParameters) {
  auto& process = addProcess();
  SendMessageInput no_body;
  no_body.queue_url = kQueue;
  EXPECT_EQ(process.answer(&SqsService::sendMessage, no_body).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::sendMessageBatch, {kQueue, {}}).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::deleteMessage, {kQueue, "garbage"}).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::deleteMessage, {{"", ""}, "garbage"}).error().code,
            ErrorCode::QueueDoesNotExist);
  createQueue(process);
  EXPECT_EQ(process.answer(&SqsService::sendMessage, no_body).error().code,
            ErrorCode::MissingRequiredParameterException);
}

TEST_F(SqsServiceTest, TagsAreAddedReplacedAndTakenAway) {
  auto& process = addProcess();
  const auto tags = [&] { return process.answer(&SqsService::listQueueTags, {kQueue}).value().tags; };
  EXPECT_EQ(process.answer(&SqsService::tagQueue, {kQueue, {}}).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::untagQueue, {kQueue, {}}).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(process.answer(&SqsService::listQueueTags, {kQueue}).error().code, ErrorCode::QueueDoesNotExist);
  ASSERT_TRUE(process.answer(&SqsService::createQueue, {kQueue.name, {}, TagMap{{"a", "1"}, {"b", "2"}}}).ok());
  EXPECT_EQ(tags(), (TagMap{{"a", "1"}, {"b", "2"}}));
  EXPECT_TRUE(process.answer(&SqsService::tagQueue, {kQueue, TagMap{{"b", ""}, {"c", "3"}}}).ok());
  EXPECT_EQ(tags(), (TagMap{{"a", "1"}, {"b", ""}, {"c", "3"}}));
  EXPECT_TRUE(process.answer(&SqsService::untagQueue, {kQueue, std::vector<std::string>{"a", "none"}}).ok());
  EXPECT_EQ(tags(), (TagMap{{"b", ""}, {"c", "3"}}));
  EXPECT_EQ(process.answer(&SqsService::tagQueue, {kQueue, TagMap{}}).error().message,
            "The request must contain the parameter Tags.");
  EXPECT_EQ(process.answer(&SqsService::untagQueue, {kQueue, {}}).error().message,
            "The request must contain the parameter TagKeys.");
}

TEST_F(SqsServiceTest, FiftyTagsAreTheLimitHoweverTheyCome) {
  auto& process = addProcess();
  TagMap forty_nine;
  for (int i = 0; i < 49; ++i) forty_nine[std::to_string(i)] = "";
  ASSERT_TRUE(process.answer(&SqsService::createQueue, {kQueue.name, {}, forty_nine}).ok());
  EXPECT_TRUE(process.answer(&SqsService::tagQueue, {kQueue, TagMap{{"x", ""}}}).ok());
  EXPECT_TRUE(process.answer(&SqsService::tagQueue, {kQueue, TagMap{{"x", "again"}}}).ok());
  const auto refused = process.answer(&SqsService::tagQueue, {kQueue, TagMap{{"y", ""}}});
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidParameterValueException);
  EXPECT_EQ(refused.error().message, "Too many tags added for queue " + kQueue.name + ".");
  EXPECT_EQ(process.answer(&SqsService::listQueueTags, {kQueue}).value().tags.count("y"), 0u);
}

TEST_F(SqsServiceTest, NoTagIsLostToAnotherProcess) {
  auto& a = addProcess();
  auto& b = addProcess();
  createQueue(a);
  std::thread other([&] {
    for (int i = 0; i < 10; ++i)
      EXPECT_TRUE(b.answer(&SqsService::tagQueue, {kQueue, TagMap{{"b" + std::to_string(i), ""}}}).ok());
  });
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(a.answer(&SqsService::tagQueue, {kQueue, TagMap{{"a" + std::to_string(i), ""}}}).ok());
  other.join();
  EXPECT_EQ(a.answer(&SqsService::listQueueTags, {kQueue}).value().tags.size(), 20u);
}

TEST_F(SqsServiceTest, CountsAreExact) {
  auto& process = addProcess();
  createQueue(process);
  for (int i = 0; i < 5; ++i) send(process, "m");
  send(process, "later", 100);
  ASSERT_EQ(process.answer(&SqsService::receiveMessage, receiveInput(0, 30, 2)).value().messages.size(), 2u);
  EXPECT_EQ(counts(process), (Bodies{"3", "2", "1"}));
  moveClock(seconds(101));
  EXPECT_EQ(counts(process), (Bodies{"6", "0", "0"}));
}

TEST_F(SqsServiceTest, APurgeEmptiesAQueueAndMayNotBeRepeatedWithinAMinute) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "in flight");
  const auto old = receive(process);
  send(process, "visible");
  send(process, "delayed", 100);
  EXPECT_TRUE(process.answer(&SqsService::purgeQueue, {kQueue}).ok());
  EXPECT_EQ(counts(process), (Bodies{"0", "0", "0"}));
  const auto again = process.answer(&SqsService::purgeQueue, {kQueue});
  EXPECT_EQ(again.error().code, ErrorCode::PurgeQueueInProgress);
  EXPECT_EQ(again.error().message, "Only one PurgeQueue operation on orders is allowed every 60 seconds.");
  EXPECT_TRUE(remove(process, old[0].receipt_handle).ok()) << "a handle from before the purge is no error";
  EXPECT_EQ(changeVisibility(process, old[0].receipt_handle, 5).error().code,
            ErrorCode::InvalidParameterValueException);
  send(process, "new");
  EXPECT_EQ(bodies(receive(process)), Bodies{"new"});
}

// Messages

TEST_F(SqsServiceTest, AMessageIsReceivedAsItWasSent) {
  auto& process = addProcess();
  createQueue(process);
  auto input = message("caf\xc3\xa9");
  MessageAttributeValue value;
  value.data_type = "String";
  value.string_value = "blue";
  input.message_attributes["color"] = value;
  const auto sent = process.answer(&SqsService::sendMessage, input).value();
  EXPECT_EQ(sent.md5_of_message_attributes, "da1b33cc3cbfe8b1630921e78e6b9880");
  EXPECT_FALSE(sent.sequence_number);

  auto receive_input = receiveInput(0);
  receive_input.message_attribute_names = {"All"};
  receive_input.message_system_attribute_names = {"All"};
  const auto messages = process.answer(&SqsService::receiveMessage, receive_input).value().messages;
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].message_id, sent.message_id);
  EXPECT_EQ(messages[0].body, "caf\xc3\xa9");
  EXPECT_EQ(messages[0].md5_of_body, sent.md5_of_message_body);
  EXPECT_EQ(messages[0].message_attributes.at("color"), value);
  EXPECT_EQ(messages[0].md5_of_message_attributes, sent.md5_of_message_attributes);
  EXPECT_EQ(messages[0].attributes.at("ApproximateReceiveCount"), "1");
  EXPECT_EQ(messages[0].attributes.at("SenderId"), "000000000000");
}

TEST_F(SqsServiceTest, BadEntriesOfABatchFailAlone) {
  auto& process = addProcess();
  createQueue(process);
  SendMessageBatchInput input{kQueue, std::vector<SendMessageBatchRequestEntry>(3)};
  for (int i = 0; i < 3; ++i) {
    (*input.entries)[static_cast<std::size_t>(i)].id = "e" + std::to_string(i);
    (*input.entries)[static_cast<std::size_t>(i)].message_body = "m" + std::to_string(i);
  }
  (*input.entries)[1].message_body = "\x01";
  const auto sent = process.answer(&SqsService::sendMessageBatch, input).value();
  ASSERT_EQ(sent.successful.size(), 2u);
  ASSERT_EQ(sent.failed.size(), 1u);
  EXPECT_EQ(sent.failed[0].id, "e1");
  EXPECT_EQ(sent.failed[0].code, ErrorCode::InvalidMessageContents);

  const auto messages = receive(process);
  EXPECT_EQ(bodies(messages), (Bodies{"m0", "m2"}));
  DeleteMessageBatchInput deletes{kQueue, {{{"a", messages[0].receipt_handle}, {"b", "garbage"}}}};
  const auto deleted = process.answer(&SqsService::deleteMessageBatch, deletes).value();
  ASSERT_EQ(deleted.successful.size(), 1u);
  EXPECT_EQ(deleted.successful[0].id, "a");
  ASSERT_EQ(deleted.failed.size(), 1u);
  EXPECT_EQ(deleted.failed[0].code, ErrorCode::ReceiptHandleIsInvalid);

  ChangeMessageVisibilityBatchInput changes{kQueue,
                                            {{{"gone", messages[0].receipt_handle, 0},
                                              {"long", messages[1].receipt_handle, 43200},
                                              {"ok", messages[1].receipt_handle, 0}}}};
  const auto changed = process.answer(&SqsService::changeMessageVisibilityBatch, changes).value();
  ASSERT_EQ(changed.failed.size(), 2u);
  EXPECT_EQ(changed.failed[0].id, "gone");
  EXPECT_EQ(changed.failed[1].id, "long");
  ASSERT_EQ(changed.successful.size(), 1u);
  EXPECT_EQ(bodies(receive(process)), Bodies{"m2"});
}

TEST_F(SqsServiceTest, ADelayedMessageComesWhenItsDelayEnds) {
  auto& process = addProcess();
  createQueue(process, {{"DelaySeconds", "100"}});
  send(process, "as the queue says");
  send(process, "at once", 0);
  EXPECT_EQ(bodies(receive(process)), Bodies{"at once"});
  moveClock(seconds(101));
  const auto later = bodies(receive(process));
  EXPECT_NE(std::find(later.begin(), later.end(), "as the queue says"), later.end());
}

TEST_F(SqsServiceTest, AReceivedMessageIsHiddenForTheTimeoutOfTheRequestElseOfTheQueue) {
  auto& process = addProcess();
  createQueue(process, {{"VisibilityTimeout", "60"}});
  send(process, "m");
  EXPECT_EQ(receive(process, 10).size(), 1u);
  moveClock(seconds(11));
  EXPECT_EQ(receive(process).size(), 1u);
  moveClock(seconds(11));
  EXPECT_EQ(receive(process).size(), 0u);
  moveClock(seconds(50));
  EXPECT_EQ(receive(process).size(), 1u);
}

TEST_F(SqsServiceTest, ATimeoutOfZeroHandsOutAMessageThatStaysVisible) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "m");
  EXPECT_EQ(receive(process, 0).size(), 1u);
  EXPECT_EQ(receive(process, 0).size(), 1u);
}

TEST_F(SqsServiceTest, OnlyTheLatestHandleDeletes) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "m");
  const auto first = receive(process, 0);
  const auto second = receive(process, 30);
  EXPECT_TRUE(remove(process, first[0].receipt_handle).ok()) << "superseded: no error, no effect";
  EXPECT_EQ(counts(process), (Bodies{"0", "1", "0"}));
  moveClock(seconds(31));
  EXPECT_TRUE(remove(process, second[0].receipt_handle).ok()) << "expired, but not received again";
  EXPECT_EQ(counts(process), (Bodies{"0", "0", "0"}));
  EXPECT_TRUE(remove(process, second[0].receipt_handle).ok()) << "gone already";
}

TEST_F(SqsServiceTest, ForeignHandlesAreInvalidAndAMissingOneIsMissing) {
  auto& process = addProcess();
  createQueue(process);
  ASSERT_TRUE(process.answer(&SqsService::createQueue, {"other", {}, {}}).ok());
  send(process, "m");
  const auto messages = receive(process);
  EXPECT_EQ(process.answer(&SqsService::deleteMessage, {{"", "other"}, messages[0].receipt_handle}).error().code,
            ErrorCode::ReceiptHandleIsInvalid);
  EXPECT_EQ(remove(process, "garbage").error().code, ErrorCode::ReceiptHandleIsInvalid);
  EXPECT_EQ(process.answer(&SqsService::deleteMessage, {kQueue, {}}).error().code,
            ErrorCode::MissingRequiredParameterException);
  EXPECT_EQ(process.answer(&SqsService::changeMessageVisibility, {kQueue, "garbage", {}}).error().code,
            ErrorCode::MissingRequiredParameterException)
      << "the missing timeout wins over the bad handle";
}

TEST_F(SqsServiceTest, VisibilityChangesReplaceTheTimeoutUpToTwelveHoursFromTheReceive) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "m");
  const auto handle = receive(process, 30)[0].receipt_handle;
  EXPECT_TRUE(changeVisibility(process, handle, 100).ok());
  moveClock(seconds(99));
  EXPECT_TRUE(receive(process).empty());
  EXPECT_TRUE(changeVisibility(process, handle, 40000).ok());
  moveClock(seconds(30000));
  const auto beyond = changeVisibility(process, handle, 13200);
  EXPECT_EQ(beyond.error().code, ErrorCode::InvalidParameterValueException);
  EXPECT_TRUE(changeVisibility(process, handle, 13000).ok());
  EXPECT_TRUE(changeVisibility(process, handle, 0).ok());
  EXPECT_EQ(receive(process).size(), 1u);
}

// The limit of messages in flight

TEST_F(SqsServiceTest, WithTheLimitInFlightAShortPollIsOverLimitAndALongPollWaitsForRoom) {
  auto lowered = options();
  lowered.messages_in_flight = 20;
  lowered.watch_interval = milliseconds(100);
  auto& process = addProcess(lowered);
  createQueue(process);
  for (int i = 0; i < 30; ++i) send(process, "m" + std::to_string(i));
  send(process, "delayed", 900);
  EXPECT_EQ(receive(process).size(), 10u);
  const auto last = receive(process);
  EXPECT_EQ(last.size(), 10u);
  EXPECT_EQ(process.answer(&SqsService::receiveMessage, receiveInput(0)).error().code, ErrorCode::OverLimit);
  EXPECT_EQ(bodies(beginReceive(process, 1)), Bodies{});
  EXPECT_EQ(counts(process), (Bodies{"10", "20", "1"}));

  auto waiting = beginReceive(process);
  for (const auto& message : last) ASSERT_TRUE(remove(process, message.receipt_handle).ok());
  EXPECT_EQ(bodies(std::move(waiting)).size(), 10u);
}

TEST_F(SqsServiceTest, APurgeEndsTheLimitForOtherProcessesAsWell) {
  auto lowered = options();
  lowered.messages_in_flight = 1;
  auto& purging = addProcess(lowered);
  auto& process = addProcess(lowered, false);
  createQueue(purging);
  send(purging, "in flight");
  EXPECT_EQ(receive(process).size(), 1u);
  EXPECT_EQ(process.answer(&SqsService::receiveMessage, receiveInput(0)).error().code, ErrorCode::OverLimit);
  ASSERT_TRUE(purging.answer(&SqsService::purgeQueue, {kQueue}).ok());
  send(purging, "after");
  EXPECT_TRUE(testing::eventually([&] { return process.answer(&SqsService::receiveMessage, receiveInput(0)).ok(); }));
}

TEST_F(SqsServiceTest, AStandardQueueHasUpTo120000MessagesInFlight) {
  auto& process = addProcess();
  createQueue(process);
  const auto queue = *process.database().queues().findQueue({kQueue.account, kQueue.name});
  std::vector<persistence::NewMessage> messages(10'000);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    messages[i].queue_id = queue.queue_id;
    messages[i].queue_version = queue.version;
    messages[i].message_id[0] = static_cast<std::uint8_t>(i);
    messages[i].body = "m";
  }
  persistence::ReceiveRequest request{queue.queue_id, queue.version, std::vector<std::int32_t>(10'000, 600)};
  for (int i = 0; i < 12; ++i) {
    process.store().send(messages);
    if (i == 11) request.visibility_timeouts.resize(9'990);
    ASSERT_EQ(process.store().receive(request).messages.size(), request.visibility_timeouts.size());
  }
  send(process, "one too many");
  const auto last = receive(process);
  EXPECT_EQ(last.size(), 10u);
  EXPECT_EQ(counts(process), (Bodies{"1", "120000", "0"}));
  EXPECT_EQ(process.answer(&SqsService::receiveMessage, receiveInput(0)).error().code, ErrorCode::OverLimit);
}

// Long polls

TEST_F(SqsServiceTest, ASendWakesAParkedReceive) {
  auto& process = addProcess();
  createQueue(process);
  auto parked = beginReceive(process);
  process.recorder().waitUntilParked(1);
  send(process, "m");
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
}

TEST_F(SqsServiceTest, ASendOfAnotherProcessWakesAParkedReceive) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  auto parked = beginReceive(here);
  here.recorder().waitUntilParked(1);
  send(there, "m");
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
}

TEST_F(SqsServiceTest, WithoutHintsTheFloorPollWakes) {
  auto poll_often = options();
  poll_often.watch_interval = milliseconds(50);
  auto& here = addProcess(poll_often, false);
  auto& there = addProcess(options(), false);
  createQueue(here);
  auto parked = beginReceive(here);
  here.recorder().waitUntilParked(1);
  send(there, "m");
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
}

TEST_F(SqsServiceTest, AMessageForEachParkedReceiveWakesThemAll) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  std::vector<std::future<Result<ReceiveMessageOutput>>> parked;
  for (int i = 0; i < 9; ++i) parked.push_back(beginReceive(here, 20, {}, 1));
  here.recorder().waitUntilParked(9);
  SendMessageBatchInput batch{kQueue, std::vector<SendMessageBatchRequestEntry>(9)};
  for (std::size_t i = 0; i < 9; ++i) {
    (*batch.entries)[i].id = std::to_string(i);
    (*batch.entries)[i].message_body = std::to_string(i);
  }
  // From elsewhere: the hint says only that there is something, and who finds that there may be more wakes the next.
  ASSERT_TRUE(there.answer(&SqsService::sendMessageBatch, batch).ok());
  std::set<std::string> received;
  for (auto& receive : parked) {
    for (auto& body : bodies(std::move(receive))) received.insert(body);
  }
  EXPECT_EQ(received.size(), 9u);
}

TEST_F(SqsServiceTest, DelaysAndTimeoutsThatEndWakeParkedReceivesOneAfterTheOther) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "returns");
  ASSERT_EQ(receive(process, 1).size(), 1u);
  auto first = beginReceive(process, 20, 30, 10);
  process.recorder().waitUntilParked(1);
  auto second = beginReceive(process, 20, 30, 10);
  process.recorder().waitUntilParked(2);
  send(process, "delayed", 2);
  std::set<std::string> received;
  for (auto& body : bodies(std::move(first))) received.insert(body);
  for (auto& body : bodies(std::move(second))) received.insert(body);
  EXPECT_EQ(received, (std::set<std::string>{"delayed", "returns"}));
}

TEST_F(SqsServiceTest, AMessageClaimedFromUnderAParkedReceiveWakesItWhenItReturns) {
  auto& process = addProcess();
  createQueue(process);
  auto parked = beginReceive(process, 20, 1, 10);  // not full, so it tells nobody
  process.recorder().waitUntilParked(1);
  auto waiting = beginReceive(process, 20, 30, 1);
  process.recorder().waitUntilParked(2);
  send(process, "m");
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
  EXPECT_EQ(bodies(std::move(waiting)), Bodies{"m"}) << "when the first receive's timeout of one second has ended";
}

TEST_F(SqsServiceTest, VisibilitySetToZeroWakesHereAndElsewhere) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  send(here, "m");
  auto handle = receive(here, 600)[0].receipt_handle;
  auto parked = beginReceive(here, 20, 600);
  here.recorder().waitUntilParked(1);
  EXPECT_TRUE(changeVisibility(here, handle, 0).ok());
  handle = ServiceProcess::wait(std::move(parked)).value().messages.at(0).receipt_handle;
  parked = beginReceive(there, 20, 600);
  there.recorder().waitUntilParked(1);
  EXPECT_TRUE(changeVisibility(here, handle, 0).ok());
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
}

TEST_F(SqsServiceTest, AnExplicitWaitOfZeroWinsOverTheQueues) {
  auto& process = addProcess();
  createQueue(process, {{"ReceiveMessageWaitTimeSeconds", "20"}});
  EXPECT_TRUE(receive(process).empty());
  EXPECT_EQ(process.recorder().parked(), 0);
  auto input = receiveInput(0);
  input.wait_time_seconds.reset();
  auto parked = process.begin(&SqsService::receiveMessage, input);
  process.recorder().waitUntilParked(1);
  send(process, "m");
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
}

TEST_F(SqsServiceTest, AWaitEndsEmptyAndItsTimeIsTold) {
  auto& process = addProcess();
  createQueue(process);
  process.context.parked = std::make_shared<std::chrono::steady_clock::duration>(0);
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(bodies(beginReceive(process, 1)).empty());
  const auto took = std::chrono::steady_clock::now() - started;
  EXPECT_GE(took, seconds(1));
  EXPECT_LE(*process.context.parked, took);
  EXPECT_GT(*process.context.parked, milliseconds(500));
}

TEST_F(SqsServiceTest, DrainAnswersParkedReceivesAndParksNoMore) {
  auto& process = addProcess();
  createQueue(process);
  auto parked = beginReceive(process);
  process.recorder().waitUntilParked(1);
  process.service().drain();
  EXPECT_TRUE(bodies(std::move(parked)).empty());
  EXPECT_TRUE(bodies(beginReceive(process)).empty());
  send(process, "m");
  EXPECT_EQ(bodies(beginReceive(process)), Bodies{"m"});
}

TEST_F(SqsServiceTest, StopFinishesWhatIsUnderWayAndRefusesTheRest) {
  auto& process = addProcess();
  createQueue(process);
  std::vector<std::future<Result<SendMessageOutput>>> sends;
  for (int i = 0; i < 200; ++i) sends.push_back(process.begin(&SqsService::sendMessage, message("m")));
  process.service().stop();
  for (auto& sent : sends) EXPECT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
  EXPECT_EQ(process.answer(&SqsService::sendMessage, message("late")).error().code, ErrorCode::ServiceUnavailable);
  EXPECT_EQ(counts(addProcess()), (Bodies{"200", "0", "0"}));
}

// Clients that go away

TEST_F(SqsServiceTest, AParkedReceiveEndsWithItsClient) {
  auto& process = addProcess();
  createQueue(process);
  auto client = std::make_shared<ClientPresence>();
  auto parked = beginReceive(process, 20, {}, 10, client);
  process.recorder().waitUntilParked(1);
  client->markGone();
  EXPECT_TRUE(bodies(std::move(parked)).empty());
  send(process, "m");
  EXPECT_EQ(bodies(receive(process)), Bodies{"m"});
}

TEST_F(SqsServiceTest, NothingIsClaimedForAClientThatIsGone) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "m");
  auto client = std::make_shared<ClientPresence>();
  client->markGone();
  EXPECT_TRUE(bodies(beginReceive(process, 20, {}, 10, client)).empty());
  EXPECT_EQ(process.store().calls("receive"), 0);
}

TEST_F(SqsServiceTest, WhatWasClaimedForAClientThatWentIsVisibleAgainAndWakesTheNext) {
  auto& process = addProcess();
  createQueue(process);
  auto client = std::make_shared<ClientPresence>();
  auto lost = beginReceive(process, 20, 600, 1, client);
  process.recorder().waitUntilParked(1);
  auto next = beginReceive(process, 20, 600, 1);
  process.recorder().waitUntilParked(2);
  process.store().failAfter("receive", [client] { client->markGone(); });
  send(process, "m");
  EXPECT_TRUE(bodies(std::move(lost)).empty());
  EXPECT_EQ(bodies(std::move(next)), Bodies{"m"});
}

TEST_F(SqsServiceTest, AWakenedReceiveWhoseClientWentPassesTheWakeOn) {
  auto one_worker = options();
  one_worker.workers = 1;
  auto& process = addProcess(one_worker);
  createQueue(process);
  auto client = std::make_shared<ClientPresence>();
  auto gone = beginReceive(process, 20, 600, 1, client);
  process.recorder().waitUntilParked(1);
  auto next = beginReceive(process, 20, 600, 1);
  process.recorder().waitUntilParked(2);
  // The send wakes the first and is answered on the only worker, so that the first has not looked yet.
  process.service().sendMessage(process.context, message("m"), [client](const auto&) { client->markGone(); });
  EXPECT_TRUE(bodies(std::move(gone)).empty());
  EXPECT_EQ(bodies(std::move(next)), Bodies{"m"});
}

TEST_F(SqsServiceTest, AnUndeliveredAnswerIsReturnedUnlessReceivedAgain) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "m");
  const auto first = process.answer(&SqsService::receiveMessage, receiveInput(0, 600)).value();
  auto parked = beginReceive(process, 20, 600);
  process.recorder().waitUntilParked(1);
  process.service().returnUndelivered(process.context, first);
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"m"});
  process.service().returnUndelivered(process.context, first);  // received again since: not ours any more
  EXPECT_TRUE(remove(process, "garbage").error().code == ErrorCode::ReceiptHandleIsInvalid);
  const auto after =
      process.answer(&SqsService::changeMessageVisibility, {kQueue, first.messages[0].receipt_handle, 600});
  EXPECT_TRUE(after.ok());
  EXPECT_EQ(counts(process), (Bodies{"0", "1", "0"}));
}

// Queues that change elsewhere

TEST_F(SqsServiceTest, ARequestIsCheckedAnewWhenItsQueueChangedElsewhere) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  send(here, std::string(2000, 'x'));
  ASSERT_TRUE(there
                  .answer(&SqsService::setQueueAttributes,
                          {kQueue, AttributeMap{{"MaximumMessageSize", "1024"}, {"VisibilityTimeout", "0"}}})
                  .ok());
  EXPECT_EQ(here.answer(&SqsService::sendMessage, message(std::string(2000, 'x'))).error().code,
            ErrorCode::InvalidParameterValueException);
  send(here, "short enough");
  EXPECT_EQ(attributes(here)["MaximumMessageSize"], "1024");
  EXPECT_EQ(receive(here).size(), 2u);
  EXPECT_EQ(receive(here).size(), 2u) << "the timeout set elsewhere is 0";
}

TEST_F(SqsServiceTest, AQueuePurgedElsewhereIsFoundAgain) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  send(here, "old");
  const auto old = receive(here);
  auto parked = beginReceive(here);
  here.recorder().waitUntilParked(1);
  ASSERT_TRUE(there.answer(&SqsService::purgeQueue, {kQueue}).ok());
  here.recorder().waitUntilParked(2);  // at the new incarnation
  EXPECT_TRUE(remove(here, old[0].receipt_handle).ok());
  send(there, "new");
  EXPECT_EQ(bodies(std::move(parked)), Bodies{"new"});
  send(here, "newer");
  EXPECT_EQ(bodies(receive(there)), Bodies{"newer"});
}

TEST_F(SqsServiceTest, AHandleOfANewIncarnationDeletesWhereOnlyTheOldIsKnown) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  send(here, "old");
  ASSERT_TRUE(there.answer(&SqsService::purgeQueue, {kQueue}).ok());
  send(there, "new");
  const auto messages = receive(there);
  EXPECT_TRUE(remove(here, messages.at(0).receipt_handle).ok());
  EXPECT_EQ(counts(there), (Bodies{"0", "0", "0"}));
}

TEST_F(SqsServiceTest, AQueueDeletedElsewhereDoesNotExistForParkedReceivesEither) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  send(here, "old");
  const auto old = receive(here);
  std::vector<std::future<Result<ReceiveMessageOutput>>> parked;
  for (int i = 0; i < 3; ++i) parked.push_back(beginReceive(here));
  here.recorder().waitUntilParked(3);
  ASSERT_TRUE(there.answer(&SqsService::deleteQueue, {kQueue}).ok());
  for (auto& receive : parked) {
    EXPECT_EQ(ServiceProcess::wait(std::move(receive)).error().code, ErrorCode::QueueDoesNotExist);
  }
  EXPECT_EQ(here.answer(&SqsService::sendMessage, message("x")).error().code, ErrorCode::QueueDoesNotExist);
  EXPECT_EQ(remove(here, old[0].receipt_handle).error().code, ErrorCode::QueueDoesNotExist);
}

TEST_F(SqsServiceTest, WithoutHintsTheFloorPollFindsADeletedQueue) {
  auto poll_often = options();
  poll_often.watch_interval = milliseconds(50);
  auto& here = addProcess(poll_often, false);
  auto& there = addProcess(options(), false);
  createQueue(here);
  auto parked = beginReceive(here);
  here.recorder().waitUntilParked(1);
  ASSERT_TRUE(there.answer(&SqsService::deleteQueue, {kQueue}).ok());
  EXPECT_EQ(ServiceProcess::wait(std::move(parked)).error().code, ErrorCode::QueueDoesNotExist);
}

// Failures of the store

TEST_F(SqsServiceTest, ASendWhoseOutcomeIsUnknownIsNotRepeated) {
  auto& process = addProcess();
  createQueue(process);
  process.store().failAfter("send", FaultyStore::throws<StoreOutcomeUnknown>());
  EXPECT_EQ(process.answer(&SqsService::sendMessage, message("m")).error().code, ErrorCode::ServiceUnavailable);
  EXPECT_EQ(process.store().calls("send"), 1);
  EXPECT_EQ(counts(process), (Bodies{"1", "0", "0"}));
}

TEST_F(SqsServiceTest, ADeleteOrChangeWhoseOutcomeIsUnknownIsRepeated) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "m");
  const auto handle = receive(process, 600)[0].receipt_handle;
  process.store().failAfter("changeVisibility", FaultyStore::throws<StoreOutcomeUnknown>());
  EXPECT_TRUE(changeVisibility(process, handle, 300).ok());
  EXPECT_EQ(process.store().calls("changeVisibility"), 2);
  process.store().failAfter("remove", FaultyStore::throws<StoreOutcomeUnknown>());
  EXPECT_TRUE(remove(process, handle).ok());
  EXPECT_EQ(process.store().calls("remove"), 2);
  EXPECT_EQ(counts(process), (Bodies{"0", "0", "0"}));
}

TEST_F(SqsServiceTest, AConflictIsTriedAgainAndALostDatabaseIsNot) {
  auto& process = addProcess();
  createQueue(process);
  process.store().failBefore("send", FaultyStore::throws<StoreConflict>(), 2);
  send(process, "m");
  EXPECT_EQ(process.store().calls("send"), 3);
  process.store().failBefore("receive", FaultyStore::throws<StoreUnavailable>());
  EXPECT_EQ(process.answer(&SqsService::receiveMessage, receiveInput(20)).error().code, ErrorCode::ServiceUnavailable);
  EXPECT_EQ(process.store().calls("receive"), 1);
  EXPECT_EQ(receive(process).size(), 1u);
}

TEST_F(SqsServiceTest, ABugOfTheStoreIsAnInternalFailure) {
  auto& process = addProcess();
  createQueue(process);
  process.store().failBefore("send", [] { throw StoreBug("asked for by a test", "42703"); });
  EXPECT_EQ(process.answer(&SqsService::sendMessage, message("m")).error().code, ErrorCode::InternalFailure);
}

TEST_F(SqsServiceTest, ALostDatabaseIsServiceUnavailableAndThenItGoesOn) {
  auto& process = addProcess();
  createQueue(process);
  send(process, "before");
  database_.outsider();  // let in before the door is closed
  database_.allowConnections(false);
  database_.terminateBackends();
  EXPECT_EQ(process.answer(&SqsService::receiveMessage, receiveInput(0)).error().code, ErrorCode::ServiceUnavailable);
  database_.allowConnections(true);
  // The pool tries again after a moment, and refuses until then.
  auto received = process.answer(&SqsService::receiveMessage, receiveInput(0));
  for (const auto give_up = std::chrono::steady_clock::now() + seconds(20);
       !received && std::chrono::steady_clock::now() < give_up;) {
    EXPECT_EQ(received.error().code, ErrorCode::ServiceUnavailable);
    std::this_thread::sleep_for(milliseconds(10));
    received = process.answer(&SqsService::receiveMessage, receiveInput(0));
  }
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(bodies(received->messages), Bodies{"before"});
}

// Many at once

TEST_F(SqsServiceTest, EveryMessageIsReceivedOnceByManyReceiversOfTwoProcesses) {
  auto& here = addProcess();
  auto& there = addProcess();
  createQueue(here);
  constexpr int kMessages = 600;
  std::mutex mutex;
  std::condition_variable all_received;
  std::map<std::string, int> received;

  // Each receiver long-polls, deletes what it got, and goes on, all by callbacks.
  std::function<void(ServiceProcess&)> receiveForEver = [&](ServiceProcess& process) {
    process.service().receiveMessage(
        process.context, receiveInput(20, 600, 3), [&](const Result<ReceiveMessageOutput>& result) {
          if (!result) return;  // stopped
          for (const auto& message : result->messages) {
            process.service().deleteMessage(process.context, {kQueue, message.receipt_handle}, [](const auto&) {});
            std::lock_guard lock(mutex);
            ++received[message.body];
            if (received.size() == kMessages) all_received.notify_all();
          }
          receiveForEver(process);
        });
  };
  for (int i = 0; i < 5; ++i) {
    receiveForEver(here);
    receiveForEver(there);
  }
  std::vector<std::future<Result<SendMessageOutput>>> sends;
  for (int i = 0; i < kMessages; ++i) {
    sends.push_back((i % 2 ? here : there).begin(&SqsService::sendMessage, message(std::to_string(i))));
  }
  for (auto& sent : sends) ASSERT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(all_received.wait_for(lock, seconds(30), [&] { return received.size() == kMessages; }));
    for (const auto& [body, times] : received) EXPECT_EQ(times, 1) << body;
  }
  EXPECT_GT(here.recorder().largestSend(), 1u) << "sends that arrive together share a transaction";
  here.service().stop();
  there.service().stop();
  EXPECT_EQ(counts(addProcess()), (Bodies{"0", "0", "0"}));
}

}  // namespace
}  // namespace howdah::service
