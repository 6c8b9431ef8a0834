// StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks. The moving itself is service/message_mover's.
#include "service/limits.h"
#include "service/message_id.h"
#include "service/move_task_handle.h"
#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::MoveTaskStore;
using persistence::QueueName;

namespace {

constexpr int kSourcesAtATime = 1000;

Error invalidParameter(std::string text) { return Error{ErrorCode::InvalidParameterValueException, std::move(text)}; }

Error noSuchQueue(const std::string& parameter) {
  return Error{ErrorCode::ResourceNotFoundException,
               "The resource that you specified for the " + parameter + " parameter doesn't exist."};
}

bool isFifoName(const std::string& queue_name) { return queue_name.ends_with(".fifo"); }

}  // namespace

Result<QueueName> SqsService::queueOfArn(const RequestContext& context, const std::string& parameter,
                                         const std::string& text) {
  const auto arn = parseArn(text);
  if (!arn) {
    return invalidParameter("You must use this format to specify the " + parameter +
                            ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>");
  }
  const QueueName queue_name = queueName(context, QueueRef{arn->account, arn->resource});
  const bool here = arn->service == "sqs" && (!context.caller.accounts_matter || arn->region == options_.region);
  if (!here || !isQueueName(queue_name)) return noSuchQueue(parameter);
  if (queue_name.account == context.caller.account) return queue_name;
  // No policy gives these actions to another account, and whether there is such a queue is not for it to know.
  if (!context.permissions) return noSuchQueue(parameter);
  auto allowed = context.permissions->mayAct(queue_name.account, queue_name.name, {}, {});
  return allowed ? noSuchQueue(parameter) : allowed.error();
}

Result<QueueName> SqsService::findQueueOfArn(const RequestContext& context, const std::string& parameter,
                                             const std::string& text, std::initializer_list<std::string_view> actions) {
  auto queue_name = queueOfArn(context, parameter, text);
  if (!queue_name) return queue_name;
  const auto queue = queue_store_.findQueue(*queue_name);
  if (!queue) return noSuchQueue(parameter);
  for (const std::string_view action : actions) {
    if (auto allowed = mayAct(context.permissions, *queue, action); !allowed) return allowed.error();
  }
  return queue_name;
}

Result<Nothing> SqsService::maySendToSources(const RequestContext& context, const QueueName& dead_letter_queue) {
  if (!context.permissions) return Nothing{};
  std::vector<std::string> names;
  do {
    const std::string after = names.empty() ? "" : names.back();
    names = queue_store_.listDeadLetterSources(dead_letter_queue, after, kSourcesAtATime);
    for (const std::string& name : names) {
      const auto source = queue_store_.findQueue({dead_letter_queue.account, name});
      if (!source) continue;
      if (auto allowed = mayAct(context.permissions, *source, "SendMessage"); !allowed) return allowed.error();
    }
  } while (names.size() == kSourcesAtATime);
  return Nothing{};
}

void SqsService::startMessageMoveTask(const RequestContext& context, StartMessageMoveTaskInput input,
                                      Done<StartMessageMoveTaskOutput> done) {
  if (auto checked = checkStartMessageMoveTask(input); !checked) return done(checked.error());
  onWorker<StartMessageMoveTaskOutput>(
      "start_move_task", std::move(done),
      [this, context, input = std::move(input)]() -> Result<StartMessageMoveTaskOutput> {
        auto source = queueOfArn(context, "SourceArn", *input.source_arn);
        if (!source && source.error().code != ErrorCode::ResourceNotFoundException) return source.error();
        std::optional<Result<QueueName>> destination;
        if (input.destination_arn) {
          destination = queueOfArn(context, "DestinationArn", *input.destination_arn);
          if (!*destination && destination->error().code != ErrorCode::ResourceNotFoundException) {
            return destination->error();
          }
        }
        if (!source) return source.error();
        // Of the caller it asks what moving the messages by hand would.
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
        if (auto found = findQueueOfArn(context, "SourceArn", *input.source_arn,
                                        {{}, "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"});
            !found) {
          return found.error();
        }
        if (destination && !*destination) return destination->error();
        if (destination) {
          auto found = findQueueOfArn(context, "DestinationArn", *input.destination_arn, {"SendMessage"});
          if (!found) return found.error();
        } else if (auto allowed = maySendToSources(context, *source); !allowed) {
          return allowed.error();
        }
        if (queue_store_.listDeadLetterSources(*source, "", 1).empty()) {
          return invalidParameter("Source queue must be configured as a Dead Letter Queue.");
        }
        if (destination && **destination == *source) {
          return invalidParameter("Source queue arn and destination queue arn cannot be the same.");
        }
        if (destination && isFifoName((*destination)->name) != isFifoName(source->name)) {
          return invalidParameter("The source queue and destination queue must be of the same queue type.");
        }
        persistence::NewMoveTask task;
        task.task_id = newMessageId();
        task.source = *source;
        if (destination) task.destination_name = (*destination)->name;
        task.max_per_second = input.max_number_of_messages_per_second;
        switch (move_task_store_.startMoveTask(task, kMaximumActiveMoveTasks)) {
          case MoveTaskStore::StartOutcome::Started:
            break;
          case MoveTaskStore::StartOutcome::NoSuchSource:
            return noSuchQueue("SourceArn");
          case MoveTaskStore::StartOutcome::AlreadyRunning:
            return invalidParameter(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given "
                "time.");
          case MoveTaskStore::StartOutcome::TooManyActive:
            return Error{ErrorCode::OverLimit, "An account can have at most 100 active message movement tasks."};
        }
        return StartMessageMoveTaskOutput{encodeMoveTaskHandle({task.task_id, queueArn(options_.region, task.source)})};
      });
}

void SqsService::cancelMessageMoveTask(const RequestContext& context, CancelMessageMoveTaskInput input,
                                       Done<CancelMessageMoveTaskOutput> done) {
  if (auto checked = checkCancelMessageMoveTask(input); !checked) return done(checked.error());
  const auto handle = decodeMoveTaskHandle(*input.task_handle);
  if (!handle || !parseArn(handle->source_arn)) {
    return done(invalidParameter("Value for parameter TaskHandle is invalid."));
  }
  onWorker<CancelMessageMoveTaskOutput>(
      "cancel_move_task", std::move(done), [this, context, handle = *handle]() -> Result<CancelMessageMoveTaskOutput> {
        const auto source = findQueueOfArn(context, "SourceArn", handle.source_arn);
        if (!source) return source.error();
        const auto cancelled = move_task_store_.cancelMoveTask(*source, handle.task_id);
        if (std::holds_alternative<MoveTaskStore::NoSuchTask>(cancelled)) {
          return Error{ErrorCode::ResourceNotFoundException, "Task does not exist."};
        }
        if (std::holds_alternative<MoveTaskStore::NotRunning>(cancelled)) {
          return invalidParameter("Only active tasks can be cancelled.");
        }
        return CancelMessageMoveTaskOutput{std::get<std::int64_t>(cancelled)};
      });
}

void SqsService::listMessageMoveTasks(const RequestContext& context, ListMessageMoveTasksInput input,
                                      Done<ListMessageMoveTasksOutput> done) {
  if (auto checked = checkListMessageMoveTasks(input); !checked) return done(checked.error());
  onWorker<ListMessageMoveTasksOutput>(
      "list_move_tasks", std::move(done),
      [this, context, input = std::move(input)]() -> Result<ListMessageMoveTasksOutput> {
        const auto source = findQueueOfArn(context, "SourceArn", *input.source_arn);
        if (!source) return source.error();
        ListMessageMoveTasksOutput output;
        for (const auto& task : move_task_store_.listMoveTasks(*source, input.max_results.value_or(1))) {
          ListMessageMoveTasksResultEntry& entry = output.results.emplace_back();
          entry.status = task.status;
          entry.source_arn = queueArn(options_.region, task.source);
          if (task.status == "RUNNING") entry.task_handle = encodeMoveTaskHandle({task.task_id, entry.source_arn});
          if (task.destination_name) {
            entry.destination_arn = queueArn(options_.region, {task.source.account, *task.destination_name});
          }
          entry.max_number_of_messages_per_second = task.max_per_second;
          entry.approximate_number_of_messages_moved = task.moved;
          entry.approximate_number_of_messages_to_move = task.to_move;
          entry.failure_reason = task.failure_reason;
          entry.started_timestamp =
              std::chrono::floor<std::chrono::milliseconds>(task.started_at).time_since_epoch().count();
        }
        return output;
      });
}

}  // namespace howdah::service
