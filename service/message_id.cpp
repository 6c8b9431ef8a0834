#include "service/message_id.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

#include <openssl/rand.h>

namespace howdah::service {
namespace {

// A call of the generator costs the same for 16 bytes as for a few thousand.
class RandomBytes {
 public:
  void take(persistence::MessageId& out) {
    if (next_ == buffer_.size()) {
      if (RAND_bytes(buffer_.data(), static_cast<int>(buffer_.size())) != 1) {
        throw std::runtime_error("the system's random generator failed");
      }
      next_ = 0;
    }
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(next_), out.size(), out.begin());
    next_ += out.size();
  }

 private:
  std::array<unsigned char, 256 * sizeof(persistence::MessageId)> buffer_;
  std::size_t next_ = sizeof(buffer_);
};

}  // namespace

persistence::MessageId newMessageId() {
  thread_local RandomBytes random;
  persistence::MessageId message_id;
  random.take(message_id);
  message_id[6] = static_cast<unsigned char>((message_id[6] & 0x0f) | 0x40);  // version 4
  message_id[8] = static_cast<unsigned char>((message_id[8] & 0x3f) | 0x80);  // variant of RFC 9562
  return message_id;
}

std::string toString(const persistence::MessageId& message_id) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < message_id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHexDigits[message_id[i] >> 4];
    text += kHexDigits[message_id[i] & 0x0f];
  }
  return text;
}

}  // namespace howdah::service
