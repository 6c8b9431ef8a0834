#include "persistence/postgres/sha256.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

namespace howdah::persistence::postgres {

std::string sha256Hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace howdah::persistence::postgres
