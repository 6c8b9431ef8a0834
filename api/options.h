// Settings of both ports; defaults, bounds and help are in the settings table (config/server_config.cpp).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "api/network.h"

namespace howdah::api {

struct ApiOptions {
  std::string public_url;                        // base of queue URLs; empty: the Host the client used
  std::vector<std::string> trusted_host_names;   // Hosts a browser may name beside loopback ones
  std::vector<Network> trusted_proxies;          // whose X-Forwarded-Proto and X-Forwarded-Host count
  std::vector<std::string> cors_origins;         // whose pages may call from browsers; "*": all
  int requests_per_second_per_key = 0;           // of each access key in this process; 0: as many as come
  bool loopback_only = false;                    // all listeners of the API are on loopback
  std::string account = "000000000000";          // of every caller while requests are not authenticated
  std::string region = "us-east-1";              // in the ARNs that policies speak of
  std::chrono::milliseconds slow_request{1000};  // one that takes longer, without its parked time, is told in the log
  double access_log_sample = 0;                  // share of requests that get a line; above 0 all that fail do
};

struct AdminOptions {
  bool loopback_only = false;  // all listeners of the admin port are on loopback
  std::string token_file;      // whose token guards what is not open; empty: none
  bool metrics_open = false;   // /metrics asks for no token
};

}  // namespace howdah::api
