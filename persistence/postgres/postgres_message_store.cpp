#include "persistence/postgres/postgres_message_store.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "persistence/postgres/function_call.h"
#include "persistence/postgres/message_params.h"

namespace howdah::persistence::postgres {

namespace {

using std::chrono::steady_clock;

// A receive that finds only what must go looks again so often; the sweep and later receives do the rest.
constexpr int kLooksPastRemovals = 20;

// Positions of `requests` in the order in which their rows are locked, so that transactions over common rows cannot
// deadlock.
template <class Request>
std::vector<std::size_t> inLockOrder(std::span<const Request> requests) {
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a].delivery.key < requests[b].delivery.key; });
  return order;
}

template <class Request>
std::vector<QueueId> distinctQueues(std::span<const Request> requests) {
  std::vector<QueueId> queues;
  for (const Request& request : requests) queues.push_back(request.queue_id);
  std::sort(queues.begin(), queues.end());
  queues.erase(std::unique(queues.begin(), queues.end()), queues.end());
  return queues;
}

// The parameters by which deletes and visibility changes name their deliveries, in lock order; `count` may answer NULL.
template <class Request, class Count>
Params deliveryParams(std::span<const Request> requests, const std::vector<QueueId>& queues,
                      const std::vector<std::size_t>& order, Count count) {
  Params params;
  params.int8Array(queues);
  params.int8Array(order, [&](std::size_t i) { return requests[i].delivery.key.queue_id; });
  params.int8Array(order, [&](std::size_t i) { return requests[i].delivery.key.lane; });
  params.int8Array(order, [&](std::size_t i) { return requests[i].delivery.key.seq; });
  params.int4Array(order, [&](std::size_t i) { return count(requests[i]); });
  params.byteaArray(order, [&](std::size_t i) {
    const auto& prefix = requests[i].delivery.message_id_prefix;
    return std::string_view(reinterpret_cast<const char*>(prefix.data()), prefix.size());
  });
  return params;
}

// Marks the requests of those queues that an answer of -position said are gone.
template <class Request, class Outcome>
void markChanged(QueueId gone, std::span<const Request> requests, std::vector<Outcome>& outcomes) {
  for (std::size_t i = 0; i < requests.size(); ++i)
    if (requests[i].queue_id == gone) outcomes[i].queue = QueueState::Changed;
}

}  // namespace

PostgresMessageStore::PostgresMessageStore(ConnectionPool& pool, const InstalledFunctions& functions,
                                           const TurnFloors& turn_floors)
    : pool_(pool),
      turn_floors_(turn_floors),
      send_(functionCall("send_standard", functions, 11)),
      receive_(functionCall("receive_standard", functions, 11)),
      delete_(functionCall("delete_standard", functions, 6)),
      change_visibility_(functionCall("change_visibility_standard", functions, 7)),
      count_(functionCall("count_messages", functions, 1)),
      count_in_flight_(functionCall("count_in_flight_standard", functions, 2)),
      stored_bytes_(functionCall("stored_bytes", functions, 1)),
      watch_(functionCall("watch_queues", functions, 4)),
      now_(functionCall("database_time", functions, 0)) {}

Rows PostgresMessageStore::commit(const Statement& statement, const Params& params) {
  auto connection = pool_.acquire();
  const auto start = steady_clock::now();
  Rows rows = connection->execute(statement, params);
  floors_.commitTook(steady_clock::now() - start);
  return rows;
}

