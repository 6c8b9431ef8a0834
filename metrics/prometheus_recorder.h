// What the server tells about itself as Prometheus series.
// Series are found without allocation and kept; every label has a closed or capped set of values, whatever callers
// pass. Any thread.
#pragma once

#include <memory>
#include <string>

#include "metrics/build_info.h"
#include "metrics/recorder.h"

namespace howdah::metrics {

class PrometheusRecorder final : public Recorder {
 public:
  explicit PrometheusRecorder(const BuildInfo& build);
  ~PrometheusRecorder() override;

  // All series in Prometheus' text format 0.0.4, figures of the process from /proc among them. Asks no database.
  std::string render() const;
  bool isDatabaseUp() const;

  void requestFinished(std::string_view action, std::string_view protocol, int code, std::string_view error,
                       Seconds duration, std::size_t request_bytes, std::size_t response_bytes) override;
  void connectionOpened() override;
  void connectionClosed() override;
  void connectionRejected(std::string_view reason) override;
  void throttled(std::string_view setting) override;
  void messagesSent(std::size_t count) override;
  void messagesDeduplicated(std::size_t count) override;
  void messageSize(std::size_t bytes) override;
  void messagesReceived(std::size_t count) override;
  void emptyReceive() override;
  void messagesDeleted(std::size_t count) override;
  void messagesDeadLettered(std::size_t count) override;
  void messagesExpired(std::size_t count) override;
  void visibilityChanged(std::size_t count) override;
  void queuePurged() override;
  void queueCreated() override;
  void queueDeleted() override;
  void coalesced(std::string_view operation, std::size_t requests) override;
  void receiveParked() override;
  void receiveUnparked(Seconds parked) override;
  void woken(WakeSource source) override;
  void statementFinished(std::string_view statement, Seconds duration) override;
  void databaseError(std::string_view sql_state_class) override;
  void databaseConnections(std::string_view state, std::int64_t count) override;
  void databaseReconnected() override;
  void databaseUp(bool up) override;
  void dutyFinished(std::string_view duty, bool success, Seconds duration) override;
  void dutyHeld(std::string_view duty, bool held) override;
  void draining(bool draining) override;

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace howdah::metrics
