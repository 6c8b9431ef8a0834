// `howdah top`: queues and the coalescer of running servers in a terminal, drawn anew each second.
#pragma once

#include <string>
#include <vector>

namespace howdah {

struct TopOptions {
  std::vector<std::string> admin_urls;  // as http://127.0.0.1:9325
  std::string token_file;               // of the admin ports; empty: none
  std::string tls_ca_file;              // PEM; empty: the system's authorities
  bool is_local = false;                // a certificate of localhost may be anybody's, as for healthcheck
  std::string queues = ".*";            // RE2: which queues
  double interval = 1;                  // seconds
  bool once = false;                    // one table, of one interval, and no terminal
};

// The exit code. Throws std::runtime_error when it cannot be shown, or with `once` no server answers.
int top(const TopOptions& options);

}  // namespace howdah
