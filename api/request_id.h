// The id of a request that the client is given in x-amzn-RequestId and that log lines carry.
#pragma once

#include <string>

namespace howdah::api {

// A random UUID (version 4).
std::string newRequestId();

}  // namespace howdah::api
