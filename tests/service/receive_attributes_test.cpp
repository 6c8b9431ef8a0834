#include "service/receive_attributes.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "service/message_digest.h"
#include "tests/support/attribute_values.h"

namespace howdah::service {
namespace {

using persistence::DatabaseTime;
using persistence::DeliveredMessage;
using Names = std::vector<std::string>;

DeliveredMessage delivered() {
  DeliveredMessage message;
  message.sender_id = "000000000000";
  message.sent_at = DatabaseTime(std::chrono::microseconds(1'700'000'000'123'999));
  message.received_at = DatabaseTime(std::chrono::microseconds(1'700'000'002'000'000));
  message.first_received_at = DatabaseTime(std::chrono::microseconds(1'700'000'001'000'500));
  message.receive_count = 2;
  return message;
}

AttributeMap shown(const std::optional<Names>& attribute_names, const std::optional<Names>& system_attribute_names,
                   const DeliveredMessage& message) {
  ReceiveMessageInput input;
  input.attribute_names = attribute_names;
  input.message_system_attribute_names = system_attribute_names;
  return showSystemAttributes(selectSystemAttributes(input).value(), message, "000000000000", "us-east-1");
}

TEST(SystemAttributes, NoneUnlessAskedFor) {
  EXPECT_EQ(shown(std::nullopt, std::nullopt, delivered()), AttributeMap{});
  EXPECT_EQ(shown(Names{}, Names{}, delivered()), AttributeMap{});
}

TEST(ReceiveAttributes, ADeadLetterSaysWhereItCameFrom) {
  DeliveredMessage message;
  EXPECT_FALSE(shown(Names{"All"}, {}, message).contains("DeadLetterQueueSourceArn"));
  message.source_queue = "s";
  EXPECT_EQ(shown(Names{"DeadLetterQueueSourceArn"}, {}, message),
            (AttributeMap{{"DeadLetterQueueSourceArn", "arn:aws:sqs:us-east-1:000000000000:s"}}));
}

TEST(SystemAttributes, AllAreThoseThatApplyWithTimesInMilliseconds) {
  const AttributeMap plain = {{"ApproximateFirstReceiveTimestamp", "1700000001000"},
                              {"ApproximateReceiveCount", "2"},
                              {"SenderId", "000000000000"},
                              {"SentTimestamp", "1700000000123"}};
  EXPECT_EQ(shown(Names{"All"}, std::nullopt, delivered()), plain);
  EXPECT_EQ(shown(std::nullopt, Names{"All"}, delivered()), plain);
  EXPECT_EQ(shown(Names{"SenderId"}, Names{"All"}, delivered()), plain);

  DeliveredMessage message = delivered();
  message.trace_header = "Root=1";
  message.message_group_id = "tenant";
  AttributeMap more = plain;
  more.emplace("AWSTraceHeader", "Root=1");
  more.emplace("MessageGroupId", "tenant");
  EXPECT_EQ(shown(Names{"All"}, std::nullopt, message), more);
}

// Number 23 of what emulators get wrong.
TEST(SystemAttributes, MessagesOfFifoQueuesAddTheirDeduplicationIdAndSequenceNumber) {
  DeliveredMessage message = delivered();
  message.message_group_id = "g";
  message.message_deduplication_id = "d";
  message.key.seq = 42;
  const Names names{"MessageGroupId", "MessageDeduplicationId", "SequenceNumber"};
  EXPECT_EQ(shown(names, std::nullopt, message),
            (AttributeMap{
                {"MessageGroupId", "g"}, {"MessageDeduplicationId", "d"}, {"SequenceNumber", "10000000000000000042"}}));
  EXPECT_EQ(shown(Names{"All"}, std::nullopt, message).size(), 7u);
  EXPECT_EQ(shown(names, std::nullopt, delivered()), AttributeMap{}) << "a standard queue's has none";
}

TEST(SystemAttributes, BothListsCountAndWhatDoesNotApplyIsLeftOut) {
  EXPECT_EQ(shown(Names{"ApproximateReceiveCount", "SequenceNumber", "VisibilityTimeout"},
                  Names{"SenderId", "AWSTraceHeader", "MessageGroupId"}, delivered()),
            (AttributeMap{{"ApproximateReceiveCount", "2"}, {"SenderId", "000000000000"}}));
}

TEST(SystemAttributes, UnknownNameIsRefused) {
  for (const char* name : {"Bogus", "", "all", "senderId"}) {
    for (const bool new_list : {false, true}) {
      ReceiveMessageInput input;
      (new_list ? input.message_system_attribute_names : input.attribute_names) = Names{"SenderId", name};
      const auto refused = selectSystemAttributes(input);
      ASSERT_FALSE(refused.ok()) << name;
      EXPECT_EQ(refused.error().code, ErrorCode::InvalidAttributeName);
      EXPECT_EQ(refused.error().message, "Unknown Attribute " + std::string(name) + ".");
    }
  }
}

TEST(MessageAttributeSelection, ByNamePrefixAndAll) {
  struct Case {
    const char* name;
    std::optional<Names> asked;
    Names selected;
  };
  const Names present = {"General", "Hello", "Help.Me", "foo"};
  const std::vector<Case> cases = {
      {"absent list", std::nullopt, {}},
      {"empty list", Names{}, {}},
      {"All", Names{"All"}, present},
      {"dot star", Names{".*"}, present},
      {"star", Names{"*"}, present},
      {"exact", Names{"Hello"}, {"Hello"}},
      {"case matters", Names{"hello"}, {}},
      {"prefix needs no dot", Names{"Hel.*"}, {"Hello", "Help.Me"}},
      {"prefix with its dot", Names{"Help..*"}, {"Help.Me"}},
      {"prefix that is the whole name", Names{"foo.*"}, {"foo"}},
      {"prefix longer than the name", Names{"fooo.*"}, {}},
      {"several", Names{"foo", "Gen.*"}, {"General", "foo"}},
      {"no other patterns", Names{"Hel*", "H.*o", "?oo"}, {}},
      {"illegal names", Names{"AWS.", "..foo", ""}, {}},
  };
  for (const Case& c : cases) {
    const MessageAttributeSelection selection(c.asked);
    Names selected;
    for (const std::string& name : present) {
      if (selection.includes(name)) selected.push_back(name);
    }
    EXPECT_EQ(selected, c.selected) << c.name;
  }
}

TEST(MessageAttributeSelection, NothingSelectedMeansNoAttributesAndNoDigest) {
  const MessageAttributeValue value = textValue("String", "Bar");
  const std::string encoded = encodeMessageAttributes({{"Foo", value}});
  Message message;
  showMessageAttributes(MessageAttributeSelection(Names{"Other"}), encoded, message);
  EXPECT_TRUE(message.message_attributes.empty());
  EXPECT_FALSE(message.md5_of_message_attributes);
  showMessageAttributes(MessageAttributeSelection(Names{"Foo"}), encoded, message);
  EXPECT_EQ(message.message_attributes, (MessageAttributeMap{{"Foo", value}}));
  EXPECT_EQ(message.md5_of_message_attributes, "ae7155c6026991b6d54b11589678bf9c");
}

}  // namespace
}  // namespace howdah::service
