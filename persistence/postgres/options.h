// Settings of the PostgreSQL store; defaults, bounds and help are in the settings table (config/server_config.cpp).
#pragma once

#include <chrono>
#include <string>

namespace howdah::persistence::postgres {

struct PostgresOptions {
  std::string connection_string;  // URL or libpq keywords; empty parts come from libpq's PG* environment
  int connections = 6;            // of the pool; the listener has one more
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds lock_timeout{5000};
  std::chrono::milliseconds statement_deadline{20000};  // a wait on the socket longer than this drops the connection
  std::chrono::milliseconds slow_statement{500};        // one that takes longer is told in the log
  std::chrono::milliseconds notify_delay{5};            // for which wake hints to other processes gather
  bool test_clock = false;  // statements add the offset kept in howdah.test_clock to the database's clock
};

// The private PostgreSQL of a server without a database URL.
struct EmbeddedOptions {
  std::string data_dir = "./howdah-data";
  std::string bin_dir;  // of initdb and postgres; empty: the newest under /usr/lib/postgresql, then PATH
};

}  // namespace howdah::persistence::postgres
