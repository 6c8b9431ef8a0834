// What message attributes may be: names, data types and values of users', and the one system attribute clients may
// send.
#pragma once

#include <optional>
#include <string>

#include "service/operations.h"
#include "service/result.h"

namespace howdah::service {

Result<Nothing> checkMessageAttributes(const MessageAttributeMap& attributes);
Result<Nothing> checkMessageSystemAttributes(const MessageAttributeMap& attributes);

// The AWSTraceHeader a message gets: its own system attribute, else the request's X-Amzn-Trace-Id if that can be one.
std::optional<std::string> traceHeader(const MessageAttributeMap& message_system_attributes,
                                       const std::string& request_trace_header);

}  // namespace howdah::service
