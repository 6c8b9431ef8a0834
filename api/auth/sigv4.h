// AWS Signature Version 4 as pure functions: what a request says of its signature, and what the signature must be.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"
#include "service/result.h"

namespace howdah::api {

// The parts of a request that a signature covers, as they came. A view.
struct SignedParts {
  std::string_view method;
  std::string_view path;  // of the target, still percent-encoded
  std::string_view query;
  std::string_view host;  // that the client used, with its port; behind a trusted proxy not that of the Host header
  const HttpHeaders& headers;
  std::string_view body;
};

// What a request says of its signature, in the Authorization header or in its query string.
struct SignatureClaim {
  std::string access_key_id;
  std::string date;  // of the scope: yyyymmdd
  std::string region;
  std::string service;
  std::string terminator;
  std::string signed_at_text;  // yyyymmddThhmmssZ
  std::chrono::sys_seconds signed_at;
  std::optional<std::chrono::seconds> expires_in;  // presigned
  std::string signed_headers;                      // as sent, parted by ;
  std::string session_token;                       // empty: none
  std::string signature;

  std::string scope() const;
};

// Nothing: the request is not signed. An Error: its signature cannot be read.
service::Result<std::optional<SignatureClaim>> readSignature(const SignedParts& parts);

// Why the claim may not stand for these parts, whatever its signature: a header that must be signed is not, or one that
// is signed is not there.
service::Result<service::Nothing> checkSignedHeaders(const SignatureClaim& claim, const SignedParts& parts);

std::string canonicalRequest(const SignatureClaim& claim, const SignedParts& parts, std::string_view payload_hash);
std::string stringToSign(const SignatureClaim& claim, std::string_view canonical_request);

using SigningKey = std::array<unsigned char, 32>;
SigningKey signingKey(std::string_view secret, const SignatureClaim& claim);
std::string sign(const SigningKey& key, std::string_view string_to_sign);  // hex

std::string sha256Hex(std::string_view data);
// Takes as long for texts that differ in the first byte as for equal ones.
bool equalInConstantTime(std::string_view a, std::string_view b);

std::string formatAmzDate(std::chrono::sys_seconds time);  // yyyymmddThhmmssZ
// Of an X-Amz-Date; empty if it is none.
std::optional<std::chrono::sys_seconds> parseAmzDate(std::string_view text);

// The signing keys of one secret, by day and scope. Bounded. Any thread.
class SigningKeys {
 public:
  std::optional<SigningKey> find(const std::string& scope) const;
  // Only keys that a right signature was made with are worth remembering: anybody can name a scope.
  void remember(const std::string& scope, const SigningKey& key);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, SigningKey> keys_;
};

}  // namespace howdah::api
