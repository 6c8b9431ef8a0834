// Inputs and outputs of the SQS actions, named as AWS's shapes and members
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html). Both protocols decode
// into and encode from these through api/codec/shapes.cpp; an absent member is an empty optional.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "service/error.h"

namespace howdah::service {

// What a QueueUrl says: account and name. On the wire it is a URL, made and read by api/queue_url.
struct QueueRef {
  std::string account;  // empty: the caller's own
  std::string name;     // empty: no queue was named
  bool operator==(const QueueRef&) const = default;
};

using AttributeMap = std::map<std::string, std::string>;
using TagMap = std::map<std::string, std::string>;

struct MessageAttributeValue {
  std::optional<std::string> string_value;
  std::optional<std::string> binary_value;  // decoded bytes
  std::optional<std::vector<std::string>> string_list_values;
  std::optional<std::vector<std::string>> binary_list_values;
  std::optional<std::string> data_type;
  bool operator==(const MessageAttributeValue&) const = default;
};
using MessageAttributeMap = std::map<std::string, MessageAttributeValue>;

struct CreateQueueInput {
  std::optional<std::string> queue_name;
  std::optional<AttributeMap> attributes;
  std::optional<TagMap> tags;
};
struct CreateQueueOutput {
  QueueRef queue_url;
};

struct GetQueueUrlInput {
  std::optional<std::string> queue_name;
  std::optional<std::string> queue_owner_aws_account_id;
};
struct GetQueueUrlOutput {
  QueueRef queue_url;
};

struct ListQueuesInput {
  std::optional<std::string> queue_name_prefix;
  std::optional<std::string> next_token;
  std::optional<std::int32_t> max_results;
};
struct ListQueuesOutput {
  std::vector<QueueRef> queue_urls;
  std::optional<std::string> next_token;
};

struct DeleteQueueInput {
  QueueRef queue_url;
};
struct PurgeQueueInput {
  QueueRef queue_url;
};

struct GetQueueAttributesInput {
  QueueRef queue_url;
  std::optional<std::vector<std::string>> attribute_names;
};
struct GetQueueAttributesOutput {
  AttributeMap attributes;
};

struct SetQueueAttributesInput {
  QueueRef queue_url;
  std::optional<AttributeMap> attributes;
};

struct TagQueueInput {
  QueueRef queue_url;
  std::optional<TagMap> tags;
};
struct UntagQueueInput {
  QueueRef queue_url;
  std::optional<std::vector<std::string>> tag_keys;
};
struct ListQueueTagsInput {
  QueueRef queue_url;
};
struct ListQueueTagsOutput {
  TagMap tags;
};

struct AddPermissionInput {
  QueueRef queue_url;
  std::optional<std::string> label;
  std::optional<std::vector<std::string>> aws_account_ids;
  std::optional<std::vector<std::string>> actions;
};
struct RemovePermissionInput {
  QueueRef queue_url;
  std::optional<std::string> label;
};

struct ListDeadLetterSourceQueuesInput {
  QueueRef queue_url;
  std::optional<std::string> next_token;
  std::optional<std::int32_t> max_results;
};
struct ListDeadLetterSourceQueuesOutput {
  std::vector<QueueRef> queue_urls;
  std::optional<std::string> next_token;
};

struct StartMessageMoveTaskInput {
  std::optional<std::string> source_arn;
  std::optional<std::string> destination_arn;
  std::optional<std::int32_t> max_number_of_messages_per_second;
};
struct StartMessageMoveTaskOutput {
  std::string task_handle;
};
struct CancelMessageMoveTaskInput {
  std::optional<std::string> task_handle;
};
struct CancelMessageMoveTaskOutput {
  std::int64_t approximate_number_of_messages_moved = 0;
};
struct ListMessageMoveTasksInput {
  std::optional<std::string> source_arn;
  std::optional<std::int32_t> max_results;
};
struct ListMessageMoveTasksResultEntry {
  std::optional<std::string> task_handle;
  std::string status;
  std::string source_arn;
  std::optional<std::string> destination_arn;
  std::optional<std::int32_t> max_number_of_messages_per_second;
  std::int64_t approximate_number_of_messages_moved = 0;
  std::int64_t approximate_number_of_messages_to_move = 0;
  std::optional<std::string> failure_reason;
  std::int64_t started_timestamp = 0;
};
struct ListMessageMoveTasksOutput {
  std::vector<ListMessageMoveTasksResultEntry> results;
};

struct SendMessageInput {
  QueueRef queue_url;
  std::optional<std::string> message_body;
  std::optional<std::int32_t> delay_seconds;
  MessageAttributeMap message_attributes;
  MessageAttributeMap message_system_attributes;
  std::optional<std::string> message_deduplication_id;
  std::optional<std::string> message_group_id;
};
struct SendMessageOutput {
  std::string md5_of_message_body;
  std::optional<std::string> md5_of_message_attributes;
  std::optional<std::string> md5_of_message_system_attributes;
  std::string message_id;
  std::optional<std::string> sequence_number;
};

struct SendMessageBatchRequestEntry {
  std::optional<std::string> id;
  std::optional<std::string> message_body;
  std::optional<std::int32_t> delay_seconds;
  MessageAttributeMap message_attributes;
  MessageAttributeMap message_system_attributes;
  std::optional<std::string> message_deduplication_id;
  std::optional<std::string> message_group_id;
};
struct SendMessageBatchInput {
  QueueRef queue_url;
  std::optional<std::vector<SendMessageBatchRequestEntry>> entries;
};
struct SendMessageBatchResultEntry {
  std::string id;
  std::string message_id;
  std::string md5_of_message_body;
  std::optional<std::string> md5_of_message_attributes;
  std::optional<std::string> md5_of_message_system_attributes;
  std::optional<std::string> sequence_number;
};
// On the wire `code` is the Query code, in both protocols (api/error_table).
struct BatchResultErrorEntry {
  std::string id;
  bool sender_fault = true;
  ErrorCode code = ErrorCode::InternalFailure;
  std::optional<std::string> message;
};
struct SendMessageBatchOutput {
  std::vector<SendMessageBatchResultEntry> successful;
  std::vector<BatchResultErrorEntry> failed;
};

struct ReceiveMessageInput {
  QueueRef queue_url;
  std::optional<std::vector<std::string>> attribute_names;
  std::optional<std::vector<std::string>> message_system_attribute_names;
  std::optional<std::vector<std::string>> message_attribute_names;
  std::optional<std::int32_t> max_number_of_messages;
  std::optional<std::int32_t> visibility_timeout;
  std::optional<std::int32_t> wait_time_seconds;
  std::optional<std::string> receive_request_attempt_id;
};
struct Message {
  std::string message_id;
  std::string receipt_handle;
  std::string md5_of_body;
  std::string body;
  AttributeMap attributes;
  std::optional<std::string> md5_of_message_attributes;
  MessageAttributeMap message_attributes;
};
struct ReceiveMessageOutput {
  std::vector<Message> messages;
  QueueRef queue_url{};        // not on the wire: whose messages these are, should they not reach their client
  bool named_attempt = false;  // not on the wire: the client may ask for the same again
};

struct DeleteMessageInput {
  QueueRef queue_url;
  std::optional<std::string> receipt_handle;
};
struct DeleteMessageBatchRequestEntry {
  std::optional<std::string> id;
  std::optional<std::string> receipt_handle;
};
struct DeleteMessageBatchInput {
  QueueRef queue_url;
  std::optional<std::vector<DeleteMessageBatchRequestEntry>> entries;
};
struct DeleteMessageBatchResultEntry {
  std::string id;
};
struct DeleteMessageBatchOutput {
  std::vector<DeleteMessageBatchResultEntry> successful;
  std::vector<BatchResultErrorEntry> failed;
};

struct ChangeMessageVisibilityInput {
  QueueRef queue_url;
  std::optional<std::string> receipt_handle;
  std::optional<std::int32_t> visibility_timeout;
};
struct ChangeMessageVisibilityBatchRequestEntry {
  std::optional<std::string> id;
  std::optional<std::string> receipt_handle;
  std::optional<std::int32_t> visibility_timeout;
};
struct ChangeMessageVisibilityBatchInput {
  QueueRef queue_url;
  std::optional<std::vector<ChangeMessageVisibilityBatchRequestEntry>> entries;
};
struct ChangeMessageVisibilityBatchResultEntry {
  std::string id;
};
struct ChangeMessageVisibilityBatchOutput {
  std::vector<ChangeMessageVisibilityBatchResultEntry> successful;
  std::vector<BatchResultErrorEntry> failed;
};

}  // namespace howdah::service
