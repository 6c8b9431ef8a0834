// Messages of FIFO queues: groups in order, turns, and the deduplication window (docs/storage.md). Every method blocks
// on one connection, is one transaction over one queue, may be called from any thread and throws StoreError when the
// database fails it. Where a queue is no longer the one a request was checked against, the answer says so and nothing
// has happened.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "persistence/message_store.h"
#include "persistence/records.h"

namespace howdah::persistence {

// A FIFO queue as a request was checked against it.
struct FifoQueueRef {
  QueueId queue_id = 0;
  std::int64_t queue_version = 0;
  std::chrono::seconds delay{};
  std::chrono::seconds retention{};
  std::optional<Redrive> redrive = std::nullopt;
  auto operator<=>(const FifoQueueRef&) const = default;
};

struct NewFifoMessage {
  NewMessage message;  // delay_seconds is the queue's affair; message_group_id is set
  std::string message_deduplication_id;
  // What the deduplication window compares: 16 bytes of a hash of the id and, for a queue whose scope is the message
  // group, of the group id.
  std::string deduplication_key;
};
struct FifoSendOutcome {
  MessageId message_id{};  // of the message, or of the first that had its deduplication key
  std::int64_t sequence = 0;
  bool duplicate = false;
};
struct FifoSendResult {
  QueueState queue = QueueState::Current;
  std::vector<FifoSendOutcome> outcomes;  // at the messages' indexes; empty if the queue changed
  bool opened_a_group = false;            // something became available: receivers elsewhere may be parked
};

struct FifoReceive {
  std::int32_t max_number_of_messages = 1;
  std::int32_t visibility_timeout = 0;  // seconds
};
struct FifoReceiveOutcome {
  QueueState queue = QueueState::Current;
  std::vector<std::vector<DeliveredMessage>> messages;  // of each receive, in order within each group
  Removals removals;
  DatabaseTime now;
  std::optional<DatabaseTime> next_due;  // when a group becomes available; only given when nothing was handed out
};

// A FIFO queue refuses handles whose visibility timeout has ended, or whose message was received again.
enum class FifoHandleState { Valid, Expired, Gone };
struct FifoDeleteOutcome {
  QueueState queue = QueueState::Current;
  FifoHandleState handle = FifoHandleState::Gone;  // Valid: deleted
  bool group_available = false;                    // something of its group can be received now
};
struct FifoChangeOutcome {
  QueueState queue = QueueState::Current;
  FifoHandleState handle = FifoHandleState::Gone;  // Valid: changed
  DatabaseTime visible_at;
};
struct FifoVisibilityChange {
  DeliveryKey delivery;
  std::int32_t visibility_timeout = 0;  // seconds from now
};

class FifoStore {
 public:
  virtual ~FifoStore() = default;

  // Stores messages in the order given. Safe to repeat within the deduplication window: a repeat finds its own keys.
  virtual FifoSendResult send(const FifoQueueRef& queue, std::span<const NewFifoMessage> messages) = 0;

  // Serves several receives; the messages of one group go to one of them.
  virtual FifoReceiveOutcome receive(const FifoQueueRef& queue, std::span<const FifoReceive> receives) = 0;

  // ReceiveRequestAttemptId, for five minutes: the first call under an id is a receive whose messages are noted; a
  // repeat is given the same messages under the same handles with their visibility timeout anew, if all of them are
  // still in flight as they were and within the retention, else it is a receive like the first.
  virtual FifoReceiveOutcome receiveAttempt(const FifoQueueRef& queue, const FifoReceive& receive,
                                            const std::string& attempt_id) = 0;

  // Safe to repeat.
  virtual std::vector<FifoDeleteOutcome> remove(QueueId queue_id, std::span<const DeliveryKey> deliveries) = 0;

  // Safe to repeat.
  virtual std::vector<FifoChangeOutcome> changeVisibility(QueueId queue_id,
                                                          std::span<const FifoVisibilityChange> changes) = 0;

  // The queue's delay was set: groups that wait for a longer one become available by the new one. A transaction for
  // each thousand groups; safe to repeat.
  virtual void applyDelay(QueueId queue_id) = 0;

  // Exact. Messages behind a group's head in flight count as visible. Of a queue with a delay its cost grows with the
  // backlog.
  virtual MessageCounts countMessages(QueueId queue_id) = 0;

  // Counted up to `limit`; 0 if there is no such queue any more.
  virtual std::int64_t countInFlight(QueueId queue_id, std::int64_t limit) = 0;
};

}  // namespace howdah::persistence
