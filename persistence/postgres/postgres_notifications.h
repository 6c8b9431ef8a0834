// Wake hints by LISTEN and NOTIFY, on one connection with a thread of its own that listens and publishes. Hints gather
// for a few milliseconds and leave in one NOTIFY, which takes a lock that all of a server's NOTIFYs share; while no
// other process listens, none is sent at all.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/notifications.h"
#include "persistence/postgres/options.h"

namespace howdah::persistence::postgres {

class Connection;

class PostgresNotifications final : public Notifications {
 public:
  PostgresNotifications(PostgresOptions options, metrics::Recorder& recorder);
  ~PostgresNotifications() override;

  void start(std::function<void(const std::vector<WakeHint>&)> on_hints, std::function<void()> on_reconnect) override;
  void stop() override;
  void publish(const WakeHint& hint) override;

 private:
  void run();
  void listen(Connection& connection);
  void checkForListeners(Connection& connection);
  void publishGathered(Connection& connection);
  bool waitBeforeRetry(std::chrono::milliseconds backoff);
  void wakeThread();

  const PostgresOptions options_;
  metrics::Recorder& recorder_;
  std::function<void(const std::vector<WakeHint>&)> on_hints_;
  std::function<void()> on_reconnect_;

  const int wake_descriptor_;  // an eventfd: something was published, or stop
  std::atomic<bool> stopping_{false};
  std::atomic<bool> others_listen_{true};  // until it is known that nobody does

  std::mutex mutex_;
  std::map<QueueId, WakeHint> gathered_;
  std::chrono::steady_clock::time_point leave_at_;  // when gathered_ is not empty

  std::thread thread_;
};

// What travels in a NOTIFY: "queue_id" or "queue_id@due", numbers in decimal, separated by spaces; due in microseconds
// since 1970. Each text is below PostgreSQL's limit of 8,000 bytes.
std::vector<std::string> encodeHints(const std::vector<WakeHint>& hints);
std::vector<WakeHint> decodeHints(std::string_view payload);  // leaves out what it does not understand

}  // namespace howdah::persistence::postgres
