// A Recorder that forgets everything; tests that look at a metric derive from it.
#pragma once

#include "metrics/recorder.h"

namespace howdah::testing {

class NullRecorder : public metrics::Recorder {
 public:
  void requestFinished(std::string_view, std::string_view, int, std::string_view, metrics::Seconds, std::size_t,
                       std::size_t) override {}
  void connectionOpened() override {}
  void connectionClosed() override {}
  void connectionRejected(std::string_view) override {}
  void authenticationFailed(std::string_view) override {}
  void certificateEnds(std::chrono::sys_seconds) override {}
  void reloaded(std::string_view, bool) override {}
  metrics::QueueCountsPtr queueCounts(std::string_view, std::string_view) override {
    return std::make_shared<metrics::QueueCounts>();
  }
  void messageSent(metrics::QueueCounts&, std::size_t) override {}
  void messageDeduplicated(metrics::QueueCounts&) override {}
  void messagesReceived(metrics::QueueCounts&, std::size_t) override {}
  void messageFirstReceived(metrics::QueueCounts&, metrics::Seconds) override {}
  void messagesRedelivered(std::size_t) override {}
  void emptyReceive(metrics::QueueCounts&) override {}
  void messageDeleted(metrics::QueueCounts&, std::optional<metrics::Seconds>) override {}
  void messagesDeadLettered(metrics::QueueCounts&, std::size_t) override {}
  void messagesRedriven(std::size_t) override {}
  void messagesExpired(std::size_t) override {}
  void messagesPurged(std::size_t) override {}
  void visibilityChanged(std::size_t) override {}
  void queuePurged() override {}
  void queueCreated() override {}
  void queueDeleted(std::string_view, std::string_view) override {}
  void throttled(std::string_view) override {}
  void coalesced(std::string_view, std::size_t) override {}
  void retried(std::string_view) override {}
  void receiveParked(metrics::QueueCounts&) override {}
  void receiveUnparked(metrics::QueueCounts&, metrics::Seconds) override {}
  void woken(metrics::WakeSource) override {}
  void statementFinished(std::string_view, metrics::Seconds) override {}
  void databaseError(std::string_view) override {}
  void databaseConnections(std::string_view, std::int64_t) override {}
  void databaseConnectionAwaited(metrics::Seconds) override {}
  void databaseReconnected() override {}
  void databaseUp(bool) override {}
  void dutyFinished(std::string_view, bool, metrics::Seconds) override {}
  void dutyHeld(std::string_view, bool) override {}
  void draining(bool) override {}
};

}  // namespace howdah::testing
