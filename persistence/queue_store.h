// Queues and their attributes. Every method blocks on one connection, is one transaction, may be called from any thread
// and throws StoreError (store_error.h) when the database fails it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "persistence/records.h"

namespace howdah::persistence {

class QueueStore {
 public:
  virtual ~QueueStore() = default;

  struct Created {
    QueueRecord queue;
  };
  struct AlreadyExists {
    QueueRecord queue;
  };
  struct DeletedRecently {};
  struct NotFound {};
  struct PurgeInProgress {};
  struct VersionChanged {};

  // Creates the queue with a fresh queue_id, its lock rows and cursors, unless the name is in use, or was deleted less
  // than `name_reuse_delay` ago by the database's clock. Atomic against other creators and deleters of the name.
  virtual std::variant<Created, AlreadyExists, DeletedRecently> createQueue(const QueueName& queue_name,
                                                                            const StringMap& attributes,
                                                                            const StringMap& tags,
                                                                            std::chrono::seconds name_reuse_delay) = 0;

  virtual std::optional<QueueRecord> findQueue(const QueueName& queue_name) = 0;

  // Names that start with `prefix` (case-sensitive) and come after `after` in byte order, at most `limit`.
  virtual std::vector<std::string> listQueues(const std::string& account, const std::string& prefix,
                                              const std::string& after, int limit) = 0;

  // Names of the queues whose RedrivePolicy names `target`, which is of their account; as listQueues.
  virtual std::vector<std::string> listDeadLetterSources(const QueueName& target, const std::string& after,
                                                         int limit) = 0;

  // Replaces the attributes, if the queue still is `queue_id` at `expected_version`. Moves modified_at and version.
  virtual std::variant<QueueRecord, NotFound, VersionChanged> replaceAttributes(const QueueName& queue_name,
                                                                                QueueId queue_id,
                                                                                std::int64_t expected_version,
                                                                                const StringMap& attributes) = 0;

  // Replaces the tags likewise. Moves version, but not modified_at.
  virtual std::variant<QueueRecord, NotFound, VersionChanged> replaceTags(const QueueName& queue_name, QueueId queue_id,
                                                                          std::int64_t expected_version,
                                                                          const StringMap& tags) = 0;

  // Deletes the queue: its name is kept with the time of deletion, its messages become remains for the sweep. Answers
  // false if there is none. Waits for transactions under way on the queue.
  virtual bool deleteQueue(const QueueName& queue_name) = 0;

  // Gives the queue a new incarnation, so that it is empty at once (no work per message), unless it was purged less
  // than `minimum_interval` ago. Throws StoreUnavailable if an outsider's open transaction holds the queue for long.
  virtual std::variant<QueueRecord, NotFound, PurgeInProgress> purgeQueue(const QueueName& queue_name,
                                                                          std::chrono::seconds minimum_interval) = 0;

  // The 32-byte key that authenticates receipt handles; made once by a migration, the same for every replica.
  virtual std::string receiptHandleKey() = 0;
};

}  // namespace howdah::persistence
