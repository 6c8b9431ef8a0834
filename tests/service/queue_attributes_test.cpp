#include "service/queue_attributes.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace howdah::service {
namespace {

using namespace std::string_literals;
using persistence::StringMap;

constexpr const char* kPolicy = "{\"Statement\":[]}";
const std::string kFifo = "FifoQueue";
const char* const kOneEncryption =
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.";

template <class T>
void expectError(const Result<T>& result, ErrorCode code, const std::string& message, const std::string& name) {
  ASSERT_FALSE(result.ok()) << name;
  EXPECT_EQ(result.error().code, code) << name;
  EXPECT_EQ(result.error().message, message) << name;
}

struct Range {
  const char* name;
  long low, high;
};
const Range kRanges[] = {{"DelaySeconds", 0, 900},
                         {"MaximumMessageSize", 1024, 1048576},
                         {"MessageRetentionPeriod", 60, 1209600},
                         {"ReceiveMessageWaitTimeSeconds", 0, 20},
                         {"VisibilityTimeout", 0, 43200},
                         {"KmsDataKeyReusePeriodSeconds", 60, 86400}};

TEST(QueueAttributes, NumbersAreAcceptedWithinTheirRange) {
  for (const Range& range : kRanges) {
    for (long number : {range.low, range.low + 1, range.high - 1, range.high}) {
      const AttributeMap given = {{range.name, std::to_string(number)}};
      EXPECT_EQ(checkAttributesOfNewQueue(given).value(), given) << range.name;
      EXPECT_EQ(checkAttributesToSet({}, given).value(), given) << range.name;
    }
  }
}

TEST(QueueAttributes, WhatIsNoNumberInRangeIsRefused) {
  for (const Range& range : kRanges) {
    for (const std::string& value :
         {std::to_string(range.low - 1), std::to_string(range.high + 1), ""s, " "s, "100 "s, " 100"s, "100.0"s, "1e2"s,
          "+100"s, "0x64"s, "many"s, "-"s, "99999999999999999999999"s, "-99999999999999999999999"s, "100\0"s}) {
      const std::string text = "Invalid value for the parameter "s + range.name + ".";
      const AttributeMap given = {{range.name, value}};
      expectError(checkAttributesOfNewQueue(given), ErrorCode::InvalidAttributeValue, text, range.name + (" " + value));
      expectError(checkAttributesToSet({}, given), ErrorCode::InvalidAttributeValue, text, range.name + (" " + value));
    }
  }
}

TEST(QueueAttributes, NumbersAreKeptInOneForm) {
  EXPECT_EQ(checkAttributesOfNewQueue({{"VisibilityTimeout", "0045"}}).value(),
            (StringMap{{"VisibilityTimeout", "45"}}));
}

TEST(QueueAttributes, BooleansAreReadInAnyCaseAndKeptInLowerCase) {
  for (const char* value : {"true", "True", "TRUE"}) {
    EXPECT_EQ(checkAttributesOfNewQueue({{"SqsManagedSseEnabled", value}}).value(),
              (StringMap{{"SqsManagedSseEnabled", "true"}}));
  }
  EXPECT_EQ(checkAttributesToSet({}, AttributeMap{{"SqsManagedSseEnabled", "False"}}).value(),
            (StringMap{{"SqsManagedSseEnabled", "false"}}));
  for (const char* value : {"", "yes", "1", "true ", "t"}) {
    expectError(checkAttributesOfNewQueue({{"SqsManagedSseEnabled", value}}), ErrorCode::InvalidAttributeValue,
                "Invalid value for the parameter SqsManagedSseEnabled.", value);
  }
}

TEST(QueueAttributes, UnknownAndReadOnlyNamesCannotBeSet) {
  for (const std::string& name : {"Bogus"s, ""s, "All"s, "delaySeconds"s, "QueueArn"s, "CreatedTimestamp"s,
                                  "LastModifiedTimestamp"s, "ApproximateNumberOfMessages"s,
                                  "ApproximateNumberOfMessagesNotVisible"s, "ApproximateNumberOfMessagesDelayed"s}) {
    const AttributeMap given = {{name, "1"}};
    expectError(checkAttributesOfNewQueue(given), ErrorCode::InvalidAttributeName, "Unknown Attribute " + name + ".",
                name);
    expectError(checkAttributesToSet({}, given), ErrorCode::InvalidAttributeName, "Unknown Attribute " + name + ".",
                name);
  }
}

TEST(QueueAttributes, FifoAttributesAreRefusedOnStandardQueues) {
  struct Case {
    const char *name, *value, *text;
  };
  for (const Case& c : std::vector<Case>{
           {"FifoQueue", "false", "Unknown Attribute FifoQueue."},
           {"FifoQueue", "bogus", "Unknown Attribute FifoQueue."},
           {"ContentBasedDeduplication", "true", "Unknown Attribute ContentBasedDeduplication."},
           {"ContentBasedDeduplication", "false", "Unknown Attribute ContentBasedDeduplication."},
           {"DeduplicationScope", "queue",
            "You can specify the DeduplicationScope only when FifoQueue is set to true."},
           {"DeduplicationScope", "?", "You can specify the DeduplicationScope only when FifoQueue is set to true."},
           {"FifoThroughputLimit", "perQueue",
            "You can specify the FifoThroughputLimit only when FifoQueue is set to true."}}) {
    expectError(checkAttributesOfNewQueue({{c.name, c.value}}), ErrorCode::InvalidAttributeName, c.text, c.name);
    expectError(checkAttributesToSet({}, AttributeMap{{c.name, c.value}}), ErrorCode::InvalidAttributeName, c.text,
                c.name);
  }
  expectError(checkAttributesToSet({}, AttributeMap{{kFifo, "true"}}), ErrorCode::InvalidAttributeName,
              "Unknown Attribute FifoQueue.", "set");
}

TEST(QueueAttributes, AFifoQueueHasAttributesOfItsOwn) {
  const AttributeMap fifo = {{kFifo, "true"}};
  const auto with = [&](const char* name, const char* value) {
    AttributeMap given = fifo;
    given[name] = value;
    return checkAttributesOfNewQueue(given);
  };
  EXPECT_EQ(checkAttributesOfNewQueue(fifo).value(), fifo);
  EXPECT_EQ(with("FifoQueue", "TRUE").value(), fifo);
  EXPECT_EQ(with("ContentBasedDeduplication", "True").value().at("ContentBasedDeduplication"), "true");
  EXPECT_EQ(with("DeduplicationScope", "messageGroup").value().at("DeduplicationScope"), "messageGroup");
  for (const char* name : {"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}) {
    for (const char* value : {"bogus", "", "Queue"}) {
      expectError(with(name, value), ErrorCode::InvalidAttributeValue, "Invalid value for the parameter "s + name + ".",
                  name);
    }
  }
  const char* const only_for_groups =
      "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup";
  expectError(with("FifoThroughputLimit", "perMessageGroupId"), ErrorCode::InvalidAttributeValue, only_for_groups,
              "limit");
}

TEST(QueueAttributes, MessagesGoOnByTheDeduplicationScopeOfCreationWhateverIsSetLater) {
  const auto set = [](const StringMap& stored, const char* scope) {
    return applyAttributes(stored, checkAttributesToSet(stored, AttributeMap{{"DeduplicationScope", scope}}).value());
  };
  for (const char* created : {"", "queue", "messageGroup"}) {
    AttributeMap given{{kFifo, "true"}};
    if (*created) given["DeduplicationScope"] = created;
    StringMap stored = applyAttributes({}, checkAttributesOfNewQueue(given).value());
    const bool by_group = created == "messageGroup"s;
    EXPECT_EQ(queueSettings(stored).deduplication_by_group, by_group) << created;
    for (const char* scope : {"messageGroup", "queue", "messageGroup"}) {
      stored = set(stored, scope);
      EXPECT_EQ(queueSettings(stored).deduplication_by_group, by_group) << created << ", then " << scope;
      persistence::QueueRecord queue;
      queue.attributes = stored;
      const auto all = showAttributes(selectAttributes(std::vector<std::string>{"All"}).value(), queue, "r", {});
      EXPECT_EQ(all.at("DeduplicationScope"), scope);
      EXPECT_EQ(all.size(), 16u) << "nothing else is shown";
      EXPECT_EQ(firstDifferingAttribute(stored, {{"DeduplicationScope", scope}}), std::nullopt);
    }
  }
  expectError(checkAttributesToSet({{kFifo, "true"}}, AttributeMap{{"DeduplicationScopeAtCreation", "queue"}}),
              ErrorCode::InvalidAttributeName, "Unknown Attribute DeduplicationScopeAtCreation.", "ours");
}

TEST(QueueAttributes, TheTypeOfAFifoQueueCannotBeChanged) {
  const StringMap stored = {{kFifo, "true"}};
  EXPECT_TRUE(checkAttributesToSet(stored, AttributeMap{{kFifo, "true"}}).ok());
  expectError(checkAttributesToSet(stored, AttributeMap{{kFifo, "false"}}), ErrorCode::InvalidAttributeValue,
              "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.", "false");
}

TEST(QueueAttributes, ThroughputPerGroupNeedsScopePerGroupStoredOrGiven) {
  const AttributeMap limit = {{"FifoThroughputLimit", "perMessageGroupId"}};
  EXPECT_TRUE(checkAttributesToSet({{kFifo, "true"}, {"DeduplicationScope", "messageGroup"}}, limit).ok());
  EXPECT_FALSE(checkAttributesToSet({{kFifo, "true"}}, limit).ok());
  EXPECT_FALSE(
      checkAttributesToSet(
          {{kFifo, "true"}, {"DeduplicationScope", "messageGroup"}, {limit.begin()->first, limit.begin()->second}},
          AttributeMap{{"DeduplicationScope", "queue"}})
          .ok());
}

TEST(QueueAttributes, PolicyIsKeptAsItCame) {
  const std::string policy = " {\"Version\":\"2012-10-17\",\n \"Id\":\"caf\u00e9\\u0000\", \"Statement\": []} ";
  EXPECT_EQ(checkAttributesOfNewQueue({{"Policy", policy}}).value(), (StringMap{{"Policy", policy}}));
  const std::string padding(8192 - 24, 'x');
  EXPECT_TRUE(checkAttributesOfNewQueue({{"Policy", "{\"Id\":\"" + padding + "\",\"Statement\":[]}"}}).ok());
  const std::string longer(8192 - 23, 'x');
  for (const std::string& value :
       {"{\"Id\":\"" + longer + "\",\"Statement\":[]}", "["s, "[]"s, "{}"s, "{"s, "{}x"s, "{}{}"s, "\"text\""s, "1"s,
        "null"s, " "s, "{'a':1}"s, "{}\0"s, "{\"a\":\"\0\"}"s, "{\"a\":\"\xff\"}"s, "{\"a\":\"\xed\xa0\x80\"}"s,
        "{\"a\":"s + std::string(8000, '[')}) {
    expectError(checkAttributesOfNewQueue({{"Policy", value}}), ErrorCode::InvalidAttributeValue,
                "Invalid value for the parameter Policy.", value.substr(0, 30));
  }
}

TEST(QueueAttributes, AnEmptyRedrivePolicyIsIgnoredAtCreationAndRemovesLater) {
  for (const std::string& name : {"RedrivePolicy"s, "RedriveAllowPolicy"s}) {
    EXPECT_EQ(checkAttributesOfNewQueue({{name, "x"}}).error().code, ErrorCode::InvalidParameterValueException);
    EXPECT_EQ(checkAttributesOfNewQueue({{name, ""}}).value(), StringMap{});
    EXPECT_EQ(applyAttributes({{name, "x"}}, checkAttributesToSet({}, AttributeMap{{name, ""}}).value()), StringMap{});
  }
}

TEST(QueueAttributes, ARedrivePolicyIsASetting) {
  EXPECT_EQ(queueSettings({}).redrive_policy, std::nullopt);
  const QueueSettings settings = queueSettings(
      {{"RedrivePolicy", R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":3})"}});
  EXPECT_EQ(settings.redrive_policy, (RedrivePolicy{{"000000000000", "dlq"}, 3}));
}

TEST(QueueAttributes, KeyIdsAreKmsKeyIdsArnsAndAliases) {
  for (const std::string& value : {"alias/aws/sqs"s, "1234abcd-12ab-34cd-56ef-1234567890ab"s,
                                   "arn:aws:kms:us-east-1:111122223333:key/mrk-1_a"s, std::string(2048, 'k')}) {
    EXPECT_TRUE(checkAttributesOfNewQueue({{"KmsMasterKeyId", value}}).ok()) << value;
  }
  for (const std::string& value : {"a b"s, "k\0"s, "\xff"s, "caf\u00e9"s, std::string(2049, 'k')}) {
    expectError(checkAttributesOfNewQueue({{"KmsMasterKeyId", value}}), ErrorCode::InvalidAttributeValue,
                "Invalid value for the parameter KmsMasterKeyId.", value);
  }
}

TEST(QueueAttributes, NothingToSetIsAMissingParameter) {
  for (const std::optional<AttributeMap>& given : {std::optional<AttributeMap>(), std::optional(AttributeMap{})}) {
    expectError(checkAttributesToSet({}, given), ErrorCode::MissingRequiredParameterException,
                "The request must contain the parameter Attribute.Name.", "nothing");
  }
  EXPECT_EQ(checkAttributesOfNewQueue({}).value(), StringMap{});
}

TEST(QueueAttributes, OneInvalidAttributeRefusesAll) {
  EXPECT_FALSE(checkAttributesToSet({}, AttributeMap{{"DelaySeconds", "5"}, {"VisibilityTimeout", "-1"}}).ok());
}

StringMap afterSetting(const StringMap& stored, const AttributeMap& given) {
  return applyAttributes(stored, checkAttributesToSet(stored, given).value());
}

TEST(QueueAttributes, SettingChangesOnlyWhatIsGiven) {
  EXPECT_EQ(
      afterSetting({{"DelaySeconds", "5"}, {"Policy", kPolicy}}, {{"VisibilityTimeout", "7"}, {"DelaySeconds", "6"}}),
      (StringMap{{"DelaySeconds", "6"}, {"Policy", kPolicy}, {"VisibilityTimeout", "7"}}));
}

TEST(QueueAttributes, EmptyPolicyRemovesIt) {
  EXPECT_EQ(afterSetting({{"Policy", kPolicy}, {"DelaySeconds", "5"}}, {{"Policy", ""}}),
            (StringMap{{"DelaySeconds", "5"}}));
  EXPECT_EQ(afterSetting({}, {{"Policy", ""}}), StringMap{});
  EXPECT_EQ(checkAttributesOfNewQueue({{"Policy", ""}}).value(), StringMap{});
}

TEST(QueueAttributes, OnlyOneKindOfEncryptionAtATime) {
  const AttributeMap both = {{"KmsMasterKeyId", "k"}, {"SqsManagedSseEnabled", "true"}};
  expectError(checkAttributesOfNewQueue(both), ErrorCode::InvalidAttributeName, kOneEncryption, "create");
  expectError(checkAttributesToSet({}, both), ErrorCode::InvalidAttributeName, kOneEncryption, "set");

  const StringMap with_key = afterSetting({}, {{"KmsMasterKeyId", "k"}, {"KmsDataKeyReusePeriodSeconds", "60"}});
  EXPECT_EQ(
      with_key,
      (StringMap{{"KmsMasterKeyId", "k"}, {"KmsDataKeyReusePeriodSeconds", "60"}, {"SqsManagedSseEnabled", "false"}}));
  EXPECT_EQ(afterSetting(with_key, {{"KmsMasterKeyId", ""}}), (StringMap{{"SqsManagedSseEnabled", "false"}}));
  EXPECT_EQ(afterSetting(with_key, {{"SqsManagedSseEnabled", "true"}}), (StringMap{{"SqsManagedSseEnabled", "true"}}));
  EXPECT_EQ(afterSetting(with_key, {{"KmsMasterKeyId", ""}, {"SqsManagedSseEnabled", "true"}}),
            (StringMap{{"SqsManagedSseEnabled", "true"}}));
  EXPECT_EQ(afterSetting({}, {{"KmsMasterKeyId", ""}}), StringMap{});
}

std::optional<std::string> difference(const AttributeMap& existing, const AttributeMap& given) {
  const StringMap stored = applyAttributes({}, checkAttributesOfNewQueue(existing).value());
  return firstDifferingAttribute(stored, checkAttributesOfNewQueue(given).value());
}

TEST(QueueAttributes, CreatingAgainComparesOnlyWhatIsGiven) {
  EXPECT_EQ(difference({{"DelaySeconds", "5"}}, {}), std::nullopt);
  EXPECT_EQ(difference({{"DelaySeconds", "5"}}, {{"DelaySeconds", "5"}}), std::nullopt);
  EXPECT_EQ(difference({{"DelaySeconds", "5"}}, {{"DelaySeconds", "05"}}), std::nullopt);
  EXPECT_EQ(difference({{"DelaySeconds", "5"}}, {{"DelaySeconds", "6"}}), "DelaySeconds");
  EXPECT_EQ(difference({{"DelaySeconds", "5"}, {"VisibilityTimeout", "1"}},
                       {{"DelaySeconds", "5"}, {"VisibilityTimeout", "2"}}),
            "VisibilityTimeout");
}

TEST(QueueAttributes, CreatingAgainCountsDefaultsAsStored) {
  EXPECT_EQ(difference({}, {{"DelaySeconds", "0"},
                            {"MaximumMessageSize", "1048576"},
                            {"MessageRetentionPeriod", "345600"},
                            {"ReceiveMessageWaitTimeSeconds", "0"},
                            {"VisibilityTimeout", "30"},
                            {"SqsManagedSseEnabled", "True"},
                            {"KmsDataKeyReusePeriodSeconds", "300"},
                            {"Policy", ""}}),
            std::nullopt);
  EXPECT_EQ(difference({}, {{"VisibilityTimeout", "31"}}), "VisibilityTimeout");
  EXPECT_EQ(difference({{"VisibilityTimeout", "31"}}, {{"VisibilityTimeout", "30"}}), "VisibilityTimeout");
  EXPECT_EQ(difference({}, {{"Policy", kPolicy}}), "Policy");
  EXPECT_EQ(difference({{"KmsMasterKeyId", "k"}}, {{"KmsMasterKeyId", "k"}}), std::nullopt);
  EXPECT_EQ(difference({{"KmsMasterKeyId", "k"}}, {{"SqsManagedSseEnabled", "true"}}), "SqsManagedSseEnabled");
}

TEST(QueueAttributes, SettingsAreTheStoredValuesOrTheDefaults) {
  using std::chrono::seconds;
  const QueueSettings defaults = queueSettings({});
  EXPECT_EQ(defaults.delay, seconds(0));
  EXPECT_EQ(defaults.maximum_message_bytes, 1'048'576u);
  EXPECT_EQ(defaults.retention, seconds(345'600));
  EXPECT_EQ(defaults.receive_wait, seconds(0));
  EXPECT_EQ(defaults.visibility_timeout, seconds(30));
  EXPECT_FALSE(defaults.fifo);

  const QueueSettings set = queueSettings({{"DelaySeconds", "1"},
                                           {"MaximumMessageSize", "2048"},
                                           {"MessageRetentionPeriod", "61"},
                                           {"ReceiveMessageWaitTimeSeconds", "3"},
                                           {"VisibilityTimeout", "0"},
                                           {"FifoQueue", "true"}});
  EXPECT_EQ(set.delay, seconds(1));
  EXPECT_EQ(set.maximum_message_bytes, 2048u);
  EXPECT_EQ(set.retention, seconds(61));
  EXPECT_EQ(set.receive_wait, seconds(3));
  EXPECT_EQ(set.visibility_timeout, seconds(0));
  EXPECT_TRUE(set.fifo);
}

TEST(QueueAttributes, StoredValuesOutOfRangeAreABug) {
  EXPECT_THROW(queueSettings({{"DelaySeconds", "x"}}), std::runtime_error);
  EXPECT_THROW(queueSettings({{"DelaySeconds", "901"}}), std::runtime_error);
}

persistence::QueueRecord queueWith(StringMap attributes) {
  persistence::QueueRecord queue;
  queue.queue_name = {"000000000000", "orders"};
  queue.attributes = std::move(attributes);
  queue.created_at = persistence::DatabaseTime(std::chrono::microseconds(1'700'000'000'999'999));
  queue.modified_at = persistence::DatabaseTime(std::chrono::microseconds(1'700'000'100'000'000));
  return queue;
}

AttributeMap shown(const std::vector<std::string>& names, StringMap stored) {
  return showAttributes(selectAttributes(names).value(), queueWith(std::move(stored)), "eu-west-1",
                        {.visible = 1, .in_flight = 2, .delayed = 3});
}

TEST(QueueAttributes, AllOfAFreshStandardQueue) {
  EXPECT_EQ(shown({"All"}, {}), (AttributeMap{{"ApproximateNumberOfMessages", "1"},
                                              {"ApproximateNumberOfMessagesDelayed", "3"},
                                              {"ApproximateNumberOfMessagesNotVisible", "2"},
                                              {"CreatedTimestamp", "1700000000"},
                                              {"DelaySeconds", "0"},
                                              {"LastModifiedTimestamp", "1700000100"},
                                              {"MaximumMessageSize", "1048576"},
                                              {"MessageRetentionPeriod", "345600"},
                                              {"QueueArn", "arn:aws:sqs:eu-west-1:000000000000:orders"},
                                              {"ReceiveMessageWaitTimeSeconds", "0"},
                                              {"SqsManagedSseEnabled", "true"},
                                              {"VisibilityTimeout", "30"}}));
}

TEST(QueueAttributes, AllAddsWhatIsSet) {
  const AttributeMap all =
      shown({"All", "DelaySeconds"},
            {{"DelaySeconds", "9"}, {"Policy", "{ }"}, {"KmsMasterKeyId", "k"}, {"SqsManagedSseEnabled", "false"}});
  EXPECT_EQ(all.size(), 15u);
  EXPECT_EQ(all.at("DelaySeconds"), "9");
  EXPECT_EQ(all.at("Policy"), "{ }");
  EXPECT_EQ(all.at("KmsMasterKeyId"), "k");
  EXPECT_EQ(all.at("KmsDataKeyReusePeriodSeconds"), "300");
  EXPECT_EQ(all.at("SqsManagedSseEnabled"), "false");
}

TEST(QueueAttributes, AllOfAFifoQueueAddsItsOwn) {
  const AttributeMap all = shown({"All"}, {{kFifo, "true"}});
  EXPECT_EQ(all.size(), 16u);
  EXPECT_EQ(all.at("ContentBasedDeduplication"), "false");
  EXPECT_EQ(all.at("DeduplicationScope"), "queue");
  EXPECT_EQ(all.at("FifoQueue"), "true");
  EXPECT_EQ(all.at("FifoThroughputLimit"), "perQueue");
}

TEST(QueueAttributes, NamesSelectAndUnsetOnesAreLeftOut) {
  EXPECT_EQ(shown({"VisibilityTimeout", "Policy", "FifoQueue", "RedrivePolicy", "KmsDataKeyReusePeriodSeconds",
                   "ContentBasedDeduplication"},
                  {}),
            (AttributeMap{{"VisibilityTimeout", "30"}}));
  EXPECT_EQ(shown({"KmsDataKeyReusePeriodSeconds"}, {{"KmsDataKeyReusePeriodSeconds", "60"}}),
            (AttributeMap{{"KmsDataKeyReusePeriodSeconds", "60"}}));
  EXPECT_EQ(shown({}, {}), AttributeMap{});
  EXPECT_TRUE(selectAttributes(std::nullopt).value().empty());
}

TEST(QueueAttributes, UnknownNamesCannotBeRead) {
  for (const std::string& name : {"Bogus"s, ""s, "all"s, "SenderId"s}) {
    expectError(selectAttributes(std::vector<std::string>{"All", name}), ErrorCode::InvalidAttributeName,
                "Unknown Attribute " + name + ".", name);
  }
}

TEST(QueueAttributes, CountsAreNeededOnlyWhereTheyAreShown) {
  for (const char* name : {"All", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                           "ApproximateNumberOfMessagesDelayed"}) {
    EXPECT_TRUE(needCounts(selectAttributes(std::vector<std::string>{name}).value())) << name;
  }
  EXPECT_FALSE(needCounts(selectAttributes(std::vector<std::string>{"QueueArn", "Policy"}).value()));
  EXPECT_FALSE(needCounts({}));
}

}  // namespace
}  // namespace howdah::service
