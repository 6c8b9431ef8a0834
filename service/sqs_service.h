// QueueService on a store: the actions (service/actions/), and what they share. Wires the worker pool, the coalescers,
// the queue cache and the parked receives together, and turns the store's changes into wakes, here and elsewhere.
#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/fifo_store.h"
#include "persistence/message_store.h"
#include "persistence/move_task_store.h"
#include "persistence/notifications.h"
#include "persistence/queue_store.h"
#include "service/clock.h"
#include "service/coalescer.h"
#include "service/database_clock.h"
#include "service/in_flight_limit.h"
#include "service/options.h"
#include "service/queue_cache.h"
#include "service/queue_service.h"
#include "service/receipt_handle.h"
#include "service/receive_waiters.h"
#include "service/stored_bytes_limit.h"
#include "service/worker_pool.h"

namespace howdah::service {

class SqsService final : public QueueService {
 public:
  SqsService(persistence::QueueStore& queue_store, persistence::MessageStore& message_store,
             persistence::FifoStore& fifo_store, persistence::MoveTaskStore& move_task_store,
             persistence::Notifications& notifications, metrics::Recorder& recorder, ServiceOptions options);
  ~SqsService() override;

  // Reads the key of the receipt handles, then serves. Throws StoreError.
  void start();
  // Parked receives are answered empty, and from now on none is parked. Everything else goes on.
  void drain();
  // Finishes what is under way; what comes later is ServiceUnavailable. Safe twice and unstarted.
  void stop();

  // Messages came into a queue by other ways than an action: wakes its parked receives, here and elsewhere.
  void messagesArrived(persistence::QueueId queue_id, std::size_t messages);

  void createQueue(const RequestContext&, CreateQueueInput, Done<CreateQueueOutput>) override;
  void getQueueUrl(const RequestContext&, GetQueueUrlInput, Done<GetQueueUrlOutput>) override;
  void listQueues(const RequestContext&, ListQueuesInput, Done<ListQueuesOutput>) override;
  void deleteQueue(const RequestContext&, DeleteQueueInput, Done<Nothing>) override;
  void purgeQueue(const RequestContext&, PurgeQueueInput, Done<Nothing>) override;
  void getQueueAttributes(const RequestContext&, GetQueueAttributesInput, Done<GetQueueAttributesOutput>) override;
  void setQueueAttributes(const RequestContext&, SetQueueAttributesInput, Done<Nothing>) override;
  void tagQueue(const RequestContext&, TagQueueInput, Done<Nothing>) override;
  void untagQueue(const RequestContext&, UntagQueueInput, Done<Nothing>) override;
  void listQueueTags(const RequestContext&, ListQueueTagsInput, Done<ListQueueTagsOutput>) override;
  void addPermission(const RequestContext&, AddPermissionInput, Done<Nothing>) override;
  void removePermission(const RequestContext&, RemovePermissionInput, Done<Nothing>) override;
  void listDeadLetterSourceQueues(const RequestContext&, ListDeadLetterSourceQueuesInput,
                                  Done<ListDeadLetterSourceQueuesOutput>) override;
  void startMessageMoveTask(const RequestContext&, StartMessageMoveTaskInput,
                            Done<StartMessageMoveTaskOutput>) override;
  void cancelMessageMoveTask(const RequestContext&, CancelMessageMoveTaskInput,
                             Done<CancelMessageMoveTaskOutput>) override;
  void listMessageMoveTasks(const RequestContext&, ListMessageMoveTasksInput,
                            Done<ListMessageMoveTasksOutput>) override;
  void sendMessage(const RequestContext&, SendMessageInput, Done<SendMessageOutput>) override;
  void sendMessageBatch(const RequestContext&, SendMessageBatchInput, Done<SendMessageBatchOutput>) override;
  void receiveMessage(const RequestContext&, ReceiveMessageInput, Done<ReceiveMessageOutput>) override;
  void deleteMessage(const RequestContext&, DeleteMessageInput, Done<Nothing>) override;
  void deleteMessageBatch(const RequestContext&, DeleteMessageBatchInput, Done<DeleteMessageBatchOutput>) override;
  void changeMessageVisibility(const RequestContext&, ChangeMessageVisibilityInput, Done<Nothing>) override;
  void changeMessageVisibilityBatch(const RequestContext&, ChangeMessageVisibilityBatchInput,
                                    Done<ChangeMessageVisibilityBatchOutput>) override;
  void returnUndelivered(const RequestContext&, const ReceiveMessageOutput&) override;

