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
  void throttled(std::string_view) override {}
  void messagesSent(std::size_t) override {}
  void messagesDeduplicated(std::size_t) override {}
  void messageSize(std::size_t) override {}
  void messagesReceived(std::size_t) override {}
  void emptyReceive() override {}
  void messagesDeleted(std::size_t) override {}
  void messagesDeadLettered(std::size_t) override {}
  void messagesExpired(std::size_t) override {}
  void visibilityChanged(std::size_t) override {}
  void queuePurged() override {}
  void queueCreated() override {}
  void queueDeleted() override {}
  void coalesced(std::string_view, std::size_t) override {}
  void receiveParked() override {}
  void receiveUnparked(metrics::Seconds) override {}
  void woken(metrics::WakeSource) override {}
  void statementFinished(std::string_view, metrics::Seconds) override {}
  void databaseError(std::string_view) override {}
  void databaseConnections(std::string_view, std::int64_t) override {}
  void databaseReconnected() override {}
  void databaseUp(bool) override {}
  void dutyFinished(std::string_view, bool, metrics::Seconds) override {}
  void dutyHeld(std::string_view, bool) override {}
  void draining(bool) override {}
};

}  // namespace howdah::testing
