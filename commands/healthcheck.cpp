#include "commands/healthcheck.h"

#include <chrono>
#include <cstdio>
#include <exception>

#include <cpprest/http_client.h>
#include <fmt/format.h>

namespace howdah {

int healthcheck(const std::string& admin_url, const std::string& tls_ca_file, bool is_local) {
  try {
    web::http::client::http_client_config config;
    config.set_timeout(std::chrono::seconds(5));
    config.set_validate_certificates(!is_local || !tls_ca_file.empty());
    if (!tls_ca_file.empty())
      config.set_ssl_context_callback([&](auto& context) { context.load_verify_file(tls_ca_file); });
    web::http::client::http_client client(admin_url, config);
    const auto status = client.request(web::http::methods::GET, "/readyz").get().status_code();
    if (status == web::http::status_codes::OK) return 0;
    fmt::print(stderr, "howdah: {} is not ready: /readyz answers {}\n", admin_url, status);
  } catch (const std::exception& error) {
    fmt::print(stderr, "howdah: nothing healthy at {}: {}\n", admin_url, error.what());
  }
  return 1;
}

}  // namespace howdah
