// The bearer token of the admin port, in a file that is looked at for each request, so that a new token counts at once.
// https://www.rfc-editor.org/rfc/rfc6750
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/auth/secret.h"

namespace howdah::api {

// Throws std::runtime_error with a sentence that says what to do, and never with the token.
Secret readAdminToken(const std::string& path);

// Any thread.
class AdminToken {
 public:
  // Throws as readAdminToken.
  explicit AdminToken(std::string path);

  // Whether the value of an Authorization header carries the token. A file that is broken leaves the token as it was
  // and is told in the log.
  bool isIn(std::string_view authorization);

 private:
  const std::string path_;
  std::mutex mutex_;
  std::optional<Secret> token_;
  std::string problem_;  // told last; empty: the file is good
};

}  // namespace howdah::api
