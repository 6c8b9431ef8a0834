// Every limit of SQS that Howdah checks, each under the page that states it.
#pragma once

#include <cstddef>

namespace howdah::service {

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
inline constexpr std::size_t kMaximumMessageBytes = 1'048'576;
inline constexpr std::size_t kMaximumBatchBytes = 1'048'576;  // of all entries, whatever the queue's MaximumMessageSize
inline constexpr std::size_t kMaximumBatchEntries = 10;
inline constexpr std::size_t kMaximumBatchEntryIdLength = 80;
inline constexpr std::size_t kMaximumMessageAttributes = 10;
inline constexpr int kMaximumDelaySeconds = 900;
inline constexpr int kMaximumVisibilityTimeoutSeconds = 43'200;  // also in all, counted from the receive

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
inline constexpr int kMaximumReceivedMessages = 10;
inline constexpr int kMaximumWaitTimeSeconds = 20;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
inline constexpr std::size_t kMaximumGroupOrDeduplicationIdLength = 128;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
inline constexpr std::size_t kMaximumMessageAttributeNameBytes = 256;
inline constexpr std::size_t kMaximumMessageAttributeTypeBytes = 256;
inline constexpr int kMaximumNumberDigits = 38;
inline constexpr int kLowestNumberExponent = -128;
inline constexpr int kHighestNumberExponent = 126;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
inline constexpr std::size_t kMaximumQueueNameLength = 80;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
inline constexpr int kLowestMaximumMessageSize = 1'024;
inline constexpr int kLowestRetentionSeconds = 60;
inline constexpr int kHighestRetentionSeconds = 1'209'600;
inline constexpr int kLowestDataKeyReuseSeconds = 60;
inline constexpr int kHighestDataKeyReuseSeconds = 86'400;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
inline constexpr std::size_t kMaximumPolicyBytes = 8'192;
inline constexpr std::size_t kMaximumPolicyStatements = 20;
inline constexpr std::size_t kMaximumPolicyPrincipals = 50;
inline constexpr std::size_t kMaximumPolicyConditions = 10;
inline constexpr std::size_t kMaximumPolicyActions = 7;  // of one statement

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
inline constexpr std::size_t kMaximumLabelLength = 80;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
inline constexpr int kMaximumMaxReceiveCount = 1'000;
inline constexpr std::size_t kMaximumSourceQueueArns = 10;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
inline constexpr int kMaximumMovedPerSecond = 500;
inline constexpr int kMaximumListedMoveTasks = 10;
inline constexpr int kMaximumActiveMoveTasks = 100;  // of one account

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
inline constexpr std::size_t kMaximumKeyIdLength = 2'048;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
inline constexpr int kMaximumListResults = 1'000;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html
inline constexpr std::size_t kMaximumTags = 50;
inline constexpr std::size_t kMaximumTagKeyLength = 128;
inline constexpr std::size_t kMaximumTagValueLength = 256;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
inline constexpr std::size_t kMaximumReceiptHandleLength = 1'024;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html, quotas-fifo.html
inline constexpr int kMaximumMessagesInFlight = 120'000;

// Ours: SQS names no limit, but whatever is stored has one.
inline constexpr std::size_t kMaximumTraceHeaderBytes = 4'096;

}  // namespace howdah::service
