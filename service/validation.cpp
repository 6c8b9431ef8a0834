#include "service/validation.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "service/characters.h"
#include "service/fifo_rules.h"
#include "service/limits.h"
#include "service/message_attributes.h"
#include "service/receive_attributes.h"

namespace howdah::service {
namespace {

constexpr const char* kInvalidQueueName =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
constexpr const char* kNotForThisQueueType = "The request includes a parameter that is not valid for this queue type.";
constexpr const char* kNoDeduplicationId =
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";

Error invalidParameter(std::string text) { return Error{ErrorCode::InvalidParameterValueException, std::move(text)}; }

template <class Value>
Error invalidValue(const Value& value, std::string_view parameter, std::string_view reason) {
  return invalidParameter(fmt::format("Value {} for parameter {} is invalid. Reason: {}", value, parameter, reason));
}

Error missing(std::string_view parameter) {
  return Error{ErrorCode::MissingRequiredParameterException,
               fmt::format("The request must contain the parameter {}.", parameter)};
}

Result<Nothing> checkGroupOrDeduplicationId(const std::optional<std::string>& id, std::string_view parameter) {
  if (!id || isGroupOrDeduplicationId(*id)) return Nothing{};
  return invalidValue(
      *id, parameter,
      fmt::format("{} can only include alphanumeric and punctuation characters. 1 to 128 in length.", parameter));
}

// What a message to a FIFO queue must have. Said of a whole batch as well, where SQS has another code.
template <class Sent>
Result<Nothing> checkFifoIdsGiven(const Sent& sent, const QueueSettings& queue) {
  if (!queue.fifo) return Nothing{};
  if (!sent.message_group_id) return missing("MessageGroupId");
  if (!sent.message_deduplication_id && !queue.content_based_deduplication) return invalidParameter(kNoDeduplicationId);
  return Nothing{};
}

bool isGiven(const std::optional<std::string>& value) { return value && !value->empty(); }

bool isOutside(const std::optional<std::int32_t>& value, int low, int high) {
  return value && (*value < low || *value > high);
}

// What a message counts against the limits of size.
template <class Sent>
std::size_t countedBytes(const Sent& sent) {
  std::size_t bytes = sent.message_body ? sent.message_body->size() : 0;
  for (const auto& [name, value] : sent.message_attributes) {
    bytes += name.size();
    for (const auto* part : {&value.data_type, &value.string_value, &value.binary_value}) {
      if (*part) bytes += (*part)->size();
    }
  }
  return bytes;
}

// A message sent alone or in a batch; only the beginning of one text tells them apart.
// REQUIRES: a body is given.
template <class Sent>
Result<Nothing> checkSent(const Sent& sent, const QueueSettings& queue, std::string_view when_too_long) {
  if (isOutside(sent.delay_seconds, 0, kMaximumDelaySeconds)) {
    return invalidValue(*sent.delay_seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.");
  }
  if (queue.fifo && sent.delay_seconds.value_or(0) > 0) {
    return invalidValue(*sent.delay_seconds, "DelaySeconds",
                        "The request include parameter that is not valid for this queue type.");
  }
  if (sent.message_deduplication_id && !queue.fifo) {
    return invalidValue(*sent.message_deduplication_id, "MessageDeduplicationId", kNotForThisQueueType);
  }
  if (auto checked = checkGroupOrDeduplicationId(sent.message_group_id, "MessageGroupId"); !checked) return checked;
  if (auto checked = checkGroupOrDeduplicationId(sent.message_deduplication_id, "MessageDeduplicationId"); !checked) {
    return checked;
  }
  if (auto checked = checkMessageAttributes(sent.message_attributes); !checked) return checked;
  if (auto checked = checkMessageSystemAttributes(sent.message_system_attributes); !checked) return checked;
  if (countedBytes(sent) > queue.maximum_message_bytes) {
    return invalidParameter(
        fmt::format("{} Reason: Message must be shorter than {} bytes.", when_too_long, queue.maximum_message_bytes));
  }
  if (!hasOnlyAllowedCharacters(*sent.message_body)) {
    return Error{ErrorCode::InvalidMessageContents, kInvalidCharacters};
  }
  return Nothing{};
}

Result<Nothing> checkReceiptHandleGiven(const std::optional<std::string>& receipt_handle) {
  if (!isGiven(receipt_handle)) return missing("ReceiptHandle");
  return Nothing{};
}

template <class Change>
Result<Nothing> checkChange(const Change& change, std::string_view range_reason) {
  if (!change.visibility_timeout) return missing("VisibilityTimeout");
  if (auto checked = checkReceiptHandleGiven(change.receipt_handle); !checked) return checked;
  if (isOutside(change.visibility_timeout, 0, kMaximumVisibilityTimeoutSeconds)) {
    return invalidValue(*change.visibility_timeout, "VisibilityTimeout", range_reason);
  }
  return Nothing{};
}

bool isBatchEntryId(std::string_view id) {
  return !id.empty() && id.size() <= kMaximumBatchEntryIdLength && std::all_of(id.begin(), id.end(), isNameCharacter);
}

template <class Entry>
Result<Nothing> checkEntries(const std::optional<std::vector<Entry>>& entries, std::string_view entry_name) {
  if (!entries) return missing("Entries");
  if (entries->empty()) {
    return Error{ErrorCode::EmptyBatchRequest,
                 fmt::format("There should be at least one {} in the request.", entry_name)};
  }
  if (entries->size() > kMaximumBatchEntries) {
    return Error{ErrorCode::TooManyEntriesInBatchRequest,
                 fmt::format("Maximum number of entries per request are {}. You have sent {}.", kMaximumBatchEntries,
                             entries->size())};
  }
  for (const Entry& entry : *entries) {
    if (entry.id && isBatchEntryId(*entry.id)) continue;
    return Error{
        ErrorCode::InvalidBatchEntryId,
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
        "80 letters long."};
  }
  std::set<std::string_view> ids;
  for (const Entry& entry : *entries) {
    if (ids.insert(*entry.id).second) continue;
    return Error{ErrorCode::BatchEntryIdsNotDistinct, "Id " + *entry.id + " repeated."};
  }
  return Nothing{};
}

}  // namespace

bool isQueueName(std::string_view name) {
  if (name.size() > kMaximumQueueNameLength) return false;
  if (name.ends_with(kFifoSuffix)) name.remove_suffix(kFifoSuffix.size());
  return !name.empty() && std::all_of(name.begin(), name.end(), isNameCharacter);
}

Result<Nothing> checkNewQueueName(const CreateQueueInput& input) {
  if (!input.queue_name) {
    return invalidParameter("Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
  }
  const std::string& name = *input.queue_name;
  if (name.empty()) return invalidParameter("Queue name cannot be empty");
  bool fifo = false;
  if (input.attributes) {
    const auto given = input.attributes->find("FifoQueue");
    fifo =
        given != input.attributes->end() && given->second.size() == 4 && startsWithIgnoringCase(given->second, "true");
  }
  if (fifo && !(isQueueName(name) && name.ends_with(kFifoSuffix))) {
    return invalidParameter(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
        ".fifo suffix and be 1 to 80 in length");
  }
  if (!isQueueName(name) || (name.ends_with(kFifoSuffix) && !fifo)) return invalidParameter(kInvalidQueueName);
  return Nothing{};
}

Result<Nothing> checkTags(const std::string& queue_name, const TagMap& tags) {
  if (tags.size() > kMaximumTags) return invalidParameter("Too many tags added for queue " + queue_name + ".");
  const auto accepted = [](char32_t c) {
    return isLetterOrDigit(c) || isSpace(c) ||
           (c < 0x80 && std::string_view("_.:/=+-@").find(static_cast<char>(c)) != std::string_view::npos);
  };
  const auto any = [](char32_t) { return true; };
  for (const auto& [key, value] : tags) {
    // One code point is at most four bytes: what is longer need not be counted.
    const auto key_length = key.size() > 4 * kMaximumTagKeyLength ? key.size() : countCharacters(key, any).value_or(1);
    if (key_length < 1 || key_length > kMaximumTagKeyLength) {
      return invalidParameter("Tag keys must be between 1 and 128 characters in length.");
    }
    if (!countCharacters(key, accepted)) {
      return invalidParameter(
          "Tag keys may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @");
    }
    if (startsWithIgnoringCase(key, "aws:")) {
      return invalidParameter("Tag keys must not begin with aws:, which is reserved.");
    }
    const auto value_length =
        value.size() > 4 * kMaximumTagValueLength ? value.size() : countCharacters(value, any).value_or(0);
    if (value_length > kMaximumTagValueLength) {
      return invalidParameter("Tag values must be between 0 and 256 characters in length.");
    }
    if (!countCharacters(value, accepted)) {
      return invalidParameter(
          "Tag values may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @");
    }
  }
  return Nothing{};
}

Result<Nothing> checkTagQueue(const TagQueueInput& input) {
  if (!input.tags || input.tags->empty()) return missing("Tags");
  return Nothing{};
}

Result<Nothing> checkUntagQueue(const UntagQueueInput& input) {
  if (!input.tag_keys || input.tag_keys->empty()) return missing("TagKeys");
  return Nothing{};
}

Result<Nothing> checkGetQueueUrl(const GetQueueUrlInput& input) {
  if (!input.queue_name) {
    return invalidParameter("Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
  }
  if (input.queue_name->empty()) return invalidParameter("Queue name cannot be empty");
  return Nothing{};
}

namespace {

template <class Listing>
Result<Nothing> checkPage(const Listing& input) {
  if (isOutside(input.max_results, 1, kMaximumListResults)) {
    return invalidParameter(
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.");
  }
  if (input.next_token && !input.max_results) {
    return invalidParameter("MaxResults is a mandatory parameter when you provide a value for NextToken.");
  }
  return Nothing{};
}

}  // namespace

Result<Nothing> checkListQueues(const ListQueuesInput& input) { return checkPage(input); }

Result<Nothing> checkListDeadLetterSourceQueues(const ListDeadLetterSourceQueuesInput& input) {
  return checkPage(input);
}

Result<Nothing> checkStartMessageMoveTask(const StartMessageMoveTaskInput& input) {
  if (!isGiven(input.source_arn)) return missing("SourceArn");
  if (isOutside(input.max_number_of_messages_per_second, 1, kMaximumMovedPerSecond)) {
    return invalidParameter(
        "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 "
        "and 500.");
  }
  return Nothing{};
}

Result<Nothing> checkCancelMessageMoveTask(const CancelMessageMoveTaskInput& input) {
  if (!isGiven(input.task_handle)) return missing("TaskHandle");
  return Nothing{};
}

Result<Nothing> checkListMessageMoveTasks(const ListMessageMoveTasksInput& input) {
  if (!isGiven(input.source_arn)) return missing("SourceArn");
  if (isOutside(input.max_results, 1, kMaximumListedMoveTasks)) {
    return invalidParameter(
        "Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 and 10.");
  }
  return Nothing{};
}

Result<Nothing> checkSendMessage(const SendMessageInput& input, const QueueSettings& queue) {
  if (!isGiven(input.message_body)) return missing("MessageBody");
  if (auto checked = checkFifoIdsGiven(input, queue); !checked) return checked;
  return checkSent(input, queue, "One or more parameters are invalid.");
}

Result<Nothing> checkSendMessageBatchEntry(const SendMessageBatchRequestEntry& entry, const QueueSettings& queue) {
  if (!isGiven(entry.message_body)) return Error{ErrorCode::EmptyValue, missing("MessageBody").message};
  return checkSent(entry, queue, "One or more parameters cannot be validated.");
}

Result<Nothing> checkReceiveMessage(const ReceiveMessageInput& input, const QueueSettings& queue) {
  if (isOutside(input.max_number_of_messages, 1, kMaximumReceivedMessages)) {
    return invalidValue(*input.max_number_of_messages, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.");
  }
  if (isOutside(input.wait_time_seconds, 0, kMaximumWaitTimeSeconds)) {
    return invalidValue(*input.wait_time_seconds, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.");
  }
  if (isOutside(input.visibility_timeout, 0, kMaximumVisibilityTimeoutSeconds)) {
    return invalidValue(*input.visibility_timeout, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.");
  }
  if (input.receive_request_attempt_id && !queue.fifo) {
    return invalidValue(*input.receive_request_attempt_id, "ReceiveRequestAttemptId", kNotForThisQueueType);
  }
  if (auto checked = checkGroupOrDeduplicationId(input.receive_request_attempt_id, "ReceiveRequestAttemptId");
      !checked) {
    return checked;
  }
  if (auto selected = selectSystemAttributes(input); !selected) return selected.error();
  return Nothing{};
}

Result<Nothing> checkDeleteMessage(const DeleteMessageInput& input) {
  return checkReceiptHandleGiven(input.receipt_handle);
}

Result<Nothing> checkDeleteMessageBatchEntry(const DeleteMessageBatchRequestEntry& entry) {
  return checkReceiptHandleGiven(entry.receipt_handle);
}

Result<Nothing> checkChangeMessageVisibility(const ChangeMessageVisibilityInput& input) {
  return checkChange(input, "VisibilityTimeout must be an integer between 0 and 43200");
}

Result<Nothing> checkChangeMessageVisibilityBatchEntry(const ChangeMessageVisibilityBatchRequestEntry& entry) {
  return checkChange(entry, "VisibilityTimeout must be an integer between 0 and 43200.");
}

Result<Nothing> checkTotalVisibilityTimeout(std::int32_t visibility_timeout, persistence::DatabaseTime received_at,
                                            persistence::DatabaseTime now) {
  if (now - received_at + std::chrono::seconds(visibility_timeout) >
      std::chrono::seconds(kMaximumVisibilityTimeoutSeconds)) {
    return invalidValue(visibility_timeout, "VisibilityTimeout",
                        "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
  }
  return Nothing{};
}

Result<Nothing> checkBatch(const SendMessageBatchInput& input, const QueueSettings& queue) {
  if (auto checked = checkEntries(input.entries, "SendMessageBatchRequestEntry"); !checked) return checked;
  std::size_t bytes = 0;
  for (const auto& entry : *input.entries) bytes += countedBytes(entry);
  if (bytes > kMaximumBatchBytes) {
    return Error{ErrorCode::BatchRequestTooLong,
                 fmt::format("Batch requests cannot be longer than {} bytes. You have sent {} bytes.",
                             kMaximumBatchBytes, bytes)};
  }
  for (const auto& entry : *input.entries) {
    if (auto checked = checkFifoIdsGiven(entry, queue); !checked) return invalidParameter(checked.error().message);
  }
  return Nothing{};
}

Result<Nothing> checkBatch(const DeleteMessageBatchInput& input) {
  return checkEntries(input.entries, "DeleteMessageBatchRequestEntry");
}

Result<Nothing> checkBatch(const ChangeMessageVisibilityBatchInput& input) {
  return checkEntries(input.entries, "ChangeMessageVisibilityBatchRequestEntry");
}

Error receiptHandleExpired(const std::string& receipt_handle) {
  return invalidValue(receipt_handle, "ReceiptHandle", "The receipt handle has expired.");
}

Error messageNotAvailableForChange(const std::string& receipt_handle) {
  return invalidValue(receipt_handle, "ReceiptHandle",
                      "Message does not exist or is not available for visibility timeout change.");
}

}  // namespace howdah::service
