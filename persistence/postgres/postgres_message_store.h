// The message store on PostgreSQL: binds requests to the functions in persistence/postgres/sql/, maps rows back. The
// rules are in those functions (docs/storage.md).
#pragma once

#include "persistence/message_store.h"
#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/due_floors.h"
#include "persistence/postgres/functions.h"
#include "persistence/postgres/statement.h"
#include "persistence/postgres/turn_floors.h"

namespace howdah::persistence::postgres {

class PostgresMessageStore final : public MessageStore {
 public:
  PostgresMessageStore(ConnectionPool& pool, const InstalledFunctions& functions, const TurnFloors& turn_floors);

  std::vector<SendOutcome> send(std::span<const NewMessage> messages) override;
  ReceiveOutcome receive(const ReceiveRequest& request) override;
  std::vector<DeleteOutcome> remove(std::span<const DeleteRequest> requests) override;
  std::vector<ChangeVisibilityOutcome> changeVisibility(std::span<const ChangeVisibilityRequest> requests) override;
  MessageCounts countMessages(QueueId queue_id) override;
  std::int64_t countInFlight(QueueId queue_id, std::int64_t limit) override;
  std::optional<StoredBytes> storedBytes(std::span<const QueueId> queue_ids) override;
  std::vector<WatchedQueue> watch(std::span<const QueueId> queue_ids) override;
  DatabaseTime now() override;

 private:
  // Runs a statement that commits by itself, and takes its time for the floors' slack.
  Rows commit(const Statement& statement, const Params& params);
  ReceiveOutcome receiveFrom(const ReceiveRequest& request, const Floors& floors, bool& clock_is_behind_floors);

  ConnectionPool& pool_;
  const TurnFloors& turn_floors_;  // of FIFO queues, which are watched too
  const Statement send_, receive_, delete_, change_visibility_, count_, count_in_flight_, stored_bytes_, watch_, now_;
  DueFloors floors_;
};

}  // namespace howdah::persistence::postgres
