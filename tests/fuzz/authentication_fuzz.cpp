// A change on the first line, as numbers: 1 for the presigned form; the part of the request that changes; whether its
// character is replaced (0), added (1) or taken away (2); at which place; which character. Then the request: a line
// each for method, target and host, the headers, an empty line, the body.
#include "api/auth/authenticator.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <ranges>
#include <set>
#include <utility>
#include <vector>

#include "api/codec/aws_json_codec.h"
#include "api/codec/aws_query_codec.h"
#include "tests/fuzz/codec_rules.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/support/scratch_file.h"
#include "tests/support/signing_client.h"

namespace howdah::fuzz {
namespace {

using testing::SigningClient;

constexpr const char* kAccount = "111111111111";
constexpr const char* kCredentials = R"(
- access-key-id: AKOWNER
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
- access-key-id: AKTOKEN
  secret-access-key: a-secret-of-forty-letters-and-more-0000
  account: "111111111111"
  session-token: the-token
- access-key-id: AKEXPIRED
  secret-access-key: another-secret-of-forty-letters-and-more
  account: "111111111111"
  expires: 2026-07-01T12:00:00Z
)";

const api::Authenticator& authenticator() {
  static const api::Authenticator made(
      std::make_shared<api::CredentialStore>(testing::ScratchFile(kCredentials).path()),
      [] { return SigningClient::kUsualTime; });
  return made;
}

std::size_t takeNumber(std::string_view& line) {
  std::size_t number = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), number);
  line.remove_prefix(static_cast<std::size_t>(read.ptr - line.data()));
  if (!line.empty()) line.remove_prefix(1);
  return number;
}

std::string lowerCase(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lowered;
}

// ---- What a request means: written apart from api/auth, which must not take two that differ here for one.

