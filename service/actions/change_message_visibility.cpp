// ChangeMessageVisibility and its batch, and messages that are made visible again because nobody got them.
#include <map>

#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::ChangeVisibilityRequest;
using persistence::DatabaseTime;
using persistence::QueueState;

void SqsService::changeMessageVisibility(const RequestContext& context, ChangeMessageVisibilityInput input,
                                         Done<Nothing> done) {
  auto shared = std::make_shared<const ChangeMessageVisibilityInput>(std::move(input));
  onQueue<Nothing>(context, shared->queue_url, std::move(done),
                   [this, shared](const QueuePtr& queue, const Done<Nothing>& answer, auto changed) {
                     if (auto checked = checkChangeMessageVisibility(*shared); !checked) return answer(checked.error());
                     const auto handle = handles_->decode(queue->record.queue_name, *shared->receipt_handle);
                     if (!handle) return answer(receiptHandleIsInvalid(*shared->receipt_handle));
                     const ChangeVisibilityRequest request{queue->record.queue_id, handle->delivery,
                                                           *shared->visibility_timeout, false};
                     changes_.submit({}, {VisibilityChange{request, handle->received_at}}, {1, 0},
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
      [this, shared](const QueuePtr& queue, const Done<ChangeMessageVisibilityBatchOutput>& answer, auto changed) {
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
        const CoalescerLoad load{changes.size(), 0};
        changes_.submit({}, std::move(changes), load,
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
  const persistence::QueueName queue_name = queueName(context, received.queue_url);
  std::vector<VisibilityChange> changes;
  for (const auto& message : received.messages) {
    if (auto handle = handles_->decode(queue_name, message.receipt_handle)) {
      changes.push_back({{handle->delivery.key.queue_id, handle->delivery, 0, true}, std::nullopt});
    }
  }
  makeVisibleAgain(std::move(changes));
}

void SqsService::makeVisibleAgain(std::vector<VisibilityChange> changes) {
  if (changes.empty()) return;
  const CoalescerLoad load{changes.size(), 0};
  changes_.submit({}, std::move(changes), load, [](const auto&) {});
}

std::vector<SqsService::VisibilityChanged> SqsService::flyChanges(std::span<const VisibilityChange> changes) {
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

  const auto outcomes = message_store_.changeVisibility(requests);
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
