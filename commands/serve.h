// `howdah serve`: starts the parts in order, waits, and stops them in reverse order.
#pragma once

#include "commands/shutdown_signals.h"
#include "config/server_config.h"
#include "metrics/prometheus_recorder.h"

namespace howdah {

// Exit code. Throws, with one sentence that says what to change, if the server cannot start; nothing is left running.
int serve(const ServerConfig& config, const metrics::BuildInfo& build, ShutdownSignals& signals);

}  // namespace howdah
