// What verifying one signature costs: a SendMessage of 1 KB, as boto3 signs it, again and again. Prints the median of
// many rounds; exits with 1 if it is over the budget.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "api/auth/authenticator.h"

namespace {

using namespace howdah::api;
using Clock = std::chrono::steady_clock;

constexpr double kBudgetUs = 15;
constexpr std::string_view kSecret = "a-secret-of-forty-letters-and-more-0000";

}  // namespace

int main() {
  const std::string file = "/tmp/howdah-sigv4-bench.yaml";
  std::ofstream(file) << "- {access-key-id: HDBENCH, secret-access-key: " << kSecret
                      << ", account: \"111111111111\"}\n";
  const auto now = *parseAmzDate("20260701T120000Z");
  const Authenticator authenticator(std::make_shared<CredentialStore>(file), [now] { return now; });
  std::remove(file.c_str());

  const std::string start =
      "AWS4-HMAC-SHA256 Credential=HDBENCH/20260701/us-east-1/sqs/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode, Signature=";
  HttpHeaders headers{{"Host", "localhost:9324"},
                      {"Accept-Encoding", "identity"},
                      {"X-Amz-Target", "AmazonSQS.SendMessage"},
                      {"x-amzn-query-mode", "true"},
                      {"Content-Type", "application/x-amz-json-1.0"},
                      {"User-Agent", "Boto3/1.44.8 md/Botocore#1.44.8 ua/2.1 os/linux lang/python"},
                      {"X-Amz-Date", "20260701T120000Z"},
                      {"Content-Length", "1094"},
                      {"Authorization", start + "0"}};
  const std::string body =
      R"({"QueueUrl": "http://localhost:9324/111111111111/q", "MessageBody": ")" + std::string(1024, 'x') + R"("})";
  const SignedParts parts{"POST", "/", "", "localhost:9324", headers, body};
  const auto claim = readSignature(parts);
  headers.back().second = start + sign(signingKey(kSecret, **claim),
                                       stringToSign(**claim, canonicalRequest(**claim, parts, sha256Hex(body))));

  std::vector<double> rounds;
  constexpr int kRounds = 301, kRequests = 200;
  for (int round = 0; round < kRounds; ++round) {
    const auto began = Clock::now();
    for (int i = 0; i < kRequests; ++i) {
      if (!authenticator.authenticate(parts)) return std::fputs("the signature is refused\n", stderr), 1;
    }
    rounds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count() / kRequests);
  }
  std::ranges::sort(rounds);
  const double median = rounds[rounds.size() / 2];
  std::printf("verify a signed request of 1 KB: %.2f us (median; budget %.0f us)\n", median, kBudgetUs);
  return median <= kBudgetUs ? 0 : 1;
}
