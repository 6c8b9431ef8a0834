#include "api/cross_site.h"

#include <algorithm>
#include <string_view>

namespace howdah::api {
namespace {

std::string_view withoutPort(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool isLoopbackName(std::string_view name) {
  constexpr std::string_view kUnderLocalhost = ".localhost";
  if (equalsIgnoringCase(name, "localhost") || name == "[::1]") return true;
  if (name.size() > kUnderLocalhost.size() &&
      equalsIgnoringCase(name.substr(name.size() - kUnderLocalhost.size()), kUnderLocalhost))
    return true;
  return name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool isOurName(std::string_view name, const ApiOptions& options) {
  if (isLoopbackName(name)) return true;
  if (const std::string& url = options.public_url; !url.empty()) {
    std::string_view host = url;
    if (const auto scheme_end = host.find("://"); scheme_end != std::string_view::npos)
      host.remove_prefix(scheme_end + 3);
    if (equalsIgnoringCase(name, withoutPort(host.substr(0, host.find('/'))))) return true;
  }
  return std::ranges::any_of(options.trusted_host_names,
                             [&](const std::string& trusted) { return equalsIgnoringCase(name, trusted); });
}

}  // namespace

const char* crossSite(const HttpRequest& request, const ApiOptions& options, bool loopback_only, bool page_may_call) {
  constexpr const char* kForeign = "Requests from pages of other sites are refused.";
  const std::string_view host = request.header("Host");
  if (!page_may_call) {
    const std::string_view site = request.header("Sec-Fetch-Site");
    if (!site.empty() && site != "same-origin" && site != "none") return kForeign;
    if (const std::string_view origin = request.header("Origin"); !origin.empty()) {
      const auto scheme_end = origin.find("://");
      if (scheme_end == std::string_view::npos || !equalsIgnoringCase(origin.substr(scheme_end + 3), host))
        return kForeign;
    }
  }
  if (loopback_only && !host.empty() && !isOurName(withoutPort(host), options))
    return "The Host header is not a name of this server; the setting trusted-hosts can name it.";
  return nullptr;
}

}  // namespace howdah::api
