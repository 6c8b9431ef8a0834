// ReceiveMessage: looks for messages in a claim shared with other receives of the queue, and while there are none is
// parked for as long as its client wants to wait. What was claimed for a client that went away is visible again at
// once.
#include <algorithm>

#include "metrics/request_trace.h"
#include "service/message_digest.h"
#include "service/message_id.h"
#include "service/receive_attributes.h"
#include "service/sqs_service.h"
#include "service/validation.h"

namespace howdah::service {

using metrics::WakeSource;
using persistence::DeliveredMessage;
using persistence::QueueState;

// Each has moved a message or more; eight see every partition of a FIFO queue unless one holds many dead letters.
constexpr int kClaimsPastDeadLetters = 8;

// One ReceiveMessage from its call to its answer. Acted on by one thread at a time: whoever found its queue, claimed
// for it or woke it.
class SqsService::ReceiveCall final : public ParkedReceive, public std::enable_shared_from_this<ReceiveCall> {
 public:
  ReceiveCall(SqsService& service, const RequestContext& context, ReceiveMessageInput input,
              Done<ReceiveMessageOutput> done)
      : ParkedReceive(context.client,
                      static_cast<std::size_t>(std::clamp(input.max_number_of_messages.value_or(1), 1, 10))),
        service_(service),
        queue_name_(queueName(context, input.queue_url)),
        input_(std::move(input)),
        caller_(weighed(context)),
        parked_(context.parked),
        permissions_(context.permissions),
        done_(std::move(done)) {}

  void start() {
    service_.findAllowed(queue_name_, permissions_, [self = shared_from_this()](const Result<QueuePtr>& found) {
      if (!found) return self->answer(found.error());
      self->look(*found);
    });
  }

  // Woken by whoever brought a message: what follows is this request's own.
  void lookAgain(WakeSource source) override {
    const metrics::RequestScope scope(trace_);
    woken_by_ = source;
    changed_attempts_left_ = kChangedAttempts;
    start();
  }

  void lookAgainElsewhere() override {
    const metrics::RequestScope scope(trace_);
    service_.queues_.drop(queue_);
    changed_attempts_left_ = kChangedAttempts;
    start();
  }

  void answerEmpty() override {
    const metrics::RequestScope scope(trace_);
    answer(ReceiveMessageOutput{});
  }

  // For the claim.
  bool clientIsGone() const { return client_->isGone(); }
  std::size_t wanted() const { return wanted_; }
  std::int32_t visibilityTimeout() const {
    return input_.visibility_timeout.value_or(static_cast<std::int32_t>(queue_->settings.visibility_timeout.count()));
  }
  std::optional<WakeSource> wokenBy() const { return woken_by_; }
  const QueuePtr& queue() const { return queue_; }
  const std::optional<std::string>& attempt() const { return input_.receive_request_attempt_id; }

 private:
  void look(const QueuePtr& queue) {
    if (auto checked = checkReceiveMessage(input_, queue->settings); !checked) return answer(checked.error());
    queue_ = queue;
    queue_counts_ = queue->counts;
    if (!wait_) {
      wait_ = input_.wait_time_seconds ? std::chrono::seconds(*input_.wait_time_seconds) : queue->settings.receive_wait;
      deadline_ = service_.clock_.now() + *wait_;
    }
    if (wait_->count() > 0) ticket_ = service_.waiters_.ticket(queue->record.queue_id);
    auto& receives = attempt() ? service_.fifo_attempts_ : service_.receives_;
    receives.submit(
        {queue->record.queue_id, queue->record.version}, {shared_from_this()},
        {wanted_, wanted_ * *queue->message_bytes, queue->record.queue_id, caller_},
        [self = shared_from_this()](Result<std::vector<ReceiveShare>> shares) { self->finishLook(std::move(shares)); });
  }

  void finishLook(Result<std::vector<ReceiveShare>> shares) {
    if (!shares) return answer(shares.error());
    ReceiveShare& share = shares->front();
    if (clientIsGone()) return finishWithoutClient(share);
    if (share.queue == QueueState::Changed) {
      service_.queues_.drop(queue_);
      if (--changed_attempts_left_ == 0) return answer(serviceUnavailable());
      return start();
    }
    if (!share.messages.empty()) {
      service_.recordReceived(*queue_, share.messages);
      return answer(show(share.messages));
    }
    woken_by_.reset();
    if (wait_->count() == 0 && share.over_limit) {
      service_.recorder_.throttled("messages-in-flight");
      return answer(Error{ErrorCode::OverLimit, {}});
    }
    if (wait_->count() == 0) return answerEmpty();
    if (!service_.waiters_.park(std::move(ticket_), shared_from_this())) start();
  }

