// The queues that the config file declares: created at start where absent, reported where different, never changed.
#pragma once

#include <string>
#include <vector>

#include "config/config_file.h"
#include "service/queue_service.h"

namespace howdah {

// Waits for each. Throws std::runtime_error if one cannot be: its declaration breaks a rule, or the database fails.
void createDeclaredQueues(service::QueueService& service, const std::vector<DeclaredQueue>& queues,
                          const std::string& account);

}  // namespace howdah
