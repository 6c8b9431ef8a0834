// Message move tasks: their rows, and the batches that carry them out. Every method blocks on one connection, is one
// transaction, may be called from any thread and throws StoreError when the database fails it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "persistence/records.h"

namespace howdah::persistence {

using MoveTaskId = std::array<unsigned char, 16>;  // a UUID

struct NewMoveTask {
  MoveTaskId task_id{};
  QueueName source;
  std::optional<std::string> destination_name;  // of the same account; empty: where each message came from
  std::optional<std::int32_t> max_per_second;
};

struct MoveTask : NewMoveTask {
  std::string status;  // RUNNING, CANCELLING, CANCELLED, COMPLETED, FAILED
  std::optional<std::string> failure_reason;
  DatabaseTime started_at;
  std::int64_t moved = 0;
  std::int64_t to_move = 0;  // visible messages of the source when it started
};

struct MoveBatchLimits {
  int rows = 500;
  std::int64_t bytes = 4 * 1024 * 1024;  // of bodies and attributes, so that a batch is soon over
  std::chrono::seconds default_retention{345600};
  std::chrono::seconds longest_task{std::chrono::hours(36)};
};

struct MoveBatch {
  std::int64_t moved = 0;
  bool ended = false;            // the task is over
  std::vector<QueueId> targets;  // queues that have something new
};

class MoveTaskStore {
 public:
  virtual ~MoveTaskStore() = default;

  enum class StartOutcome { Started, AlreadyRunning, TooManyActive, NoSuchSource };
  // Unless a task of the source is active, or `maximum_active` of the account are. Forgets all but the ten latest tasks
  // of the source.
  virtual StartOutcome startMoveTask(const NewMoveTask& task, int maximum_active) = 0;

  struct NoSuchTask {};
  struct NotRunning {};
  // The task ends with the next batch, which moves nothing; answers how many messages it has moved. Waits for a batch
  // under way.
  virtual std::variant<std::int64_t, NoSuchTask, NotRunning> cancelMoveTask(const QueueName& source,
                                                                            const MoveTaskId& task_id) = 0;

  // The latest first; those of the queue that has the name now.
  virtual std::vector<MoveTask> listMoveTasks(const QueueName& source, int limit) = 0;

  // All that are not over, of all accounts.
  virtual std::vector<MoveTask> activeMoveTasks() = 0;

  // One batch of a task: messages that are visible in the source, oldest first, each group's in order, become new
  // messages of their target, and the count in the task's row says so, all in one transaction. Ends the task when
  // nothing is left that was sent before it started, when it was cancelled, or when it cannot go on. Does nothing while
  // another process moves for the same task. Holds no more than `limits`, but at least one message.
  virtual MoveBatch moveBatch(const MoveTaskId& task_id, const MoveBatchLimits& limits) = 0;
};

}  // namespace howdah::persistence
