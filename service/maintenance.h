// The elected duties: one thread a process, of which one in all processes holds a duty at a time. Nothing that a client
// waits for depends on them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/maintenance_store.h"
#include "service/clock.h"

namespace howdah::service {

struct Duty {
  const char* name;                    // of the election, and the metric label
  std::chrono::milliseconds interval;  // between the ends of a round and the beginning of the next
  // One slice of the work, which blocks on the store and is short, so that duties take turns. Answers how soon the next
  // slice of this round is to come (0: now); nothing: the round is done.
  std::function<std::optional<std::chrono::milliseconds>()> slice;
};

// The sweep of what purged and deleted queues leave behind.
Duty sweepDuty(persistence::MaintenanceStore& store, metrics::Recorder& recorder,
               std::chrono::milliseconds interval = std::chrono::seconds(5));

// What is older than its queue's retention. Receives never hand it out; this frees the space.
Duty retentionDuty(persistence::MaintenanceStore& store, metrics::Recorder& recorder,
                   std::chrono::milliseconds interval = std::chrono::seconds(30));
// Deduplication windows and receive attempts that have ended.
Duty windowsDuty(persistence::MaintenanceStore& store, std::chrono::milliseconds interval = std::chrono::seconds(30));

// The count of stored bytes, for processes that have a limit on them, and its end, for those that have none.
Duty storedBytesDuty(persistence::MaintenanceStore& store,
                     std::chrono::milliseconds interval = std::chrono::seconds(5));
Duty unwantedCountDuty(persistence::MaintenanceStore& store,
                       std::chrono::milliseconds interval = std::chrono::seconds(60));

class Maintenance {
 public:
  Maintenance(persistence::MaintenanceStore& store, metrics::Recorder& recorder, std::vector<Duty> duties);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  void start();
  void stop();  // after the slice under way; releases the duties. Safe twice and unstarted.

 private:
  struct Round {
    SteadyTime due{};
    bool under_way = false;
    std::chrono::steady_clock::duration took{};
  };

  void run();
  void runSlice(const Duty& duty, Round& round);

  persistence::MaintenanceStore& store_;
  metrics::Recorder& recorder_;
  const std::vector<Duty> duties_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
};

}  // namespace howdah::service
