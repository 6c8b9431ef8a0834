#include "api/request_id.h"

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <stdexcept>

namespace howdah::api {

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
