// The level of the log, which may change while lines are written. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "metrics/log.h"

namespace howdah::metrics {

LogLevel logLevel();
void setLogLevel(LogLevel level);

// debug, info, warn, error.
std::string_view nameOf(LogLevel level);
std::optional<LogLevel> logLevelOf(std::string_view name);

}  // namespace howdah::metrics
