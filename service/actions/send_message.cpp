// SendMessage and SendMessageBatch: checked, digested, sent in a shared transaction, then receives are woken.
#include <algorithm>
#include <map>
#include <set>

#include "service/fifo_rules.h"
#include "service/message_attributes.h"
#include "service/message_digest.h"
#include "service/message_id.h"
#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using persistence::NewFifoMessage;
using persistence::NewMessage;
using persistence::QueueState;

namespace {

// A message as it goes to the store, and what its sender is told. Of a standard queue's only `message.message` counts.
struct Prepared {
  NewFifoMessage message;
  SendMessageOutput output;
};

// `Entry` is SendMessageInput or an entry of a batch. REQUIRES: checked.
template <class Entry>
Prepared prepare(const Entry& entry, const Queue& queue, const RequestContext& context) {
  Prepared prepared;
  NewMessage& message = prepared.message.message;
  message.queue_id = queue.record.queue_id;
  message.queue_version = queue.record.version;
  message.delay_seconds = entry.delay_seconds.value_or(static_cast<std::int32_t>(queue.settings.delay.count()));
  message.message_id = newMessageId();
  message.body = *entry.message_body;
  message.message_attributes = encodeMessageAttributes(entry.message_attributes);
  message.sender_id = context.caller.account;
  message.trace_header = traceHeader(entry.message_system_attributes, context.trace_header);
  message.message_group_id = entry.message_group_id;
  if (queue.settings.fifo) {
    prepared.message.message_deduplication_id = deduplicationId(entry.message_deduplication_id, message.body);
    prepared.message.deduplication_key = deduplicationKey(
        queue.settings.deduplication_by_group, *message.message_group_id, prepared.message.message_deduplication_id);
  }

  SendMessageOutput& output = prepared.output;
  output.message_id = toString(message.message_id);
  output.md5_of_message_body = md5Hex(message.body);
  output.md5_of_message_attributes = md5OfAttributes(message.message_attributes);
  output.md5_of_message_system_attributes = md5OfAttributes(encodeMessageAttributes(entry.message_system_attributes));
  return prepared;
}

std::size_t bytesOf(const NewMessage& message) { return message.body.size() + message.message_attributes.size(); }

template <class Sent>
bool anyChanged(const std::vector<Sent>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [](const Sent& outcome) { return outcome.queue == QueueState::Changed; });
}

// A duplicate's sender is told of the message that is there.
template <class Output>
void tell(const std::optional<persistence::FifoSendOutcome>& fifo, Output& output) {
  if (!fifo) return;
  output.message_id = toString(fifo->message_id);
  output.sequence_number = sequenceNumber(fifo->sequence);
}

// `prepared`, with those of its successful entries that a limit refused among the failed.
template <class Sent>
SendMessageBatchOutput withOutcomes(SendMessageBatchOutput prepared, const std::vector<Sent>& sent) {
  SendMessageBatchOutput output;
  output.failed = std::move(prepared.failed);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    auto& entry = prepared.successful[i];
    if (sent[i].refused) {
      output.failed.push_back({std::move(entry.id), true, sent[i].refused->code, sent[i].refused->message});
    } else {
      tell(sent[i].fifo, entry);
      output.successful.push_back(std::move(entry));
    }
  }
  return output;
}

const NewMessage& messageOf(const NewMessage& message) { return message; }
const NewMessage& messageOf(const NewFifoMessage& message) { return message.message; }

}  // namespace

void SqsService::sendMessage(const RequestContext& context, SendMessageInput input, Done<SendMessageOutput> done) {
  auto shared = std::make_shared<const SendMessageInput>(std::move(input));
  onQueue<SendMessageOutput>(
      context, shared->queue_url, std::move(done),
      [this, context, shared](const QueuePtr& queue, const Done<SendMessageOutput>& answer, auto changed) {
        if (auto checked = checkSendMessage(*shared, queue->settings); !checked) return answer(checked.error());
        Prepared prepared = prepare(*shared, *queue, context);
        const Load load{1, bytesOf(prepared.message.message), queue->record.queue_id, weighed(context)};
        std::vector<NewFifoMessage> messages;
        messages.push_back(std::move(prepared.message));
        submitSends(*queue, std::move(messages), load,
                    [this, queue, bytes = load.bytes, answer, changed,
                     output = std::move(prepared.output)](const Result<std::vector<Sent>>& sent) mutable {
                      if (!sent) return answer(sent.error());
                      if (anyChanged(*sent)) return changed();
                      if (sent->front().refused) return answer(*sent->front().refused);
                      recordSent(*queue, sent->front(), bytes);
                      tell(sent->front().fifo, output);
                      answer(std::move(output));
                    });
      });
}

