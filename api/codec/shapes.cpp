// The shapes of the actions' inputs and outputs, member by member in the order of AWS's model
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html), with the names AWS Query
// gives them. Each member is one line; tests/e2e/test_shapes.py compares them with that model.
#include "api/codec/shapes.h"

namespace howdah::api {

using namespace service;  // NOLINT(google-build-using-namespace): this file is about its types

template <>
const Structure& structureOf<MessageAttributeValue>() {
  using T = MessageAttributeValue;
  static const Structure structure{
      "MessageAttributeValue",
      {
          member<&T::string_value>("StringValue"),
          member<&T::binary_value, ShapeType::Blob>("BinaryValue"),
          member<&T::string_list_values>("StringListValues", {"StringListValue", {}, {}}),
          member<&T::binary_list_values, ShapeType::Blob>("BinaryListValues", {"BinaryListValue", {}, {}}),
          member<&T::data_type>("DataType"),
      }};
  return structure;
}

template <>
const Structure& structureOf<CreateQueueInput>() {
  using T = CreateQueueInput;
  static const Structure structure{"CreateQueueRequest",
                                   {
                                       member<&T::queue_name>("QueueName"),
                                       member<&T::attributes>("Attributes", {"Attribute", "Name", "Value"}),
                                       member<&T::tags>("tags", {"Tag", "Key", "Value"}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<CreateQueueOutput>() {
  using T = CreateQueueOutput;
  static const Structure structure{"CreateQueueResult",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<GetQueueUrlInput>() {
  using T = GetQueueUrlInput;
  static const Structure structure{"GetQueueUrlRequest",
                                   {
                                       member<&T::queue_name>("QueueName"),
                                       member<&T::queue_owner_aws_account_id>("QueueOwnerAWSAccountId"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<GetQueueUrlOutput>() {
  using T = GetQueueUrlOutput;
  static const Structure structure{"GetQueueUrlResult",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListQueuesInput>() {
  using T = ListQueuesInput;
  static const Structure structure{"ListQueuesRequest",
                                   {
                                       member<&T::queue_name_prefix>("QueueNamePrefix"),
                                       member<&T::next_token>("NextToken"),
                                       member<&T::max_results>("MaxResults"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListQueuesOutput>() {
  using T = ListQueuesOutput;
  static const Structure structure{"ListQueuesResult",
                                   {
                                       member<&T::queue_urls>("QueueUrls", {"QueueUrl", {}, {}}),
                                       member<&T::next_token>("NextToken"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<DeleteQueueInput>() {
  using T = DeleteQueueInput;
  static const Structure structure{"DeleteQueueRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<PurgeQueueInput>() {
  using T = PurgeQueueInput;
  static const Structure structure{"PurgeQueueRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<GetQueueAttributesInput>() {
  using T = GetQueueAttributesInput;
  static const Structure structure{"GetQueueAttributesRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::attribute_names>("AttributeNames", {"AttributeName", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<GetQueueAttributesOutput>() {
  using T = GetQueueAttributesOutput;
  static const Structure structure{"GetQueueAttributesResult",
                                   {
                                       member<&T::attributes>("Attributes", {"Attribute", "Name", "Value"}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<SetQueueAttributesInput>() {
  using T = SetQueueAttributesInput;
  static const Structure structure{"SetQueueAttributesRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::attributes>("Attributes", {"Attribute", "Name", "Value"}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<TagQueueInput>() {
  using T = TagQueueInput;
  static const Structure structure{"TagQueueRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::tags>("Tags", {"Tag", "Key", "Value"}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<UntagQueueInput>() {
  using T = UntagQueueInput;
  static const Structure structure{"UntagQueueRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::tag_keys>("TagKeys", {"TagKey", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListQueueTagsInput>() {
  using T = ListQueueTagsInput;
  static const Structure structure{"ListQueueTagsRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListQueueTagsOutput>() {
  using T = ListQueueTagsOutput;
  static const Structure structure{"ListQueueTagsResult",
                                   {
                                       member<&T::tags>("Tags", {"Tag", "Key", "Value"}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<AddPermissionInput>() {
  using T = AddPermissionInput;
  static const Structure structure{"AddPermissionRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::label>("Label"),
                                       member<&T::aws_account_ids>("AWSAccountIds", {"AWSAccountId", {}, {}}),
                                       member<&T::actions>("Actions", {"ActionName", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<RemovePermissionInput>() {
  using T = RemovePermissionInput;
  static const Structure structure{"RemovePermissionRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::label>("Label"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListDeadLetterSourceQueuesInput>() {
  using T = ListDeadLetterSourceQueuesInput;
  static const Structure structure{"ListDeadLetterSourceQueuesRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::next_token>("NextToken"),
                                       member<&T::max_results>("MaxResults"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListDeadLetterSourceQueuesOutput>() {
  using T = ListDeadLetterSourceQueuesOutput;
  static const Structure structure{"ListDeadLetterSourceQueuesResult",
                                   {
                                       member<&T::queue_urls>("queueUrls", {"QueueUrl", {}, {}}),
                                       member<&T::next_token>("NextToken"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<StartMessageMoveTaskInput>() {
  using T = StartMessageMoveTaskInput;
  static const Structure structure{"StartMessageMoveTaskRequest",
                                   {
                                       member<&T::source_arn>("SourceArn"),
                                       member<&T::destination_arn>("DestinationArn"),
                                       member<&T::max_number_of_messages_per_second>("MaxNumberOfMessagesPerSecond"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<StartMessageMoveTaskOutput>() {
  using T = StartMessageMoveTaskOutput;
  static const Structure structure{"StartMessageMoveTaskResult",
                                   {
                                       member<&T::task_handle>("TaskHandle"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<CancelMessageMoveTaskInput>() {
  using T = CancelMessageMoveTaskInput;
  static const Structure structure{"CancelMessageMoveTaskRequest",
                                   {
                                       member<&T::task_handle>("TaskHandle"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<CancelMessageMoveTaskOutput>() {
  using T = CancelMessageMoveTaskOutput;
  static const Structure structure{
      "CancelMessageMoveTaskResult",
      {
          member<&T::approximate_number_of_messages_moved>("ApproximateNumberOfMessagesMoved"),
      }};
  return structure;
}

template <>
const Structure& structureOf<ListMessageMoveTasksInput>() {
  using T = ListMessageMoveTasksInput;
  static const Structure structure{"ListMessageMoveTasksRequest",
                                   {
                                       member<&T::source_arn>("SourceArn"),
                                       member<&T::max_results>("MaxResults"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ListMessageMoveTasksResultEntry>() {
  using T = ListMessageMoveTasksResultEntry;
  static const Structure structure{
      "ListMessageMoveTasksResultEntry",
      {
          member<&T::task_handle>("TaskHandle"),
          member<&T::status>("Status"),
          member<&T::source_arn>("SourceArn"),
          member<&T::destination_arn>("DestinationArn"),
          member<&T::max_number_of_messages_per_second>("MaxNumberOfMessagesPerSecond"),
          member<&T::approximate_number_of_messages_moved>("ApproximateNumberOfMessagesMoved"),
          member<&T::approximate_number_of_messages_to_move>("ApproximateNumberOfMessagesToMove"),
          member<&T::failure_reason>("FailureReason"),
          member<&T::started_timestamp>("StartedTimestamp"),
      }};
  return structure;
}

template <>
const Structure& structureOf<ListMessageMoveTasksOutput>() {
  using T = ListMessageMoveTasksOutput;
  static const Structure structure{"ListMessageMoveTasksResult",
                                   {
                                       member<&T::results>("Results", {"ListMessageMoveTasksResultEntry", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<SendMessageInput>() {
  using T = SendMessageInput;
  static const Structure structure{
      "SendMessageRequest",
      {
          member<&T::queue_url>("QueueUrl"),
          member<&T::message_body>("MessageBody"),
          member<&T::delay_seconds>("DelaySeconds"),
          member<&T::message_attributes>("MessageAttributes", {"MessageAttribute", "Name", "Value"}),
          member<&T::message_system_attributes>("MessageSystemAttributes", {"MessageSystemAttribute", "Name", "Value"}),
          member<&T::message_deduplication_id>("MessageDeduplicationId"),
          member<&T::message_group_id>("MessageGroupId"),
      }};
  return structure;
}

template <>
const Structure& structureOf<SendMessageOutput>() {
  using T = SendMessageOutput;
  static const Structure structure{"SendMessageResult",
                                   {
                                       member<&T::message_id>("MessageId"),
                                       member<&T::md5_of_message_body>("MD5OfMessageBody"),
                                       member<&T::md5_of_message_attributes>("MD5OfMessageAttributes"),
                                       member<&T::md5_of_message_system_attributes>("MD5OfMessageSystemAttributes"),
                                       member<&T::sequence_number>("SequenceNumber"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<SendMessageBatchRequestEntry>() {
  using T = SendMessageBatchRequestEntry;
  static const Structure structure{
      "SendMessageBatchRequestEntry",
      {
          member<&T::id>("Id"),
          member<&T::message_body>("MessageBody"),
          member<&T::delay_seconds>("DelaySeconds"),
          member<&T::message_attributes>("MessageAttributes", {"MessageAttribute", "Name", "Value"}),
          member<&T::message_system_attributes>("MessageSystemAttributes", {"MessageSystemAttribute", "Name", "Value"}),
          member<&T::message_deduplication_id>("MessageDeduplicationId"),
          member<&T::message_group_id>("MessageGroupId"),
      }};
  return structure;
}

template <>
const Structure& structureOf<SendMessageBatchInput>() {
  using T = SendMessageBatchInput;
  static const Structure structure{"SendMessageBatchRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::entries>("Entries", {"SendMessageBatchRequestEntry", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<SendMessageBatchResultEntry>() {
  using T = SendMessageBatchResultEntry;
  static const Structure structure{"SendMessageBatchResultEntry",
                                   {
                                       member<&T::id>("Id"),
                                       member<&T::message_id>("MessageId"),
                                       member<&T::md5_of_message_body>("MD5OfMessageBody"),
                                       member<&T::md5_of_message_attributes>("MD5OfMessageAttributes"),
                                       member<&T::md5_of_message_system_attributes>("MD5OfMessageSystemAttributes"),
                                       member<&T::sequence_number>("SequenceNumber"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<BatchResultErrorEntry>() {
  using T = BatchResultErrorEntry;
  static const Structure structure{"BatchResultErrorEntry",
                                   {
                                       member<&T::id>("Id"),
                                       member<&T::sender_fault>("SenderFault"),
                                       member<&T::code>("Code"),
                                       member<&T::message>("Message"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<SendMessageBatchOutput>() {
  using T = SendMessageBatchOutput;
  static const Structure structure{"SendMessageBatchResult",
                                   {
                                       member<&T::successful>("Successful", {"SendMessageBatchResultEntry", {}, {}}),
                                       member<&T::failed>("Failed", {"BatchResultErrorEntry", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ReceiveMessageInput>() {
  using T = ReceiveMessageInput;
  static const Structure structure{
      "ReceiveMessageRequest",
      {
          member<&T::queue_url>("QueueUrl"),
          member<&T::attribute_names>("AttributeNames", {"AttributeName", {}, {}}),
          // AWS's model has AttributeName here too. What the client means by it is the same in either member.
          member<&T::message_system_attribute_names>("MessageSystemAttributeNames",
                                                     {"MessageSystemAttributeName", {}, {}}),
          member<&T::message_attribute_names>("MessageAttributeNames", {"MessageAttributeName", {}, {}}),
          member<&T::max_number_of_messages>("MaxNumberOfMessages"),
          member<&T::visibility_timeout>("VisibilityTimeout"),
          member<&T::wait_time_seconds>("WaitTimeSeconds"),
          member<&T::receive_request_attempt_id>("ReceiveRequestAttemptId"),
      }};
  return structure;
}

template <>
const Structure& structureOf<Message>() {
  using T = Message;
  static const Structure structure{
      "Message",
      {
          member<&T::message_id>("MessageId"),
          member<&T::receipt_handle>("ReceiptHandle"),
          member<&T::md5_of_body>("MD5OfBody"),
          member<&T::body>("Body"),
          member<&T::attributes>("Attributes", {"Attribute", "Name", "Value"}),
          member<&T::md5_of_message_attributes>("MD5OfMessageAttributes"),
          member<&T::message_attributes>("MessageAttributes", {"MessageAttribute", "Name", "Value"}),
      }};
  return structure;
}

template <>
const Structure& structureOf<ReceiveMessageOutput>() {
  using T = ReceiveMessageOutput;
  static const Structure structure{"ReceiveMessageResult",
                                   {
                                       member<&T::messages>("Messages", {"Message", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<DeleteMessageInput>() {
  using T = DeleteMessageInput;
  static const Structure structure{"DeleteMessageRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::receipt_handle>("ReceiptHandle"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<DeleteMessageBatchRequestEntry>() {
  using T = DeleteMessageBatchRequestEntry;
  static const Structure structure{"DeleteMessageBatchRequestEntry",
                                   {
                                       member<&T::id>("Id"),
                                       member<&T::receipt_handle>("ReceiptHandle"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<DeleteMessageBatchInput>() {
  using T = DeleteMessageBatchInput;
  static const Structure structure{"DeleteMessageBatchRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::entries>("Entries", {"DeleteMessageBatchRequestEntry", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<DeleteMessageBatchResultEntry>() {
  using T = DeleteMessageBatchResultEntry;
  static const Structure structure{"DeleteMessageBatchResultEntry",
                                   {
                                       member<&T::id>("Id"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<DeleteMessageBatchOutput>() {
  using T = DeleteMessageBatchOutput;
  static const Structure structure{"DeleteMessageBatchResult",
                                   {
                                       member<&T::successful>("Successful", {"DeleteMessageBatchResultEntry", {}, {}}),
                                       member<&T::failed>("Failed", {"BatchResultErrorEntry", {}, {}}),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ChangeMessageVisibilityInput>() {
  using T = ChangeMessageVisibilityInput;
  static const Structure structure{"ChangeMessageVisibilityRequest",
                                   {
                                       member<&T::queue_url>("QueueUrl"),
                                       member<&T::receipt_handle>("ReceiptHandle"),
                                       member<&T::visibility_timeout>("VisibilityTimeout"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ChangeMessageVisibilityBatchRequestEntry>() {
  using T = ChangeMessageVisibilityBatchRequestEntry;
  static const Structure structure{"ChangeMessageVisibilityBatchRequestEntry",
                                   {
                                       member<&T::id>("Id"),
                                       member<&T::receipt_handle>("ReceiptHandle"),
                                       member<&T::visibility_timeout>("VisibilityTimeout"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ChangeMessageVisibilityBatchInput>() {
  using T = ChangeMessageVisibilityBatchInput;
  static const Structure structure{
      "ChangeMessageVisibilityBatchRequest",
      {
          member<&T::queue_url>("QueueUrl"),
          member<&T::entries>("Entries", {"ChangeMessageVisibilityBatchRequestEntry", {}, {}}),
      }};
  return structure;
}

template <>
const Structure& structureOf<ChangeMessageVisibilityBatchResultEntry>() {
  using T = ChangeMessageVisibilityBatchResultEntry;
  static const Structure structure{"ChangeMessageVisibilityBatchResultEntry",
                                   {
                                       member<&T::id>("Id"),
                                   }};
  return structure;
}

template <>
const Structure& structureOf<ChangeMessageVisibilityBatchOutput>() {
  using T = ChangeMessageVisibilityBatchOutput;
  static const Structure structure{
      "ChangeMessageVisibilityBatchResult",
      {
          member<&T::successful>("Successful", {"ChangeMessageVisibilityBatchResultEntry", {}, {}}),
          member<&T::failed>("Failed", {"BatchResultErrorEntry", {}, {}}),
      }};
  return structure;
}

}  // namespace howdah::api
