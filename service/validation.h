// What a request's parameters may be, with SQS's exact texts: pure checks, the same for both protocols. Each function
// covers one request or one entry of a batch, in SQS's order of checks. That the queue exists comes before all of
// these.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "persistence/records.h"
#include "service/operations.h"
#include "service/queue_attributes.h"
#include "service/result.h"

namespace howdah::service {

// Could a queue have this name? Ask before looking one up: what is not a queue name does not go to the database.
bool isQueueName(std::string_view name);

// CreateQueue's name, which must suit its FifoQueue attribute, and its tags.
Result<Nothing> checkNewQueueName(const CreateQueueInput& input);
Result<Nothing> checkTags(const std::string& queue_name, const TagMap& tags);

// TagQueue and UntagQueue: what must be given. Tags have their limits together with those that are there: checkTags.
Result<Nothing> checkTagQueue(const TagQueueInput& input);
Result<Nothing> checkUntagQueue(const UntagQueueInput& input);

// GetQueueUrl: a name must be given. One that no queue can have (isQueueName) is simply not found.
Result<Nothing> checkGetQueueUrl(const GetQueueUrlInput& input);

// ListQueues and ListDeadLetterSourceQueues: MaxResults and NextToken, not what is in the token (list_queues_token.h).
Result<Nothing> checkListQueues(const ListQueuesInput& input);

Result<Nothing> checkListDeadLetterSourceQueues(const ListDeadLetterSourceQueuesInput& input);

// StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks: what must be given, and ranges.
Result<Nothing> checkStartMessageMoveTask(const StartMessageMoveTaskInput& input);
Result<Nothing> checkCancelMessageMoveTask(const CancelMessageMoveTaskInput& input);
Result<Nothing> checkListMessageMoveTasks(const ListMessageMoveTasksInput& input);

// Everything about one message.
Result<Nothing> checkSendMessage(const SendMessageInput& input, const QueueSettings& queue);
Result<Nothing> checkSendMessageBatchEntry(const SendMessageBatchRequestEntry& entry, const QueueSettings& queue);

// ReceiveMessage, all parameters.
Result<Nothing> checkReceiveMessage(const ReceiveMessageInput& input, const QueueSettings& queue);

// DeleteMessage and ChangeMessageVisibility: required parameters and ranges; the handle itself is receipt_handle's.
Result<Nothing> checkDeleteMessage(const DeleteMessageInput& input);
Result<Nothing> checkDeleteMessageBatchEntry(const DeleteMessageBatchRequestEntry& entry);
Result<Nothing> checkChangeMessageVisibility(const ChangeMessageVisibilityInput& input);
Result<Nothing> checkChangeMessageVisibilityBatchEntry(const ChangeMessageVisibilityBatchRequestEntry& entry);

// The 12 hours that a message may stay in flight in all, counted from its receive.
Result<Nothing> checkTotalVisibilityTimeout(std::int32_t visibility_timeout, persistence::DatabaseTime received_at,
                                            persistence::DatabaseTime now);

// What fails a batch as a whole: no entries, too many, bad or repeated ids, too many bytes; on FIFO queues an entry
// without the ids it must have.
Result<Nothing> checkBatch(const SendMessageBatchInput& input, const QueueSettings& queue);
Result<Nothing> checkBatch(const DeleteMessageBatchInput& input);
Result<Nothing> checkBatch(const ChangeMessageVisibilityBatchInput& input);

// The texts of what only the store can tell.
Error receiptHandleExpired(const std::string& receipt_handle);
Error messageNotAvailableForChange(const std::string& receipt_handle);

}  // namespace howdah::service
