// What the server tells about itself, in its own verbs; no exporter's type passes here. Any thread; never blocks, never
// throws. Everything is called with values at hand: a recorder asks nobody anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace howdah::metrics {

using Seconds = std::chrono::duration<double>;

enum class WakeSource { Local, Notify, Timer, Poll };

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

  // A request, or a message of a batch, was refused by the limit of that setting.
  virtual void throttled(std::string_view setting) = 0;

  // service
  virtual void messagesSent(std::size_t count) = 0;
  virtual void messagesDeduplicated(std::size_t count) = 0;  // sends that met the first of their kind, not stored
  virtual void messageSize(std::size_t bytes) = 0;           // of one accepted message, body and attributes
  virtual void messagesReceived(std::size_t count) = 0;
  virtual void emptyReceive() = 0;
  virtual void messagesDeleted(std::size_t count) = 0;
  virtual void messagesDeadLettered(std::size_t count) = 0;
  virtual void messagesExpired(std::size_t count) = 0;
  virtual void visibilityChanged(std::size_t count) = 0;
  virtual void queuePurged() = 0;
  virtual void queueCreated() = 0;
  virtual void queueDeleted() = 0;
  // How many requests shared one transaction of kind `operation` (send, receive, delete, change_visibility).
  virtual void coalesced(std::string_view operation, std::size_t requests) = 0;
  virtual void receiveParked() = 0;
  virtual void receiveUnparked(Seconds parked) = 0;
  virtual void woken(WakeSource source) = 0;

  // persistence
  virtual void statementFinished(std::string_view statement, Seconds duration) = 0;
  virtual void databaseError(std::string_view sql_state_class) = 0;  // two characters, "connection" when there is none
  virtual void databaseConnections(std::string_view state, std::int64_t count) = 0;  // state: open, busy
  virtual void databaseReconnected() = 0;
  virtual void databaseUp(bool up) = 0;

  // maintenance
  virtual void dutyFinished(std::string_view duty, bool success, Seconds duration) = 0;
  virtual void dutyHeld(std::string_view duty, bool held) = 0;
  virtual void draining(bool draining) = 0;
};

}  // namespace howdah::metrics
