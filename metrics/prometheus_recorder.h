// What the server tells about itself as Prometheus series.
// Series are found without allocation and kept; every label has a closed or capped set of values, whatever callers
// pass. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "metrics/build_info.h"
#include "metrics/queue_series.h"
#include "metrics/recorder.h"
#include "metrics/snapshot.h"

namespace howdah::metrics {

class PrometheusRecorder final : public Recorder {
 public:
  explicit PrometheusRecorder(const BuildInfo& build, QueueSeriesOptions queues = {});
  ~PrometheusRecorder() override;

  // All series in Prometheus' text format 0.0.4, figures of the process from /proc among them. Asks no database.
  std::string render() const;
  // The series of queues whose label the whole of the RE2 pattern fits; nothing: it is no pattern.
  std::optional<std::string> renderQueues(std::string_view pattern) const;
  bool isDatabaseUp() const;
  void snapshotRead(std::shared_ptr<const Snapshot> snapshot);

  void requestFinished(std::string_view action, std::string_view protocol, int code, std::string_view error,
                       Seconds duration, std::size_t request_bytes, std::size_t response_bytes) override;
  void connectionOpened() override;
  void connectionClosed() override;
  void connectionRejected(std::string_view reason) override;
  void authenticationFailed(std::string_view reason) override;
  void certificateEnds(std::chrono::sys_seconds when) override;
  void reloaded(std::string_view what, bool success) override;
  QueueCountsPtr queueCounts(std::string_view account, std::string_view name) override;
  void messageSent(QueueCounts& queue, std::size_t bytes) override;
  void messageDeduplicated(QueueCounts& queue) override;
  void messagesReceived(QueueCounts& queue, std::size_t count) override;
  void messageFirstReceived(QueueCounts& queue, Seconds dwell) override;
  void messagesRedelivered(std::size_t count) override;
  void emptyReceive(QueueCounts& queue) override;
  void messageDeleted(QueueCounts& queue, std::optional<Seconds> since_received) override;
  void messagesDeadLettered(QueueCounts& queue, std::size_t count) override;
  void messagesRedriven(std::size_t count) override;
  void messagesExpired(std::size_t count) override;
  void messagesPurged(std::size_t count) override;
  void visibilityChanged(std::size_t count) override;
  void queuePurged() override;
  void queueCreated() override;
  void queueDeleted(std::string_view account, std::string_view name) override;
  void throttled(std::string_view limit) override;
  void coalesced(std::string_view operation, std::size_t requests) override;
  void retried(std::string_view operation) override;
  void receiveParked(QueueCounts& queue) override;
  void receiveUnparked(QueueCounts& queue, Seconds parked) override;
  void woken(WakeSource source) override;
  void statementFinished(std::string_view statement, Seconds duration) override;
  void databaseError(std::string_view sql_state_class) override;
  void databaseConnections(std::string_view state, std::int64_t count) override;
  void databaseConnectionAwaited(Seconds duration) override;
  void databaseReconnected() override;
  void databaseUp(bool up) override;
  void dutyFinished(std::string_view duty, bool success, Seconds duration) override;
  void dutyHeld(std::string_view duty, bool held) override;
  void draining(bool draining) override;

 private:
  struct Series;
  QueueSeries queues_;
  std::unique_ptr<Series> series_;
};

}  // namespace howdah::metrics
