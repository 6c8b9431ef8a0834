#include "api/auth/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <utility>

#include "api/codec/text.h"

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;
using std::chrono::sys_seconds;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::chrono::seconds kLongestPresigned{7 * 24 * 3600};
constexpr std::size_t kRememberedKeys = 16;  // regions and days that one client signs for at a time

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool isBlank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Calls `use` for each part of `text` between separators, also for empty ones.
void forEachPart(std::string_view text, char separator, auto use) {
  while (true) {
    const auto end = text.find(separator);
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

// As the codec reads it, so that what is signed is what is done. A % that begins no escape stands for itself.
std::string decodeQueryText(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] == '%' && text.size() - i > 2 && hexDigit(text[i + 1]) >= 0 && hexDigit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hexDigit(text[i + 1]) << 4 | hexDigit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

void appendEncoded(std::string& to, std::string_view text, std::string_view also_plain = "") {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                       c == '.' || c == '~' || also_plain.find(c) != std::string_view::npos;
    if (plain) {
      to += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      to += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

// Without empty, . and .. segments, and percent-encoded once more. As the SDKs do it: unlike RFC 3986, a last segment
// of dots leaves no slash.
void appendCanonicalPath(std::string& to, std::string_view path) {
  std::vector<std::string_view> segments;
  forEachPart(path, '/', [&](std::string_view segment) {
    if (segment.empty() || segment == ".") return;
    if (segment != "..") return segments.push_back(segment);
    if (!segments.empty()) segments.pop_back();
  });
  for (const std::string_view segment : segments) {
    to += '/';
    appendEncoded(to, segment);
  }
  if (segments.empty() || path.ends_with('/')) to += '/';
}

void appendCanonicalQuery(std::string& to, std::string_view query) {
  if (query.empty()) return;
  std::vector<std::pair<std::string, std::string>> encoded;
  forEachPart(query, '&', [&](std::string_view param) {
    if (param.empty()) return;
    const auto equals = std::min(param.find('='), param.size());
    const std::string name = decodeQueryText(param.substr(0, equals));
    if (name == "X-Amz-Signature") return;
    auto& [encoded_name, encoded_value] = encoded.emplace_back();
    appendEncoded(encoded_name, name);
    appendEncoded(encoded_value, decodeQueryText(param.substr(std::min(equals + 1, param.size()))));
  });
  std::ranges::sort(encoded);
  for (const auto& [name, value] : encoded) {
    if (&name != &encoded.front().first) to += '&';
    to += name;
    to += '=';
    to += value;
  }
}

void appendCanonicalHeader(std::string& to, std::string_view name, const SignedParts& parts) {
  to += name;
  to += ':';
  bool first = true;
  const auto append = [&](std::string_view value) {
    if (!std::exchange(first, false)) to += ',';
    bool after_blank = false;
    for (const char c : trim(value)) {
      if (!isBlank(c)) to += c;
      if (isBlank(c) && !after_blank) to += ' ';
      after_blank = isBlank(c);
    }
  };
  if (name == "host") {
    append(parts.host);
  } else {
    for (const auto& [header, value] : parts.headers) {
      if (equalsIgnoringCase(header, name)) append(value);
    }
  }
  to += '\n';
}

std::string_view headerOf(const SignedParts& parts, std::string_view name) {
  const auto found =
      std::ranges::find_if(parts.headers, [&](const auto& header) { return equalsIgnoringCase(header.first, name); });
  return found == parts.headers.end() ? std::string_view() : trim(found->second);
}

Error incomplete(std::string why) { return Error{ErrorCode::IncompleteSignatureException, std::move(why)}; }

std::optional<int> digits(std::string_view text) {
  int number = 0;
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc{} ? std::optional(number) : std::nullopt;
}

service::Result<service::Nothing> readCredential(std::string_view credential, SignatureClaim& claim) {
  std::vector<std::string> elements;
  forEachPart(credential, '/', [&](std::string_view element) { elements.emplace_back(element); });
  if (elements.size() != 5) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
        "got " +
        quoted(credential));
  }
  claim.access_key_id = std::move(elements[0]);
  claim.date = std::move(elements[1]);
  claim.region = std::move(elements[2]);
  claim.service = std::move(elements[3]);
  claim.terminator = std::move(elements[4]);
  return service::Nothing{};
}

service::Result<service::Nothing> readDate(std::string_view text, SignatureClaim& claim) {
  const auto time = parseAmzDate(text);
  if (!time) {
    return incomplete("Date must be in ISO-8601 'basic format'. Got " + quoted(text) +
                      ". See http://en.wikipedia.org/wiki/ISO_8601");
  }
  claim.signed_at_text = text;
  claim.signed_at = *time;
  return service::Nothing{};
}

service::Result<std::optional<SignatureClaim>> readHeader(const SignedParts& parts, std::string_view header) {
  const auto algorithm = header.substr(0, header.find(' '));
  if (algorithm != kAlgorithm) return incomplete("Unsupported AWS 'algorithm': " + quoted(algorithm) + ".");
  header.remove_prefix(algorithm.size());

  std::map<std::string_view, std::string_view> fields;
  std::optional<Error> wrong;
  forEachPart(header, ',', [&](std::string_view part) {
    part = trim(part);
    if (part.empty()) return;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) {
      wrong = incomplete(quoted(part) + " not a valid key=value pair (missing equal-sign) in Authorization header.");
    } else if (!fields.emplace(part.substr(0, equals), part.substr(equals + 1)).second) {
      wrong = incomplete("Authorization header has " + quoted(part.substr(0, equals)) + " twice.");
    }
  });
  if (wrong) return *wrong;

  std::string missing;
  for (const char* name : {"Credential", "Signature", "SignedHeaders"}) {
    if (fields[name].empty()) missing += "Authorization header requires '" + std::string(name) + "' parameter. ";
  }
  const std::string_view date = headerOf(parts, "X-Amz-Date");
  if (date.empty()) missing += "Authorization header requires existence of a 'X-Amz-Date' header. ";
  if (!missing.empty()) return incomplete(missing.substr(0, missing.size() - 1));

  SignatureClaim claim;
  if (auto read = readCredential(fields["Credential"], claim); !read) return read.error();
  if (auto read = readDate(date, claim); !read) return read.error();
  claim.signed_headers = fields["SignedHeaders"];
  claim.signature = fields["Signature"];
  claim.session_token = headerOf(parts, "X-Amz-Security-Token");
  return std::optional(std::move(claim));
}

service::Result<std::optional<SignatureClaim>> readQuery(std::map<std::string, std::string> params) {
  std::string missing;
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders",
                           "X-Amz-Date", "X-Amz-Expires"}) {
    if (params[name].empty()) missing += "AWS query-string parameters must include '" + std::string(name) + "'. ";
  }
  if (!missing.empty()) return incomplete(missing.substr(0, missing.size() - 1));
  if (params["X-Amz-Algorithm"] != kAlgorithm)
    return incomplete("Unsupported AWS 'algorithm': " + quoted(params["X-Amz-Algorithm"]) + ".");

  SignatureClaim claim;
  if (auto read = readCredential(params["X-Amz-Credential"], claim); !read) return read.error();
  if (auto read = readDate(params["X-Amz-Date"], claim); !read) return read.error();
  const auto seconds = digits(params["X-Amz-Expires"]);
  if (!seconds || *seconds < 1 || *seconds > kLongestPresigned.count()) {
    return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800, got " +
                      quoted(params["X-Amz-Expires"]) + ".");
  }
  claim.expires_in = std::chrono::seconds(*seconds);
  claim.signed_headers = std::move(params["X-Amz-SignedHeaders"]);
  claim.signature = std::move(params["X-Amz-Signature"]);
  claim.session_token = std::move(params["X-Amz-Security-Token"]);
  return std::optional(std::move(claim));
}

