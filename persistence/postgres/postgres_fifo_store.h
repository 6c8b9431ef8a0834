// The FIFO store on PostgreSQL: binds requests to the functions in persistence/postgres/sql/, maps rows back. The rules
// are in those functions (docs/storage.md).
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "persistence/fifo_store.h"
#include "persistence/postgres/connection_pool.h"
#include "persistence/postgres/functions.h"
#include "persistence/postgres/statement.h"

namespace howdah::persistence::postgres {

class PostgresFifoStore final : public FifoStore {
 public:
  static constexpr std::size_t kPartitions = 8;  // of each queue; the functions say (lane & 7) + 1

  PostgresFifoStore(ConnectionPool& pool, const InstalledFunctions& functions);

  FifoSendResult send(const FifoQueueRef& queue, std::span<const NewFifoMessage> messages) override;
  FifoReceiveOutcome receive(const FifoQueueRef& queue, std::span<const FifoReceive> receives) override;
  FifoReceiveOutcome receiveAttempt(const FifoQueueRef& queue, const FifoReceive& receive,
                                    const std::string& attempt_id) override;
  std::vector<FifoDeleteOutcome> remove(const FifoQueueRef& queue, std::span<const DeliveryKey> deliveries) override;
  std::vector<FifoChangeOutcome> changeVisibility(const FifoQueueRef& queue,
                                                  std::span<const FifoVisibilityChange> changes) override;
  MessageCounts countMessages(const FifoQueueRef& queue) override;

 private:
  // Of each partition: at or below which moments only dead turns lie. A cache; losing an entry costs one slower look.
  using Floors = std::array<DatabaseTime, kPartitions>;
  struct FloorEntry {
    Floors floors;
    std::chrono::steady_clock::time_point next_full_look;
  };

  Floors floorsFor(QueueId queue_id);
  FifoReceiveOutcome receiveOn(Connection& connection, const FifoQueueRef& queue,
                               std::span<const FifoReceive> receives);
  FifoReceiveOutcome outcomeOf(const Rows& rows, const FifoQueueRef& queue, std::size_t receives);

  ConnectionPool& pool_;
  const Statement send_, receive_, repeat_attempt_, note_attempt_, delete_, change_visibility_, count_;
  std::atomic<int> next_partition_{0};  // where the next receive starts to look, so that none is served last always

  std::mutex mutex_;
  std::unordered_map<QueueId, FloorEntry> floors_;
};

}  // namespace howdah::persistence::postgres
