// A client that signs what it asks, as SDKs do: in a header, or in the query string.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/auth/sigv4.h"

namespace howdah::testing {

struct SigningClient {
  static constexpr std::string_view kSecret = "a-secret-of-forty-letters-and-more-0000";
  static constexpr std::chrono::sys_seconds kUsualTime =
      std::chrono::sys_days(std::chrono::year(2026) / 7 / 1) + std::chrono::hours(12);

  std::string key = "AKOWNER";
  std::chrono::sys_seconds signed_at = kUsualTime;
  std::string scope_date = {};  // empty: of signed_at
  std::string region = "us-east-1";
  std::string service = "sqs";
  std::string terminator = "aws4_request";
  std::string token = {};
  std::string method = "POST", path = "/", query = {}, host = "localhost:9324";
  api::HttpHeaders headers{{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "AmazonSQS.ListQueues"}};
  std::string body = "{}";

  // `signed_headers` are those of `headers`, Host, X-Amz-Date and, with a token, X-Amz-Security-Token, which this adds.
  void sign(const std::string& signed_headers) {
    headers.emplace_back("Host", host);
    headers.emplace_back("X-Amz-Date", api::formatAmzDate(signed_at));
    if (!token.empty()) headers.emplace_back("X-Amz-Security-Token", token);
    const std::string start =
        "AWS4-HMAC-SHA256 Credential=" + credential() + ", SignedHeaders=" + signed_headers + ", Signature=";
    headers.emplace_back("Authorization", start + "0");
    headers.back().second = start + signature();
  }
  void sign() {
    sign(token.empty() ? "content-type;host;x-amz-date;x-amz-target"
                       : "content-type;host;x-amz-date;x-amz-security-token;x-amz-target");
  }

  // `signed_headers` are those of `headers`, and Host, which this adds.
  void presign(int seconds, const std::string& signed_headers) {
    query += (query.empty() ? "" : "&") + std::string("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=") +
             credential() + "&X-Amz-Date=" + api::formatAmzDate(signed_at) +
             "&X-Amz-Expires=" + std::to_string(seconds) + "&X-Amz-SignedHeaders=" + signed_headers;
    if (!token.empty()) query += "&X-Amz-Security-Token=" + token;
    headers.emplace_back("Host", host);
    const std::string without = query;
    query = without + "&X-Amz-Signature=0";
    query = without + "&X-Amz-Signature=" + signature();
  }
  void presign(int seconds) {
    headers.clear();
    presign(seconds, "host");
  }

  api::SignedParts view() const { return {method, path, query, host, headers, body}; }

 private:
  std::string credential() const {
    const std::string date = scope_date.empty() ? api::formatAmzDate(signed_at).substr(0, 8) : scope_date;
    return key + "/" + date + "/" + region + "/" + service + "/" + terminator;
  }

  std::string signature() const {
    const api::SignedParts parts = view();
    const auto claim = api::readSignature(parts);
    return api::sign(api::signingKey(kSecret, **claim),
                     api::stringToSign(**claim, api::canonicalRequest(**claim, parts, api::sha256Hex(body))));
  }
};

}  // namespace howdah::testing
