// What can be wrong with a request, by the names SQS gives it. An Error is a client's mistake or a refusal, carried as
// a value; how each code looks on the wire (shape, Query code, HTTP status) is one row of api/error_table.cpp.
#pragma once

#include <string>
#include <utility>

namespace howdah::service {

// Named after the JSON shapes of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html and of each action's page.
enum class ErrorCode {
  // Of SQS's own model.
  BatchEntryIdsNotDistinct,
  BatchRequestTooLong,
  EmptyBatchRequest,
  EmptyValue,  // not in the model, and only seen in entries of a batch
  InvalidAddress,
  InvalidAttributeName,
  InvalidAttributeValue,
  InvalidBatchEntryId,
  InvalidIdFormat,
  InvalidMessageContents,
  InvalidSecurity,
  KmsAccessDenied,
  KmsDisabled,
  KmsInvalidKeyUsage,
  KmsInvalidState,
  KmsNotFound,
  KmsOptInRequired,
  KmsThrottled,
  MessageNotInflight,
  OverLimit,
  PurgeQueueInProgress,
  QueueDeletedRecently,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiptHandleIsInvalid,
  RequestThrottled,
  ResourceNotFoundException,
  TooManyEntriesInBatchRequest,
  UnsupportedOperation,
  // Of the framework in front of it.
  AccessDeniedException,
  ExpiredTokenException,
  IncompleteSignatureException,
  InternalFailure,
  InvalidParameterValueException,
  InvalidSignatureException,
  MissingRequiredParameterException,
  RequestExpired,
  SerializationException,
  ServiceUnavailable,
  UnknownOperationException,
  UnrecognizedClientException,
  kCount  // not an error: how many there are
};

struct Error {
  ErrorCode code;
  std::string message;  // SQS's own text, shown to the client
};

}  // namespace howdah::service
