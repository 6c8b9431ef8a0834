// Carries out message move tasks, as an elected duty (maintenance.h): batches of all active tasks in turn, each task no
// faster than its MaxNumberOfMessagesPerSecond. All state that matters is in the store; what is kept here is when each
// task may go on. No transaction is open between two batches. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>

#include "persistence/move_task_store.h"
#include "service/clock.h"
#include "service/maintenance.h"

namespace howdah::service {

class MessageMover {
 public:
  // Told that a queue has up to so many new messages.
  using Arrived = std::function<void(persistence::QueueId, std::size_t)>;

  MessageMover(persistence::MoveTaskStore& store, const Clock& clock, metrics::Recorder& recorder, Arrived arrived);

  // One batch of each task that may go on now. Answers how soon the next may: nothing, if no task is active.
  std::optional<std::chrono::milliseconds> move();

  Duty duty();

 private:
  // Moves one batch; answers when the task may go on, or nothing if it is over.
  std::optional<SteadyTime> moveBatch(const persistence::MoveTask& task, SteadyTime due);

  persistence::MoveTaskStore& store_;
  const Clock& clock_;
  metrics::Recorder& recorder_;
  const Arrived arrived_;
  std::map<persistence::MoveTaskId, SteadyTime> due_;  // of the active tasks
};

}  // namespace howdah::service
