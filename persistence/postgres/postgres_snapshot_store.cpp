#include "persistence/postgres/postgres_snapshot_store.h"

#include <charconv>
#include <limits>

#include "metrics/log.h"
#include "persistence/postgres/function_call.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

const Statement kHeader{"read_snapshot",
                        "SELECT number, (extract(epoch FROM clock_timestamp() - written_at) * 1000000)::int8"
                        "  FROM howdah.snapshot WHERE id = 1 AND number > greatest($1, 0)"};
const Statement kQueues{
    "read_queue_snapshots",
    "SELECT q.account::text, q.name::text, coalesce(q.attributes ->> 'FifoQueue' = 'true', false),"
    "       coalesce(split_part((q.attributes ->> 'RedrivePolicy')::jsonb ->> 'deadLetterTargetArn', ':', 6), ''),"
    "       coalesce(s.visible, 0), coalesce(s.in_flight, 0), coalesce(s.delayed, 0), coalesce(s.groups_in_flight, 0),"
    "       greatest((extract(epoch FROM n.taken_at - s.oldest_at) * 1000)::int8, 0)"
    "  FROM howdah.snapshot n CROSS JOIN howdah.queue q LEFT JOIN howdah.queue_snapshot s ON s.queue_id = q.queue_id"
    " WHERE n.id = 1 AND q.deleted_at IS NULL ORDER BY q.created_at, q.account, q.name"};
const Statement kActiveTasks{"read_active_move_tasks",
                             "SELECT account::text, source_name::text, moved, to_move FROM howdah.move_task"
                             " WHERE finished_at IS NULL ORDER BY account, source_name"};
const Statement kTasks{"read_move_tasks",
                       "SELECT status, count(*) FROM howdah.move_task GROUP BY status ORDER BY status"};
const Statement kDatabase{"read_database_figures",
                          "SELECT m.key, t.key, t.value"
                          "  FROM howdah.snapshot n, jsonb_each(n.database) m, jsonb_each_text(m.value) t"
                          " WHERE n.id = 1 AND t.value IS NOT NULL ORDER BY m.key, t.key"};

}  // namespace

PostgresSnapshotStore::PostgresSnapshotStore(ConnectionPool& pool, const InstalledFunctions& functions)
    : pool_(pool),
      count_(functionCall("snapshot_queues", functions, 2)),
      health_(functionCall("database_health", functions, 0)),
      finish_(functionCall("finish_snapshot", functions, 1)) {}

std::optional<QueueId> PostgresSnapshotStore::countQueues(std::optional<QueueId> after, int queues) {
  const QueueId from = after.value_or(std::numeric_limits<QueueId>::min());
  return pool_.acquire()->execute(count_, Params().int8(from).int4(queues)).only().int8OrNull(0);
}

void PostgresSnapshotStore::finish() {
  auto connection = pool_.acquire();
  std::optional<std::string> health;
  try {
    health = connection->execute(health_).only().text(0);
  } catch (const StoreBug& failure) {  // a right that our role lacks: the queues' figures go on
    metrics::logWarn("PostgreSQL's health could not be read", {{"reason", failure.what()}});
  }
  connection->execute(finish_, Params().text(health));
}

std::shared_ptr<const metrics::Snapshot> PostgresSnapshotStore::read(std::int64_t known) {
  auto connection = pool_.acquire();
  const Rows header = connection->execute(kHeader, Params().int8(known));
  if (header.empty()) return nullptr;
  auto snapshot = std::make_shared<metrics::Snapshot>();
  snapshot->number = header.only().int8(0);
  snapshot->taken_at = std::chrono::steady_clock::now() - std::chrono::microseconds(header.only().int8(1));
  for (const Row row : connection->execute(kQueues)) {
    snapshot->queues.push_back({std::string(row.text(0)), std::string(row.text(1)), row.boolean(2),
                                std::string(row.text(3)), row.int8(4), row.int8(5), row.int8(6),
                                static_cast<double>(row.int8OrNull(8).value_or(0)) / 1000, row.int8(7)});
  }
  for (const Row row : connection->execute(kActiveTasks)) {
    snapshot->active_move_tasks.push_back(
        {std::string(row.text(0)), std::string(row.text(1)), row.int8(2), row.int8(3)});
  }
  for (const Row row : connection->execute(kTasks)) snapshot->move_tasks.emplace_back(row.text(0), row.int8(1));
  for (const Row row : connection->execute(kDatabase)) {
    const std::string_view text = row.text(2);
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    snapshot->database.push_back({std::string(row.text(0)), std::string(row.text(1)), value});
  }
  return snapshot;
}

}  // namespace howdah::persistence::postgres
