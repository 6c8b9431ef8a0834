#include "api/request_id.h"

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <stdexcept>

namespace howdah::api {
namespace {

bool isHex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

}  // namespace

std::string traceIdOf(const HttpRequest& request) {
  constexpr std::size_t kParent = 55;  // 00-<32 digits>-<16 digits>-<2 digits>; later versions may append
  const std::string_view parent = request.header("traceparent");
  if (parent.size() >= kParent && parent[2] == '-' && parent[35] == '-' && parent[52] == '-' &&
      isHex(parent.substr(0, 2)) && isHex(parent.substr(3, 32)) && isHex(parent.substr(36, 16)))
    return std::string(parent.substr(3, 32));
  constexpr std::string_view kRoot = "Root=";
  constexpr std::size_t kRootSize = 35;  // 1-<8 digits>-<24 digits>
  const std::string_view trace = request.header("X-Amzn-Trace-Id");
  const auto at = trace.find(kRoot);
  if (at == std::string_view::npos) return {};
  const std::string_view root = trace.substr(at + kRoot.size(), kRootSize);
  const bool is_root = root.size() == kRootSize && root[1] == '-' && root[10] == '-' && isHex(root.substr(0, 1)) &&
                       isHex(root.substr(2, 8)) && isHex(root.substr(11));
  return is_root ? std::string(root) : std::string();
}

std::string newRequestId() {
  constexpr std::size_t kBytes = 16;
  constexpr char kHex[] = "0123456789abcdef";
  // Drawn for 256 ids at once, so that a request costs neither a lock nor a system call.
  thread_local std::array<unsigned char, 256 * kBytes> random;
  thread_local std::size_t used = random.size();
  if (used == random.size()) {
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
      throw std::runtime_error("no random bytes for a request id");
    used = 0;
  }
  unsigned char* const bytes = random.data() + used;
  used += kBytes;
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);

  std::string id;
  id.reserve(36);
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += kHex[bytes[i] >> 4];
    id += kHex[bytes[i] & 15];
  }
  return id;
}

}  // namespace howdah::api