  void finishWithoutClient(const ReceiveShare& share) {
    std::vector<VisibilityChange> returned;
    for (const DeliveredMessage& message : share.messages) {
      if (attempt()) break;  // which it may repeat
      persistence::DeliveryKey delivery{message.key, message.receive_count, {}};
      std::copy_n(message.message_id.begin(), delivery.message_id_prefix.size(), delivery.message_id_prefix.begin());
      returned.push_back({{queue_->record.queue_id, delivery, 0, true}, std::nullopt});
    }
    service_.makeVisibleAgain(queue_->settings.fifo, std::move(returned));
    // It may have been woken in another's place and never have looked.
    if (woken_by_) service_.waiters_.wake(queue_->record.queue_id, wanted_, *woken_by_);
    answerEmpty();
  }

  ReceiveMessageOutput show(const std::vector<DeliveredMessage>& messages) const {
    ReceiveMessageOutput output;
    output.queue_url = QueueRef{queue_name_.account, queue_name_.name};
    output.named_attempt = attempt().has_value();
    const auto system_attributes = selectSystemAttributes(input_);
    const MessageAttributeSelection message_attributes(input_.message_attribute_names);
    for (const DeliveredMessage& delivered : messages) {
      Message message;
      message.message_id = toString(delivered.message_id);
      message.receipt_handle = service_.handles_->encode(queue_name_, delivered);
      message.md5_of_body = md5Hex(delivered.body);
      message.body = delivered.body;
      message.attributes =
          showSystemAttributes(*system_attributes, delivered, queue_name_.account, service_.options_.region);
      showMessageAttributes(message_attributes, delivered.message_attributes, message);
      output.messages.push_back(std::move(message));
    }
    return output;
  }

  void answer(Result<ReceiveMessageOutput> result) {
    ticket_ = {};
    if (parked_) *parked_ += parked_time_;
    if (result && result->messages.empty()) service_.recorder_.emptyReceive(*queue_->counts);
    done_(std::move(result));
  }

  SqsService& service_;
  const persistence::QueueName queue_name_;
  const ReceiveMessageInput input_;
  const std::size_t caller_;
  const std::shared_ptr<std::chrono::steady_clock::duration> parked_;
  const PermissionsPtr permissions_;
  const metrics::RequestTracePtr trace_ = metrics::currentRequest();
  const Done<ReceiveMessageOutput> done_;

