// The elected duties: one thread a process, of which one in all processes holds a duty at a time. Nothing that a client
// waits for depends on them. So far: the sweep of what purged and deleted queues leave behind.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "metrics/recorder.h"
#include "persistence/maintenance_store.h"

namespace howdah::service {

class Maintenance {
 public:
  Maintenance(persistence::MaintenanceStore& store, metrics::Recorder& recorder,
              std::chrono::milliseconds interval = std::chrono::seconds(5));
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  void start();
  void stop();  // after the batch under way; releases the duties. Safe twice and unstarted.

 private:
  void run();
  void round();
  bool isStopping();

  persistence::MaintenanceStore& store_;
  metrics::Recorder& recorder_;
  const std::chrono::milliseconds interval_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
};

}  // namespace howdah::service
