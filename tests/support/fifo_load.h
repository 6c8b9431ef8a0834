// Load on FIFO stores with books, as message_load does for standard queues: several threads and processes send (each
// group from one thread, so that its order is known; some twice), receive, delete, change visibility and let expire,
// and a pass over the records judges order, the prefix rule, deduplication and loss. None means that all is well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "persistence/fifo_store.h"

namespace howdah::testing {

struct FifoLoadOptions {
  std::vector<persistence::FifoStore*> stores;
  persistence::FifoQueueRef queue;
  int groups = 10;
  int senders = 3;
  int receivers = 4;
  int messages = 3000;
  int batch = 10;
  int stalled_after_s = 60;
  std::uint64_t seed = 1;
};

std::vector<std::string> runFifoLoad(const FifoLoadOptions& options);

}  // namespace howdah::testing
