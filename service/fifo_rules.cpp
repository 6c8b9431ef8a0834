#include "service/fifo_rules.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "service/limits.h"

namespace howdah::service {
namespace {

using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view bytes) {
  Sha256 digest;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
  return digest;
}

}  // namespace

bool isGroupOrDeduplicationId(std::string_view id) {
  return !id.empty() && id.size() <= kMaximumGroupOrDeduplicationIdLength &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string deduplicationId(const std::optional<std::string>& given, std::string_view body) {
  if (given) return *given;
  std::string hex;
  for (const unsigned char byte : sha256(body)) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string deduplicationKey(bool by_group, std::string_view group_id, std::string_view deduplication_id) {
  // No id has a blank.
  const Sha256 digest = sha256(fmt::format("{} {}", by_group ? group_id : "", deduplication_id));
  return std::string(digest.begin(), digest.begin() + 16);
}

std::string sequenceNumber(std::int64_t sequence) {
  constexpr std::uint64_t kFirst = 10'000'000'000'000'000'000u;
  return std::to_string(kFirst + static_cast<std::uint64_t>(sequence));
}

}  // namespace howdah::service
