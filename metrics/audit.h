// The lines of the log that tell who managed what and who was refused: they carry "audit": true and are written
// whatever the log's level is. Any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "metrics/log.h"

namespace howdah::metrics {

void audit(std::string_view message, std::span<const LogField> fields);

// The same of what anybody can provoke, so that nobody floods the log: of one key, one line a minute is written at
// once, and one more at the minute's end, the same with "repeated", if there were others. In a minute at most a
// thousand keys are told apart; what is beyond is counted in a line of its own.
void auditFolded(std::string_view message, std::span<const LogField> fields, const std::string& key);

}  // namespace howdah::metrics
