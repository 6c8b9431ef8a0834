#include "api/auth/admin_token.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "api/auth/sigv4.h"
#include "api/http_message.h"
#include "metrics/log.h"

namespace howdah::api {
namespace {

constexpr std::size_t kShortest = 16, kLongest = 4096;

// b64token of RFC 6750, which is what a header can carry.
bool isTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

}  // namespace

Secret readAdminToken(const std::string& path) {
  constexpr std::string_view kHowTo = "; `openssl rand -hex 32` makes a token";
  std::ifstream stream(path, std::ios::binary);
  std::array<char, kLongest + 3> read;
  stream.read(read.data(), read.size());
  const int problem = errno;
  if (!stream.is_open() || stream.bad())
    throw std::runtime_error(fmt::format("cannot read {} of --admin-token-file: {}", path, std::strerror(problem)));
  Secret text(std::string(read.data(), static_cast<std::size_t>(stream.gcount())));
  OPENSSL_cleanse(read.data(), read.size());
  std::string_view token = text.reveal();
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.remove_suffix(1);
  if (token.size() < kShortest || token.size() > kLongest)
    throw std::runtime_error(fmt::format("the token in {} of --admin-token-file must have {} to {} characters{}", path,
                                         kShortest, kLongest, kHowTo));
  if (!std::ranges::all_of(token, isTokenCharacter))
    throw std::runtime_error(
        fmt::format("the token in {} of --admin-token-file may have letters, digits and -._~+/= alone, in one line{}",
                    path, kHowTo));
  return Secret(std::string(token));
}

AdminToken::AdminToken(std::string path) : path_(std::move(path)) { token_.emplace(readAdminToken(path_)); }

bool AdminToken::isIn(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!equalsIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) return false;
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  const std::string given = sha256Hex(authorization);  // hashes are of one length, whatever the tokens are
  std::lock_guard lock(mutex_);
  try {
    token_.emplace(readAdminToken(path_));
    problem_.clear();
  } catch (const std::runtime_error& problem) {
    if (problem_ != problem.what())
      metrics::logWarn("the admin token was not read again and stays", {{"reason", problem.what()}});
    problem_ = problem.what();
  }
  return equalInConstantTime(given, sha256Hex(token_->reveal()));
}

}  // namespace howdah::api
