// ChangeMessageVisibility and its batch, and messages that are made visible again because nobody got them.
#include <map>

#include "service/fifo_rules.h"
#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::ChangeVisibilityRequest;
using persistence::DatabaseTime;
using persistence::QueueState;

void SqsService::changeMessageVisibility(const RequestContext& context, ChangeMessageVisibilityInput input,
                                         Done<Nothing> done) {
  auto shared = std::make_shared<const ChangeMessageVisibilityInput>(std::move(input));
  onQueue<Nothing>(
      context, shared->queue_url, std::move(done),
      [this, shared, caller = weighed(context)](const QueuePtr& queue, const Done<Nothing>& answer, auto changed) {
        if (auto checked = checkChangeMessageVisibility(*shared); !checked) return answer(checked.error());
        const auto handle = handles_->decode(queue->record.queue_name, *shared->receipt_handle);
        if (!handle) return answer(receiptHandleIsInvalid(*shared->receipt_handle));
        const ChangeVisibilityRequest request{queue->record.queue_id, handle->delivery, *shared->visibility_timeout,
                                              false};
        submitChanges(queue->settings.fifo, {VisibilityChange{request, handle->received_at}}, caller,
                      [answer, changed, shared](const Result<std::vector<VisibilityChanged>>& result) {
                        if (!result) return answer(result.error());
                        const VisibilityChanged& change = result->front();
                        if (change.refused) return answer(*change.refused);
                        if (change.outcome.queue == QueueState::Changed) return changed();
                        if (!change.outcome.changed)
                          return answer(messageNotAvailableForChange(*shared->receipt_handle));
                        answer(Nothing{});
                      });
      });
}

void SqsService::changeMessageVisibilityBatch(const RequestContext& context, ChangeMessageVisibilityBatchInput input,
                                              Done<ChangeMessageVisibilityBatchOutput> done) {
  auto shared = std::make_shared<const ChangeMessageVisibilityBatchInput>(std::move(input));
  onQueue<ChangeMessageVisibilityBatchOutput>(
      context, shared->queue_url, std::move(done),
      [this, shared, caller = weighed(context)](const QueuePtr& queue,
                                                const Done<ChangeMessageVisibilityBatchOutput>& answer, auto changed) {
        if (auto checked = checkBatch(*shared); !checked) return answer(checked.error());
        ChangeMessageVisibilityBatchOutput output;
        std::vector<VisibilityChange> changes;
        std::vector<const ChangeMessageVisibilityBatchRequestEntry*> entries;  // of `changes`
        for (const auto& entry : *shared->entries) {
          const auto fail = [&](const Error& error) {
            output.failed.push_back({*entry.id, true, error.code, error.message});
          };
          if (auto checked = checkChangeMessageVisibilityBatchEntry(entry); !checked) {
            fail(checked.error());
          } else if (auto handle = handles_->decode(queue->record.queue_name, *entry.receipt_handle)) {
            changes.push_back(
                {{queue->record.queue_id, handle->delivery, *entry.visibility_timeout, false}, handle->received_at});
            entries.push_back(&entry);
          } else {
            fail(receiptHandleIsInvalid(*entry.receipt_handle));
          }
        }
        if (changes.empty()) return answer(std::move(output));
        submitChanges(queue->settings.fifo, std::move(changes), caller,
                      [answer, changed, shared, entries = std::move(entries),
                       output = std::move(output)](const Result<std::vector<VisibilityChanged>>& result) mutable {
                        if (!result) return answer(result.error());
                        for (std::size_t i = 0; i < entries.size(); ++i) {
                          const VisibilityChanged& change = (*result)[i];
                          if (change.outcome.queue == QueueState::Changed) return changed();
                          if (!change.refused && change.outcome.changed) {
                            output.successful.push_back({*entries[i]->id});
                            continue;
                          }
                          Error error = change.refused ? *change.refused
                                                       : messageNotAvailableForChange(*entries[i]->receipt_handle);
                          output.failed.push_back({*entries[i]->id, true, error.code, std::move(error.message)});
                        }
                        answer(std::move(output));
                      });
      });
}

