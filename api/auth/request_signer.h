// Signs requests in AWS JSON 1.0 with one key, as a client does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/auth/secret.h"
#include "api/auth/sigv4.h"
#include "api/http_message.h"

namespace howdah::api {

// One thread.
class RequestSigner {
 public:
  // An empty session token is none.
  RequestSigner(std::string access_key_id, Secret secret_access_key, std::string session_token = "");

  // The headers of a POST to / of `host`, with its port, beside Host itself. Signed as of this machine's clock.
  HttpHeaders headersOf(std::string_view host, std::string_view action, std::string_view json);

 private:
  const Secret secret_access_key_;
  SignatureClaim claim_;
  std::optional<SigningKey> key_;  // of the claim's day
};

}  // namespace howdah::api
