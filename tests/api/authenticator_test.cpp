#include "api/auth/authenticator.h"

#include <gtest/gtest.h>

#include "api/codec/query_params.h"
#include "tests/support/scratch_file.h"
#include "tests/support/signing_client.h"

namespace howdah::api {
namespace {

using namespace std::chrono_literals;
using service::ErrorCode;
using std::chrono::sys_seconds;
using testing::SigningClient;

const sys_seconds kNow = testing::SigningClient::kUsualTime;
constexpr const char* kCredentials = R"(
- access-key-id: AKOWNER
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
- access-key-id: AKALICE
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
  user: alice
- access-key-id: AKDISABLED
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
  disabled: true
- access-key-id: AKTOKEN
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
  session-token: the-token
- access-key-id: AKEXPIRED
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
  session-token: the-token
  expires: 2026-07-01T12:00:00Z
)";

class AuthenticatorTest : public ::testing::Test {
 protected:
  service::Result<Identity> ask(const SigningClient& client) { return authenticator_.authenticate(client.view()); }

  void expectRefused(const SigningClient& client, ErrorCode code, std::string_view message = "") {
    const auto asked = ask(client);
    ASSERT_FALSE(asked.ok());
    EXPECT_EQ(asked.error().code, code);
    if (!message.empty()) {
      EXPECT_EQ(asked.error().message, message);
    }
  }

  testing::ScratchFile file_{kCredentials};
  std::shared_ptr<CredentialStore> store_ = std::make_shared<CredentialStore>(file_.path());
  sys_seconds now_ = kNow;
  Authenticator authenticator_{store_, [this] { return now_; }};
};

TEST_F(AuthenticatorTest, WhoSignedIsKnownInBothForms) {
  SigningClient header;
  header.sign();
  auto asked = ask(header);
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->account, "111111111111");
  EXPECT_EQ(asked->principal, "arn:aws:iam::111111111111:root");

  SigningClient query;
  query.key = "AKALICE";
  query.method = "GET";
  query.body.clear();
  query.query = "Action=ListQueues";
  query.presign(60);
  asked = ask(query);
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(asked->principal, "arn:aws:iam::111111111111:user/alice");
}

TEST_F(AuthenticatorTest, AKeyIsRememberedByItsScope) {
  SigningClient client;
  client.sign();
  ASSERT_TRUE(ask(client).ok());
  const Credential* credential = store_->current()->find("AKOWNER");
  EXPECT_TRUE(credential->signing_keys.find("20260701/us-east-1/sqs/aws4_request"));
  EXPECT_TRUE(ask(client).ok());
  SigningClient elsewhere;
  elsewhere.region = "mars-north-1";
  elsewhere.sign();
  elsewhere.headers.back().second.back() ^= 1;
  expectRefused(elsewhere, ErrorCode::InvalidSignatureException);
  EXPECT_FALSE(credential->signing_keys.find("20260701/mars-north-1/sqs/aws4_request"));
}

TEST_F(AuthenticatorTest, WithoutASignatureTheCallerIsAnonymous) {
  const auto asked = ask(SigningClient{});
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->account, "");
  EXPECT_EQ(asked->principal, "*");
}

TEST_F(AuthenticatorTest, UnknownAndDisabledKeysAreRefusedAlike) {
  for (const char* key : {"AKNOBODY", "AKDISABLED", ""}) {
    SigningClient client;
    client.key = key;
    client.sign();
    expectRefused(client, ErrorCode::UnrecognizedClientException);
  }
}

