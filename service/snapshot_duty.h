// The elected duty (maintenance.h) that counts all queues for the metrics of every server.
#pragma once

#include <chrono>

#include "persistence/snapshot_store.h"
#include "service/maintenance.h"

namespace howdah::service {

// In slices with pauses between, so that it takes a tenth of one connection's time at most, however many queues there
// are and however deep.
Duty snapshotDuty(persistence::SnapshotStore& store, std::chrono::milliseconds interval);

}  // namespace howdah::service
