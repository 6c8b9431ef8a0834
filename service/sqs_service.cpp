#include "service/sqs_service.h"

#include "service/characters.h"
#include "service/validation.h"

namespace howdah::service {

using metrics::WakeSource;
using persistence::DatabaseTime;
using persistence::FifoQueueRef;
using persistence::QueueId;
using persistence::QueueName;

namespace {

constexpr std::size_t kCachedQueues = 10'000;

// How long after a change elsewhere a queue's old policy may still decide here.
constexpr std::chrono::seconds kOldestPolicy{5};

// Two large transactions at a time do more than many small ones; a second one hides the first one's wait for its
// commit.
constexpr int kWriteFlights = 2;

CoalescerOptions flights(const char* operation, const ServiceOptions& options, int max_flights, bool safe_to_repeat) {
  CoalescerOptions coalescer;
  coalescer.operation = operation;
  coalescer.max_flights = max_flights;
  coalescer.flight_rows = options.coalesced_rows;
  coalescer.flight_bytes = options.coalesced_bytes;
  coalescer.safe_to_repeat = safe_to_repeat;
  return coalescer;
}

CoalescerOptions manyQueues(CoalescerOptions coalescer) {
  coalescer.many_queues = true;
  return coalescer;
}

CoalescerOptions alone(CoalescerOptions coalescer) {
  coalescer.flight_rows = 1;
  return coalescer;
}

}  // namespace

SqsService::SqsService(persistence::QueueStore& queue_store, persistence::MessageStore& message_store,
                       persistence::FifoStore& fifo_store, persistence::MoveTaskStore& move_task_store,
                       persistence::Notifications& notifications, metrics::Recorder& recorder, ServiceOptions options)
    : queue_store_(queue_store),
      message_store_(message_store),
      fifo_store_(fifo_store),
      move_task_store_(move_task_store),
      notifications_(notifications),
      recorder_(recorder),
      options_(std::move(options)),
      database_clock_(clock_),
      outstanding_(clock_),
      pool_(options_.workers, [this] { return outstanding_.heavyHasCompany(); }),
      queues_(
          kCachedQueues, [this](WorkerPool::Task task) { return pool_.post(std::move(task)); },
          [this](const QueueName& queue_name) { return queue_store_.findQueue(queue_name); }, recorder_),
      waiters_(clock_, recorder_, options_.watch_interval,
               [this](std::vector<QueueId> queue_ids) {
                 const bool posted = pool_.post([this, queue_ids = std::move(queue_ids)] { watch(queue_ids); });
                 if (!posted) waiters_.watchFinished();
               }),
      in_flight_limit_(
          clock_, options_.messages_in_flight,
          [this](QueueId queue_id, std::int64_t limit) { return message_store_.countInFlight(queue_id, limit); }),
      fifo_in_flight_limit_(
          clock_, options_.messages_in_flight,
          [this](QueueId queue_id, std::int64_t limit) { return fifo_store_.countInFlight(queue_id, limit); }),
      stored_bytes_limit_(clock_, options_.stored_bytes_per_queue, options_.stored_bytes,
                          [this](std::span<const QueueId> queue_ids) { return message_store_.storedBytes(queue_ids); }),
      sends_(
          manyQueues(flights("send", options_, kWriteFlights, false)), poster(), outstanding_,
          [this](AllQueues, std::span<const persistence::NewMessage> messages) { return flySends(messages); },
          recorder_),
      // One claim a queue at a time: more would only wait for its lock.
      receives_(
          flights("receive", options_, 1, false), poster(), outstanding_,
          [this](const ReceiveKey& key, std::span<const ReceiveCallPtr> receives) {
            return flyReceives(key, receives);
          },
          recorder_),
      deletes_(
          manyQueues(flights("delete", options_, kWriteFlights, true)), poster(), outstanding_,
          [this](AllQueues, std::span<const persistence::DeleteRequest> deletes) { return flyDeletes(deletes); },
          recorder_),
      changes_(
          manyQueues(flights("change_visibility", options_, kWriteFlights, true)), poster(), outstanding_,
          [this](AllQueues, std::span<const VisibilityChange> changes) { return flyChanges(changes); }, recorder_),
      // One transaction of a kind a FIFO queue at a time: more would only wait for its locks. A repeated send meets
      // what the first one noted for deduplication, and a repeated attempt is given what the first one was.
      fifo_sends_(
          flights("send_fifo", options_, 1, true), poster(), outstanding_,
          [this](const FifoQueueRef& queue, std::span<const persistence::NewFifoMessage> messages) {
            return flyFifoSends(queue, messages);
          },
          recorder_),
      fifo_attempts_(
          alone(flights("receive_attempt", options_, kWriteFlights, true)), poster(), outstanding_,
          [this](const ReceiveKey&, std::span<const ReceiveCallPtr> receives) { return flyFifoReceives(receives); },
          recorder_),
      fifo_deletes_(
          flights("delete_fifo", options_, 1, true), poster(), outstanding_,
          [this](QueueId queue_id, std::span<const persistence::DeliveryKey> deletes) {
            return flyFifoDeletes(queue_id, deletes);
          },
          recorder_),
      fifo_changes_(
          flights("change_visibility_fifo", options_, 1, true), poster(), outstanding_,
          [this](QueueId queue_id, std::span<const VisibilityChange> changes) {
            return flyFifoChanges(queue_id, changes);
          },
          recorder_),
      // Exact counts, shared by all who wait for one that has not begun.
      counts_(
          flights("count", options_, 1, true), poster(), outstanding_,
          [this](const CountKey& queue, std::span<const Nothing> askers) {
            const auto [queue_id, fifo] = queue;
            return std::vector(askers.size(),
                               fifo ? fifo_store_.countMessages(queue_id) : message_store_.countMessages(queue_id));
          },
          recorder_) {}

SqsService::~SqsService() { stop(); }

std::function<bool(WorkerPool::Task, Weight)> SqsService::poster() {
  return [this](WorkerPool::Task task, Weight weight) { return pool_.post(std::move(task), weight); };
}

std::size_t SqsService::weighed(const RequestContext& context) {
  return context.caller.accounts_matter ? std::hash<std::string>()(context.caller.access_key_id) : 0;
}

void SqsService::start() {
  handles_.emplace(queue_store_.receiptHandleKey());
  pool_.start();
  waiters_.start();
  notifications_.start([this](const std::vector<persistence::WakeHint>& hints) { receiveHints(hints); },
                       [this] { waiters_.watchNow(); });
}

void SqsService::drain() { waiters_.drain(); }

void SqsService::stop() {
  stopping_ = true;
  waiters_.drain();
  pool_.stop();
  waiters_.stop();
  notifications_.stop();
}

QueueName SqsService::queueName(const RequestContext& context, const QueueRef& queue_url) {
  const bool own = queue_url.account.empty() || !context.caller.accounts_matter;
  return QueueName{own ? context.caller.account : queue_url.account, queue_url.name};
}

Result<Nothing> SqsService::mayAct(const PermissionsPtr& permissions, const persistence::QueueRecord& queue,
                                   std::string_view action) {
  if (!permissions) return Nothing{};
  const auto policy = queue.attributes.find("Policy");
  return permissions->mayAct(queue.queue_name.account, queue.queue_name.name,
                             policy == queue.attributes.end() ? std::string() : policy->second, action);
}

void SqsService::findAllowed(const QueueName& queue_name, const PermissionsPtr& permissions, Done<QueuePtr> done) {
  if (!permissions) return queues_.find(queue_name, std::move(done));
  const auto decide = [permissions, done = std::move(done)](const Result<QueuePtr>& found) {
    if (!found) return done(found);
    if (auto allowed = mayAct(permissions, (*found)->record); !allowed) return done(allowed.error());
    done(found);
  };
  queues_.find(queue_name, [this, queue_name, decide](const Result<QueuePtr>& found) {
    if (!found || std::chrono::steady_clock::now() - (*found)->read_at < kOldestPolicy) return decide(found);
    queues_.drop(*found);
    queues_.find(queue_name, decide);
  });
}

bool SqsService::isQueueName(const QueueName& queue_name) {
  return service::isQueueName(queue_name.name) && hasOnlyAllowedCharacters(queue_name.account);
}

FifoQueueRef SqsService::fifoRef(const Queue& queue) {
  return {queue.record.queue_id, queue.record.version, queue.settings.delay, queue.settings.retention,
          redriveOf(queue)};
}

std::optional<persistence::Redrive> SqsService::redriveOf(const Queue& queue) {
  const auto& policy = queue.settings.redrive_policy;
  if (!policy) return std::nullopt;
  return persistence::Redrive{policy->max_receive_count, policy->target, queue.record.queue_name.name};
}

void SqsService::messagesDue(QueueId queue_id, std::size_t messages, std::chrono::seconds delay) {
  if (delay.count() > 0) {
    waiters_.dueAt(queue_id, clock_.now() + delay);
  } else {
    waiters_.wake(queue_id, messages, WakeSource::Local);
  }
}

void SqsService::messagesRemoved(const Queue& queue, const persistence::Removals& removals) {
  if (removals.expired > 0) recorder_.messagesExpired(static_cast<std::size_t>(removals.expired));
  if (removals.dead_lettered == 0) return;
  const auto moved = static_cast<std::size_t>(removals.dead_lettered);
  recorder_.messagesDeadLettered(*queue.counts, moved);
  messagesArrived(removals.dead_letter_queue_id, moved);
}

void SqsService::messagesArrived(QueueId queue_id, std::size_t messages) {
  messagesDue(queue_id, messages, std::chrono::seconds(0));
  hintOthers(queue_id, std::chrono::seconds(0));
}

void SqsService::hintOthers(QueueId queue_id, std::chrono::seconds delay) {
  if (delay.count() == 0) return notifications_.publish({queue_id, std::nullopt});
  if (delay > 2 * options_.watch_interval) return;  // their floor poll finds it in time
  if (!database_clock_.now()) database_clock_.observe(message_store_.now());
  notifications_.publish({queue_id, *database_clock_.now() + delay});
}

void SqsService::incarnationEnded(const persistence::QueueRecord& queue) {
  queues_.forget(queue.queue_name);
  waiters_.wakeElsewhere(queue.queue_id);
  notifications_.publish({queue.queue_id, std::nullopt});
}

void SqsService::receiveHints(const std::vector<persistence::WakeHint>& hints) {
  for (const auto& hint : hints) {
    const auto due_at = hint.due_at ? database_clock_.toSteady(*hint.due_at) : std::nullopt;
    if (due_at) {
      waiters_.dueAt(hint.queue_id, *due_at);
    } else {
      waiters_.wake(hint.queue_id, 1, WakeSource::Notify);
    }
  }
}

void SqsService::watch(const std::vector<QueueId>& queue_ids) {
  runGuarded("watch", [&] {
    for (const auto& watched : message_store_.watch(queue_ids)) {
      if (watched.gone) {
        waiters_.wakeElsewhere(watched.queue_id);
      } else if (watched.deliverable) {
        waiters_.wake(watched.queue_id, 1, WakeSource::Poll);
      } else if (watched.next_due) {
        if (auto due_at = database_clock_.toSteady(*watched.next_due)) waiters_.dueAt(watched.queue_id, *due_at);
      }
    }
  });
  waiters_.watchFinished();
}

}  // namespace howdah::service
