// A request and its response as plain values; no type of an HTTP library passes this line.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace howdah::api {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // as received; names compare without case

// Of ASCII.
bool equalsIgnoringCase(std::string_view a, std::string_view b);

struct HttpRequest {
  std::string method;  // upper case
  std::string target;  // path and query as sent, still percent-encoded
  HttpHeaders headers;
  std::string body;
  std::string peer_address;  // without port
  bool secure = false;       // came over TLS

  // First header of that name, or empty.
  std::string_view header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers = {};  // Date, Content-Length and Connection are the engine's
  std::string body = {};
};

}  // namespace howdah::api
