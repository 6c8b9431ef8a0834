#include "api/error_table.h"

#include <array>

namespace howdah::api {
namespace {

using enum service::ErrorCode;

constexpr std::string_view kSqs = "com.amazonaws.sqs#";
constexpr std::string_view kCoral = "com.amazon.coral.service#";

// Statuses follow SQS's service model and recorded answers; the API reference prints 400 for all of them.
constexpr std::array kRows = std::to_array<ErrorRow>({
    {BatchEntryIdsNotDistinct, kSqs, "BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400,
     "Two or more batch entries in the request have the same Id."},
    {BatchRequestTooLong, kSqs, "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400,
     "The length of all the messages put together is more than the limit."},
    {EmptyBatchRequest, kSqs, "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400,
     "The batch request doesn't contain any entries."},
    {EmptyValue, kSqs, "EmptyValue", "EmptyValue", 400, "A required value is empty."},
    {InvalidAddress, kSqs, "InvalidAddress", "InvalidAddress", 404, "The specified ID is invalid."},
    {InvalidAttributeName, kSqs, "InvalidAttributeName", "InvalidAttributeName", 400,
     "The specified attribute doesn't exist."},
    {InvalidAttributeValue, kSqs, "InvalidAttributeValue", "InvalidAttributeValue", 400,
     "A queue attribute value is invalid."},
    {InvalidBatchEntryId, kSqs, "InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400,
     "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters "
     "long."},
    {InvalidIdFormat, kSqs, "InvalidIdFormat", "InvalidIdFormat", 400,
     "The specified receipt handle isn't valid for the current version."},
    {InvalidMessageContents, kSqs, "InvalidMessageContents", "InvalidMessageContents", 400,
     "The message contains characters outside the allowed set."},
    {InvalidSecurity, kSqs, "InvalidSecurity", "InvalidSecurity", 403,
     "The request was not made over HTTPS or did not use SigV4 for signing."},
    {KmsAccessDenied, kSqs, "KmsAccessDenied", "KMS.AccessDeniedException", 400,
     "The caller doesn't have the required KMS access."},
    {KmsDisabled, kSqs, "KmsDisabled", "KMS.DisabledException", 400,
     "The request was denied because the requested key is not enabled."},
    {KmsInvalidKeyUsage, kSqs, "KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException", 400,
     "The request was rejected because the key cannot be used for this."},
    {KmsInvalidState, kSqs, "KmsInvalidState", "KMS.InvalidStateException", 400,
     "The request was rejected because the state of the specified resource is not valid for this request."},
    {KmsNotFound, kSqs, "KmsNotFound", "KMS.NotFoundException", 400,
     "The request was rejected because the specified key could not be found."},
    {KmsOptInRequired, kSqs, "KmsOptInRequired", "KMS.OptInRequired", 403,
     "The request was rejected because the specified key policy isn't syntactically or semantically correct."},
    {KmsThrottled, kSqs, "KmsThrottled", "KMS.ThrottlingException", 400, "KMS throttles requests."},
    {MessageNotInflight, kSqs, "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400,
     "The specified message isn't in flight."},
    {OverLimit, kSqs, "OverLimit", "OverLimit", 403, "The specified action violates a limit."},
    {PurgeQueueInProgress, kSqs, "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403,
     "Only one PurgeQueue operation on a queue is allowed every 60 seconds."},
    {QueueDeletedRecently, kSqs, "QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400,
     "You must wait 60 seconds after deleting a queue before you can create another with the same name."},
    {QueueDoesNotExist, kSqs, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400,
     "The specified queue does not exist.", "The specified queue does not exist for this wsdl version."},
    {QueueNameExists, kSqs, "QueueNameExists", "QueueAlreadyExists", 400,
     "A queue already exists with the same name and a different value for an attribute"},
    {ReceiptHandleIsInvalid, kSqs, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404,
     "The input receipt handle is invalid."},
    {RequestThrottled, kSqs, "RequestThrottled", "RequestThrottled", 403, "Request is throttled."},
    {ResourceNotFoundException, kSqs, "ResourceNotFoundException", "ResourceNotFoundException", 404,
     "One or more specified resources don't exist."},
    {TooManyEntriesInBatchRequest, kSqs, "TooManyEntriesInBatchRequest",
     "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400, "Maximum number of entries per request are 10."},
    {UnsupportedOperation, kSqs, "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400,
     "Unsupported operation."},

    {AccessDeniedException, kCoral, "AccessDeniedException", "AccessDenied", 403, "Access to the resource is denied."},
    {ExpiredTokenException, kCoral, "ExpiredTokenException", "ExpiredToken", 403,
     "The security token included in the request is expired"},
    {IncompleteSignatureException, kCoral, "IncompleteSignatureException", "IncompleteSignature", 400,
     "The request signature does not conform to AWS standards."},
    {InternalFailure, kCoral, "InternalFailure", "InternalFailure", 500,
     "The request processing has failed because of an unknown error, exception or failure."},
    {InvalidParameterValueException, kCoral, "InvalidParameterValueException", "InvalidParameterValue", 400,
     "An invalid or out-of-range value was supplied for the input parameter."},
    {InvalidSignatureException, kCoral, "InvalidSignatureException", "SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided."},
    {MissingRequiredParameterException, kCoral, "MissingRequiredParameterException", "MissingParameter", 400,
     "A required parameter for the specified action is not supplied."},
    {RequestExpired, kCoral, "RequestExpired", "RequestExpired", 400, "Request has expired."},
    {SerializationException, kCoral, "SerializationException", "MalformedInput", 400,
     "The request body is not a JSON object that can be read."},
    {ServiceUnavailable, kCoral, "ServiceUnavailable", "ServiceUnavailable", 503,
     "The request has failed due to a temporary failure of the server."},
    {UnknownOperationException, kCoral, "UnknownOperationException", "InvalidAction", 400,
     "The action or operation requested is invalid."},
    {UnrecognizedClientException, kCoral, "UnrecognizedClientException", "InvalidClientTokenId", 403,
     "The security token included in the request is invalid."},
});

consteval bool rowsFollowErrorCode() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].code != static_cast<service::ErrorCode>(i)) return false;
  return true;
}
static_assert(kRows.size() == static_cast<std::size_t>(kCount), "each ErrorCode needs its row");
static_assert(rowsFollowErrorCode(), "rows stand in the order of ErrorCode");

}  // namespace

const ErrorRow& errorRow(service::ErrorCode code) { return kRows.at(static_cast<std::size_t>(code)); }

}  // namespace howdah::api