 private:
  class ReceiveCall;
  using ReceiveCallPtr = std::shared_ptr<ReceiveCall>;

  // One key for all queues: their requests may share a transaction.
  using AllQueues = Nothing;
  // The queue, and which version of it the receives were checked against.
  using ReceiveKey = std::pair<persistence::QueueId, std::int64_t>;
  struct Sent {
    persistence::QueueState queue = persistence::QueueState::Current;
    std::optional<persistence::FifoSendOutcome> fifo;  // as what a FIFO queue stored it, or has it already
    std::optional<Error> refused;                      // by a limit; then nothing else counts
  };
  struct Deleted {
    persistence::QueueState queue = persistence::QueueState::Current;
    bool deleted = false;         // false: it was gone, or received again since
    bool handle_expired = false;  // FIFO queues
  };
  // What one receive gets of a shared claim.
  struct ReceiveShare {
    persistence::QueueState queue = persistence::QueueState::Current;
    std::vector<persistence::DeliveredMessage> messages;
    bool over_limit = false;  // a standard queue has as many in flight as it may
  };
  // What a claim for several receives found.
  struct Claimed {
    persistence::QueueState queue = persistence::QueueState::Current;
    persistence::DatabaseTime now;
    std::optional<persistence::DatabaseTime> next_due;
    persistence::Removals removals;
    std::size_t messages = 0;
    std::optional<std::int32_t> shortest_timeout;  // of those messages, in seconds
    bool took_all_it_could = false;                // there may be more, and who took all cannot tell
  };
  struct VisibilityChange {
    persistence::ChangeVisibilityRequest request;
    std::optional<persistence::DatabaseTime> received_at;  // to be held to the 12 hours in all
  };
  struct VisibilityChanged {
    persistence::ChangeVisibilityOutcome outcome;
    std::optional<Error> refused;
  };

  // How often a request is checked and tried anew when its queue changes under it. Each try that loses is another's
  // that won; two processes that tag one queue in a loop lose eight in a row once in a few hundred times.
  static constexpr int kChangedAttempts = 64;

  // What an action does once its queue is found: answers `done`, or calls `changed` if the store says that the queue is
  // no longer this one; then it is found again, and the action repeated from its checks on.
  template <class Output>
  using QueueAction = std::function<void(const QueuePtr&, const Done<Output>& done, std::function<void()> changed)>;

  template <class Output>
  void onQueue(const RequestContext& context, const QueueRef& queue_url, Done<Output> done,
               QueueAction<Output> action) {
    if (stopping_) return done(serviceUnavailable());
    const persistence::QueueName queue_name = queueName(context, queue_url);
    if (!isQueueName(queue_name)) return done(Error{ErrorCode::QueueDoesNotExist, {}});
    attemptOnQueue<Output>(queue_name, context.permissions, std::move(done), std::move(action), kChangedAttempts);
  }

  template <class Output>
  void attemptOnQueue(const persistence::QueueName& queue_name, const PermissionsPtr& permissions, Done<Output> done,
                      QueueAction<Output> action, int attempts_left) {
    findAllowed(queue_name, permissions, [=, this](const Result<QueuePtr>& found) {
      if (!found) return done(found.error());
      action(*found, done, [=, this, queue = *found] {
        queues_.drop(queue);
        if (attempts_left == 1) return done(serviceUnavailable());
        attemptOnQueue<Output>(queue_name, permissions, done, action, attempts_left - 1);
      });
    });
  }

  // Runs `work`, which blocks on the store, on a worker. All such together weigh as one queue's.
  template <class Output, class Work>
  void onWorker(std::string_view operation, Done<Output> done, Work work) {
    Load load{1, 0, 0, 0};
    const Weight weight = outstanding_.begin(load);
    const auto ended = [=, this, done = std::move(done)](Result<Output> result) {
      outstanding_.end(load, weight);
      done(std::move(result));
    };
    const bool posted =
        !stopping_ &&
        pool_.post([=, work = std::move(work)] { answerGuarded<Output>(operation, ended, work); }, weight);
    if (!posted) ended(serviceUnavailable());
  }

