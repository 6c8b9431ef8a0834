#include "api/auth/request_signer.h"

#include <chrono>
#include <utility>

namespace howdah::api {

RequestSigner::RequestSigner(std::string access_key_id, Secret secret_access_key, std::string session_token)
    : secret_access_key_(std::move(secret_access_key)) {
  claim_.access_key_id = std::move(access_key_id);
  claim_.region = "us-east-1";
  claim_.service = "sqs";
  claim_.terminator = "aws4_request";
  claim_.session_token = std::move(session_token);
  claim_.signed_headers = claim_.session_token.empty()
                              ? "content-type;host;x-amz-date;x-amz-target"
                              : "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
}

HttpHeaders RequestSigner::headersOf(std::string_view host, std::string_view action, std::string_view json) {
  claim_.signed_at_text = formatAmzDate(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  if (std::string day = claim_.signed_at_text.substr(0, 8); !key_ || day != claim_.date) {
    claim_.date = std::move(day);
    key_ = signingKey(secret_access_key_.reveal(), claim_);
  }
  HttpHeaders headers{{"Content-Type", "application/x-amz-json-1.0"},
                      {"X-Amz-Date", claim_.signed_at_text},
                      {"X-Amz-Target", "AmazonSQS." + std::string(action)}};
  if (!claim_.session_token.empty()) headers.emplace_back("X-Amz-Security-Token", claim_.session_token);
  const SignedParts parts{"POST", "/", "", host, headers, json};
  std::string signature = sign(*key_, stringToSign(claim_, canonicalRequest(claim_, parts, sha256Hex(json))));
  headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 Credential=" + claim_.access_key_id + "/" + claim_.scope() +
                                            ", SignedHeaders=" + claim_.signed_headers + ", Signature=" + signature);
  return headers;
}

}  // namespace howdah::api