void SqsService::returnUndelivered(const RequestContext& context, const ReceiveMessageOutput& received) {
  if (received.named_attempt) return;
  const persistence::QueueName queue_name = queueName(context, received.queue_url);
  std::vector<VisibilityChange> changes;
  for (const auto& message : received.messages) {
    if (auto handle = handles_->decode(queue_name, message.receipt_handle)) {
      changes.push_back({{handle->delivery.key.queue_id, handle->delivery, 0, true}, std::nullopt});
    }
  }
  makeVisibleAgain(isFifoQueueName(queue_name.name), std::move(changes));
}

void SqsService::makeVisibleAgain(bool fifo, std::vector<VisibilityChange> changes) {
  if (!changes.empty()) submitChanges(fifo, std::move(changes), 0, [](const auto&) {});
}

void SqsService::submitChanges(bool fifo, std::vector<VisibilityChange> changes, std::size_t caller,
                               Done<std::vector<VisibilityChanged>> done) {
  const persistence::QueueId queue_id = changes.front().request.queue_id;
  const Load load{changes.size(), 0, queue_id, caller};
  if (!fifo) return changes_.submit({}, std::move(changes), load, std::move(done));
  fifo_changes_.submit(queue_id, std::move(changes), load, std::move(done));
}

std::vector<SqsService::VisibilityChanged> SqsService::flyChanges(std::span<const VisibilityChange> changes) {
  return change(changes, [this](std::span<const ChangeVisibilityRequest> requests) {
    return message_store_.changeVisibility(requests);
  });
}

std::vector<SqsService::VisibilityChanged> SqsService::flyFifoChanges(persistence::QueueId queue_id,
                                                                      std::span<const VisibilityChange> changes) {
  return change(changes, [this, queue_id](std::span<const ChangeVisibilityRequest> requests) {
    std::vector<persistence::FifoVisibilityChange> fifo;
    for (const auto& request : requests) fifo.push_back({request.delivery, request.visibility_timeout});
    std::vector<persistence::ChangeVisibilityOutcome> outcomes;
    for (const auto& outcome : fifo_store_.changeVisibility(queue_id, fifo)) {
      outcomes.push_back({outcome.queue, outcome.handle == persistence::FifoHandleState::Valid, outcome.visible_at});
    }
    return outcomes;
  });
}

std::vector<SqsService::VisibilityChanged> SqsService::change(std::span<const VisibilityChange> changes,
                                                              const StoreChanges& store) {
  // The database's own clock, so that a handle's age is judged by the clock that gave it.
  std::optional<DatabaseTime> now;
  std::vector<VisibilityChanged> results(changes.size());
  std::vector<ChangeVisibilityRequest> requests;
  std::vector<std::size_t> positions;  // of `requests` in `changes`
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const ChangeVisibilityRequest& request = changes[i].request;
    if (request.visibility_timeout > 0 && changes[i].received_at) {
      if (!now) now = message_store_.now();
      if (auto checked = checkTotalVisibilityTimeout(request.visibility_timeout, *changes[i].received_at, *now);
          !checked) {
        results[i].refused = checked.error();
        continue;
      }
    }
    requests.push_back(request);
    positions.push_back(i);
  }
  if (requests.empty()) return results;

  const auto outcomes = store(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) results[positions[i]].outcome = outcomes[i];
  runGuarded("wake", [&] {
    std::map<std::pair<persistence::QueueId, std::int32_t>, std::size_t> changed;  // messages by queue and timeout
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (outcomes[i].changed) ++changed[{requests[i].delivery.key.queue_id, requests[i].visibility_timeout}];
    }
    std::size_t messages = 0;
    for (const auto& [what, count] : changed) {
      const std::chrono::seconds timeout(what.second);
      messages += count;
      messagesDue(what.first, count, timeout);
      hintOthers(what.first, timeout);
    }
    recorder_.visibilityChanged(messages);
  });
  return results;
}

}  // namespace howdah::service
