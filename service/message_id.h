// Message ids: random UUIDs (version 4).
#pragma once

#include <string>

#include "persistence/records.h"

namespace howdah::service {

// From the system's secure generator. Any thread.
persistence::MessageId newMessageId();

// 8-4-4-4-12 lower-case hex digits.
std::string toString(const persistence::MessageId& message_id);

}  // namespace howdah::service
