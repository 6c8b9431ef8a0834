// Messages of standard queues: the log, its cursors and its delivery rows (docs/storage.md). Every method blocks on one
// connection, is one transaction, may be called from any thread and throws StoreError when the database fails it.
// Requests of one call may name many queues, unless said; each has an outcome of its own, at the same index.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "persistence/records.h"

namespace howdah::persistence {

// The queue a request was checked against is no longer that one (changed, purged, deleted): look it up and check again.
enum class QueueState { Current, Changed };

struct SendOutcome {
  QueueState queue = QueueState::Current;
  bool queue_was_empty = false;  // nothing lay above the cursor: receivers elsewhere may be parked
};

struct ReceiveRequest {
  QueueId queue_id = 0;
  std::int64_t queue_version = 0;
  std::vector<std::int32_t> visibility_timeouts;  // seconds, one for each message wanted
  std::chrono::seconds retention{345600};         // what is older is deleted instead
  std::optional<Redrive> redrive = std::nullopt;
};

struct ReceiveOutcome {
  QueueState queue = QueueState::Current;
  std::vector<DeliveredMessage> messages;  // in the order of the timeouts they took; may be fewer
  Removals removals;
  DatabaseTime now;                      // of the claim
  std::optional<DatabaseTime> next_due;  // when the next message falls due; only given when `messages` is empty
};

struct DeleteRequest {
  QueueId queue_id = 0;  // the queue as it is now; the delivery may be of an incarnation before
  DeliveryKey delivery;
};
struct DeleteOutcome {
  QueueState queue = QueueState::Current;
  bool deleted = false;  // false: superseded by a later receive, or already gone
};

struct ChangeVisibilityRequest {
  QueueId queue_id = 0;
  DeliveryKey delivery;
  std::int32_t visibility_timeout = 0;  // seconds from now
  bool only_this_delivery = false;      // leave the message alone if it was received again since
};
struct ChangeVisibilityOutcome {
  QueueState queue = QueueState::Current;
  bool changed = false;  // false: no such message
  DatabaseTime visible_at;
};

// What a message counts beside its body and attributes where stored bytes are counted; about what PostgreSQL keeps for
// it.
inline constexpr std::int64_t kStoredMessageBytes = 256;

struct StoredBytes {
  std::vector<std::int64_t> of_queues;  // those asked for, in their order
  std::int64_t in_all = 0;              // of the database, what purges and deletions left to the sweep included
};

struct WatchedQueue {
  QueueId queue_id = 0;
  bool gone = false;                     // purged or deleted
  bool deliverable = false;              // something can be received now
  std::optional<DatabaseTime> next_due;  // else when the next message falls due
  DatabaseTime now;                      // of the look
};

class MessageStore {
 public:
  virtual ~MessageStore() = default;

  // Inserts the messages, each queue's in the order given. Takes the send lock of one lane a queue, held to the commit.
  // Not safe to repeat when the outcome is unknown: a repeat may store a message twice.
  virtual std::vector<SendOutcome> send(std::span<const NewMessage> messages) = 0;

  // Hands out up to one message per timeout, of one queue: due ones first, then the log, then worn ones. Dead letters
  // are moved and what is too old is deleted in the same transaction, about a hundred a call.
  // A lost outcome is not repeated: what was claimed falls due again.
  virtual ReceiveOutcome receive(const ReceiveRequest& request) = 0;

  // Deletes those messages whose latest delivery is the one named. Safe to repeat.
  virtual std::vector<DeleteOutcome> remove(std::span<const DeleteRequest> requests) = 0;

  // Safe to repeat.
  virtual std::vector<ChangeVisibilityOutcome> changeVisibility(std::span<const ChangeVisibilityRequest> requests) = 0;

  // Exact, from one snapshot. Its cost grows with what is in flight, not with the backlog.
  virtual MessageCounts countMessages(QueueId queue_id) = 0;

  // Counted up to `limit`; 0 if there is no such queue any more.
  virtual std::int64_t countInFlight(QueueId queue_id, std::int64_t limit) = 0;

  // Of messages of standard and FIFO queues, as committed at one moment; nothing while they have not been counted,
  // which a duty begins (MaintenanceStore::foldStoredBytes). A probe a queue.
  virtual std::optional<StoredBytes> storedBytes(std::span<const QueueId> queue_ids) = 0;

  // One statement for all queues that have parked receives.
  virtual std::vector<WatchedQueue> watch(std::span<const QueueId> queue_ids) = 0;

  // The database's clock, test offset included.
  virtual DatabaseTime now() = 0;
};

}  // namespace howdah::persistence