TEST_F(AuthenticatorTest, AnyRegionButNoOtherService) {
  SigningClient client;
  client.region = "mars-north-1";
  client.sign();
  EXPECT_TRUE(ask(client).ok());
  client = {};
  client.region = "";
  client.sign();
  expectRefused(client, ErrorCode::InvalidSignatureException,
                "Credential should be scoped to a valid region, not ''. ");
  client = {};
  client.service = "s3";
  client.sign();
  expectRefused(client, ErrorCode::InvalidSignatureException,
                "Credential should be scoped to correct service: 'sqs'. ");
  client = {};
  client.terminator = "aws5_request";
  client.sign();
  expectRefused(client, ErrorCode::InvalidSignatureException);
  client = {};
  for (const auto& [date, told] : {std::pair("20260630", "'20260630'"), {"2026\xff\x01&0", "'2026??&0'"}}) {
    client = {};
    client.scope_date = date;
    client.sign();
    expectRefused(client, ErrorCode::InvalidSignatureException,
                  "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
                      std::string(told) + " != '20260701', from '20260701T120000Z'.");
  }
}

TEST_F(AuthenticatorTest, ClocksMayBeFifteenMinutesApart) {
  for (const auto apart : {-15min, 0min, 15min}) {
    SigningClient client;
    client.signed_at = kNow + apart;
    client.sign();
    EXPECT_TRUE(ask(client).ok()) << apart.count();
  }
  SigningClient slow;
  slow.signed_at = kNow - 15min - 1s;
  slow.sign();
  expectRefused(
      slow, ErrorCode::InvalidSignatureException,
      "Signature expired: 20260701T114459Z is now earlier than 20260701T114500Z (20260701T120000Z - 15 min.)");
  SigningClient fast;
  fast.signed_at = kNow + 15min + 1s;
  fast.sign();
  expectRefused(
      fast, ErrorCode::InvalidSignatureException,
      "Signature not yet current: 20260701T121501Z is still later than 20260701T121500Z (20260701T120000Z + 15 min.)");
}

TEST_F(AuthenticatorTest, APresignedRequestLivesAsLongAsItSays) {
  SigningClient client;
  client.method = "GET";
  client.body.clear();
  client.presign(7 * 24 * 3600);
  now_ = kNow + 7 * 24h;
  EXPECT_TRUE(ask(client).ok());
  now_ += 1s;
  expectRefused(client, ErrorCode::RequestExpired);
  now_ = kNow - 15min - 1s;
  expectRefused(client, ErrorCode::InvalidSignatureException);
}

TEST_F(AuthenticatorTest, ASessionTokenIsNeededExactlyWhereThereIsOne) {
  for (const auto& [key, token, right] : {std::tuple("AKTOKEN", "the-token", true),
                                          {"AKTOKEN", "", false},
                                          {"AKTOKEN", "other", false},
                                          {"AKOWNER", "the-token", false}}) {
    SigningClient client;
    client.key = key;
    client.token = token;
    client.sign();
    EXPECT_EQ(ask(client).ok(), right) << key << " " << token;
    if (!right) expectRefused(client, ErrorCode::UnrecognizedClientException);
    client = {};
    client.key = key;
    client.token = token;
    client.presign(60);
    EXPECT_EQ(ask(client).ok(), right) << key << " " << token;
  }
  SigningClient client;
  client.key = "AKEXPIRED";
  client.token = "the-token";
  client.signed_at = now_ - 1s;
  now_ -= 1s;
  client.sign();
  EXPECT_TRUE(ask(client).ok());
  now_ += 1s;
  expectRefused(client, ErrorCode::ExpiredTokenException);
}

TEST_F(AuthenticatorTest, ADeclaredHashMustBeOfTheBody) {
  const std::string headers = "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target";
  for (const std::string& hash : {sha256Hex("{}"), sha256Hex("[]"), std::string("UNSIGNED-PAYLOAD"),
                                  std::string("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")}) {
    SigningClient client;
    client.headers.emplace_back("X-Amz-Content-Sha256", hash);
    client.sign(headers);
    EXPECT_EQ(ask(client).ok(), hash == sha256Hex("{}")) << hash;
  }
}

