#include "persistence/postgres/postgres_move_task_store.h"

#include <fmt/format.h>

#include "persistence/postgres/function_call.h"

namespace howdah::persistence::postgres {

namespace {

constexpr std::string_view kColumns =
    "t.task_id, t.account, t.source_name, t.destination_name, t.max_per_second, t.status, t.failure_reason, "
    "t.started_at, t.moved, t.to_move";

const Statement kList{
    "list_move_tasks",
    fmt::format("SELECT {} FROM howdah.move_task t WHERE t.account = $1 AND t.source_name = $2 AND t.started_at >= "
                "(SELECT q.created_at FROM howdah.queue q WHERE q.account = $1 AND q.name = $2) "
                "ORDER BY t.started_at DESC LIMIT $3",
                kColumns)};
const Statement kActive{
    "active_move_tasks",
    fmt::format("SELECT {} FROM howdah.move_task t WHERE t.finished_at IS NULL ORDER BY t.started_at", kColumns)};

std::vector<MoveTask> moveTasks(const Rows& rows) {
  std::vector<MoveTask> tasks;
  for (const Row row : rows) {
    MoveTask& task = tasks.emplace_back();
    task.task_id = row.uuid(0);
    task.source = {std::string(row.text(1)), std::string(row.text(2))};
    if (!row.isNull(3)) task.destination_name = row.text(3);
    task.max_per_second = row.int4OrNull(4);
    task.status = row.text(5);
    if (!row.isNull(6)) task.failure_reason = row.text(6);
    task.started_at = row.timestamptz(7);
    task.moved = row.int8(8);
    task.to_move = row.int8(9);
  }
  return tasks;
}

}  // namespace

PostgresMoveTaskStore::PostgresMoveTaskStore(ConnectionPool& pool, const InstalledFunctions& functions)
    : pool_(pool),
      start_(functionCall("start_move_task", functions, 6)),
      cancel_(functionCall("cancel_move_task", functions, 3)),
      move_(functionCall("move_messages", functions, 5)) {}

MoveTaskStore::StartOutcome PostgresMoveTaskStore::startMoveTask(const NewMoveTask& task, int maximum_active) {
  Params params;
  params.uuid(task.task_id).text(task.source.account).text(task.source.name).text(task.destination_name);
  params.int4(task.max_per_second).int8(maximum_active);
  const Rows rows = pool_.acquire()->execute(start_, params);
  const std::string_view outcome = rows.only().text(0);
  if (outcome == "already_running") return StartOutcome::AlreadyRunning;
  if (outcome == "too_many_active") return StartOutcome::TooManyActive;
  if (outcome == "no_such_source") return StartOutcome::NoSuchSource;
  return StartOutcome::Started;
}

std::variant<std::int64_t, MoveTaskStore::NoSuchTask, MoveTaskStore::NotRunning> PostgresMoveTaskStore::cancelMoveTask(
    const QueueName& source, const MoveTaskId& task_id) {
  const Rows rows = pool_.acquire()->execute(cancel_, Params().uuid(task_id).text(source.account).text(source.name));
  const Row row = rows.only();
  if (row.text(0) == "no_such_task") return NoSuchTask{};
  if (row.text(0) == "not_running") return NotRunning{};
  return row.int8(1);
}

std::vector<MoveTask> PostgresMoveTaskStore::listMoveTasks(const QueueName& source, int limit) {
  return moveTasks(pool_.acquire()->execute(kList, Params().text(source.account).text(source.name).int8(limit)));
}

std::vector<MoveTask> PostgresMoveTaskStore::activeMoveTasks() { return moveTasks(pool_.acquire()->execute(kActive)); }

MoveBatch PostgresMoveTaskStore::moveBatch(const MoveTaskId& task_id, const MoveBatchLimits& limits) {
  Params params;
  params.uuid(task_id).int4(limits.rows).int8(limits.bytes);
  params.int8(limits.default_retention.count()).int8(limits.longest_task.count());
  const Rows rows = pool_.acquire()->execute(move_, params);
  const Row row = rows.only();
  MoveBatch batch{row.int8(0), row.boolean(1), {}};
  for (const auto& target : row.int8Array(2)) batch.targets.push_back(target.value());
  return batch;
}

}  // namespace howdah::persistence::postgres
