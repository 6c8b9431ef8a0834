#include "service/message_mover.h"

#include <algorithm>

#include "service/worker_pool.h"

namespace howdah::service {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kBatchesPerSecond = 5;  // of a task with a rate, so that it is even
constexpr milliseconds kNothingNow{50};
constexpr milliseconds kAfterFailure{1000};
constexpr seconds kLongestArrears{1};  // what a slow batch may be made up for
constexpr seconds kLook{1};            // how long a task that was started elsewhere may wait

}  // namespace

MessageMover::MessageMover(persistence::MoveTaskStore& store, const Clock& clock, metrics::Recorder& recorder,
                           Arrived arrived)
    : store_(store), clock_(clock), recorder_(recorder), arrived_(std::move(arrived)) {}

Duty MessageMover::duty() {
  return {"move_messages", kLook, [this] { return move(); }};
}

std::optional<milliseconds> MessageMover::move() {
  std::map<persistence::MoveTaskId, SteadyTime> due;
  for (const persistence::MoveTask& task : store_.activeMoveTasks()) {
    const SteadyTime now = clock_.now();
    const auto known = due_.find(task.task_id);
    SteadyTime next = known == due_.end() ? now : std::max(known->second, now - kLongestArrears);
    if (task.status == "CANCELLING" || next <= now) {
      std::optional<SteadyTime> after = now + kAfterFailure;
      runGuarded("move_messages", [&] { after = moveBatch(task, next); });
      if (!after) continue;
      next = *after;
    }
    due.emplace(task.task_id, next);
  }
  due_.swap(due);
  if (due_.empty()) return std::nullopt;
  const auto first = std::ranges::min_element(due_, {}, [](const auto& task) { return task.second; })->second;
  // Never longer than a look, so that a task that was started meanwhile does not wait for a slow one.
  return std::clamp(std::chrono::ceil<milliseconds>(first - clock_.now()), milliseconds(0), milliseconds(kLook));
}

std::optional<SteadyTime> MessageMover::moveBatch(const persistence::MoveTask& task, SteadyTime due) {
  persistence::MoveBatchLimits limits;
  if (task.max_per_second) limits.rows = std::max(1, *task.max_per_second / kBatchesPerSecond);
  const persistence::MoveBatch batch = store_.moveBatch(task.task_id, limits);
  if (batch.moved > 0) recorder_.messagesRedriven(static_cast<std::size_t>(batch.moved));
  for (const persistence::QueueId target : batch.targets) arrived_(target, static_cast<std::size_t>(batch.moved));
  if (batch.ended) return std::nullopt;
  if (batch.moved == 0) return clock_.now() + kNothingNow;
  if (!task.max_per_second) return clock_.now();
  return due + std::chrono::duration_cast<SteadyTime::duration>(
                   std::chrono::duration<double>(static_cast<double>(batch.moved) / *task.max_per_second));
}

}  // namespace howdah::service
