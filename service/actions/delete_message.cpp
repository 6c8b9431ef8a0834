// DeleteMessage and DeleteMessageBatch. A handle that was superseded, or is from before a purge, deletes nothing and is
// no error on a standard queue; only the store can tell, since the queue known here may be the old one. FIFO queues
// refuse a handle whose visibility timeout has ended.
#include <algorithm>
#include <set>

#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::DeleteRequest;
using persistence::DeliveryKey;
using persistence::FifoHandleState;
using persistence::QueueState;

void SqsService::deleteMessage(const RequestContext& context, DeleteMessageInput input, Done<Nothing> done) {
  auto shared = std::make_shared<const DeleteMessageInput>(std::move(input));
  onQueue<Nothing>(
      context, shared->queue_url, std::move(done),
      [this, shared, caller = weighed(context)](const QueuePtr& queue, const Done<Nothing>& answer, auto changed) {
        if (auto checked = checkDeleteMessage(*shared); !checked) return answer(checked.error());
        const auto handle = handles_->decode(queue->record.queue_name, *shared->receipt_handle);
        if (!handle) return answer(receiptHandleIsInvalid(*shared->receipt_handle));
        submitDeletes(*queue, {handle->delivery}, caller,
                      [this, queue, received_at = handle->received_at, answer, changed,
                       shared](const Result<std::vector<Deleted>>& deleted) {
                        if (!deleted) return answer(deleted.error());
                        if (deleted->front().queue == QueueState::Changed) return changed();
                        recordDeleted(*queue, deleted->front(), received_at);
                        if (deleted->front().handle_expired)
                          return answer(receiptHandleExpired(*shared->receipt_handle));
                        answer(Nothing{});
                      });
      });
}

void SqsService::deleteMessageBatch(const RequestContext& context, DeleteMessageBatchInput input,
                                    Done<DeleteMessageBatchOutput> done) {
  auto shared = std::make_shared<const DeleteMessageBatchInput>(std::move(input));
  onQueue<DeleteMessageBatchOutput>(
      context, shared->queue_url, std::move(done),
      [this, shared, caller = weighed(context)](const QueuePtr& queue, const Done<DeleteMessageBatchOutput>& answer,
                                                auto changed) {
        if (auto checked = checkBatch(*shared); !checked) return answer(checked.error());
        DeleteMessageBatchOutput output;
        std::vector<DeliveryKey> deliveries;
        std::vector<persistence::DatabaseTime> received_at;          // of `deliveries`
        std::vector<const DeleteMessageBatchRequestEntry*> entries;  // of `deliveries`
        for (const auto& entry : *shared->entries) {
          const auto fail = [&](const Error& error) {
            output.failed.push_back({*entry.id, true, error.code, error.message});
          };
          if (auto checked = checkDeleteMessageBatchEntry(entry); !checked) {
            fail(checked.error());
          } else if (auto handle = handles_->decode(queue->record.queue_name, *entry.receipt_handle)) {
            deliveries.push_back(handle->delivery);
            received_at.push_back(handle->received_at);
            entries.push_back(&entry);
          } else {
            fail(receiptHandleIsInvalid(*entry.receipt_handle));
          }
        }
        if (deliveries.empty()) return answer(std::move(output));
        submitDeletes(
            *queue, std::move(deliveries), caller,
            [this, queue, answer, changed, shared, entries = std::move(entries), received_at = std::move(received_at),
             output = std::move(output)](const Result<std::vector<Deleted>>& deleted) mutable {
              if (!deleted) return answer(deleted.error());
              for (std::size_t i = 0; i < entries.size(); ++i) {
                const Deleted& one = (*deleted)[i];
                if (one.queue == QueueState::Changed) return changed();
                recordDeleted(*queue, one, received_at[i]);
                if (!one.handle_expired) {
                  output.successful.push_back({*entries[i]->id});
                  continue;
                }
                Error error = receiptHandleExpired(*entries[i]->receipt_handle);
                output.failed.push_back({*entries[i]->id, true, error.code, std::move(error.message)});
              }
              answer(std::move(output));
            });
      });
}

void SqsService::recordDeleted(const Queue& queue, const Deleted& deleted, persistence::DatabaseTime received_at) {
  if (!deleted.deleted) return;
  std::optional<metrics::Seconds> since_received;
  if (const auto now = database_clock_.now())
    since_received = std::max(*now - received_at, std::chrono::microseconds(0));
  recorder_.messageDeleted(*queue.counts, since_received);
}

void SqsService::submitDeletes(const Queue& queue, std::vector<DeliveryKey> deliveries, std::size_t caller,
                               Done<std::vector<Deleted>> done) {
  const persistence::QueueId queue_id = queue.record.queue_id;
  const Load load{deliveries.size(), 0, queue_id, caller};
  if (queue.settings.fifo) return fifo_deletes_.submit(queue_id, std::move(deliveries), load, std::move(done));
  std::vector<DeleteRequest> requests;
  requests.reserve(deliveries.size());
  for (const DeliveryKey& delivery : deliveries) requests.push_back({queue_id, delivery});
  deletes_.submit({}, std::move(requests), load, std::move(done));
}

std::vector<SqsService::Deleted> SqsService::flyDeletes(std::span<const DeleteRequest> deletes) {
  std::vector<Deleted> result;
  for (const auto& outcome : message_store_.remove(deletes)) {
    result.push_back({outcome.queue, outcome.deleted, false});
  }
  return result;
}

std::vector<SqsService::Deleted> SqsService::flyFifoDeletes(persistence::QueueId queue_id,
                                                            std::span<const DeliveryKey> deletes) {
  const auto outcomes = fifo_store_.remove(queue_id, deletes);
  std::vector<Deleted> result;
  result.reserve(outcomes.size());
  for (const auto& outcome : outcomes) {
    result.push_back(
        {outcome.queue, outcome.handle == FifoHandleState::Valid, outcome.handle == FifoHandleState::Expired});
  }
  runGuarded("wake", [&] {
    std::set<std::int64_t> available;  // groups
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i].group_available) available.insert(deletes[i].key.lane);
    }
    if (available.empty()) return;
    messagesDue(queue_id, available.size(), std::chrono::seconds(0));
    hintOthers(queue_id, std::chrono::seconds(0));
  });
  return result;
}

}  // namespace howdah::service
