// The QueueStore on PostgreSQL: binds, runs, maps rows. The rules are in persistence/postgres/sql/.
#pragma once

#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/functions.h"
#include "persistence/queue_store.h"

namespace howdah::persistence::postgres {

class PostgresQueueStore final : public QueueStore {
 public:
  PostgresQueueStore(ConnectionPool& pool, const InstalledFunctions& functions);

  std::variant<Created, AlreadyExists, DeletedRecently> createQueue(const QueueName& queue_name,
                                                                    const StringMap& attributes, const StringMap& tags,
                                                                    std::chrono::seconds name_reuse_delay) override;
  std::optional<QueueRecord> findQueue(const QueueName& queue_name) override;
  std::vector<std::string> listQueues(const std::string& account, const std::string& prefix, const std::string& after,
                                      int limit) override;
  std::vector<std::string> listDeadLetterSources(const QueueName& target, const std::string& after, int limit) override;
  std::variant<QueueRecord, NotFound, VersionChanged> replaceAttributes(const QueueName& queue_name, QueueId queue_id,
                                                                        std::int64_t expected_version,
                                                                        const StringMap& attributes) override;
  std::variant<QueueRecord, NotFound, VersionChanged> replaceTags(const QueueName& queue_name, QueueId queue_id,
                                                                  std::int64_t expected_version,
                                                                  const StringMap& tags) override;
  bool deleteQueue(const QueueName& queue_name) override;
  std::variant<QueueRecord, NotFound, PurgeInProgress> purgeQueue(const QueueName& queue_name,
                                                                  std::chrono::seconds minimum_interval) override;
  std::string receiptHandleKey() override;

 private:
  std::variant<QueueRecord, NotFound, VersionChanged> replace(const Statement& statement, const QueueName& queue_name,
                                                              QueueId queue_id, std::int64_t expected_version,
                                                              const StringMap& map);
  Rows endIncarnation(const QueueName& queue_name, std::optional<QueueId> successor,
                      std::optional<std::chrono::seconds> minimum_interval);

  ConnectionPool& pool_;
  const Statement create_queue_;
  const Statement replace_attributes_;
  const Statement replace_tags_;
  const Statement end_incarnation_;
};

}  // namespace howdah::persistence::postgres
