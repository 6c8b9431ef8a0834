// Signature V4 on the examples that AWS publishes (aws-sig-v4-test-suite and the IAM user guide).
#include "api/auth/sigv4.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ostream>

namespace howdah::api {
namespace {

using namespace std::chrono_literals;
using service::ErrorCode;

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct Example {
  const char* name;
  const char* method;
  const char* path;
  const char* query;
  HttpHeaders headers;  // beside Host and X-Amz-Date
  const char* body;
  const char* signed_headers;
  const char* signature;
};

std::ostream& operator<<(std::ostream& out, const Example& example) { return out << example.name; }

std::string authorization(std::string_view signed_headers, std::string_view signature,
                          std::string_view service = "service") {
  return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + std::string(service) +
         "/aws4_request, SignedHeaders=" + std::string(signed_headers) + ", Signature=" + std::string(signature);
}

std::string signatureOf(const SignatureClaim& claim, const SignedParts& parts) {
  const std::string canonical = canonicalRequest(claim, parts, sha256Hex(parts.body));
  return sign(signingKey(kSecret, claim), stringToSign(claim, canonical));
}

class PublishedExample : public ::testing::TestWithParam<Example> {};

TEST_P(PublishedExample, HasItsSignature) {
  const Example& example = GetParam();
  HttpHeaders headers = example.headers;
  headers.emplace_back("Host", "example.amazonaws.com");
  headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  headers.emplace_back("Authorization", authorization(example.signed_headers, example.signature));
  const SignedParts parts{example.method, example.path, example.query, "example.amazonaws.com", headers, example.body};
  const auto claim = readSignature(parts);
  ASSERT_TRUE(claim && *claim);
  EXPECT_TRUE(checkSignedHeaders(**claim, parts).ok());
  EXPECT_EQ(signatureOf(**claim, parts), (*claim)->signature)
      << canonicalRequest(**claim, parts, sha256Hex(parts.body));
}

constexpr const char* kPlain = "host;x-amz-date";
constexpr const char* kMine = "host;my-header1;x-amz-date";
constexpr const char* kVanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
constexpr const char* kPostVanilla = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
constexpr const char* kUnreservedParam =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

INSTANTIATE_TEST_SUITE_P(
    SigV4, PublishedExample,
    ::testing::Values(
        Example{"get-vanilla", "GET", "/", "", {}, "", kPlain, kVanilla},
        Example{"get-slash", "GET", "//", "", {}, "", kPlain, kVanilla},
        Example{"get-slash-dot-slash", "GET", "/./", "", {}, "", kPlain, kVanilla},
        Example{"get-relative", "GET", "/example/..", "", {}, "", kPlain, kVanilla},
        Example{"get-relative-relative", "GET", "/example1/example2/../..", "", {}, "", kPlain, kVanilla},
        Example{"get-slashes",
                "GET",
                "//example//",
                "",
                {},
                "",
                kPlain,
                "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
        Example{"get-slash-pointless-dot",
                "GET",
                "/./example",
                "",
                {},
                "",
                kPlain,
                "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
        Example{"get-space",
                "GET",
                "/example space/",
                "",
                {},
                "",
                kPlain,
                "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        Example{"get-utf8",
                "GET",
                "/\xE1\x88\xB4",
                "",
                {},
                "",
                kPlain,
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        Example{"get-unreserved",
                "GET",
                "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                "",
                {},
                "",
                kPlain,
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        Example{"get-vanilla-query-order-key",
                "GET",
                "/",
                "Param2=value2&Param1=value1",
                {},
                "",
                kPlain,
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        Example{"get-vanilla-query-order-value",
                "GET",
                "/",
                "Param1=value2&Param1=value1",
                {},
                "",
                kPlain,
                "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
        Example{"get-vanilla-empty-query-key",
                "GET",
                "/",
                "Param1=value1",
                {},
                "",
                kPlain,
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
        Example{"get-vanilla-query-unreserved",
                "GET",
                "/",
                kUnreservedParam,
                {},
                "",
                kPlain,
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
        Example{"get-vanilla-utf8-query",
                "GET",
                "/",
                "\xE1\x88\xB4=bar",
                {},
                "",
                kPlain,
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        Example{"get-header-key-duplicate",
                "GET",
                "/",
                "",
                {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
                "",
                kMine,
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        Example{
            "get-header-value-order",
            "GET",
            "/",
            "",
            {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
            "",
            kMine,
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
        Example{"get-header-value-trim",
                "GET",
                "/",
                "",
                {{"My-Header1", " value1 "}, {"My-Header2", " \"a   b   c\" "}},
                "",
                "host;my-header1;my-header2;x-amz-date",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        Example{"post-vanilla", "POST", "/", "", {}, "", kPlain, kPostVanilla},
        Example{"post-header-key-sort",
                "POST",
                "/",
                "",
                {{"My-Header1", "value1"}},
                "",
                kMine,
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
        Example{"post-header-value-case",
                "POST",
                "/",
                "",
                {{"My-Header1", "VALUE1"}},
                "",
                kMine,
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
        Example{"post-vanilla-query",
                "POST",
                "/",
                "Param1=value1",
                {},
                "",
                kPlain,
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
        Example{"post-x-www-form-urlencoded",
                "POST",
                "/",
                "",
                {{"Content-Type", "application/x-www-form-urlencoded"}},
                "Param1=value1",
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        Example{"post-x-www-form-urlencoded-parameters",
                "POST",
                "/",
                "",
                {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
                "Param1=value1",
                "content-type;host;x-amz-date",
                "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
        Example{"post-header-key-case", "POST", "/", "", {}, "", kPlain, kPostVanilla},
        Example{"post-sts-header-before",
                "POST",
                "/",
                "",
                {{"X-Amz-Security-Token",
                  "AQoDYXdzEPT//////////"
                  "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
                  "YUuwthAx7mSEI/qkPpKPi/"
                  "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6"
                  "fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
                  "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQ"
                  "wj2ICCR/oLxBA=="}},
                "",
                "host;x-amz-date;x-amz-security-token",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"}));

TEST(SigV4, TheUserGuidesExampleHasItsKeyAndSignature) {
  const std::string signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
  const HttpHeaders headers{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                            {"Host", "iam.amazonaws.com"},
                            {"X-Amz-Date", "20150830T123600Z"},
                            {"Authorization", authorization("content-type;host;x-amz-date", signature, "iam")}};
  const SignedParts parts{"GET", "/", "Action=ListUsers&Version=2010-05-08", "iam.amazonaws.com", headers, ""};
  const auto claim = readSignature(parts);
  ASSERT_TRUE(claim && *claim);
  const SigningKey key = signingKey(kSecret, **claim);
  EXPECT_EQ(key[0], 0xc4);
  EXPECT_EQ(key[31], 0xb9);
  EXPECT_EQ(signatureOf(**claim, parts), signature);
}

// What of `headers` and `query` is read.
service::Result<std::optional<SignatureClaim>> readFrom(const HttpHeaders& headers, std::string_view query = "") {
  return readSignature({"POST", "/", query, "h", headers, ""});
}

HttpHeaders headersWith(std::string authorization) {
  return {{"Host", "h"}, {"X-Amz-Date", "20150830T123600Z"}, {"Authorization", std::move(authorization)}};
}

TEST(SigV4, ARequestWithoutASignatureIsNoError) {
  const auto claim = readFrom({{"Host", "h"}});
  ASSERT_TRUE(claim.ok());
  EXPECT_FALSE(claim->has_value());
}

TEST(SigV4, PartsOfTheHeaderComeInAnyOrderWithOrWithoutBlanks) {
  const auto claim =
      readFrom(headersWith("AWS4-HMAC-SHA256 Signature=ab,SignedHeaders=host;x-amz-date ,"
                           "Credential=AKID/20150830/eu-west-1/sqs/aws4_request"));
  ASSERT_TRUE(claim && *claim);
  EXPECT_EQ((*claim)->access_key_id, "AKID");
  EXPECT_EQ((*claim)->region, "eu-west-1");
  EXPECT_EQ((*claim)->signed_headers, "host;x-amz-date");
  EXPECT_EQ((*claim)->signature, "ab");
}

TEST(SigV4, AMalformedHeaderIsAnIncompleteSignature) {
  for (const char* header :
       {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e", "AWS4-HMAC-SHA1 Credential=a/b/c/d/e",
        "Bearer abc", "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=ab",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f, SignedHeaders=host, Signature=ab",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=, Signature=ab",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=ab, Signature=cd"}) {
    const auto claim = readFrom(headersWith(header));
    ASSERT_FALSE(claim.ok()) << header;
    EXPECT_EQ(claim.error().code, ErrorCode::IncompleteSignatureException) << header;
  }
}

TEST(SigV4, ADateIsNeededAndMustBeOne) {
  const std::string header = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=ab";
  EXPECT_FALSE(readFrom({{"Authorization", header}}).ok());
  for (const char* date :
       {"", "20150830", "2015-08-30T12:36:00Z", "20151330T123600Z", "20150830T243600Z", "20150830T12360+Z"})
    EXPECT_FALSE(readFrom({{"Authorization", header}, {"X-Amz-Date", date}}).ok()) << date;
}

TEST(SigV4, DatesAreReadAndWrittenAlike) {
  for (const char* text : {"20150830T123600Z", "19700101T000000Z", "20240229T235959Z"}) {
    const auto time = parseAmzDate(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(formatAmzDate(*time), text);
  }
}

constexpr std::string_view kPresigned =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fsqs%2Faws4_request"
    "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=ab";

TEST(SigV4, APresignedQueryIsRead) {
  const auto claim = readFrom({{"Host", "h"}}, std::string("Action=SendMessage&") + std::string(kPresigned));
  ASSERT_TRUE(claim && *claim);
  EXPECT_EQ((*claim)->access_key_id, "AKID");
  EXPECT_EQ((*claim)->expires_in, 60s);
  EXPECT_EQ((*claim)->signed_at_text, "20150830T123600Z");
}

TEST(SigV4, APresignedQueryNeedsAllItsParametersOnceAndNoHeaderBeside) {
  const auto refused = [](std::string query, const HttpHeaders& headers = {{"Host", "h"}}) {
    const auto claim = readFrom(headers, query);
    return !claim.ok() && claim.error().code == ErrorCode::IncompleteSignatureException;
  };
  const std::string whole(kPresigned);
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
                           "X-Amz-Signature"}) {
    std::string without = whole;
    without.replace(without.find(name), 6, "Y-Amz-");
    EXPECT_TRUE(refused(without)) << name;
  }
  for (const char* expires : {"0", "604801", "-1", "1s", "", "99999999999"}) {
    std::string with = whole;
    with.replace(with.find("Expires=60") + 8, 2, expires);
    EXPECT_TRUE(refused(with)) << expires;
  }
  EXPECT_TRUE(refused(whole + "&X-Amz-Expires=61"));
  EXPECT_TRUE(refused(whole, headersWith("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=ab")));
}

TEST(SigV4, HostAndEveryAmzHeaderMustBeSignedAndWhatIsSignedBeThere) {
  const HttpHeaders headers{{"Host", "h"}, {"X-Amz-Target", "AmazonSQS.SendMessage"}, {"User-Agent", "any"}};
  const SignedParts parts{"POST", "/", "", "h", headers, ""};
  SignatureClaim claim;
  const auto message = [&](const char* signed_headers) {
    claim.signed_headers = signed_headers;
    const auto checked = checkSignedHeaders(claim, parts);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message("host;x-amz-target"), "");
  EXPECT_EQ(message("x-amz-target"), "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  EXPECT_EQ(message("host"), "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  EXPECT_EQ(message("host;x-absent;x-amz-target"), "SignedHeaders names 'x-absent', which is not in the request.");
  EXPECT_NE(message("x-amz-target;host"), "");
  EXPECT_NE(message("host;host;x-amz-target"), "");
}

TEST(SigV4, ThePathIsEncodedAgainAndTheQueryAsTheCodecReadsIt) {
  const HttpHeaders headers;
  SignatureClaim claim;
  claim.signed_headers = "host";
  const auto canonical = [&](std::string_view path, std::string_view query) {
    const std::string text = canonicalRequest(claim, {"GET", path, query, "h:9324", headers, ""}, "hash");
    return text.substr(4, text.find("\nhost:") - 4);
  };
  EXPECT_EQ(canonical("/1/a%20b", ""), "/1/a%2520b\n");
  EXPECT_EQ(canonical("", ""), "/\n");
  EXPECT_EQ(canonical("/a/./b/../c/", ""), "/a/c/\n");
  EXPECT_EQ(canonical("/../..", ""), "/\n");
  EXPECT_EQ(canonical("/", "b=2&a&a=%7e&c=x+y&X-Amz-Signature=1&d=%zz"), "/\na=&a=~&b=2&c=x%20y&d=%25zz");
  EXPECT_EQ(canonical("/", "a=1=2&&a=1"), "/\na=1&a=1%3D2");
}

TEST(SigV4, ComparisonLooksAtEveryByte) {
  EXPECT_TRUE(equalInConstantTime("abc", "abc"));
  EXPECT_FALSE(equalInConstantTime("abc", "abd"));
  EXPECT_FALSE(equalInConstantTime("abc", "bbc"));
  EXPECT_FALSE(equalInConstantTime("abc", "abcd"));
  EXPECT_TRUE(equalInConstantTime("", ""));
}

// A comparison that ends at the first difference would be thousands of times faster here.
TEST(SigV4, ComparisonTakesAsLongWhereverTheTextsDiffer) {
  const std::string text(1 << 20, 'a');
  std::string differs_at_once = text;
  differs_at_once.front() = 'b';
  const std::string same = text;
  const auto fastest = [&](const std::string& other, bool equal) {
    auto least = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 25; ++i) {
      const auto began = std::chrono::steady_clock::now();
      EXPECT_EQ(equalInConstantTime(text, other), equal);
      least = std::min(least, std::chrono::steady_clock::now() - began);
    }
    return least;
  };
  EXPECT_GT(fastest(differs_at_once, false), fastest(same, true) / 4);
}

TEST(SigningKeys, AreRememberedByScopeAndBounded) {
  SigningKeys keys;
  SigningKey key{};
  EXPECT_FALSE(keys.find("20240101/r/sqs/aws4_request"));
  for (int i = 0; i < 1000; ++i) {
    key[0] = static_cast<unsigned char>(i);
    keys.remember(std::to_string(1000 + i), key);
  }
  EXPECT_EQ(keys.find("1999"), key);
  EXPECT_FALSE(keys.find("1000"));
}

}  // namespace
}  // namespace howdah::api
