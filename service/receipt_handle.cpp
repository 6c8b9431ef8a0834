#include "service/receipt_handle.h"

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "service/base64url.h"
#include "service/limits.h"

namespace howdah::service {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kMacBytes = 8;
constexpr std::size_t kFieldBytes = 1 + 8 + 8 + 8 + 4 + 8 + 4;
constexpr std::size_t kHandleBytes = kFieldBytes + kMacBytes;
constexpr std::size_t kHandleLength = (kHandleBytes * 4 + 2) / 3;
static_assert(kHandleLength <= kMaximumReceiptHandleLength);

void put(std::string& out, std::integral auto value) {
  const auto bits = static_cast<std::uint64_t>(value);
  for (int shift = 8 * static_cast<int>(sizeof(value)) - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((bits >> shift) & 0xff);
  }
}

template <std::integral T>
void take(std::string_view& in, T& value) {
  std::uint64_t bits = 0;
  for (unsigned char byte : in.substr(0, sizeof(T))) bits = (bits << 8) | byte;
  value = static_cast<T>(bits);
  in.remove_prefix(sizeof(T));
}

// Allocating a context costs more than the MAC itself.
class HmacSha256 {
 public:
  HmacSha256() {
    std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free);
    context_.reset(EVP_MAC_CTX_new(hmac.get()));
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
    if (!context_ || EVP_MAC_CTX_set_params(context_.get(), params) != 1) fail();
  }

  void start(std::string_view key) {
    if (EVP_MAC_init(context_.get(), data(key), key.size(), nullptr) != 1) fail();
  }
  void add(std::string_view bytes) {
    if (EVP_MAC_update(context_.get(), data(bytes), bytes.size()) != 1) fail();
  }
  std::array<char, 32> finish() {
    std::array<char, 32> mac;
    std::size_t size = 0;
    if (EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(mac.data()), &size, mac.size()) != 1) fail();
    return mac;
  }

 private:
  static const unsigned char* data(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  }
  [[noreturn]] static void fail() { throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256"); }

  std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context_{nullptr, &EVP_MAC_CTX_free};
};

std::string macOf(std::string_view key, const persistence::QueueName& queue_name, std::string_view fields) {
  using std::string_view_literals::operator""sv;
  thread_local HmacSha256 hmac;
  hmac.start(key);
  hmac.add(queue_name.account);
  hmac.add("\0"sv);
  hmac.add(queue_name.name);
  hmac.add("\0"sv);
  hmac.add(fields);
  return std::string(hmac.finish().data(), kMacBytes);
}

}  // namespace

ReceiptHandles::ReceiptHandles(std::string key) : key_(std::move(key)) {
  if (key_.empty()) throw std::invalid_argument("the key of receipt handles is empty");
}

std::string ReceiptHandles::encode(const persistence::QueueName& queue_name,
                                   const persistence::DeliveredMessage& message) const {
  std::string bytes;
  bytes.reserve(kHandleBytes);
  bytes += kVersion;
  put(bytes, message.key.queue_id);
  put(bytes, message.key.lane);
  put(bytes, message.key.seq);
  put(bytes, message.receive_count);
  put(bytes, std::int64_t{message.received_at.time_since_epoch().count()});
  bytes.append(reinterpret_cast<const char*>(message.message_id.data()), 4);
  return encodeBase64Url(bytes + macOf(key_, queue_name, bytes));
}

std::optional<DecodedHandle> ReceiptHandles::decode(const persistence::QueueName& queue_name,
                                                    std::string_view handle) const {
  if (handle.size() != kHandleLength) return std::nullopt;
  const std::optional<std::string> bytes = decodeBase64Url(handle);
  if (!bytes || bytes->front() != kVersion) return std::nullopt;
  std::string_view fields = std::string_view(*bytes).substr(0, kFieldBytes);
  const std::string mac = macOf(key_, queue_name, fields);
  if (CRYPTO_memcmp(mac.data(), bytes->data() + kFieldBytes, kMacBytes) != 0) return std::nullopt;

  DecodedHandle decoded;
  std::int64_t received_at_us = 0;
  fields.remove_prefix(sizeof(kVersion));
  take(fields, decoded.delivery.key.queue_id);
  take(fields, decoded.delivery.key.lane);
  take(fields, decoded.delivery.key.seq);
  take(fields, decoded.delivery.receive_count);
  take(fields, received_at_us);
  for (unsigned char& byte : decoded.delivery.message_id_prefix) take(fields, byte);
  decoded.received_at = persistence::DatabaseTime(std::chrono::microseconds(received_at_us));
  return decoded;
}

Error receiptHandleIsInvalid(std::string_view handle) {
  return Error{ErrorCode::ReceiptHandleIsInvalid,
               "The input receipt handle \"" + std::string(handle) + "\" is not a valid receipt handle."};
}

}  // namespace howdah::service
