// The ids that log lines of a request carry: its own, which the client is given in x-amzn-RequestId, and that of the
// client's trace.
#pragma once

#include <string>

#include "api/http_message.h"

namespace howdah::api {

// A random UUID (version 4).
std::string newRequestId();

// Of the header traceparent (https://www.w3.org/TR/trace-context), else the Root of X-Amzn-Trace-Id; empty if neither
// is there in its right form.
std::string traceIdOf(const HttpRequest& request);

}  // namespace howdah::api
