// The FIFO store on PostgreSQL: binds requests to the functions in persistence/postgres/sql/, maps rows back. The rules
// are in those functions (docs/storage.md).
#pragma once

#include <atomic>

#include "persistence/fifo_store.h"
#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/functions.h"
#include "persistence/postgres/statement.h"
#include "persistence/postgres/turn_floors.h"

namespace howdah::persistence::postgres {

class PostgresFifoStore final : public FifoStore {
 public:
  PostgresFifoStore(ConnectionPool& pool, const InstalledFunctions& functions, TurnFloors& floors);

  FifoSendResult send(const FifoQueueRef& queue, std::span<const NewFifoMessage> messages) override;
  FifoReceiveOutcome receive(const FifoQueueRef& queue, std::span<const FifoReceive> receives) override;
  FifoReceiveOutcome receiveAttempt(const FifoQueueRef& queue, const FifoReceive& receive,
                                    const std::string& attempt_id) override;
  std::vector<FifoDeleteOutcome> remove(QueueId queue_id, std::span<const DeliveryKey> deliveries) override;
  std::vector<FifoChangeOutcome> changeVisibility(QueueId queue_id,
                                                  std::span<const FifoVisibilityChange> changes) override;
  void applyDelay(QueueId queue_id) override;
  MessageCounts countMessages(QueueId queue_id) override;
  std::int64_t countInFlight(QueueId queue_id, std::int64_t limit) override;

 private:
  FifoReceiveOutcome receiveOn(Connection& connection, const FifoQueueRef& queue,
                               std::span<const FifoReceive> receives);
  FifoReceiveOutcome outcomeOf(const Rows& rows, const FifoQueueRef& queue, std::size_t receives);

  ConnectionPool& pool_;
  TurnFloors& floors_;
  const Statement send_, receive_, repeat_attempt_, note_attempt_, delete_, change_visibility_, apply_delay_, count_,
      count_in_flight_;
  std::atomic<int> next_partition_{0};  // where the next receive starts to look, so that none is served last always
};

}  // namespace howdah::persistence::postgres