void SqsService::sendMessageBatch(const RequestContext& context, SendMessageBatchInput input,
                                  Done<SendMessageBatchOutput> done) {
  auto shared = std::make_shared<const SendMessageBatchInput>(std::move(input));
  onQueue<SendMessageBatchOutput>(
      context, shared->queue_url, std::move(done),
      [this, context, shared](const QueuePtr& queue, const Done<SendMessageBatchOutput>& answer, auto changed) {
        if (auto checked = checkBatch(*shared, queue->settings); !checked) return answer(checked.error());
        SendMessageBatchOutput output;
        std::vector<NewFifoMessage> messages;  // of `output.successful`
        std::vector<std::size_t> sizes;        // likewise
        Load load{0, 0, queue->record.queue_id, weighed(context)};
        for (const auto& entry : *shared->entries) {
          if (auto checked = checkSendMessageBatchEntry(entry, queue->settings); !checked) {
            output.failed.push_back({*entry.id, true, checked.error().code, checked.error().message});
            continue;
          }
          Prepared prepared = prepare(entry, *queue, context);
          SendMessageOutput& sent = prepared.output;
          output.successful.push_back({*entry.id, std::move(sent.message_id), std::move(sent.md5_of_message_body),
                                       std::move(sent.md5_of_message_attributes),
                                       std::move(sent.md5_of_message_system_attributes), std::nullopt});
          ++load.rows;
          sizes.push_back(bytesOf(prepared.message.message));
          load.bytes += sizes.back();
          messages.push_back(std::move(prepared.message));
        }
        if (messages.empty()) return answer(std::move(output));
        submitSends(*queue, std::move(messages), load,
                    [this, queue, sizes = std::move(sizes), answer, changed,
                     output = std::move(output)](const Result<std::vector<Sent>>& sent) mutable {
                      if (!sent) return answer(sent.error());
                      if (anyChanged(*sent)) return changed();
                      for (std::size_t i = 0; i < sent->size(); ++i) recordSent(*queue, (*sent)[i], sizes[i]);
                      answer(withOutcomes(std::move(output), *sent));
                    });
      });
}

void SqsService::recordSent(const Queue& queue, const Sent& sent, std::size_t bytes) {
  if (sent.refused) return;
  if (sent.fifo && sent.fifo->duplicate) return recorder_.messageDeduplicated(*queue.counts);
  recorder_.messageSent(*queue.counts, bytes);
}

void SqsService::submitSends(const Queue& queue, std::vector<NewFifoMessage> messages, Load load,
                             Done<std::vector<Sent>> done) {
  if (queue.settings.fifo) return fifo_sends_.submit(fifoRef(queue), std::move(messages), load, std::move(done));
  std::vector<NewMessage> standard;
  standard.reserve(messages.size());
  for (auto& message : messages) standard.push_back(std::move(message.message));
  sends_.submit({}, std::move(standard), load, std::move(done));
}

