#include "api/queue_url.h"

#include <algorithm>

namespace howdah::api {
namespace {

// Longer than any account or queue name; what fits is looked up, and found or not.
constexpr std::size_t kMaxSegment = 128;

bool isAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool isSegment(std::string_view segment) {
  return !segment.empty() && segment.size() <= kMaxSegment && std::all_of(segment.begin(), segment.end(), [](char c) {
    return isAlphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
}

// What a trusted proxy says, of the client's side where there are several; empty from anybody else.
std::string_view forwarded(const HttpRequest& request, std::string_view header, const ApiOptions& options) {
  std::string_view value = request.header(header);
  if (value.empty()) return {};
  const bool trusted = std::ranges::any_of(
      options.trusted_proxies, [&](const Network& network) { return network.contains(request.peer_address); });
  if (!trusted) return {};
  value = value.substr(0, value.find(','));
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

}  // namespace

bool isValidHost(std::string_view host) {
  return !host.empty() && host.size() <= 255 + 6 && std::all_of(host.begin(), host.end(), [](char c) {
    return isAlphanumeric(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '[' || c == ']';
  });
}

bool isSecure(const HttpRequest& request, const ApiOptions& options) {
  const std::string_view protocol = forwarded(request, "X-Forwarded-Proto", options);
  return protocol == "https" || (request.secure && protocol != "http");
}

std::string_view clientHost(const HttpRequest& request, const ApiOptions& options) {
  const std::string_view host = forwarded(request, "X-Forwarded-Host", options);
  return isValidHost(host) ? host : request.header("Host");
}

std::string queueUrlBase(const HttpRequest& request, const ApiOptions& options) {
  if (!options.public_url.empty()) {
    std::string_view public_url = options.public_url;
    if (public_url.ends_with('/')) public_url.remove_suffix(1);
    return std::string(public_url);
  }
  const std::string_view host = clientHost(request, options);
  std::string base = isSecure(request, options) ? "https://" : "http://";
  base += host.empty() ? "localhost" : host;  // HTTP/1.0 without a Host
  return base;
}

std::string makeQueueUrl(std::string_view base, const service::QueueRef& queue) {
  std::string url;
  url.reserve(base.size() + queue.account.size() + queue.name.size() + 2);
  url += base;
  url += '/';
  url += queue.account;
  url += '/';
  url += queue.name;
  return url;
}

service::QueueRef parseQueueUrl(std::string_view url) {
  if (isSegment(url)) return {"", std::string(url)};
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
    url.remove_prefix(std::min(url.find('/'), url.size()));
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  const auto name_at = url.rfind('/');
  if (name_at == std::string_view::npos) return {};
  const std::string_view name = url.substr(name_at + 1);
  url = url.substr(0, name_at);
  const std::string_view account = url.substr(url.rfind('/') + 1);  // npos + 1 is 0
  if (!isSegment(account) || !isSegment(name)) return {};
  return {std::string(account), std::string(name)};
}

}  // namespace howdah::api
