#include "service/message_digest.h"

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>

namespace howdah::service {
namespace {

constexpr char kText = 1;
constexpr char kBinary = 2;

// Fetching an algorithm and allocating a context cost more than hashing a small body.
class Md5 {
 public:
  std::array<unsigned char, 16> digest(std::string_view bytes) {
    std::array<unsigned char, 16> out;
    if (!md5_ || !context_ || EVP_DigestInit_ex2(context_.get(), md5_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) != 1) {
      throw std::runtime_error("OpenSSL has no MD5 here, which SQS's digests need");
    }
    return out;
  }

 private:
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> md5_{EVP_MD_fetch(nullptr, "MD5", nullptr), &EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

void appendWithLength(std::string& out, std::string_view bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((length >> shift) & 0xff);
  out += bytes;
}

struct Record {
  std::string_view name, data_type;
  char transport;
  std::string_view value;
  std::string_view bytes;  // all of it
};

// Reads one record after the other.
class Records {
 public:
  explicit Records(std::string_view encoded) : rest_(encoded) {}

  std::optional<Record> next() {
    if (rest_.empty()) return std::nullopt;
    const std::string_view start = rest_;
    Record record;
    record.name = takeWithLength();
    record.data_type = takeWithLength();
    record.transport = take(1).front();
    record.value = takeWithLength();
    record.bytes = start.substr(0, start.size() - rest_.size());
    return record;
  }

 private:
  std::string_view take(std::size_t count) {
    if (rest_.size() < count) throw std::runtime_error("stored message attributes are not readable");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view takeWithLength() {
    std::size_t length = 0;
    for (unsigned char byte : take(4)) length = (length << 8) | byte;
    return take(length);
  }

  std::string_view rest_;
};

}  // namespace

std::string md5Hex(std::string_view bytes) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  thread_local Md5 md5;
  std::string text;
  text.reserve(32);
  for (unsigned char byte : md5.digest(bytes)) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0x0f];
  }
  return text;
}

std::string encodeMessageAttributes(const MessageAttributeMap& attributes) {
  std::string encoded;
  for (const auto& [name, value] : attributes) {
    appendWithLength(encoded, name);
    appendWithLength(encoded, value.data_type.value_or(""));
    encoded += value.binary_value ? kBinary : kText;
    appendWithLength(encoded, value.binary_value ? *value.binary_value : value.string_value.value_or(""));
  }
  return encoded;
}

std::string selectEncodedAttributes(std::string_view encoded, const std::function<bool(std::string_view)>& includes) {
  std::string selected;
  Records records(encoded);
  while (const auto record = records.next()) {
    if (includes(record->name)) selected += record->bytes;
  }
  return selected;
}

MessageAttributeMap decodeMessageAttributes(std::string_view encoded) {
  MessageAttributeMap attributes;
  Records records(encoded);
  while (const auto record = records.next()) {
    MessageAttributeValue value;
    value.data_type = record->data_type;
    (record->transport == kBinary ? value.binary_value : value.string_value) = record->value;
    attributes.emplace(record->name, std::move(value));
  }
  return attributes;
}

std::optional<std::string> md5OfAttributes(std::string_view encoded) {
  if (encoded.empty()) return std::nullopt;
  return md5Hex(encoded);
}

}  // namespace howdah::service
