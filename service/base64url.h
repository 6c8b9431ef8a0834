// Base64url without padding (RFC 4648 section 5), for the opaque strings we give to clients.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace howdah::service {

std::string encodeBase64Url(std::string_view bytes);

// Nothing unless `text` is exactly what encodeBase64Url() makes of some bytes.
std::optional<std::string> decodeBase64Url(std::string_view text);

}  // namespace howdah::service
