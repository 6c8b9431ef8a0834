// What to load, how, and for how long.
#pragma once

#include <chrono>
#include <string>

namespace howdah::bench {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Options {
  std::string endpoint = "http://127.0.0.1:9324";
  std::string sender_endpoint;  // wake, beside: another server on the same database; empty: `endpoint`
  std::string access_key;       // empty: requests carry a signature of the right form and a wrong value
  std::string secret_key;
  std::string quiet_access_key;  // beside: of the quiet client; empty: `access_key`
  std::string quiet_secret_key;
  std::string database_url;  // sql scenarios

  const char* auth() const { return access_key.empty() ? "none" : "sigv4"; }
  std::string scenario;
  int connections = 1;
  double seconds = 10;
  double warmup_seconds = 1;
  int body_bytes = 1000;
  int batch = 1;        // sql lifecycles
  int groups = 1000;    // FIFO scenarios
  int load_queues = 1;  // beside
  std::string queue;    // empty: a queue of this run's own, deleted at the end
  int server_pid = 0;
  int postgres_pid = 0;
  bool json = false;
};

}  // namespace howdah::bench
