#include "api/auth/authenticator.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "api/codec/query_params.h"
#include "api/codec/text.h"

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;
using service::Nothing;
using service::Result;

constexpr std::chrono::minutes kSkew{15};
constexpr std::string_view kService = "sqs", kTerminator = "aws4_request";

Error invalidSignature(std::string why) { return {ErrorCode::InvalidSignatureException, std::move(why)}; }

Error doesNotMatch() {
  return invalidSignature(
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
      "and signing method. Consult the service documentation for details.");
}

// Signatures of version 2, which SQS took until it wanted version 4.
bool isSignedInVersion2(const SignedParts& parts) {
  constexpr std::string_view kName = "AWSAccessKeyId";
  const bool is_json = std::ranges::any_of(
      parts.headers, [](const auto& header) { return equalsIgnoringCase(header.first, "X-Amz-Target"); });
  return namesParam(parts.query, kName) || (!is_json && namesParam(parts.body, kName));
}

Result<Nothing> checkScope(const SignatureClaim& claim) {
  if (claim.service != kService) return invalidSignature("Credential should be scoped to correct service: 'sqs'. ");
  if (claim.region.empty()) return invalidSignature("Credential should be scoped to a valid region, not ''. ");
  if (claim.terminator != kTerminator)
    return invalidSignature("Credential should be scoped with a valid terminator: 'aws4_request'. ");
  if (claim.date != claim.signed_at_text.substr(0, 8)) {
    return invalidSignature(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
        quoted(claim.date) + " != '" + claim.signed_at_text.substr(0, 8) + "', from '" + claim.signed_at_text + "'.");
  }
  return Nothing{};
}

// SDKs recognise these sentences, and set their clock by the Date of the answer.
Result<Nothing> checkTime(const SignatureClaim& claim, std::chrono::sys_seconds now) {
  if (claim.signed_at > now + kSkew) {
    return invalidSignature("Signature not yet current: " + claim.signed_at_text + " is still later than " +
                            formatAmzDate(now + kSkew) + " (" + formatAmzDate(now) + " + 15 min.)");
  }
  if (claim.expires_in) {
    if (now > claim.signed_at + *claim.expires_in) return Error{ErrorCode::RequestExpired, {}};
  } else if (claim.signed_at < now - kSkew) {
    return invalidSignature("Signature expired: " + claim.signed_at_text + " is now earlier than " +
                            formatAmzDate(now - kSkew) + " (" + formatAmzDate(now) + " - 15 min.)");
  }
  return Nothing{};
}

Result<Nothing> checkToken(const SignatureClaim& claim, const Credential& credential, std::chrono::sys_seconds now) {
  const std::string_view wanted = credential.session_token ? credential.session_token->reveal() : std::string_view();
  if (!equalInConstantTime(claim.session_token, wanted)) return Error{ErrorCode::UnrecognizedClientException, {}};
  if (credential.expires && now >= *credential.expires) return Error{ErrorCode::ExpiredTokenException, {}};
  return Nothing{};
}

// SQS signs what is sent: a declared hash must be that of the body, so markers such as UNSIGNED-PAYLOAD, which S3
// takes, are refused.
bool declaresOtherBody(const SignedParts& parts, std::string_view payload_hash) {
  constexpr std::string_view kName = "x-amz-content-sha256";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::any_of(parts.headers, [&](const auto& header) {
    return std::ranges::equal(header.first, kName, {}, lower) && header.second != payload_hash;
  });
}

}  // namespace

Authenticator::Authenticator(std::shared_ptr<const CredentialStore> credentials, Now now)
    : credentials_(std::move(credentials)), now_(std::move(now)) {}

Result<Identity> Authenticator::authenticate(const SignedParts& parts) const {
  auto read = readSignature(parts);
  if (!read) return std::move(read).error();
  if (!*read) {
    if (isSignedInVersion2(parts)) return Error{ErrorCode::InvalidSecurity, {}};
    return Identity{"", "*", nullptr, ""};
  }
  const SignatureClaim& claim = **read;

  const auto credentials = credentials_->current();
  const Credential* credential = credentials->find(claim.access_key_id);
  if (credential == nullptr || credential->disabled) return Error{ErrorCode::UnrecognizedClientException, {}};
  if (auto checked = checkScope(claim); !checked) return checked.error();
  const auto now = now_();
  if (auto checked = checkTime(claim, now); !checked) return checked.error();
  if (auto checked = checkSignedHeaders(claim, parts); !checked) return checked.error();

  const std::string payload_hash = sha256Hex(parts.body);
  if (declaresOtherBody(parts, payload_hash)) return doesNotMatch();
  const std::string text = stringToSign(claim, canonicalRequest(claim, parts, payload_hash));
  const std::string scope = claim.scope();
  const auto remembered = credential->signing_keys.find(scope);
  const SigningKey key = remembered ? *remembered : signingKey(credential->secret_access_key.reveal(), claim);
  if (!equalInConstantTime(sign(key, text), claim.signature)) return doesNotMatch();
  if (!remembered) credential->signing_keys.remember(scope, key);

  if (auto checked = checkToken(claim, *credential, now); !checked) return checked.error();
  return Identity{credential->account, credential->principal, credential->policy, credential->access_key_id};
}

std::string Authenticator::namedKey(const SignedParts& parts) const {
  const auto read = readSignature(parts);
  if (!read || !*read) return {};
  const auto credentials = credentials_->current();
  const Credential* credential = credentials->find((*read)->access_key_id);
  return credential == nullptr ? std::string() : credential->access_key_id;
}

}  // namespace howdah::api
