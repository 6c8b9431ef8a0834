// What the server tells about itself, in its own verbs; no exporter's type passes here. Any thread; never blocks, never
// throws. Everything is called with values at hand: a recorder asks nobody anything.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace howdah::metrics {

using Seconds = std::chrono::duration<double>;

enum class WakeSource { Local, Notify, Timer, Poll };

// What this process did for one queue since it started. Fed through the recorder's methods alone.
struct QueueCounts {
  using Count = std::atomic<std::uint64_t>;
  Count sent{0}, message_bytes{0}, deduplicated{0};
  Count received{0}, empty_receives{0}, deleted{0}, dead_lettered{0};
  Count first_received{0}, dwell_microseconds{0};
  std::atomic<std::int64_t> receive_waiters{0};  // now
};
using QueueCountsPtr = std::shared_ptr<QueueCounts>;

class Recorder {
 public:
  virtual ~Recorder() = default;

  // api
  // `action` is an SQS action's name or "unknown"; `protocol` "json", "query" or "rest"; `code` the HTTP status;
  // `error` the Query code of a failure, empty on success. `duration` leaves out the time a long poll was parked.
  virtual void requestFinished(std::string_view action, std::string_view protocol, int code, std::string_view error,
                               Seconds duration, std::size_t request_bytes, std::size_t response_bytes) = 0;
  virtual void connectionOpened() = 0;
  virtual void connectionClosed() = 0;
  virtual void connectionRejected(std::string_view reason) = 0;
  virtual void authenticationFailed(std::string_view reason) = 0;   // the Query code
  virtual void certificateEnds(std::chrono::sys_seconds when) = 0;  // the TLS certificate that is in use
  virtual void reloaded(std::string_view what, bool success) = 0;   // what: "credentials", "certificate"

  // A request, or a message of a batch, was refused by the limit of that setting.
  virtual void throttled(std::string_view setting) = 0;

  // service
  // Of the queue for as long as it is kept; queues beyond a bound share one.
  virtual QueueCountsPtr queueCounts(std::string_view account, std::string_view name) = 0;
  virtual void messageSent(QueueCounts& queue, std::size_t bytes) = 0;  // body and attributes
  virtual void messageDeduplicated(QueueCounts& queue) = 0;  // a send that met the first of its kind, not stored
  virtual void messagesReceived(QueueCounts& queue, std::size_t count) = 0;
  // Of those: one that nobody was given before, and how long after its send; those that somebody was.
  virtual void messageFirstReceived(QueueCounts& queue, Seconds dwell) = 0;
  virtual void messagesRedelivered(std::size_t count) = 0;
  virtual void emptyReceive(QueueCounts& queue) = 0;
  virtual void messageDeleted(QueueCounts& queue, std::optional<Seconds> since_received) = 0;
  virtual void messagesDeadLettered(QueueCounts& queue, std::size_t count) = 0;
  virtual void messagesRedriven(std::size_t count) = 0;
  virtual void messagesExpired(std::size_t count) = 0;
  virtual void messagesPurged(std::size_t count) = 0;
  virtual void visibilityChanged(std::size_t count) = 0;
  virtual void queuePurged() = 0;
  virtual void queueCreated() = 0;
  virtual void queueDeleted(std::string_view account, std::string_view name) = 0;
  // How many requests shared one transaction of kind `operation` (send, receive, delete, change_visibility).
  virtual void coalesced(std::string_view operation, std::size_t requests) = 0;
  virtual void retried(std::string_view operation) = 0;  // such a transaction was done again
  virtual void receiveParked(QueueCounts& queue) = 0;
  virtual void receiveUnparked(QueueCounts& queue, Seconds parked) = 0;
  virtual void woken(WakeSource source) = 0;

  // persistence
  virtual void statementFinished(std::string_view statement, Seconds duration) = 0;
  virtual void databaseError(std::string_view sql_state_class) = 0;  // two characters, "connection" when there is none
  virtual void databaseConnections(std::string_view state, std::int64_t count) = 0;  // state: open, busy
  virtual void databaseConnectionAwaited(Seconds duration) = 0;
  virtual void databaseReconnected() = 0;
  virtual void databaseUp(bool up) = 0;

  // maintenance
  virtual void dutyFinished(std::string_view duty, bool success, Seconds duration) = 0;
  virtual void dutyHeld(std::string_view duty, bool held) = 0;
  virtual void draining(bool draining) = 0;
};

}  // namespace howdah::metrics
