// What someone at a terminal reads once the server is ready: where it listens, and lines to paste.
#pragma once

#include <string>

namespace howdah {

// `api` and `admin` are addresses, such as 127.0.0.1:9324.
std::string welcome(const std::string& api, const std::string& admin, bool tls);

}  // namespace howdah
