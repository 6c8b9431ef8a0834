#include "persistence/postgres/postgres_fifo_store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "persistence/postgres/function_call.h"
#include "persistence/postgres/message_params.h"
#include "persistence/postgres/sha256.h"
#include "persistence/postgres/transaction.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

// A turn whose transaction took longer to commit than this lies below the floor, until a look from the beginning.
constexpr std::chrono::microseconds kSlack = std::chrono::seconds(1);

std::int32_t seconds32(std::chrono::seconds value) { return static_cast<std::int32_t>(value.count()); }

// A group is a lane: 64 bits of a hash of its id, the same in every process and release. Two groups that collide merely
// share an order.
std::int64_t laneOfGroup(std::string_view group_id) {
  return static_cast<std::int64_t>(std::stoull(sha256Hex(group_id).substr(0, 16), nullptr, 16));
}

std::string_view prefixOf(const DeliveryKey& delivery) {
  return {reinterpret_cast<const char*>(delivery.message_id_prefix.data()), delivery.message_id_prefix.size()};
}

// Deliveries in lock order without repeats, and which of them each request named.
struct Distinct {
  std::vector<DeliveryKey> deliveries;
  std::vector<std::size_t> position;  // of each request's delivery in `deliveries`
};
template <class Request, class Delivery>
Distinct distinct(std::span<const Request> requests, Delivery delivery) {
  const auto rank = [](const DeliveryKey& d) { return std::tuple(d.key, d.receive_count, d.message_id_prefix); };
  std::map<decltype(rank(DeliveryKey{})), std::size_t> positions;
  Distinct result;
  for (const Request& request : requests) positions.emplace(rank(delivery(request)), 0);
  for (auto& [key, position] : positions) {
    position = result.deliveries.size();
    result.deliveries.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key)});
  }
  for (const Request& request : requests) result.position.push_back(positions.at(rank(delivery(request))));
  return result;
}

void addDeliveries(Params& params, const std::vector<DeliveryKey>& deliveries) {
  params.int8Array(deliveries, [](const DeliveryKey& d) { return d.key.lane; });
  params.int8Array(deliveries, [](const DeliveryKey& d) { return d.key.seq; });
  params.int4Array(deliveries, &DeliveryKey::receive_count);
  params.byteaArray(deliveries, prefixOf);
}

FifoHandleState handleState(std::string_view outcome) {
  if (outcome == "gone") return FifoHandleState::Gone;
  return outcome == "expired" ? FifoHandleState::Expired : FifoHandleState::Valid;
}

}  // namespace

PostgresFifoStore::PostgresFifoStore(ConnectionPool& pool, const InstalledFunctions& functions, TurnFloors& floors)
    : pool_(pool),
      floors_(floors),
      send_(functionCall("send_fifo", functions, 12)),
      receive_(functionCall("receive_fifo", functions, 13)),
      repeat_attempt_(functionCall("receive_attempt_fifo", functions, 6)),
      note_attempt_(functionCall("note_attempt_fifo", functions, 5)),
      delete_(functionCall("delete_fifo", functions, 5)),
      change_visibility_(functionCall("change_visibility_fifo", functions, 6)),
      apply_delay_(functionCall("apply_delay_fifo", functions, 3)),
      count_(functionCall("count_messages_fifo", functions, 1)),
      count_in_flight_(functionCall("count_in_flight_fifo", functions, 2)) {}

