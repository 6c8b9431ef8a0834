// Settings of the service; defaults, bounds and help are in the settings table (config/server_config.cpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "service/limits.h"

namespace howdah::service {

struct ServiceOptions {
  std::string region = "us-east-1";                 // only names ARNs
  std::chrono::seconds purge_interval{60};          // SQS: one PurgeQueue a queue in 60 s
  std::chrono::seconds queue_name_reuse_delay{60};  // SQS: a deleted queue's name is reserved for 60 s
  std::chrono::milliseconds watch_interval{2000};   // floor poll for lost wakes, one statement for all parked receives
  std::int64_t messages_in_flight = kMaximumMessagesInFlight;  // of a queue, about
  std::int64_t stored_bytes_per_queue = 0;                     // more is refused; 0: no limit
  std::int64_t stored_bytes = 0;                               // of all queues
  int workers = 4;                                             // threads that call the store, each on one connection
  std::size_t coalesced_rows = 500;                            // caps of one shared transaction
  std::size_t coalesced_bytes = 1024 * 1024;
};

}  // namespace howdah::service
