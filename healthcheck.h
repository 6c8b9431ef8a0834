// `howdah healthcheck`: asks a server's admin port whether it is ready, for containers that have no curl.
#pragma once

#include <string>

namespace howdah {

// Exit code: 0 if GET <admin_url>/readyz answers 200 within five seconds; else 1, after one line on standard error.
int healthcheck(const std::string& admin_url);

}  // namespace howdah