std::vector<SendOutcome> PostgresMessageStore::send(std::span<const NewMessage> messages) {
  // Requests of one queue may have been checked against different versions of it; only the youngest can be current.
  std::map<QueueId, std::int64_t> versions;
  for (const NewMessage& message : messages) {
    std::int64_t& version = versions[message.queue_id];
    version = std::max(version, message.queue_version);
  }
  std::vector<QueueId> queue_ids;
  std::vector<std::int64_t> queue_versions;
  std::map<QueueId, std::int32_t> index_of;
  for (const auto& [queue_id, version] : versions) {
    queue_ids.push_back(queue_id);
    queue_versions.push_back(version);
    index_of[queue_id] = static_cast<std::int32_t>(queue_ids.size());
  }

  struct Sent {
    const NewMessage* message;
    std::int32_t queue;
    std::int64_t position;
  };
  std::vector<Sent> sent;
  std::vector<std::int64_t> positions(queue_ids.size() + 1, 0);
  std::vector<SendOutcome> outcomes(messages.size(), SendOutcome{QueueState::Changed, false});
  for (const NewMessage& message : messages) {
    if (message.queue_version != versions[message.queue_id]) continue;
    const std::int32_t queue = index_of[message.queue_id];
    sent.push_back({&message, queue, message.delay_seconds > 0 ? 0 : ++positions[static_cast<std::size_t>(queue)]});
  }

  Params params;
  params.int8Array(queue_ids).int8Array(queue_versions);
  params.int4Array(sent, &Sent::queue).int8Array(sent, &Sent::position);
  params.int4Array(sent, [](const Sent& s) { return s.message->delay_seconds; });
  params.uuidArray(sent, [](const Sent& s) { return s.message->message_id; });
  params.textArray(sent, [](const Sent& s) { return std::string_view(s.message->body); });
  params.byteaArray(sent, [](const Sent& s) { return nullIfEmpty(s.message->message_attributes); });
  params.textArray(sent, [](const Sent& s) { return std::string_view(s.message->sender_id); });
  params.textArray(sent, [](const Sent& s) { return s.message->trace_header; });
  params.textArray(sent, [](const Sent& s) { return s.message->message_group_id; });
  const Rows rows = commit(send_, params);

  std::vector<SendOutcome> by_queue(queue_ids.size() + 1);
  for (const Row row : rows)
    by_queue[static_cast<std::size_t>(row.int4(0))] = {row.boolean(1) ? QueueState::Current : QueueState::Changed,
                                                       row.boolean(2)};
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (messages[i].queue_version == versions[messages[i].queue_id])
      outcomes[i] = by_queue[static_cast<std::size_t>(index_of[messages[i].queue_id])];
  return outcomes;
}

ReceiveOutcome PostgresMessageStore::receive(const ReceiveRequest& request) {
  bool clock_is_behind_floors = false;
  ReceiveOutcome outcome =
      receiveFrom(request, floors_.forReceive(request.queue_id, steady_clock::now()), clock_is_behind_floors);
  // Only dead letters and what was too old were found so far: there may be more behind them.
  for (int looks = 1; outcome.messages.empty() && outcome.removals.dead_lettered + outcome.removals.expired > 0 &&
                      looks < kLooksPastRemovals;
       ++looks) {
    const Removals before = outcome.removals;
    outcome = receiveFrom(request, floors_.forReceive(request.queue_id, steady_clock::now()), clock_is_behind_floors);
    if (outcome.removals.dead_lettered + outcome.removals.expired == 0) {
      outcome.removals = before;
      break;
    }
    outcome.removals.dead_lettered += before.dead_lettered;
    outcome.removals.expired += before.expired;
    if (outcome.removals.dead_letter_queue_id == 0) outcome.removals.dead_letter_queue_id = before.dead_letter_queue_id;
  }
  // The clock was set back (a failover, the test clock): what the floors hide may be due.
  if (clock_is_behind_floors && outcome.messages.empty())
    outcome = receiveFrom(request, {DueFloors::kBeginning, DueFloors::kBeginning}, clock_is_behind_floors);
  return outcome;
}

ReceiveOutcome PostgresMessageStore::receiveFrom(const ReceiveRequest& request, const Floors& floors,
                                                 bool& clock_is_behind_floors) {
  Params params;
  params.int8(request.queue_id).int8(request.queue_version).int4Array(request.visibility_timeouts);
  params.timestamptz(floors.fresh).timestamptz(floors.worn).int8(floors_.slack().count());
  params.int8(request.retention.count());
  addRedrive(params, request.redrive);
  const auto start = steady_clock::now();
  const Rows rows = commit(receive_, params);
  const auto end = steady_clock::now();

  ReceiveOutcome outcome;
  std::vector<std::pair<std::int32_t, DeliveredMessage>> slots;
  slots.reserve(static_cast<std::size_t>(rows.size()));
  for (const Row row : rows) {
    const std::int32_t slot = row.int4(0);
    if (slot <= 0) {
      outcome.now = row.timestamptz(4);
      if (slot < 0) {
        outcome.queue = QueueState::Changed;
        continue;
      }
      outcome.removals = {row.int8OrNull(1).value_or(0), row.int8(2), row.int4(6)};
      outcome.next_due = row.timestamptzOrNull(16);
      floors_.learned(request.queue_id, floors, {row.timestamptz(14), row.timestamptz(15)}, end - start, end);
      clock_is_behind_floors = outcome.now < std::max(floors.fresh, floors.worn);
      continue;
    }
    DeliveredMessage& message = slots.emplace_back(slot, DeliveredMessage{}).second;
    message.key = {request.queue_id, row.int8(1), row.int8(2)};
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
    message.source_queue = ownedOrNull(row.textOrNull(13));
  }
  std::sort(slots.begin(), slots.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& slot : slots) outcome.messages.push_back(std::move(slot.second));
  return outcome;
}