TEST_F(AuthenticatorTest, ASecretOfAnotherKeyIsNoSecretOfThis) {
  testing::ScratchFile other(R"(
- access-key-id: AKOWNER
  secret-access-key: another-secret-of-forty-letters-and-more
  account: "111111111111"
)");
  const Authenticator strange(std::make_shared<CredentialStore>(other.path()), [] { return kNow; });
  SigningClient client;
  client.sign();
  EXPECT_FALSE(strange.authenticate(client.view()).ok());
}

TEST_F(AuthenticatorTest, EveryByteOfTheSignedPartsCounts) {
  SigningClient client;
  client.path = "/111111111111/orders";
  client.query = "b=2&a=1";
  client.headers.emplace_back("User-Agent", "anything");
  client.body = R"({"QueueUrl":"http://localhost:9324/111111111111/orders","MessageBody":"hello"})";
  client.sign();
  ASSERT_TRUE(ask(client).ok());
  const auto everyByte = [&](std::string SigningClient::*part) {
    for (std::size_t i = 0; i < (client.*part).size(); ++i) {
      SigningClient changed = client;
      (changed.*part)[i] ^= 1;
      EXPECT_FALSE(ask(changed).ok()) << (changed.*part);
    }
  };
  for (auto part : {&SigningClient::method, &SigningClient::path, &SigningClient::query, &SigningClient::host,
                    &SigningClient::body})
    everyByte(part);
  for (std::size_t h = 0; h < client.headers.size(); ++h) {
    for (std::size_t i = 0; i < client.headers[h].second.size(); ++i) {
      SigningClient changed = client;
      std::string& value = changed.headers[h].second;
      value[i] ^= 1;
      if (client.headers[h].first == "Host") continue;  // `host` is what counts of it, and was changed above
      EXPECT_EQ(ask(changed).ok(), client.headers[h].first == "User-Agent") << value;
    }
    if (client.headers[h].first == "User-Agent" || client.headers[h].first == "Host") continue;
    SigningClient without = client;
    without.headers.erase(without.headers.begin() + static_cast<std::ptrdiff_t>(h));
    const auto asked = ask(without);
    EXPECT_TRUE(!asked.ok() || asked->account.empty()) << client.headers[h].first;
  }
}

TEST_F(AuthenticatorTest, AnAmzHeaderAddedToASignedRequestIsRefused) {
  SigningClient client;
  client.headers.pop_back();  // X-Amz-Target
  client.sign("content-type;host;x-amz-date");
  EXPECT_TRUE(ask(client).ok());
  client.headers.emplace_back("X-Amz-Target", "AmazonSQS.DeleteQueue");
  expectRefused(client, ErrorCode::InvalidSignatureException);
}

TEST_F(AuthenticatorTest, Version2IsNoLongerTaken) {
  SigningClient client;
  client.query = "Action=ListQueues&AWSAccessKeyId=AKOWNER&SignatureVersion=2&Signature=x";
  expectRefused(client, ErrorCode::InvalidSecurity);
}

TEST_F(AuthenticatorTest, Version2IsLookedForAmongAsManyParametersAsThereMayBe) {
  SigningClient client;
  client.headers.clear();
  client.body = std::string(kMaxParams - 1, '&') + "AWSAccessKeyId=AKOWNER";
  expectRefused(client, ErrorCode::InvalidSecurity);
  client.body.insert(0, "&");
  EXPECT_TRUE(ask(client).ok()) << "its decoder refuses it";
  client.body = "AWSAccessKeyId&XAWSAccessKeyId=x&AWSAccessKeyIdX=x";
  EXPECT_TRUE(ask(client).ok());
}

TEST_F(AuthenticatorTest, AJsonBodyHasNoParametersOfVersion2) {
  SigningClient client;
  client.body = R"({"QueueUrl":"q","MessageBody":"https://here/?a=b&AWSAccessKeyId=AKOWNER&c=d"})";
  EXPECT_TRUE(ask(client).ok());
}

}  // namespace
}  // namespace howdah::api
