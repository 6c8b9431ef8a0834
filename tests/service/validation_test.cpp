#include "service/validation.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "service/characters.h"
#include "tests/support/attribute_values.h"

namespace howdah::service {
namespace {

using namespace std::string_literals;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr ErrorCode kInvalidValue = ErrorCode::InvalidParameterValueException;
constexpr ErrorCode kMissing = ErrorCode::MissingRequiredParameterException;
constexpr std::int32_t kLowestInt = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kHighestInt = std::numeric_limits<std::int32_t>::max();

void expectRefused(const Result<Nothing>& result, ErrorCode code, const std::string& text,
                   const std::string& name = "") {
  ASSERT_FALSE(result.ok()) << name;
  EXPECT_EQ(result.error().code, code) << name;
  EXPECT_EQ(result.error().message, text) << name;
}

QueueSettings standardQueue() { return queueSettings({}); }
QueueSettings fifoQueue(const char* content_based_deduplication = "false") {
  return queueSettings({{"FifoQueue", "true"}, {"ContentBasedDeduplication", content_based_deduplication}});
}

const std::string kBadName = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
const std::string kBadFifoName =
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo "
    "suffix and be 1 to 80 in length";

Result<Nothing> checkName(const std::string& name, const std::optional<std::string>& fifo_queue = std::nullopt) {
  CreateQueueInput input;
  input.queue_name = name;
  if (fifo_queue) input.attributes = AttributeMap{{"FifoQueue", *fifo_queue}};
  return checkNewQueueName(input);
}

TEST(QueueName, OneTo80LettersDigitsHyphensUnderscores) {
  for (const std::string& name : {"a"s, "-"s, "_"s, "Az09-_"s, "fifo"s, std::string(79, 'q'), std::string(80, 'q')}) {
    EXPECT_TRUE(checkName(name).ok()) << name;
    EXPECT_TRUE(isQueueName(name)) << name;
  }
  for (const std::string& name : {std::string(81, 'q'), "a b"s, "a.b"s, ".fifo"s, "a/b"s, "a\0"s, "\u00e4"s, "a\n"s,
                                  "a.fifo.fifo"s, std::string(10'240, 'q')}) {
    expectRefused(checkName(name), kInvalidValue, kBadName, name);
    EXPECT_FALSE(isQueueName(name)) << name;
  }
  EXPECT_FALSE(isQueueName(""));
}

TEST(QueueName, FifoSuffixAndFifoQueueGoTogether) {
  for (const std::string& name : {"q.fifo"s, std::string(75, 'q') + ".fifo"}) {
    EXPECT_TRUE(isQueueName(name));
    EXPECT_TRUE(checkName(name, "true").ok());
    EXPECT_TRUE(checkName(name, "True").ok());
    expectRefused(checkName(name), kInvalidValue, kBadName, "without FifoQueue");
    expectRefused(checkName(name, "false"), kInvalidValue, kBadName, "FifoQueue=false");
    expectRefused(checkName(name, "truer"), kInvalidValue, kBadName, "FifoQueue=truer");
  }
  for (const std::string& name :
       {"q"s, "q.fif"s, "q.fifo2"s, "q.FIFO"s, ".fifo"s, "a b.fifo"s, std::string(76, 'q') + ".fifo"}) {
    expectRefused(checkName(name, "true"), kInvalidValue, kBadFifoName, name);
  }
}

TEST(QueueName, MustBeGiven) {
  const std::string absent = "Value for parameter QueueName is invalid. Reason: Must specify a queue name.";
  expectRefused(checkNewQueueName({}), kInvalidValue, absent);
  expectRefused(checkName(""), kInvalidValue, "Queue name cannot be empty");
  expectRefused(checkGetQueueUrl({}), kInvalidValue, absent);
  GetQueueUrlInput input;
  input.queue_name = "";
  expectRefused(checkGetQueueUrl(input), kInvalidValue, "Queue name cannot be empty");
  input.queue_name = "no such queue!";
  EXPECT_TRUE(checkGetQueueUrl(input).ok());
}

TEST(Tags, WithinTheirLimits) {
  EXPECT_TRUE(checkTags("q", {}).ok());
  EXPECT_TRUE(checkTags("q", {{"k", ""}, {"Key 1_.:/=+-@", "V 1_.:/=+-@"}, {"\u00e9\u65e5", "\u00e9"}}).ok());
  std::string letters;
  for (int i = 0; i < 128; ++i) letters += "\u65e5";
  EXPECT_TRUE(checkTags("q", {{letters, letters + letters}}).ok());
  const std::string key_length = "Tag keys must be between 1 and 128 characters in length.";
  expectRefused(checkTags("q", {{letters + "x", ""}}), kInvalidValue, key_length, "129 characters");
  expectRefused(checkTags("q", {{std::string(10'240, 'x'), ""}}), kInvalidValue, key_length, "10 KB");
  expectRefused(checkTags("q", {{"", "v"}}), kInvalidValue, key_length, "empty key");
  const std::string value_length = "Tag values must be between 0 and 256 characters in length.";
  expectRefused(checkTags("q", {{"k", letters + letters + "x"}}), kInvalidValue, value_length, "257 characters");
  expectRefused(checkTags("q", {{"k", std::string(10'240, 'x')}}), kInvalidValue, value_length, "10 KB");
}

TEST(Tags, CharactersAndReservedPrefix) {
  const std::string allowed =
      " may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @";
  for (const std::string& text : {"a;b"s, "a*"s, "\x01"s, "\0"s, "\xff"s, "\U0001F600"s}) {
    expectRefused(checkTags("q", {{text, "v"}}), kInvalidValue, "Tag keys" + allowed, text);
    expectRefused(checkTags("q", {{"k", text}}), kInvalidValue, "Tag values" + allowed, text);
  }
  for (const char* key : {"aws:x", "AWS:x"}) {
    expectRefused(checkTags("q", {{key, "v"}}), kInvalidValue, "Tag keys must not begin with aws:, which is reserved.",
                  key);
  }
}

TEST(Tags, AtMost50) {
  TagMap tags;
  for (int i = 0; i < 50; ++i) tags["k" + std::to_string(i)] = "v";
  EXPECT_TRUE(checkTags("orders", tags).ok());
  tags["k50"] = "v";
  expectRefused(checkTags("orders", tags), kInvalidValue, "Too many tags added for queue orders.");
}

TEST(ListQueues, MaxResultsFrom1To1000) {
  ListQueuesInput input;
  EXPECT_TRUE(checkListQueues(input).ok());
  for (std::int32_t count : {1, 2, 999, 1000}) {
    input.max_results = count;
    EXPECT_TRUE(checkListQueues(input).ok()) << count;
  }
  for (std::int32_t count : {0, -1, 1001, kLowestInt, kHighestInt}) {
    input.max_results = count;
    expectRefused(
        checkListQueues(input), kInvalidValue,
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.",
        std::to_string(count));
  }
}

TEST(ListQueues, NextTokenNeedsMaxResults) {
  ListQueuesInput input;
  input.next_token = "x";
  expectRefused(checkListQueues(input), kInvalidValue,
                "MaxResults is a mandatory parameter when you provide a value for NextToken.");
  input.max_results = 1;
  EXPECT_TRUE(checkListQueues(input).ok());
}

SendMessageInput send(std::string body) {
  SendMessageInput input;
  input.message_body = std::move(body);
  return input;
}

SendMessageBatchRequestEntry entry(std::string id, std::string body) {
  SendMessageBatchRequestEntry made;
  made.id = std::move(id);
  made.message_body = std::move(body);
  return made;
}

// What holds for a message alone and for one in a batch.
template <class Change>
void expectBothRefused(Change change, ErrorCode code, const std::string& text, const std::string& name = "") {
  SendMessageInput alone = send("body");
  change(alone);
  expectRefused(checkSendMessage(alone, standardQueue()), code, text, name + " alone");
  SendMessageBatchRequestEntry in_batch = entry("a", "body");
  change(in_batch);
  expectRefused(checkSendMessageBatchEntry(in_batch, standardQueue()), code, text, name + " in a batch");
}

template <class Change>
void expectBothAccepted(Change change, const std::string& name = "") {
  SendMessageInput alone = send("body");
  change(alone);
  EXPECT_TRUE(checkSendMessage(alone, standardQueue()).ok()) << name;
  SendMessageBatchRequestEntry in_batch = entry("a", "body");
  change(in_batch);
  EXPECT_TRUE(checkSendMessageBatchEntry(in_batch, standardQueue()).ok()) << name;
}

TEST(SendMessage, NeedsABody) {
  const std::string text = "The request must contain the parameter MessageBody.";
  for (const std::optional<std::string>& body : {std::optional<std::string>(), std::optional(""s)}) {
    SendMessageInput alone;
    alone.message_body = body;
    expectRefused(checkSendMessage(alone, standardQueue()), kMissing, text, "alone");
    SendMessageBatchRequestEntry in_batch;
    in_batch.message_body = body;
    expectRefused(checkSendMessageBatchEntry(in_batch, standardQueue()), ErrorCode::EmptyValue, text, "in a batch");
  }
  expectBothAccepted([](auto& sent) { sent.message_body = " "; });
}

TEST(SendMessage, BodyOfForbiddenCharactersIsInvalidContents) {
  for (const std::string& body :
       {"\0"s, "a\x01"s, "\x1b[0m"s, "\x0b"s, "\xef\xbf\xbe"s, "\xef\xbf\xbf"s, "\xed\xa0\x80"s, "\xff"s}) {
    expectBothRefused([&](auto& sent) { sent.message_body = body; }, ErrorCode::InvalidMessageContents,
                      kInvalidCharacters);
  }
  expectBothAccepted([](auto& sent) { sent.message_body = "\t\r\n \x7f caf\u00e9 \U0001F600\ufffd"; });
}

TEST(SendMessage, DelayFrom0To900) {
  for (std::int32_t delay : {0, 1, 899, 900}) expectBothAccepted([&](auto& sent) { sent.delay_seconds = delay; });
  for (std::int32_t delay : {-1, 901, kLowestInt, kHighestInt}) {
    expectBothRefused([&](auto& sent) { sent.delay_seconds = delay; }, kInvalidValue,
                      "Value " + std::to_string(delay) +
                          " for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.");
  }
}

TEST(SendMessage, DeduplicationIdIsRefusedOnStandardQueues) {
  for (const char* id : {"d1", ""}) {
    expectBothRefused([&](auto& sent) { sent.message_deduplication_id = id; }, kInvalidValue,
                      "Value "s + id +
                          " for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter "
                          "that is not valid for this queue type.");
  }
}

TEST(SendMessage, GroupIdIsPunctuationLettersAndDigits) {
  for (const std::string& id :
       {"a"s, "tenant-1"s, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"s, std::string(127, 'g'), std::string(128, 'g')}) {
    expectBothAccepted([&](auto& sent) { sent.message_group_id = id; }, id);
  }
  for (const std::string& id : {""s, " "s, "a b"s, "\t"s, "\x7f"s, "\u00e9"s, "a\0"s, std::string(129, 'g')}) {
    expectBothRefused([&](auto& sent) { sent.message_group_id = id; }, kInvalidValue,
                      "Value " + id +
                          " for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
                          "alphanumeric and punctuation characters. 1 to 128 in length.");
  }
}

TEST(SendMessage, AttributesAreChecked) {
  expectBothAccepted([](auto& sent) {
    sent.message_attributes = {{"n", textValue("Number", "1")}};
    sent.message_system_attributes = {{"AWSTraceHeader", textValue("String", "Root=1")}};
  });
  expectBothRefused(
      [](auto& sent) {
        sent.message_attributes = {{"n", textValue("Number", "x")}};
      },
      kInvalidValue, "Can't cast the value of message (user) attribute 'n' to a number.");
  expectBothRefused(
      [](auto& sent) {
        sent.message_system_attributes = {{"n", textValue("String", "x")}};
      },
      kInvalidValue, "Message system attribute name 'n' is invalid.");
}

TEST(SendMessage, MayBeAsLongAsTheQueueAllows) {
  for (const int maximum : {1024, 1025, 1'048'576}) {
    const QueueSettings queue = queueSettings({{"MaximumMessageSize", std::to_string(maximum)}});
    const auto size = static_cast<std::size_t>(maximum);
    const std::string shorter = " Reason: Message must be shorter than " + std::to_string(maximum) + " bytes.";
    EXPECT_TRUE(checkSendMessage(send(std::string(size - 1, 'x')), queue).ok());
    EXPECT_TRUE(checkSendMessage(send(std::string(size, 'x')), queue).ok());
    expectRefused(checkSendMessage(send(std::string(size + 1, 'x')), queue), kInvalidValue,
                  "One or more parameters are invalid." + shorter);
    EXPECT_TRUE(checkSendMessageBatchEntry(entry("a", std::string(size, 'x')), queue).ok());
    expectRefused(checkSendMessageBatchEntry(entry("a", std::string(size + 1, 'x')), queue), kInvalidValue,
                  "One or more parameters cannot be validated." + shorter);
  }
}

TEST(SendMessage, SizeCountsBytesOfBodyAndUserAttributesOnly) {
  const QueueSettings queue = queueSettings({{"MaximumMessageSize", "1024"}});
  SendMessageInput input = send(std::string(1022, 'x') + "\u00e9");  // 1024 bytes
  EXPECT_TRUE(checkSendMessage(input, queue).ok());
  input.message_system_attributes = {{"AWSTraceHeader", textValue("String", "Root=1")}};
  input.message_group_id = "tenant";
  EXPECT_TRUE(checkSendMessage(input, queue).ok());

  // Name, data type with its label, value: 3 + 8 + 4 and 3 + 6 + 3.
  input.message_attributes = {{"abc", textValue("String.l", "wxyz")}, {"bin", binaryValue("Binary", "\1\2\3")}};
  input.message_body = std::string(1024 - 15 - 12, 'x');
  EXPECT_TRUE(checkSendMessage(input, queue).ok());
  *input.message_body += 'x';
  EXPECT_FALSE(checkSendMessage(input, queue).ok());
}

TEST(ReceiveMessage, CountWaitAndVisibilityHaveTheirRanges) {
  struct Case {
    const char* name;
    std::optional<std::int32_t> ReceiveMessageInput::*field;
    std::int32_t low, high;
    const char* reason;
  };
  for (const Case& c : std::vector<Case>{
           {"MaxNumberOfMessages", &ReceiveMessageInput::max_number_of_messages, 1, 10,
            "Must be between 1 and 10, if provided."},
           {"WaitTimeSeconds", &ReceiveMessageInput::wait_time_seconds, 0, 20, "Must be >= 0 and <= 20, if provided."},
           {"VisibilityTimeout", &ReceiveMessageInput::visibility_timeout, 0, 43'200,
            "Must be >= 0 and <= 43200, if provided."}}) {
    ReceiveMessageInput input;
    for (std::int32_t value : {c.low, c.low + 1, c.high - 1, c.high}) {
      input.*c.field = value;
      EXPECT_TRUE(checkReceiveMessage(input, standardQueue()).ok()) << c.name << value;
    }
    for (std::int32_t value : {c.low - 1, c.high + 1, kLowestInt, kHighestInt}) {
      input.*c.field = value;
      expectRefused(checkReceiveMessage(input, standardQueue()), kInvalidValue,
                    "Value " + std::to_string(value) + " for parameter " + c.name + " is invalid. Reason: " + c.reason);
    }
  }
  EXPECT_TRUE(checkReceiveMessage({}, standardQueue()).ok());
}

TEST(ReceiveMessage, AttemptIdIsRefusedOnStandardQueues) {
  ReceiveMessageInput input;
  input.receive_request_attempt_id = "r1";
  expectRefused(
      checkReceiveMessage(input, standardQueue()), kInvalidValue,
      "Value r1 for parameter ReceiveRequestAttemptId is invalid. Reason: The request includes a parameter that "
      "is not valid for this queue type.");
}

TEST(ReceiveMessage, UnknownAttributeNamesAreRefusedAndUnknownMessageAttributesIgnored) {
  ReceiveMessageInput input;
  input.message_attribute_names = {"AWS.", "..foo", ""};
  EXPECT_TRUE(checkReceiveMessage(input, standardQueue()).ok());
  input.attribute_names = {"Bogus"};
  expectRefused(checkReceiveMessage(input, standardQueue()), ErrorCode::InvalidAttributeName,
                "Unknown Attribute Bogus.");
}

TEST(ReceiveMessage, AttemptIdsAreShortAndWithoutBlanks) {
  ReceiveMessageInput input;
  for (const std::string& id : {"r1"s, std::string(128, '~')}) {
    input.receive_request_attempt_id = id;
    EXPECT_TRUE(checkReceiveMessage(input, fifoQueue()).ok()) << id;
  }
  for (const std::string& id : {""s, "a b"s, std::string(129, 'r')}) {
    input.receive_request_attempt_id = id;
    expectRefused(checkReceiveMessage(input, fifoQueue()), kInvalidValue,
                  "Value " + id +
                      " for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId can only "
                      "include alphanumeric and punctuation characters. 1 to 128 in length.");
  }
}

TEST(DeleteMessage, NeedsAHandle) {
  const std::string text = "The request must contain the parameter ReceiptHandle.";
  for (const std::optional<std::string>& handle : {std::optional<std::string>(), std::optional(""s)}) {
    DeleteMessageInput input;
    input.receipt_handle = handle;
    expectRefused(checkDeleteMessage(input), kMissing, text);
    DeleteMessageBatchRequestEntry in_batch;
    in_batch.receipt_handle = handle;
    expectRefused(checkDeleteMessageBatchEntry(in_batch), kMissing, text);
  }
  DeleteMessageInput input;
  input.receipt_handle = "h";
  EXPECT_TRUE(checkDeleteMessage(input).ok());
}

TEST(ChangeMessageVisibility, TimeoutFrom0To43200) {
  for (const bool in_batch : {false, true}) {
    const auto check = [&](const std::optional<std::string>& handle, std::optional<std::int32_t> timeout) {
      if (in_batch) {
        ChangeMessageVisibilityBatchRequestEntry change;
        change.receipt_handle = handle;
        change.visibility_timeout = timeout;
        return checkChangeMessageVisibilityBatchEntry(change);
      }
      ChangeMessageVisibilityInput change;
      change.receipt_handle = handle;
      change.visibility_timeout = timeout;
      return checkChangeMessageVisibility(change);
    };
    for (std::int32_t timeout : {0, 1, 43'199, 43'200}) EXPECT_TRUE(check("h", timeout).ok()) << timeout;
    for (std::int32_t timeout : {-1, -85, 43'201, kLowestInt, kHighestInt}) {
      expectRefused(check("h", timeout), kInvalidValue,
                    "Value " + std::to_string(timeout) +
                        " for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer "
                        "between 0 and 43200" +
                        (in_batch ? "." : ""));
    }
    const std::string no_timeout = "The request must contain the parameter VisibilityTimeout.";
    const std::string no_handle = "The request must contain the parameter ReceiptHandle.";
    expectRefused(check("h", std::nullopt), kMissing, no_timeout, "no timeout");
    expectRefused(check(std::nullopt, std::nullopt), kMissing, no_timeout, "the timeout comes first");
    expectRefused(check(std::nullopt, 1), kMissing, no_handle, "no handle");
    expectRefused(check("", 43'201), kMissing, no_handle, "required ones come before ranges");
  }
}

TEST(ChangeMessageVisibility, TwelveHoursInAllFromTheReceive) {
  const persistence::DatabaseTime received(seconds(1'700'000'000));
  EXPECT_TRUE(checkTotalVisibilityTimeout(43'200, received, received).ok());
  EXPECT_TRUE(checkTotalVisibilityTimeout(43'195, received, received + seconds(5)).ok());
  EXPECT_TRUE(checkTotalVisibilityTimeout(0, received, received + seconds(43'200)).ok());
  const std::string beyond =
      " for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the "
      "limit "
      "[43200 seconds]";
  expectRefused(checkTotalVisibilityTimeout(43'200, received, received + microseconds(1)), kInvalidValue,
                "Value 43200" + beyond);
  expectRefused(checkTotalVisibilityTimeout(43'196, received, received + seconds(5)), kInvalidValue,
                "Value 43196" + beyond);
  expectRefused(checkTotalVisibilityTimeout(1, received, received + seconds(43'200)), kInvalidValue,
                "Value 1" + beyond);
}

TEST(ChangeMessageVisibility, TextForAMessageThatIsGone) {
  const Error error = messageNotAvailableForChange("h");
  EXPECT_EQ(error.code, kInvalidValue);
  EXPECT_EQ(error.message,
            "Value h for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for "
            "visibility timeout change.");
}

template <class Input>
struct BatchName;
template <>
struct BatchName<SendMessageBatchInput> {
  static constexpr const char* kEntry = "SendMessageBatchRequestEntry";
};
template <>
struct BatchName<DeleteMessageBatchInput> {
  static constexpr const char* kEntry = "DeleteMessageBatchRequestEntry";
};
template <>
struct BatchName<ChangeMessageVisibilityBatchInput> {
  static constexpr const char* kEntry = "ChangeMessageVisibilityBatchRequestEntry";
};

template <class Input>
class Batch : public testing::Test {
 protected:
  static Result<Nothing> check(const std::vector<std::string>& ids) {
    Input input;
    input.entries.emplace();
    for (const std::string& id : ids) input.entries->emplace_back().id = id;
    return checkBatchOf(input);
  }
  static Result<Nothing> checkBatchOf(const Input& input) {
    if constexpr (std::is_same_v<Input, SendMessageBatchInput>) {
      return checkBatch(input, standardQueue());
    } else {
      return checkBatch(input);
    }
  }
};
using BatchInputs = testing::Types<SendMessageBatchInput, DeleteMessageBatchInput, ChangeMessageVisibilityBatchInput>;
TYPED_TEST_SUITE(Batch, BatchInputs);

TYPED_TEST(Batch, OneToTenEntries) {
  expectRefused(this->checkBatchOf(TypeParam{}), kMissing, "The request must contain the parameter Entries.");
  expectRefused(this->check({}), ErrorCode::EmptyBatchRequest,
                "There should be at least one "s + BatchName<TypeParam>::kEntry + " in the request.");
  std::vector<std::string> ids;
  for (int i = 1; i <= 10; ++i) {
    ids.push_back("id_" + std::to_string(i));
    EXPECT_TRUE(this->check(ids).ok()) << i;
  }
  ids.push_back("id_11");
  expectRefused(this->check(ids), ErrorCode::TooManyEntriesInBatchRequest,
                "Maximum number of entries per request are 10. You have sent 11.");
  expectRefused(this->check(std::vector<std::string>(10'000, "!")), ErrorCode::TooManyEntriesInBatchRequest,
                "Maximum number of entries per request are 10. You have sent 10000.", "count comes before ids");
}

TYPED_TEST(Batch, IdsAreShortNames) {
  for (const std::string& id : {"a"s, "A-z_09"s, std::string(80, 'i')}) EXPECT_TRUE(this->check({id}).ok()) << id;
  const std::string text =
      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 "
      "letters "
      "long.";
  for (const std::string& id : {""s, "a b"s, "a.b"s, "\u00e9"s, "a\0"s, std::string(81, 'i')}) {
    expectRefused(this->check({"ok", id}), ErrorCode::InvalidBatchEntryId, text, id);
  }
  TypeParam without_id;
  without_id.entries.emplace().emplace_back();
  expectRefused(this->checkBatchOf(without_id), ErrorCode::InvalidBatchEntryId, text, "absent");
}

TYPED_TEST(Batch, FirstRepeatedIdIsNamed) {
  expectRefused(this->check({"id_1", "id_2", "id_2", "id_1"}), ErrorCode::BatchEntryIdsNotDistinct,
                "Id id_2 repeated.");
  EXPECT_TRUE(this->check({"a", "A"}).ok());
  EXPECT_EQ(this->check({"a", "a", "!"}).error().code, ErrorCode::InvalidBatchEntryId)
      << "ids are checked before repeats";
}

TEST(SendMessageBatch, TotalOfBodiesAndAttributesIsOneMebibyte) {
  SendMessageBatchInput input;
  input.entries = {entry("a", std::string(524'288, 'x')), entry("b", std::string(524'288 - 10, 'x'))};
  input.entries->back().message_attributes = {{"abc", textValue("String", "x")}};
  EXPECT_TRUE(checkBatch(input, standardQueue()).ok());
  *input.entries->back().message_body += 'x';
  expectRefused(checkBatch(input, standardQueue()), ErrorCode::BatchRequestTooLong,
                "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.");
  input.entries = {entry("a", std::string(1'048'576, 'x'))};
  EXPECT_TRUE(checkBatch(input, standardQueue()).ok());
  input.entries = {entry("a", std::string(1'048'577, 'x'))};
  expectRefused(checkBatch(input, standardQueue()), ErrorCode::BatchRequestTooLong,
                "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.");
}

const std::string kNoGroupId = "The request must contain the parameter MessageGroupId.";
const std::string kNoDeduplicationId =
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";

TEST(FifoSend, AGroupMustBeNamed) {
  SendMessageInput input = send("x");
  input.message_deduplication_id = "d";
  expectRefused(checkSendMessage(input, fifoQueue()), kMissing, kNoGroupId);
  input.message_group_id = "g";
  EXPECT_TRUE(checkSendMessage(input, fifoQueue()).ok());
}

TEST(FifoSend, ADeduplicationIdMustBeGivenUnlessTheBodyStandsInForIt) {
  SendMessageInput input = send("x");
  input.message_group_id = "g";
  expectRefused(checkSendMessage(input, fifoQueue()), kInvalidValue, kNoDeduplicationId);
  EXPECT_TRUE(checkSendMessage(input, fifoQueue("true")).ok());
}

TEST(FifoSend, BadIdsAreToldAloneAndInABatch) {
  for (const std::string& id : {""s, "a b"s, "\u00e4"s, std::string(129, 'x')}) {
    for (const char* name : {"MessageGroupId", "MessageDeduplicationId"}) {
      const std::string text = "Value " + id + " for parameter " + name + " is invalid. Reason: " + name +
                               " can only include alphanumeric and punctuation characters. 1 to 128 in length.";
      const auto with = [&](auto sent) {
        sent.message_group_id = name == "MessageGroupId"s ? id : "g";
        sent.message_deduplication_id = name == "MessageGroupId"s ? "d" : id;
        return sent;
      };
      expectRefused(checkSendMessage(with(send("x")), fifoQueue()), kInvalidValue, text);
      expectRefused(checkSendMessageBatchEntry(with(entry("a", "x")), fifoQueue()), kInvalidValue, text);
      SendMessageBatchInput batch;
      batch.entries = {with(entry("a", "x"))};
      EXPECT_TRUE(checkBatch(batch, fifoQueue()).ok()) << "the entry fails, not the batch";
    }
  }
}

TEST(FifoSend, NoMessageHasADelayOfItsOwn) {
  SendMessageInput input = send("x");
  input.message_group_id = "g";
  input.delay_seconds = 0;
  EXPECT_TRUE(checkSendMessage(input, fifoQueue("true")).ok());
  input.delay_seconds = 2;
  expectRefused(
      checkSendMessage(input, fifoQueue("true")), kInvalidValue,
      "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid "
      "for this queue type.");
  input.delay_seconds = 901;
  expectRefused(checkSendMessage(input, fifoQueue("true")), kInvalidValue,
                "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.");
}

// Number 30 of what emulators get wrong.
TEST(FifoSend, AnEntryWithoutTheIdsItMustHaveFailsTheBatchUnderAnotherCode) {
  SendMessageBatchInput batch;
  batch.entries = {entry("a", "x"), entry("b", "x")};
  batch.entries->front().message_group_id = "g";
  batch.entries->front().message_deduplication_id = "d";
  expectRefused(checkBatch(batch, fifoQueue()), kInvalidValue, kNoGroupId);
  batch.entries->back().message_group_id = "g";
  expectRefused(checkBatch(batch, fifoQueue()), kInvalidValue, kNoDeduplicationId);
  EXPECT_TRUE(checkBatch(batch, fifoQueue("true")).ok());
}

TEST(SendMessageBatch, BadEntriesDoNotFailTheBatch) {
  SendMessageBatchInput input;
  input.entries = {entry("a", ""), entry("b", "\x01"), entry("c", std::string(2000, 'x'))};
  EXPECT_TRUE(checkBatch(input, standardQueue()).ok());
}

}  // namespace
}  // namespace howdah::service
