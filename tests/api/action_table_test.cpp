#include "api/action_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/recording_queue_service.h"

namespace howdah::api {
namespace {

std::string typeName(const Shape& shape) {
  switch (shape.type) {
    case ShapeType::String:
    case ShapeType::QueueUrl:
    case ShapeType::ErrorCode:
      return "string";
    case ShapeType::Blob:
      return "blob";
    case ShapeType::Integer:
      return "integer";
    case ShapeType::Long:
      return "long";
    case ShapeType::Boolean:
      return "boolean";
    case ShapeType::Structure:
      return std::string(shape.structure->name);
    case ShapeType::List:
      return "[" + typeName(*shape.element) + "]";
    case ShapeType::Map:
      return "{" + typeName(*shape.element) + "}";
  }
  return "?";
}

// "SendMessageRequest.Attributes {string} Attribute Name Value", of a structure and of all it holds.
void list(const Structure& structure, std::set<std::string>& lines) {
  for (const Member& member : structure.members) {
    std::string line(structure.name);
    line.append(".").append(member.name).append(" ").append(typeName(*member.shape));
    line.append(" ").append(member.query.name);
    if (!member.query.map_key.empty())
      line.append(" ").append(member.query.map_key).append(" ").append(member.query.map_value);
    lines.insert(line);
    const Shape* inner = member.shape;
    while (inner->element) inner = inner->element;
    if (inner->structure) list(*inner->structure, lines);
  }
}

TEST(Shapes, EveryMemberOfEveryActionStandsAsInTheModel) {
  std::set<std::string> lines;
  for (const Action& action : actionTable()) {
    list(*action.input, lines);
    if (action.output) list(*action.output, lines);
  }
  const std::set<std::string> expected = {
      "BatchResultErrorEntry.Code string Code",
      "BatchResultErrorEntry.Id string Id",
      "BatchResultErrorEntry.Message string Message",
      "BatchResultErrorEntry.SenderFault boolean SenderFault",
      "ChangeMessageVisibilityBatchRequest.Entries [ChangeMessageVisibilityBatchRequestEntry] "
      "ChangeMessageVisibilityBatchRequestEntry",
      "ChangeMessageVisibilityBatchRequest.QueueUrl string QueueUrl",
      "ChangeMessageVisibilityBatchRequestEntry.Id string Id",
      "ChangeMessageVisibilityBatchRequestEntry.ReceiptHandle string ReceiptHandle",
      "ChangeMessageVisibilityBatchRequestEntry.VisibilityTimeout integer VisibilityTimeout",
      "ChangeMessageVisibilityBatchResult.Failed [BatchResultErrorEntry] BatchResultErrorEntry",
      "ChangeMessageVisibilityBatchResult.Successful [ChangeMessageVisibilityBatchResultEntry] "
      "ChangeMessageVisibilityBatchResultEntry",
      "ChangeMessageVisibilityBatchResultEntry.Id string Id",
      "ChangeMessageVisibilityRequest.QueueUrl string QueueUrl",
      "ChangeMessageVisibilityRequest.ReceiptHandle string ReceiptHandle",
      "ChangeMessageVisibilityRequest.VisibilityTimeout integer VisibilityTimeout",
      "CreateQueueRequest.Attributes {string} Attribute Name Value",
      "CreateQueueRequest.QueueName string QueueName",
      "CreateQueueRequest.tags {string} Tag Key Value",
      "CreateQueueResult.QueueUrl string QueueUrl",
      "DeleteMessageBatchRequest.Entries [DeleteMessageBatchRequestEntry] DeleteMessageBatchRequestEntry",
      "DeleteMessageBatchRequest.QueueUrl string QueueUrl",
      "DeleteMessageBatchRequestEntry.Id string Id",
      "DeleteMessageBatchRequestEntry.ReceiptHandle string ReceiptHandle",
      "DeleteMessageBatchResult.Failed [BatchResultErrorEntry] BatchResultErrorEntry",
      "DeleteMessageBatchResult.Successful [DeleteMessageBatchResultEntry] DeleteMessageBatchResultEntry",
      "DeleteMessageBatchResultEntry.Id string Id",
      "DeleteMessageRequest.QueueUrl string QueueUrl",
      "DeleteMessageRequest.ReceiptHandle string ReceiptHandle",
      "DeleteQueueRequest.QueueUrl string QueueUrl",
      "GetQueueAttributesRequest.AttributeNames [string] AttributeName",
      "GetQueueAttributesRequest.QueueUrl string QueueUrl",
      "GetQueueAttributesResult.Attributes {string} Attribute Name Value",
      "GetQueueUrlRequest.QueueName string QueueName",
      "GetQueueUrlRequest.QueueOwnerAWSAccountId string QueueOwnerAWSAccountId",
      "GetQueueUrlResult.QueueUrl string QueueUrl",
      "ListQueueTagsRequest.QueueUrl string QueueUrl",
      "ListQueueTagsResult.Tags {string} Tag Key Value",
      "ListQueuesRequest.MaxResults integer MaxResults",
      "ListQueuesRequest.NextToken string NextToken",
      "ListQueuesRequest.QueueNamePrefix string QueueNamePrefix",
      "ListQueuesResult.NextToken string NextToken",
      "ListQueuesResult.QueueUrls [string] QueueUrl",
      "Message.Attributes {string} Attribute Name Value",
      "Message.Body string Body",
      "Message.MD5OfBody string MD5OfBody",
      "Message.MD5OfMessageAttributes string MD5OfMessageAttributes",
      "Message.MessageAttributes {MessageAttributeValue} MessageAttribute Name Value",
      "Message.MessageId string MessageId",
      "Message.ReceiptHandle string ReceiptHandle",
      "MessageAttributeValue.BinaryListValues [blob] BinaryListValue",
      "MessageAttributeValue.BinaryValue blob BinaryValue",
      "MessageAttributeValue.DataType string DataType",
      "MessageAttributeValue.StringListValues [string] StringListValue",
      "MessageAttributeValue.StringValue string StringValue",
      "PurgeQueueRequest.QueueUrl string QueueUrl",
      "ReceiveMessageRequest.AttributeNames [string] AttributeName",
      "ReceiveMessageRequest.MaxNumberOfMessages integer MaxNumberOfMessages",
      "ReceiveMessageRequest.MessageAttributeNames [string] MessageAttributeName",
      "ReceiveMessageRequest.MessageSystemAttributeNames [string] MessageSystemAttributeName",
      "ReceiveMessageRequest.QueueUrl string QueueUrl",
      "ReceiveMessageRequest.ReceiveRequestAttemptId string ReceiveRequestAttemptId",
      "ReceiveMessageRequest.VisibilityTimeout integer VisibilityTimeout",
      "ReceiveMessageRequest.WaitTimeSeconds integer WaitTimeSeconds",
      "ReceiveMessageResult.Messages [Message] Message",
      "SendMessageBatchRequest.Entries [SendMessageBatchRequestEntry] SendMessageBatchRequestEntry",
      "SendMessageBatchRequest.QueueUrl string QueueUrl",
      "SendMessageBatchRequestEntry.DelaySeconds integer DelaySeconds",
      "SendMessageBatchRequestEntry.Id string Id",
      "SendMessageBatchRequestEntry.MessageAttributes {MessageAttributeValue} MessageAttribute Name Value",
      "SendMessageBatchRequestEntry.MessageBody string MessageBody",
      "SendMessageBatchRequestEntry.MessageDeduplicationId string MessageDeduplicationId",
      "SendMessageBatchRequestEntry.MessageGroupId string MessageGroupId",
      "SendMessageBatchRequestEntry.MessageSystemAttributes {MessageAttributeValue} MessageSystemAttribute Name Value",
      "SendMessageBatchResult.Failed [BatchResultErrorEntry] BatchResultErrorEntry",
      "SendMessageBatchResult.Successful [SendMessageBatchResultEntry] SendMessageBatchResultEntry",
      "SendMessageBatchResultEntry.Id string Id",
      "SendMessageBatchResultEntry.MD5OfMessageAttributes string MD5OfMessageAttributes",
      "SendMessageBatchResultEntry.MD5OfMessageBody string MD5OfMessageBody",
      "SendMessageBatchResultEntry.MD5OfMessageSystemAttributes string MD5OfMessageSystemAttributes",
      "SendMessageBatchResultEntry.MessageId string MessageId",
      "SendMessageBatchResultEntry.SequenceNumber string SequenceNumber",
      "SendMessageRequest.DelaySeconds integer DelaySeconds",
      "SendMessageRequest.MessageAttributes {MessageAttributeValue} MessageAttribute Name Value",
      "SendMessageRequest.MessageBody string MessageBody",
      "SendMessageRequest.MessageDeduplicationId string MessageDeduplicationId",
      "SendMessageRequest.MessageGroupId string MessageGroupId",
      "SendMessageRequest.MessageSystemAttributes {MessageAttributeValue} MessageSystemAttribute Name Value",
      "SendMessageRequest.QueueUrl string QueueUrl",
      "SendMessageResult.MD5OfMessageAttributes string MD5OfMessageAttributes",
      "SendMessageResult.MD5OfMessageBody string MD5OfMessageBody",
      "SendMessageResult.MD5OfMessageSystemAttributes string MD5OfMessageSystemAttributes",
      "SendMessageResult.MessageId string MessageId",
      "SendMessageResult.SequenceNumber string SequenceNumber",
      "SetQueueAttributesRequest.Attributes {string} Attribute Name Value",
      "SetQueueAttributesRequest.QueueUrl string QueueUrl",
      "TagQueueRequest.QueueUrl string QueueUrl",
      "TagQueueRequest.Tags {string} Tag Key Value",
      "UntagQueueRequest.QueueUrl string QueueUrl",
      "UntagQueueRequest.TagKeys [string] TagKey",
  };
  EXPECT_EQ(lines, expected);
}

TEST(ActionTable, EachActionReachesItsOwnMethodOfTheFacade) {
  testing::RecordingQueueService service;
  for (const Action& action : actionTable()) {
    SCOPED_TRACE(action.name);
    const auto input = action.make_input();
    int answers = 0;
    action.call(service, {}, input.get(), [&](service::Result<std::shared_ptr<const void>> result) {
      ++answers;
      ASSERT_TRUE(result.ok());
      EXPECT_EQ(*result == nullptr, action.output == nullptr);
    });
    EXPECT_EQ(answers, 1);
    std::string method(action.name);
    method[0] = static_cast<char>(method[0] - 'A' + 'a');
    EXPECT_EQ(service.calls.back().method, method);
    EXPECT_EQ(findAction(action.name), &action);
  }
  EXPECT_EQ(service.calls.size(), 17u);
}

TEST(ActionTable, AFailureIsHandedOn) {
  testing::RecordingQueueService service;
  service.answer = service::Error{service::ErrorCode::OverLimit, "too many"};
  for (const Action& action : actionTable()) {
    const auto input = action.make_input();
    action.call(service, {}, input.get(), [&](service::Result<std::shared_ptr<const void>> result) {
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, service::ErrorCode::OverLimit);
      EXPECT_EQ(result.error().message, "too many");
    });
  }
}

TEST(ActionTable, BatchesAreAllowedByTheirSingleAction) {
  EXPECT_EQ(findAction("SendMessageBatch")->permission, "SendMessage");
  EXPECT_EQ(findAction("DeleteMessageBatch")->permission, "DeleteMessage");
  EXPECT_EQ(findAction("ChangeMessageVisibilityBatch")->permission, "ChangeMessageVisibility");
  EXPECT_EQ(findAction("GetQueueUrl")->permission, "GetQueueUrl");
}

TEST(ActionTable, NamesCountExactly) {
  for (const char* name : {"", "sendmessage", "SendMessage ", "FooBar"}) EXPECT_EQ(findAction(name), nullptr) << name;
}

}  // namespace
}  // namespace howdah::api