template <class Message, class Store>
std::vector<SqsService::Sent> SqsService::sendWhatFits(std::span<const Message> messages, Store store) {
  using Verdict = StoredBytesLimit::Verdict;
  if (!stored_bytes_limit_.exists()) return store(messages);

  std::vector<StoredBytesLimit::Message> sizes;
  sizes.reserve(messages.size());
  for (const Message& message : messages) {
    const NewMessage& stored = messageOf(message);
    sizes.push_back({stored.queue_id, persistence::kStoredMessageBytes + static_cast<std::int64_t>(bytesOf(stored))});
  }
  const auto verdicts = stored_bytes_limit_.admit(sizes);
  struct Finish {
    StoredBytesLimit& limit;
    const std::vector<StoredBytesLimit::Message>& sizes;
    const std::vector<Verdict>& verdicts;
    ~Finish() { limit.finished(sizes, verdicts); }
  } const finish{stored_bytes_limit_, sizes, verdicts};
  if (std::ranges::count(verdicts, Verdict::Fits) == std::ssize(verdicts)) return store(messages);

  std::vector<Message> fitting;
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (verdicts[i] == Verdict::Fits) fitting.push_back(messages[i]);
  const auto stored = fitting.empty() ? std::vector<Sent>() : store(std::span<const Message>(fitting));
  std::vector<Sent> sent;
  auto next = stored.begin();
  for (const Verdict verdict : verdicts) {
    if (verdict == Verdict::Fits) {
      sent.push_back(*next++);
      continue;
    }
    const bool queue_is_full = verdict == Verdict::QueueIsFull;
    recorder_.throttled(queue_is_full ? "stored-bytes-per-queue" : "stored-bytes");
    sent.push_back(
        {QueueState::Current, std::nullopt,
         Error{ErrorCode::OverLimit, queue_is_full ? "The queue stores as many bytes as it may."
                                                   : "All queues together store as many bytes as they may."}});
  }
  return sent;
}

std::vector<SqsService::Sent> SqsService::flySends(std::span<const NewMessage> messages) {
  return sendWhatFits(messages, [this](std::span<const NewMessage> fitting) { return storeSends(fitting); });
}

std::vector<SqsService::Sent> SqsService::flyFifoSends(const persistence::FifoQueueRef& queue,
                                                       std::span<const NewFifoMessage> messages) {
  return sendWhatFits(messages,
                      [&](std::span<const NewFifoMessage> fitting) { return storeFifoSends(queue, fitting); });
}

std::vector<SqsService::Sent> SqsService::storeFifoSends(const persistence::FifoQueueRef& queue,
                                                         std::span<const NewFifoMessage> messages) {
  const auto result = fifo_store_.send(queue, messages);
  std::vector<Sent> sent(messages.size(), Sent{result.queue, std::nullopt, std::nullopt});
  if (result.queue == QueueState::Changed) return sent;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i].fifo = result.outcomes[i];
  runGuarded("wake", [&] {
    std::set<std::string_view> groups;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (!result.outcomes[i].duplicate) groups.insert(*messages[i].message.message_group_id);
    }
    if (!result.opened_a_group) return;
    messagesDue(queue.queue_id, groups.size(), queue.delay);  // a group goes to one receive
    hintOthers(queue.queue_id, queue.delay);
  });
  return sent;
}

std::vector<SqsService::Sent> SqsService::storeSends(std::span<const NewMessage> messages) {
  const auto outcomes = message_store_.send(messages);
  // Stored: whatever goes wrong from here on is not the senders' affair.
  runGuarded("wake", [&] {
    struct SentTo {
      std::size_t visible = 0;
      bool queue_was_empty = false;
      std::optional<std::chrono::seconds> earliest_delay;
    };
    std::map<persistence::QueueId, SentTo> queues;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (outcomes[i].queue == QueueState::Changed) continue;
      SentTo& sent = queues[messages[i].queue_id];
      const std::chrono::seconds delay(messages[i].delay_seconds);
      if (delay.count() == 0) {
        ++sent.visible;
        sent.queue_was_empty |= outcomes[i].queue_was_empty;
      } else if (!sent.earliest_delay || delay < *sent.earliest_delay) {
        sent.earliest_delay = delay;
      }
    }
    for (const auto& [queue_id, sent] : queues) {
      if (sent.visible > 0) messagesDue(queue_id, sent.visible, std::chrono::seconds(0));
      if (sent.earliest_delay) messagesDue(queue_id, 1, *sent.earliest_delay);
    }
    for (const auto& [queue_id, sent] : queues) {
      if (sent.queue_was_empty) hintOthers(queue_id, std::chrono::seconds(0));
      if (sent.earliest_delay) hintOthers(queue_id, *sent.earliest_delay);
    }
  });
  std::vector<Sent> result;
  result.reserve(outcomes.size());
  for (const auto& outcome : outcomes) result.push_back({outcome.queue, std::nullopt, std::nullopt});
  return result;
}

}  // namespace howdah::service