  QueuePtr queue_;
  std::optional<std::chrono::seconds> wait_;
  WakeTicket ticket_;
  std::optional<WakeSource> woken_by_;  // until that look has found nothing
  int changed_attempts_left_ = kChangedAttempts;
};

void SqsService::recordReceived(const Queue& queue, const std::vector<DeliveredMessage>& messages) {
  recorder_.messagesReceived(*queue.counts, messages.size());
  std::size_t again = 0, bytes = 0;
  for (const DeliveredMessage& message : messages) {
    bytes += message.body.size();
    if (message.receive_count > 1) {
      ++again;
    } else {
      recorder_.messageFirstReceived(*queue.counts, message.received_at - message.sent_at);
    }
  }
  if (again > 0) recorder_.messagesRedelivered(again);
  *queue.message_bytes = bytes / messages.size();
}

void SqsService::receiveMessage(const RequestContext& context, ReceiveMessageInput input,
                                Done<ReceiveMessageOutput> done) {
  if (stopping_) return done(serviceUnavailable());
  if (!isQueueName(queueName(context, input.queue_url))) return done(Error{ErrorCode::QueueDoesNotExist, {}});
  std::make_shared<ReceiveCall>(*this, context, std::move(input), std::move(done))->start();
}

std::vector<SqsService::ReceiveShare> SqsService::flyReceives(const ReceiveKey& key,
                                                              std::span<const ReceiveCallPtr> receives) {
  if (receives.front()->queue()->settings.fifo) return flyFifoReceives(receives);
  std::vector<ReceiveShare> shares(receives.size());
  const Queue& queue = *receives.front()->queue();  // all were checked against this version
  persistence::ReceiveRequest request{key.first, key.second, {}, queue.settings.retention, redriveOf(queue)};
  std::vector<std::size_t> wanted(receives.size());  // nothing for those whose clients are gone
  for (std::size_t i = 0; i < receives.size(); ++i) {
    if (receives[i]->clientIsGone()) continue;
    wanted[i] = receives[i]->wanted();
    request.visibility_timeouts.insert(request.visibility_timeouts.end(), wanted[i], receives[i]->visibilityTimeout());
  }
  if (request.visibility_timeouts.empty()) return shares;
  if (in_flight_limit_.isReached(key.first)) {
    for (auto& share : shares) share.over_limit = true;
    return shares;
  }

  auto outcome = message_store_.receive(request);
  Claimed claimed{outcome.queue, outcome.now, outcome.next_due, outcome.removals, outcome.messages.size(), {}, false};
  const auto last = request.visibility_timeouts.begin() + static_cast<std::ptrdiff_t>(claimed.messages);
  if (claimed.messages > 0) claimed.shortest_timeout = *std::min_element(request.visibility_timeouts.begin(), last);
  claimed.took_all_it_could = claimed.messages == request.visibility_timeouts.size();
  in_flight_limit_.handedOut(key.first, claimed.messages);
  afterClaim(receives, claimed);
  auto next = outcome.messages.begin();
  for (std::size_t i = 0; i < receives.size(); ++i) {
    shares[i].queue = outcome.queue;
    const auto left = static_cast<std::size_t>(outcome.messages.end() - next);
    const auto end = next + static_cast<std::ptrdiff_t>(std::min(wanted[i], left));
    std::move(next, end, std::back_inserter(shares[i].messages));
    next = end;
  }
  return shares;
}

std::vector<SqsService::ReceiveShare> SqsService::flyFifoReceives(std::span<const ReceiveCallPtr> receives) {
  std::vector<ReceiveShare> shares(receives.size());
  std::vector<persistence::FifoReceive> asked;
  std::vector<std::size_t> askers;  // positions of `asked` in `receives`
  for (std::size_t i = 0; i < receives.size(); ++i) {
    if (receives[i]->clientIsGone()) continue;
    asked.push_back({static_cast<std::int32_t>(receives[i]->wanted()), receives[i]->visibilityTimeout()});
    askers.push_back(i);
  }
  if (asked.empty()) return shares;
  const persistence::FifoQueueRef queue = fifoRef(*receives.front()->queue());
  if (fifo_in_flight_limit_.isReached(queue.queue_id)) return shares;

  const auto& attempt = receives.front()->attempt();
  const auto claim = [&] {
    return attempt ? fifo_store_.receiveAttempt(queue, asked.front(), *attempt) : fifo_store_.receive(queue, asked);
  };
  auto outcome = claim();
  // Dead letters end a claim before it has seen all groups, and who gets nothing takes the queue for empty.
  const auto gotNothing = [&] {
    return std::ranges::all_of(outcome.messages, [](const auto& got) { return got.empty(); });
  };
  for (int again = 0; again < kClaimsPastDeadLetters && outcome.removals.dead_lettered > 0 && gotNothing(); ++again) {
    runGuarded("wake", [&] { messagesRemoved(*receives.front()->queue(), outcome.removals); });
    outcome = claim();
  }
  Claimed claimed{outcome.queue, outcome.now, outcome.next_due, outcome.removals, 0, {}, false};
  claimed.took_all_it_could = outcome.removals.dead_lettered > 0;  // that ends a claim early
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::size_t got = outcome.messages[i].size();
    if (got == 0) continue;
    claimed.messages += got;
    claimed.shortest_timeout =
        std::min(claimed.shortest_timeout.value_or(asked[i].visibility_timeout), asked[i].visibility_timeout);
    // While one could take more, all groups have been looked at; places after a full one may stay empty.
    claimed.took_all_it_could |= got == static_cast<std::size_t>(asked[i].max_number_of_messages);
  }
  fifo_in_flight_limit_.handedOut(queue.queue_id, claimed.messages);
  afterClaim(receives, claimed);
  for (auto& share : shares) share.queue = outcome.queue;
  for (std::size_t i = 0; i < askers.size(); ++i) shares[askers[i]].messages = std::move(outcome.messages[i]);
  return shares;
}

void SqsService::afterClaim(std::span<const ReceiveCallPtr> receives, const Claimed& claimed) {
  runGuarded("wake", [&] {
    const persistence::QueueId queue_id = receives.front()->queue()->record.queue_id;
    if (claimed.queue == QueueState::Changed) {
      // Parked receives of a queue that is purged or gone would not be told otherwise.
      queues_.drop(receives.front()->queue());
      waiters_.wakeElsewhere(queue_id);
      return;
    }
    WakeSource source = WakeSource::Local;
    bool timer_ended = false;
    for (const auto& receive : receives) {
      source = receive->wokenBy().value_or(source);
      timer_ended |= source == WakeSource::Timer;
    }
    database_clock_.observe(claimed.now);
    messagesRemoved(*receives.front()->queue(), claimed.removals);
    if (claimed.next_due) waiters_.dueAt(queue_id, *database_clock_.toSteady(*claimed.next_due));
    if (claimed.messages == 0) return;
    waiters_.dueAt(queue_id, clock_.now() + std::chrono::seconds(*claimed.shortest_timeout));
    if (claimed.took_all_it_could) {
      waiters_.wake(queue_id, 2 * claimed.messages, source);
    } else if (timer_ended) {
      waiters_.wake(queue_id, 1, WakeSource::Timer);  // only a look that finds nothing tells what falls due next
    }
  });
}

}  // namespace howdah::service