  // Gives the queue the attributes that `change` says, which is called again if the queue changes meanwhile. Answers
  // the queue as it then is. Blocks.
  Result<persistence::QueueRecord> changeAttributes(
      const persistence::QueueName& queue_name,
      const std::function<Result<persistence::StringMap>(const persistence::QueueRecord&)>& change);
  // Likewise for the Policy attribute; empty: none.
  void changePolicy(const RequestContext& context, const persistence::QueueName& queue_name, Done<Nothing> done,
                    std::function<Result<std::string>(const persistence::QueueRecord&, const std::string&)> change);
  // Brings a RedrivePolicy among `checked` into its stored form, after a look at the dead-letter queue it names.
  // Blocks.
  Result<Nothing> resolveRedrivePolicy(const RequestContext& context, const persistence::QueueName& source,
                                       persistence::StringMap& checked);
  // The queue that an ARN in `parameter` names; the second one looks whether it exists and whether the caller may do
  // `actions` to it (an empty one: what the request asks), and blocks.
  Result<persistence::QueueName> queueOfArn(const RequestContext& context, const std::string& parameter,
                                            const std::string& arn);
  Result<persistence::QueueName> findQueueOfArn(const RequestContext& context, const std::string& parameter,
                                                const std::string& arn,
                                                std::initializer_list<std::string_view> actions = {{}});
  // Whether the caller may send to every queue that has this dead-letter queue. Blocks.
  Result<Nothing> maySendToSources(const RequestContext& context, const persistence::QueueName& dead_letter_queue);
  // `change` gives the tags that the queue is to have; called again if the queue changes meanwhile.
  void changeTags(const RequestContext& context, const persistence::QueueName& queue_name, Done<Nothing> done,
                  std::function<Result<TagMap>(const persistence::QueueRecord&)> change);

  // The queue, if the caller may do to it what the request asks.
  void findAllowed(const persistence::QueueName& queue_name, const PermissionsPtr& permissions, Done<QueuePtr> done);
  static Result<Nothing> mayAct(const PermissionsPtr& permissions, const persistence::QueueRecord& queue,
                                std::string_view action = {});

  static persistence::QueueName queueName(const RequestContext& context, const QueueRef& queue_url);
  static bool isQueueName(const persistence::QueueName& queue_name);

  // For the coalescers: to the pool, and whom a request's Load names.
  std::function<bool(WorkerPool::Task, Weight)> poster();
  static std::size_t weighed(const RequestContext& context);

  static persistence::FifoQueueRef fifoRef(const Queue& queue);
  static std::optional<persistence::Redrive> redriveOf(const Queue& queue);

  // To the coalescer of the queue's type. REQUIRES: all of one queue, for these.
  void submitSends(const Queue& queue, std::vector<persistence::NewFifoMessage> messages, Load load,
                   Done<std::vector<Sent>> done);
  void submitDeletes(const Queue& queue, std::vector<persistence::DeliveryKey> deliveries, std::size_t caller,
                     Done<std::vector<Deleted>> done);
  void submitChanges(bool fifo, std::vector<VisibilityChange> changes, std::size_t caller,
                     Done<std::vector<VisibilityChanged>> done);

  void recordSent(const Queue& queue, const Sent& sent, std::size_t bytes);
  void recordReceived(const Queue& queue, const std::vector<persistence::DeliveredMessage>& messages);
  void recordDeleted(const Queue& queue, const Deleted& deleted, persistence::DatabaseTime received_at);

