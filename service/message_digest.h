// MD5 digests of messages, and the encoding of message attributes that their digest covers. The same bytes are what the
// store keeps, so the digest of any subset is the digest of some of its records. Encoding of a record: name length,
// name, data type length, data type, 1 for text or 2 for binary, value length, value; lengths of 4 bytes, big-endian.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "service/operations.h"

namespace howdah::service {

// Lower-case hex.
std::string md5Hex(std::string_view bytes);

// The records of all attributes by ascending name; empty for none. REQUIRES: valid attributes (validation.h).
std::string encodeMessageAttributes(const MessageAttributeMap& attributes);

// The records whose names `includes` accepts, still encoded. Throws std::runtime_error if `encoded` is no encoding.
std::string selectEncodedAttributes(std::string_view encoded, const std::function<bool(std::string_view)>& includes);

// Throws std::runtime_error if `encoded` is no encoding.
MessageAttributeMap decodeMessageAttributes(std::string_view encoded);

// The digest of encoded attributes, which SQS leaves out when there are none.
std::optional<std::string> md5OfAttributes(std::string_view encoded);

}  // namespace howdah::service
