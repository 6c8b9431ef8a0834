// Load on message stores with books: threads send, receive, delete and change visibility on one standard queue through
// one or more stores (server processes share nothing but the database), write down what they were told, and afterwards
// a pass over the sorted records judges it. Goes on until every message is deleted, then checks that nothing is left. A
// judgement is a sentence; none means that all is well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "persistence/message_store.h"

namespace howdah::testing {

struct LoadOptions {
  std::vector<persistence::MessageStore*> stores;
  persistence::QueueId queue_id = 0;
  std::int64_t queue_version = 0;
  int senders = 3;
  int receivers = 4;
  int messages = 6000;         // sent in all
  int batch = 20;              // rows of a call, from 1 up to this
  double delayed_share = 0.1;  // delayed by 1 s
  int stalled_after_s = 60;    // nothing received for so long is a fault
  std::uint64_t seed = 1;
};

std::vector<std::string> runLoad(const LoadOptions& options);

}  // namespace howdah::testing