  // The flights of the coalescers.
  std::vector<Sent> flySends(std::span<const persistence::NewMessage> messages);
  std::vector<Sent> flyFifoSends(const persistence::FifoQueueRef& queue,
                                 std::span<const persistence::NewFifoMessage> messages);
  // Has `store` store those of a flight that the limits of stored bytes let in.
  template <class Message, class Store>
  std::vector<Sent> sendWhatFits(std::span<const Message> messages, Store store);
  std::vector<Sent> storeSends(std::span<const persistence::NewMessage> messages);
  std::vector<Sent> storeFifoSends(const persistence::FifoQueueRef& queue,
                                   std::span<const persistence::NewFifoMessage> messages);
  std::vector<ReceiveShare> flyReceives(const ReceiveKey& key, std::span<const ReceiveCallPtr> receives);
  std::vector<ReceiveShare> flyFifoReceives(std::span<const ReceiveCallPtr> receives);
  std::vector<Deleted> flyDeletes(std::span<const persistence::DeleteRequest> deletes);
  std::vector<Deleted> flyFifoDeletes(persistence::QueueId queue_id, std::span<const persistence::DeliveryKey> deletes);
  std::vector<VisibilityChanged> flyChanges(std::span<const VisibilityChange> changes);
  std::vector<VisibilityChanged> flyFifoChanges(persistence::QueueId queue_id,
                                                std::span<const VisibilityChange> changes);

  // Wakes and sets timers by what `receives` got.
  void afterClaim(std::span<const ReceiveCallPtr> receives, const Claimed& claimed);
  // Holds `changes` to the 12 hours, has `store` make the others, and wakes by what it changed.
  using StoreChanges = std::function<std::vector<persistence::ChangeVisibilityOutcome>(
      std::span<const persistence::ChangeVisibilityRequest>)>;
  std::vector<VisibilityChanged> change(std::span<const VisibilityChange> changes, const StoreChanges& store);

  // Messages become receivable after `delay`: wakes receives parked here, and soon those of other processes.
  void messagesDue(persistence::QueueId queue_id, std::size_t messages, std::chrono::seconds delay);
  // A receive moved dead letters, which wake their queue's receives, or found messages too old.
  void messagesRemoved(const Queue& queue, const persistence::Removals& removals);
  void hintOthers(persistence::QueueId queue_id, std::chrono::seconds delay);
  // The queue has another incarnation or is gone: its parked receives find it again, here and elsewhere.
  void incarnationEnded(const persistence::QueueRecord& queue);
  void makeVisibleAgain(bool fifo, std::vector<VisibilityChange> changes);
  void watch(const std::vector<persistence::QueueId>& queue_ids);
  void receiveHints(const std::vector<persistence::WakeHint>& hints);

  persistence::QueueStore& queue_store_;
  persistence::MessageStore& message_store_;
  persistence::FifoStore& fifo_store_;
  persistence::MoveTaskStore& move_task_store_;
  persistence::Notifications& notifications_;
  metrics::Recorder& recorder_;
  const ServiceOptions options_;

  SteadyClock clock_;
  DatabaseClock database_clock_;
  Outstanding outstanding_;
  WorkerPool pool_;
  QueueCache queues_;
  ReceiveWaiters waiters_;
  InFlightLimit in_flight_limit_;
  InFlightLimit fifo_in_flight_limit_;
  StoredBytesLimit stored_bytes_limit_;
  Coalescer<AllQueues, persistence::NewMessage, Sent> sends_;
  Coalescer<ReceiveKey, ReceiveCallPtr, ReceiveShare> receives_;
  Coalescer<AllQueues, persistence::DeleteRequest, Deleted> deletes_;
  Coalescer<AllQueues, VisibilityChange, VisibilityChanged> changes_;
  Coalescer<persistence::FifoQueueRef, persistence::NewFifoMessage, Sent> fifo_sends_;
  Coalescer<ReceiveKey, ReceiveCallPtr, ReceiveShare> fifo_attempts_;  // with a ReceiveRequestAttemptId, each alone
  Coalescer<persistence::QueueId, persistence::DeliveryKey, Deleted> fifo_deletes_;
  Coalescer<persistence::QueueId, VisibilityChange, VisibilityChanged> fifo_changes_;
  using CountKey = std::pair<persistence::QueueId, bool>;  // whether it is a FIFO queue
  Coalescer<CountKey, Nothing, persistence::MessageCounts> counts_;
  std::optional<ReceiptHandles> handles_;  // from start() on
  // Refuses new requests while those under way are finished, which a client that always asks again would prevent.
  std::atomic<bool> stopping_{false};
};

}  // namespace howdah::service
