// `howdah healthcheck`: asks a server's admin port whether it is ready, for containers that have no curl.
#pragma once

#include <string>

namespace howdah {

// Exit code: 0 if GET <admin_url>/readyz answers 200 within five seconds; else 1, after one line on standard error.
// Over https the certificate must be of `tls_ca_file` and name the URL's host; without one it is not looked at where
// `is_local`, since a server's certificate seldom names loopback.
int healthcheck(const std::string& admin_url, const std::string& tls_ca_file, bool is_local);

}  // namespace howdah