int hexDigit(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto at = kDigits.find(lowerCase({&c, 1}));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hexDigit(text[i + 1]) >= 0 && hexDigit(text[i + 2]) >= 0;
    if (escape) {
      result += static_cast<char>(hexDigit(text[i + 1]) * 16 + hexDigit(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::pair<std::string, std::string> parameter(std::string_view text) {
  const auto equals = std::min(text.find('='), text.size());
  return {decoded(text.substr(0, equals)), decoded(text.substr(std::min(equals + 1, text.size())))};
}

std::string collapsed(std::string_view text) {
  std::string result;
  for (const std::string_view by_tab : split(text, '\t')) {
    for (const std::string_view word : split(by_tab, ' ')) {
      if (word.empty()) continue;
      if (!result.empty()) result += ' ';
      result += word;
    }
  }
  return result;
}

struct Meaning {
  std::string method;
  std::vector<std::string> path;
  std::multiset<std::pair<std::string, std::string>> parameters;
  std::map<std::string, std::string> headers;  // that are signed
  std::string body;

  bool operator==(const Meaning&) const = default;
};

Meaning meaningOf(const SigningClient& client, const std::set<std::string>& signed_names) {
  Meaning meaning{client.method, {}, {}, {{"host", collapsed(client.host)}}, client.body};
  for (const std::string_view segment : split(client.path, '/')) {
    if (segment == ".." && !meaning.path.empty()) meaning.path.pop_back();
    if (segment != ".." && segment != "." && !segment.empty()) meaning.path.emplace_back(segment);
  }
  if (client.path.ends_with('/') && !meaning.path.empty()) meaning.path.emplace_back();
  for (const std::string_view text : split(client.query, '&')) {
    if (!text.empty()) meaning.parameters.insert(parameter(text));
  }
  for (const auto& [name, value] : client.headers) {
    const std::string lowered = lowerCase(name);
    if (lowered == "host" || !(signed_names.contains(lowered) || lowered.starts_with("x-amz-"))) continue;
    std::string& joined = meaning.headers[lowered];
    if (!joined.empty()) joined += ',';
    joined += collapsed(value);
  }
  return meaning;
}

// ---- The rules

void requireRefusalOf(const service::Error& error) {
  using enum service::ErrorCode;
  constexpr std::array kRefusals{IncompleteSignatureException, InvalidSignatureException, UnrecognizedClientException,
                                 ExpiredTokenException,        InvalidSecurity,           RequestExpired};
  require(std::ranges::find(kRefusals, error.code) != kRefusals.end(), "a refusal is one of signatures");
  require(error.message.size() < 1000, "a refusal tells back little of what it was sent");
  requireClientError(api::AwsJsonCodec(), error);
  requireClientError(api::AwsQueryCodec(api::AwsQueryCodec::Rendering::Xml), error);
}

void requireStableCanonicalForm(const SigningClient& client) {
  const auto claim = api::readSignature(client.view());
  require(claim.ok() && claim->has_value(), "what was signed can be read");
  const std::string canonical = api::canonicalRequest(**claim, client.view(), "hash");
  const auto lines = split(canonical, '\n');
  require(lines.size() > 5 && lines[1].starts_with('/'), "a canonical request has its lines");
  for (const std::string_view line : {lines[1], lines[2]}) {
    require(std::ranges::all_of(line,
                                [](char c) {
                                  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                                         std::string_view("-_.~/%=&").find(c) != std::string_view::npos;
                                }),
            "canonical path and query are escaped");
  }
  SigningClient again = client;
  again.query = lines[2];
  require(api::canonicalRequest(**claim, again.view(), "hash") == canonical, "a canonical query is its own");
}

bool isToken(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
}

// The request without what says who signed it.
SigningClient unsignedRequest(const SigningClient& raw) {
  SigningClient client = raw;
  client.headers.clear();
  for (const auto& header : raw.headers) {
    constexpr std::array<std::string_view, 5> kOfSignatures{"authorization", "host", "x-amz-content-sha256",
                                                            "x-amz-date", "x-amz-security-token"};
    const bool kept =
        isToken(header.first) && std::ranges::find(kOfSignatures, lowerCase(header.first)) == kOfSignatures.end();
    if (kept) client.headers.push_back(header);
  }
  client.query.clear();
  for (const std::string_view text : split(raw.query, '&')) {
    if (text.empty() || parameter(text).first.starts_with("X-Amz-")) continue;
    if (!client.query.empty()) client.query += '&';
    client.query += text;
  }
  return client;
}

std::string* changedPart(SigningClient& client, std::size_t part) {
  const std::array whole{&client.method, &client.path, &client.query, &client.host, &client.body};
  part %= whole.size() + 2 * client.headers.size();
  if (part < whole.size()) return whole[part];
  auto& [name, value] = client.headers[(part - whole.size()) / 2];
  return (part - whole.size()) % 2 == 0 ? &value : &name;
}

void fuzzAuthentication(std::string_view text) {
  std::string_view change = takeLine(text);
  const bool presigned = takeNumber(change) % 2 == 1;
  const std::size_t part = takeNumber(change), operation = takeNumber(change) % 3, place = takeNumber(change);
  const char byte = static_cast<char>(takeNumber(change));

  SigningClient raw;
  raw.method = takeLine(text);
  const std::string_view target = takeLine(text);
  raw.path = target.substr(0, target.find('?'));
  raw.query = target.substr(std::min(target.find('?'), target.size() - 1) + 1);
  raw.host = takeLine(text);
  raw.headers.clear();
  for (std::string_view line = takeLine(text); !line.empty(); line = takeLine(text)) {
    const auto colon = std::min(line.find(':'), line.size());
    raw.headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  raw.body = text;

  if (const auto asked = authenticator().authenticate(raw.view()); asked.ok()) {
    require(asked->account.empty(), "a signature that was made up is nobody's");
  } else {
    requireRefusalOf(asked.error());
  }

  SigningClient client = unsignedRequest(raw);
  if (part % 2 == 1) {
    client.key = "AKTOKEN";
    client.token = "the-token";
  }
  std::set<std::string> signed_names{"host"};
  for (const auto& [name, value] : client.headers) {
    const std::string lowered = lowerCase(name);
    if (lowered < "n" || lowered.starts_with("x-amz-")) signed_names.insert(lowered);  // the others need not be
  }
  if (!presigned) signed_names.insert("x-amz-date");
  if (!presigned && !client.token.empty()) signed_names.insert("x-amz-security-token");
  std::string signed_headers;
  for (const std::string& name : signed_names) signed_headers += (signed_headers.empty() ? "" : ";") + name;
  if (presigned) {
    client.presign(60, signed_headers);
  } else {
    client.sign(signed_headers);
  }
  const auto asked = authenticator().authenticate(client.view());
  require(asked.ok() && asked->account == kAccount, "what was signed is accepted");
  requireStableCanonicalForm(client);

  SigningClient changed = client;
  std::string& changed_part = *changedPart(changed, part);
  const std::size_t at = changed_part.empty() ? 0 : place % changed_part.size();
  if (operation == 1 || changed_part.empty()) {
    changed_part.insert(at, 1, byte);
  } else if (operation == 2) {
    changed_part.erase(at, 1);
  } else {
    changed_part[at] = byte;
  }
  const auto answer = authenticator().authenticate(changed.view());
  if (!answer.ok()) return requireRefusalOf(answer.error());
  if (answer->account.empty()) return;  // what says that it is signed was hurt
  require(meaningOf(client, signed_names) == meaningOf(changed, signed_names),
          "what was changed in a signed part is refused");
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(AuthenticationKeepsItsRules, "authentication", howdah::fuzz::fuzzAuthentication)