SigningKey hmac(const void* key, std::size_t key_size, std::string_view data) {
  SigningKey result;
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key, static_cast<int>(key_size), reinterpret_cast<const unsigned char*>(data.data()),
           data.size(), result.data(), &size) == nullptr ||
      size != result.size())
    throw std::runtime_error("HMAC-SHA256 failed");
  return result;
}

std::string hex(const std::array<unsigned char, 32>& bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) text += {kHex[byte >> 4], kHex[byte & 15]};
  return text;
}

}  // namespace

std::string SignatureClaim::scope() const { return date + "/" + region + "/" + service + "/" + terminator; }

service::Result<std::optional<SignatureClaim>> readSignature(const SignedParts& parts) {
  std::map<std::string, std::string> params;
  std::optional<Error> wrong;
  if (parts.query.find("Amz-") != std::string_view::npos || parts.query.find('%') != std::string_view::npos) {
    forEachPart(parts.query, '&', [&](std::string_view param) {
      const auto equals = std::min(param.find('='), param.size());
      std::string name = decodeQueryText(param.substr(0, equals));
      if (!name.starts_with("X-Amz-")) return;
      std::string value = decodeQueryText(param.substr(std::min(equals + 1, param.size())));
      if (!params.emplace(name, std::move(value)).second)
        wrong = incomplete("The query string has " + quoted(name) + " twice.");
    });
  }
  const bool presigned = params.contains("X-Amz-Signature") || params.contains("X-Amz-Credential");
  const std::string_view header = headerOf(parts, "Authorization");
  if (presigned && wrong) return *wrong;
  if (presigned && !header.empty())
    return incomplete("A request is signed in its Authorization header or in its query string, not in both.");
  if (presigned) return readQuery(std::move(params));
  if (header.empty()) return std::optional<SignatureClaim>();
  return readHeader(parts, header);
}

