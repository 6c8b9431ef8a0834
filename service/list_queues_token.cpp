#include "service/list_queues_token.h"

#include <optional>

#include "service/base64url.h"
#include "service/validation.h"

namespace howdah::service {
namespace {

constexpr char kVersion = 1;
constexpr char kSeparator = '/';  // in no queue name

}  // namespace

std::string makeListQueuesToken(const std::string& queue_name_prefix, const std::string& last_queue_name) {
  return encodeBase64Url(kVersion + last_queue_name + kSeparator + queue_name_prefix);
}

Result<std::string> readListQueuesToken(const std::string& queue_name_prefix, const std::string& token) {
  const std::optional<std::string> bytes = decodeBase64Url(token);
  const std::size_t separator = bytes ? bytes->find(kSeparator) : std::string::npos;
  if (separator == std::string::npos || bytes->front() != kVersion || !isQueueName(bytes->substr(1, separator - 1))) {
    return Error{ErrorCode::InvalidParameterValueException, "Invalid NextToken value."};
  }
  if (bytes->substr(separator + 1) != queue_name_prefix) {
    return Error{ErrorCode::InvalidParameterValueException,
                 "Invalid NextToken value. If you are passing in NextToken, you must not change the other request "
                 "parameters."};
  }
  return bytes->substr(1, separator - 1);
}

}  // namespace howdah::service
