// DeleteMessage and DeleteMessageBatch. A handle that was superseded, or is from before a purge, deletes nothing and is
// no error; only the store can tell, since the queue known here may be the old one.
#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::DeleteOutcome;
using persistence::DeleteRequest;
using persistence::QueueState;

namespace {

bool anyChanged(const std::vector<DeleteOutcome>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [](const DeleteOutcome& outcome) { return outcome.queue == QueueState::Changed; });
}

}  // namespace

void SqsService::deleteMessage(const RequestContext& context, DeleteMessageInput input, Done<Nothing> done) {
  auto shared = std::make_shared<const DeleteMessageInput>(std::move(input));
  onQueue<Nothing>(context, shared->queue_url, std::move(done),
                   [this, shared](const QueuePtr& queue, const Done<Nothing>& answer, auto changed) {
                     if (auto checked = checkDeleteMessage(*shared); !checked) return answer(checked.error());
                     const auto handle = handles_->decode(queue->record.queue_name, *shared->receipt_handle);
                     if (!handle) return answer(receiptHandleIsInvalid(*shared->receipt_handle));
                     deletes_.submit({}, {DeleteRequest{queue->record.queue_id, handle->delivery}}, {1, 0},
                                     [answer, changed](const Result<std::vector<DeleteOutcome>>& deleted) {
                                       if (!deleted) return answer(deleted.error());
                                       if (anyChanged(*deleted)) return changed();
                                       answer(Nothing{});
                                     });
                   });
}

void SqsService::deleteMessageBatch(const RequestContext& context, DeleteMessageBatchInput input,
                                    Done<DeleteMessageBatchOutput> done) {
  auto shared = std::make_shared<const DeleteMessageBatchInput>(std::move(input));
  onQueue<DeleteMessageBatchOutput>(
      context, shared->queue_url, std::move(done),
      [this, shared](const QueuePtr& queue, const Done<DeleteMessageBatchOutput>& answer, auto changed) {
        if (auto checked = checkBatch(*shared); !checked) return answer(checked.error());
        DeleteMessageBatchOutput output;
        std::vector<DeleteRequest> requests;
        for (const auto& entry : *shared->entries) {
          const auto fail = [&](const Error& error) {
            output.failed.push_back({*entry.id, true, error.code, error.message});
          };
          if (auto checked = checkDeleteMessageBatchEntry(entry); !checked) {
            fail(checked.error());
          } else if (auto handle = handles_->decode(queue->record.queue_name, *entry.receipt_handle)) {
            output.successful.push_back({*entry.id});
            requests.push_back({queue->record.queue_id, handle->delivery});
          } else {
            fail(receiptHandleIsInvalid(*entry.receipt_handle));
          }
        }
        if (requests.empty()) return answer(std::move(output));
        const CoalescerLoad load{requests.size(), 0};
        deletes_.submit(
            {}, std::move(requests), load,
            [answer, changed, output = std::move(output)](const Result<std::vector<DeleteOutcome>>& deleted) {
              if (!deleted) return answer(deleted.error());
              if (anyChanged(*deleted)) return changed();
              answer(output);
            });
      });
}

std::vector<DeleteOutcome> SqsService::flyDeletes(std::span<const DeleteRequest> deletes) {
  auto outcomes = message_store_.remove(deletes);
  recorder_.messagesDeleted(static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const DeleteOutcome& outcome) { return outcome.deleted; })));
  return outcomes;
}

}  // namespace howdah::service