FifoSendResult PostgresFifoStore::send(const FifoQueueRef& queue, std::span<const NewFifoMessage> messages) {
  Params params;
  params.int8(queue.queue_id).int8(queue.queue_version).int4(seconds32(queue.delay));
  params.int8Array(messages, [](const NewFifoMessage& m) { return laneOfGroup(*m.message.message_group_id); });
  params.uuidArray(messages, [](const NewFifoMessage& m) { return m.message.message_id; });
  params.textArray(messages, [](const NewFifoMessage& m) { return std::string_view(m.message.body); });
  params.byteaArray(messages, [](const NewFifoMessage& m) { return nullIfEmpty(m.message.message_attributes); });
  params.textArray(messages, [](const NewFifoMessage& m) { return std::string_view(m.message.sender_id); });
  params.textArray(messages, [](const NewFifoMessage& m) { return m.message.trace_header; });
  params.textArray(messages, [](const NewFifoMessage& m) { return m.message.message_group_id; });
  params.textArray(messages, [](const NewFifoMessage& m) { return std::string_view(m.message_deduplication_id); });
  params.byteaArray(messages, [](const NewFifoMessage& m) { return std::string_view(m.deduplication_key); });
  const Rows rows = pool_.acquire()->execute(send_, params);

  FifoSendResult result;
  if (rows.empty()) {
    result.queue = QueueState::Changed;
    return result;
  }
  result.outcomes.resize(messages.size());
  for (const Row row : rows) {
    const auto i = static_cast<std::size_t>(row.int4(0) - 1);
    result.outcomes.at(i) = {row.uuid(1), row.int8(2), row.uuid(1) != messages[i].message.message_id};
    result.opened_a_group = row.boolean(3);
  }
  return result;
}

FifoReceiveOutcome PostgresFifoStore::outcomeOf(const Rows& rows, const FifoQueueRef& queue, std::size_t receives) {
  FifoReceiveOutcome outcome;
  outcome.messages.resize(receives);
  for (const Row row : rows) {
    const std::int32_t receive = row.int4(0);
    if (receive <= 0) {
      outcome.now = row.timestamptz(4);
      if (receive == -1) outcome.queue = QueueState::Changed;
      outcome.next_due = row.timestamptzOrNull(16);
      if (row.isNull(15)) continue;
      outcome.removals = {row.int8OrNull(1).value_or(0), row.int8OrNull(2).value_or(0), row.int4OrNull(6).value_or(0)};
      const auto told = row.timestamptzArray(15);
      TurnFloors::Floors floors;
      std::copy_n(told.begin(), floors.size(), floors.begin());
      floors_.learned(queue.queue_id, floors);
      continue;
    }
    DeliveredMessage& message = outcome.messages.at(static_cast<std::size_t>(receive - 1)).emplace_back();
    message.key = {queue.queue_id, row.int8(1), row.int8(2)};
    message.sent_at = row.timestamptz(3);
    message.received_at = row.timestamptz(4);
    message.first_received_at = row.timestamptz(5);
    message.receive_count = row.int4(6);
    message.message_id = row.uuid(7);
    message.body = row.text(8);
    if (!row.isNull(9)) message.message_attributes = row.bytea(9);
    message.sender_id = row.text(10);
    message.trace_header = ownedOrNull(row.textOrNull(11));
    message.message_group_id = ownedOrNull(row.textOrNull(12));
    message.message_deduplication_id = ownedOrNull(row.textOrNull(13));
    message.source_queue = ownedOrNull(row.textOrNull(14));
  }
  return outcome;
}

FifoReceiveOutcome PostgresFifoStore::receiveOn(Connection& connection, const FifoQueueRef& queue,
                                                std::span<const FifoReceive> receives) {
  std::vector<std::int32_t> places;
  for (std::size_t i = 0; i < receives.size(); ++i)
    places.insert(places.end(), static_cast<std::size_t>(receives[i].max_number_of_messages),
                  static_cast<std::int32_t>(i + 1));
  const TurnFloors::Floors floors = floors_.forReceive(queue.queue_id);
  Params params;
  params.int8(queue.queue_id).int8(queue.queue_version).int4(seconds32(queue.delay)).int8(queue.retention.count());
  params.int4Array(places).int4Array(receives, &FifoReceive::visibility_timeout);
  params.int4(static_cast<std::int32_t>(static_cast<unsigned>(next_partition_++) % TurnFloors::kPartitions));
  params.timestamptzArray(floors).int8(kSlack.count());
  addRedrive(params, queue.redrive);
  return outcomeOf(connection.execute(receive_, params), queue, receives.size());
}

FifoReceiveOutcome PostgresFifoStore::receive(const FifoQueueRef& queue, std::span<const FifoReceive> receives) {
  auto connection = pool_.acquire();
  return receiveOn(*connection, queue, receives);
}