std::vector<DeleteOutcome> PostgresMessageStore::remove(std::span<const DeleteRequest> requests) {
  const std::vector<QueueId> queues = distinctQueues(requests);
  const std::vector<std::size_t> order = inLockOrder(requests);
  const Rows rows = commit(delete_, deliveryParams(requests, queues, order, [](const DeleteRequest& request) {
                             return std::optional(request.delivery.receive_count);
                           }));
  std::vector<DeleteOutcome> outcomes(requests.size());
  for (const Row row : rows) {
    const std::int32_t answer = row.int4(0);
    if (answer > 0)
      outcomes[order[static_cast<std::size_t>(answer - 1)]].deleted = true;
    else
      markChanged(queues[static_cast<std::size_t>(-answer - 1)], requests, outcomes);
  }
  return outcomes;
}

std::vector<ChangeVisibilityOutcome> PostgresMessageStore::changeVisibility(
    std::span<const ChangeVisibilityRequest> requests) {
  const std::vector<QueueId> queues = distinctQueues(requests);
  const std::vector<std::size_t> order = inLockOrder(requests);
  Params params = deliveryParams(requests, queues, order, [](const ChangeVisibilityRequest& request) {
    return request.only_this_delivery ? std::optional(request.delivery.receive_count) : std::nullopt;
  });
  params.int4Array(order, [&](std::size_t i) { return requests[i].visibility_timeout; });
  const Rows rows = commit(change_visibility_, params);
  std::vector<ChangeVisibilityOutcome> outcomes(requests.size());
  for (const Row row : rows) {
    const std::int32_t answer = row.int4(0);
    if (answer < 0) {
      markChanged(queues[static_cast<std::size_t>(-answer - 1)], requests, outcomes);
      continue;
    }
    const std::size_t i = order[static_cast<std::size_t>(answer - 1)];
    outcomes[i].changed = true;
    outcomes[i].visible_at = row.timestamptz(1) + std::chrono::seconds(requests[i].visibility_timeout);
  }
  return outcomes;
}

MessageCounts PostgresMessageStore::countMessages(QueueId queue_id) {
  const Rows rows = pool_.acquire()->execute(count_, Params().int8(queue_id));
  const Row row = rows.only();
  return {row.int8(0), row.int8(1), row.int8(2)};
}

std::int64_t PostgresMessageStore::countInFlight(QueueId queue_id, std::int64_t limit) {
  return pool_.acquire()->execute(count_in_flight_, Params().int8(queue_id).int8(limit)).only().int8(0);
}

std::optional<StoredBytes> PostgresMessageStore::storedBytes(std::span<const QueueId> queue_ids) {
  const Rows rows = pool_.acquire()->execute(stored_bytes_, Params().int8Array(queue_ids));
  if (rows.empty()) return std::nullopt;
  StoredBytes stored;
  stored.of_queues.resize(queue_ids.size());
  for (const Row row : rows) {
    const auto index = static_cast<std::size_t>(row.int4(0));
    (index == 0 ? stored.in_all : stored.of_queues[index - 1]) = row.int8(1);
  }
  return stored;
}

std::vector<WatchedQueue> PostgresMessageStore::watch(std::span<const QueueId> queue_ids) {
  std::vector<Floors> floors;
  for (const QueueId queue_id : queue_ids) floors.push_back(floors_.peek(queue_id));
  const Rows rows = pool_.acquire()->execute(
      watch_, Params()
                  .int8Array(queue_ids)
                  .timestamptzArray(floors, &Floors::fresh)
                  .timestamptzArray(floors, &Floors::worn)
                  .timestamptzArray(queue_ids, [this](QueueId queue_id) { return turn_floors_.lowest(queue_id); }));
  std::vector<WatchedQueue> watched;
  for (const Row row : rows)
    watched.push_back({queue_ids[static_cast<std::size_t>(row.int4(0) - 1)], row.boolean(1), row.boolean(2),
                       row.timestamptzOrNull(3), row.timestamptz(4)});
  return watched;
}

DatabaseTime PostgresMessageStore::now() { return pool_.acquire()->execute(now_).only().timestamptz(0); }

}  // namespace howdah::persistence::postgres