service::Result<service::Nothing> checkSignedHeaders(const SignatureClaim& claim, const SignedParts& parts) {
  std::vector<std::string_view> names;
  forEachPart(claim.signed_headers, ';', [&](std::string_view name) { names.push_back(name); });
  // Each once: the canonical request is no longer than the request.
  if (std::ranges::adjacent_find(names, std::ranges::greater_equal()) != names.end())
    return Error{ErrorCode::InvalidSignatureException, "SignedHeaders must be sorted, each header once."};
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::any_of(names, [&](std::string_view one) { return equalsIgnoringCase(one, name); });
  };
  // One that is not there would count as one that is empty, which somebody else may take away.
  for (const std::string_view name : names) {
    const bool is_there = name == "host" || std::ranges::any_of(parts.headers, [&](const auto& header) {
                            return equalsIgnoringCase(header.first, name);
                          });
    if (!is_there) {
      return Error{ErrorCode::InvalidSignatureException,
                   "SignedHeaders names " + quoted(name) + ", which is not in the request."};
    }
  }
  if (!is_signed("host")) {
    return Error{ErrorCode::InvalidSignatureException,
                 "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."};
  }
  for (const auto& [name, value] : parts.headers) {
    if (name.size() > 6 && equalsIgnoringCase(name.substr(0, 6), "x-amz-") && !is_signed(name)) {
      return Error{ErrorCode::InvalidSignatureException,
                   quoted(name) + " must be a 'SignedHeader' in the AWS Authorization."};
    }
  }
  return service::Nothing{};
}

std::string canonicalRequest(const SignatureClaim& claim, const SignedParts& parts, std::string_view payload_hash) {
  std::string canonical;
  canonical.reserve(1024);
  canonical += parts.method;
  canonical += '\n';
  appendCanonicalPath(canonical, parts.path);
  canonical += '\n';
  appendCanonicalQuery(canonical, parts.query);
  canonical += '\n';
  forEachPart(claim.signed_headers, ';', [&](std::string_view name) { appendCanonicalHeader(canonical, name, parts); });
  canonical += '\n';
  canonical += claim.signed_headers;
  canonical += '\n';
  canonical += payload_hash;
  return canonical;
}

std::string stringToSign(const SignatureClaim& claim, std::string_view canonical_request) {
  std::string text(kAlgorithm);
  text += '\n';
  text += claim.signed_at_text;
  text += '\n';
  text += claim.scope();
  text += '\n';
  text += sha256Hex(canonical_request);
  return text;
}

SigningKey signingKey(std::string_view secret, const SignatureClaim& claim) {
  std::string start = "AWS4";
  start += secret;
  SigningKey key = hmac(start.data(), start.size(), claim.date);
  OPENSSL_cleanse(start.data(), start.size());
  for (const std::string* text : {&claim.region, &claim.service, &claim.terminator})
    key = hmac(key.data(), key.size(), *text);
  return key;
}

std::string sign(const SigningKey& key, std::string_view string_to_sign) {
  return hex(hmac(key.data(), key.size(), string_to_sign));
}

std::string sha256Hex(std::string_view data) {
  std::array<unsigned char, 32> digest;
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 failed");
  return hex(digest);
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string formatAmzDate(sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

std::optional<sys_seconds> parseAmzDate(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(4, 2)), day = digits(text.substr(6, 2));
  const auto hour = digits(text.substr(9, 2)), minute = digits(text.substr(11, 2)), second = digits(text.substr(13, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::optional<SigningKey> SigningKeys::find(const std::string& scope) const {
  std::lock_guard lock(mutex_);
  const auto found = keys_.find(scope);
  return found == keys_.end() ? std::nullopt : std::optional(found->second);
}

void SigningKeys::remember(const std::string& scope, const SigningKey& key) {
  std::lock_guard lock(mutex_);
  if (keys_.size() >= kRememberedKeys && !keys_.contains(scope)) keys_.erase(keys_.begin());  // the oldest day
  keys_.emplace(scope, key);
}

}  // namespace howdah::api
