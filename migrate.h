// `howdah migrate`: the schema without the server.
#pragma once

#include "metrics/build_info.h"
#include "server_config.h"

namespace howdah {

// Exit code; `status_only` changes nothing and answers 1 if something is left to apply. Throws what cannot be done, in
// one sentence.
int migrate(const ServerConfig& config, const metrics::BuildInfo& build, bool status_only);

}  // namespace howdah