FifoReceiveOutcome PostgresFifoStore::receiveAttempt(const FifoQueueRef& queue, const FifoReceive& receive,
                                                     const std::string& attempt_id) {
  auto connection = pool_.acquire();
  Transaction transaction(*connection);
  Params params;
  params.int8(queue.queue_id).int8(queue.queue_version).int4(seconds32(queue.delay)).int8(queue.retention.count());
  params.text(attempt_id).int4(receive.visibility_timeout);
  const Rows rows = connection->execute(repeat_attempt_, params);
  constexpr std::int32_t kNothingToRepeat = -2;
  FifoReceiveOutcome outcome;
  if (rows[rows.size() - 1].int4(0) != kNothingToRepeat) {
    outcome = outcomeOf(rows, queue, 1);
  } else {
    outcome = receiveOn(*connection, queue, std::span(&receive, 1));
    const std::vector<DeliveredMessage>& messages = outcome.messages.front();
    Params note;
    note.int8(queue.queue_id).text(attempt_id);
    note.int8Array(messages, [](const DeliveredMessage& m) { return m.key.lane; });
    note.int8Array(messages, [](const DeliveredMessage& m) { return m.key.seq; });
    note.int4Array(messages, &DeliveredMessage::receive_count);
    connection->execute(note_attempt_, note);
  }
  transaction.commit();
  return outcome;
}

std::vector<FifoDeleteOutcome> PostgresFifoStore::remove(QueueId queue_id, std::span<const DeliveryKey> deliveries) {
  const Distinct named = distinct(deliveries, [](const DeliveryKey& d) { return d; });
  Params params;
  params.int8(queue_id);
  addDeliveries(params, named.deliveries);
  const Rows rows = pool_.acquire()->execute(delete_, params);
  std::vector<FifoDeleteOutcome> outcomes(deliveries.size(), FifoDeleteOutcome{QueueState::Changed, {}, false});
  if (rows.empty()) return outcomes;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    const Row row = rows[static_cast<int>(named.position[i])];
    outcomes[i] = {QueueState::Current, handleState(row.text(1)), row.boolean(2)};
  }
  return outcomes;
}

std::vector<FifoChangeOutcome> PostgresFifoStore::changeVisibility(QueueId queue_id,
                                                                   std::span<const FifoVisibilityChange> changes) {
  const Distinct named = distinct(changes, [](const FifoVisibilityChange& c) { return c.delivery; });
  std::vector<std::int32_t> timeouts(named.deliveries.size());
  for (std::size_t i = 0; i < changes.size(); ++i) timeouts[named.position[i]] = changes[i].visibility_timeout;
  Params params;
  params.int8(queue_id);
  addDeliveries(params, named.deliveries);
  params.int4Array(timeouts);
  const Rows rows = pool_.acquire()->execute(change_visibility_, params);
  std::vector<FifoChangeOutcome> outcomes(changes.size(), FifoChangeOutcome{QueueState::Changed, {}, {}});
  if (rows.empty()) return outcomes;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Row row = rows[static_cast<int>(named.position[i])];
    outcomes[i] = {QueueState::Current, handleState(row.text(1)),
                   row.timestamptz(2) + std::chrono::seconds(timeouts[named.position[i]])};
  }
  return outcomes;
}

void PostgresFifoStore::applyDelay(QueueId queue_id) {
  constexpr std::int32_t kGroupsInASlice = 1000;
  for (std::int64_t after = std::numeric_limits<std::int64_t>::min();;) {
    const Rows rows = pool_.acquire()->execute(apply_delay_, Params().int8(queue_id).int8(after).int4(kGroupsInASlice));
    if (rows.only().isNull(0)) return;
    after = rows.only().int8(0);
  }
}

std::int64_t PostgresFifoStore::countInFlight(QueueId queue_id, std::int64_t limit) {
  return pool_.acquire()->execute(count_in_flight_, Params().int8(queue_id).int8(limit)).only().int8(0);
}

MessageCounts PostgresFifoStore::countMessages(QueueId queue_id) {
  const Rows rows = pool_.acquire()->execute(count_, Params().int8(queue_id));
  const Row row = rows.only();
  return {row.int8(0), row.int8(1), row.int8(2)};
}

}  // namespace howdah::persistence::postgres
