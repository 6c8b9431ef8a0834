#include "tests/model/driver.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "service/message_mover.h"
#include "service/receipt_handle.h"
#include "tests/model/handles.h"
#include "tests/model/test_clock.h"
#include "tests/support/manual_clock.h"

namespace howdah::testing::model {

namespace {

using service::QueueRef;
using service::SqsService;
using std::chrono::microseconds;

constexpr const char* kAccount = "000000000000";
constexpr int kGroups = 12;
constexpr int kTimeouts[] = {0, 1, 5, 30, 30};
constexpr int kQueueTimeouts[] = {1, 5, 30};
constexpr int kLongTimeout = 600;  // of receives at a stop
// Beyond all timeouts and delays that an operation sets, so that everything can be received.
constexpr microseconds kPastAllTimeouts = std::chrono::seconds(40);

class Run {
 public:
  Run(const Plan& plan, const std::vector<std::unique_ptr<ServiceProcess>>& processes)
      : plan_(plan),
        processes_(processes),
        receipt_handles_(processes.front()->database().queues().receiptHandleKey()),
        clock_(*processes.front()),
        handles_(plan.queues.size()) {
    static std::atomic<int> runs{0};
    const int run = ++runs;
    for (const QueueShape& queue : plan.queues) {
      names_.push_back(fmt::format("run{}-{}", run, queue.name));
      settings_.push_back({30, queue.delay()});
    }
    for (std::size_t i = plan.queues.size(); i-- > 0;) {  // dead-letter queues come first
      const QueueShape& queue = plan.queues[i];
      service::AttributeMap attributes = queue.attributes;
      if (queue.dead_letter_queue)
        attributes["RedrivePolicy"] = fmt::format(R"({{"deadLetterTargetArn":"{}","maxReceiveCount":{}}})",
                                                  arn(*queue.dead_letter_queue), queue.max_receive_count);
      EXPECT_TRUE(processes.front()->answer(&SqsService::createQueue, {names_[i], attributes, {}}).ok());
    }
  }

  Records run() {
    Records all;
    std::vector<Operation> round;
    for (const Operation& operation : plan_.operations) {
      if (operation.kind != Kind::Stop) {
        round.push_back(operation);
        continue;
      }
      runRound(round, all);
      round.clear();
      stop(operation, all);
      changeAttributes(operation, all);
    }
    runRound(round, all);
    return all;
  }

 private:
  void runRound(const std::vector<Operation>& round, Records& all) {
    if (plan_.threads == 1) {
      for (const Operation& operation : round) execute(operation, all);
      return;
    }
    std::vector<Records> records(plan_.threads);
    {
      std::vector<std::jthread> threads;
      for (std::size_t thread = 0; thread < plan_.threads; ++thread)
        threads.emplace_back([this, thread, &round, &own = records[thread]] {
          for (const Operation& operation : round)
            if (operation.thread == thread) execute(operation, own);
        });
    }
    for (Records& own : records) all.add(std::move(own));
  }

  void execute(const Operation& operation, Records& records) {
    Random random(operation.random);
    const Call call{operation.number,
                    operation.thread,
                    below(random, static_cast<int>(processes_.size())),
                    operation.queue,
                    {},
                    0,
                    0,
                    operation.repeats};
    switch (operation.kind) {
      case Kind::SendMessage:
        return sendMessage(call, random, records);
      case Kind::SendMessageBatch:
        return sendMessageBatch(call, random, records);
      case Kind::ReceiveMessage: {
        static constexpr int kMost[] = {1, 2, 10, 10};
        Receive receive;
        if (!chance(random, 20)) receive.timeout = kTimeouts[below(random, 5)];
        receive.most = kMost[below(random, 4)];
        receive.wait = chance(random, 2) ? 1 : 0;
        const QueueShape& shape = plan_.queues[call.queue];
        const bool attempts = shape.fifo() && !shape.redrives && chance(random, 30);
        if (attempts) receive.attempt_id = fmt::format("thread-{}", call.thread);
        handles_[call.queue].add(receiveMessage(call, receive, records));
        if (!attempts || !chance(random, 50)) return;
        Call again = call;  // as a client does that heard nothing
        again.process = below(random, static_cast<int>(processes_.size()));
        handles_[call.queue].add(receiveMessage(again, receive, records));
        return;
      }
      case Kind::DeleteMessage:
        for (const Handle& handle : handles_[call.queue].take(random, 1, false)) deleteMessage(call, handle, records);
        return;
      case Kind::DeleteMessageBatch:
        return deleteMessageBatch(call, handles_[call.queue].take(random, 1 + below(random, 10), false), records);
      case Kind::ChangeMessageVisibility:
        for (const Handle& handle : handles_[call.queue].take(random, 1, true))
          changeMessageVisibility(call, handle, kTimeouts[below(random, 5)], records);
        return;
      case Kind::ChangeMessageVisibilityBatch:
        return changeMessageVisibilityBatch(call, handles_[call.queue].take(random, 1 + below(random, 10), true),
                                            random, records);
      case Kind::PurgeQueue: {
        if (plan_.queues[call.queue].redrives) return;  // nobody could tell which messages were elsewhere
        const auto purged = ask(call, &SqsService::purgeQueue, {queue(call)});
        if (purged.result.ok()) {
          records.purged.push_back({purged.call});
        } else if (purged.result.error().code != service::ErrorCode::PurgeQueueInProgress) {
          refused(call, purged.result.error(), records);
        }
        return;
      }
      case Kind::MoveMessages:
        return moveMessages(call, random, records);
      case Kind::StepClock:
        clock_.step(std::chrono::milliseconds(1 + below(random, 40000)));
        return;
      case Kind::Stop:
        return;
    }
  }

  // Counts, then receives until nothing comes; then everything falls due and is received as well.
  void stop(const Operation& operation, Records& records) {
    for (std::size_t queue = 0; queue < plan_.queues.size(); ++queue)
      drain({operation.number, 0, 0, queue, {}, 0, 0, 0}, records);
    clock_.step(kPastAllTimeouts);
    for (std::size_t queue = 0; queue < plan_.queues.size(); ++queue)
      drain({operation.number, 0, 0, queue, {}, 0, 0, 0}, records);
  }

  // Between rounds, so that every call knows the values. A longer or shorter delay is for what is sent from now.
  void changeAttributes(const Operation& operation, Records& records) {
    Random random(operation.random);
    for (std::size_t queue = 0; queue < plan_.queues.size(); ++queue) {
      Settings& settings = settings_[queue];
      settings.visibility_timeout = kQueueTimeouts[below(random, 3)];
      service::AttributeMap attributes{{"VisibilityTimeout", std::to_string(settings.visibility_timeout)}};
      if (plan_.queues[queue].delay() > 0) {
        settings.delay = below(random, 3);
        attributes["DelaySeconds"] = std::to_string(settings.delay);
      }
      const int process = below(random, static_cast<int>(processes_.size()));
      const Call call{operation.number, 0, process, queue, {}, 0, 0, 0};
      const auto answer = ask(call, &SqsService::setQueueAttributes, {this->queue(call), attributes});
      if (!answer.result.ok()) refused(call, answer.result.error(), records);
    }
  }

  void drain(Call call, Records& records) {
    count(call, records);
    // Found empty by both processes. What FIFO messages block is free when they are deleted. A receive that only
    // removed what was too old is empty as well, and others go on.
    constexpr int kMost = 20'000;
    int receives = 0;
    const std::size_t empty_receives = plan_.queues[call.queue].removes() ? 20 : 2;
    Call empty = call;
    for (std::size_t in_a_row = 0; in_a_row < empty_receives;) {
      if (++receives > kMost) return records.refused.push_back("a queue is not empty however often one receives");
      call.process = (call.process + 1) % static_cast<int>(processes_.size());
      if (in_a_row == 0) {
        empty.began = ++ticks_;
        empty.at.start = clock_.earliest();
      }
      const std::vector<Handle> received = receiveMessage(call, {10, kLongTimeout, 0, {}}, records);
      if (received.empty()) {
        ++in_a_row;
      } else {
        in_a_row = 0;
        deleteMessageBatch(call, received, records);
      }
    }
    empty.at.end = clock_.latest();
    records.drained.push_back({empty});
    count(call, records);
  }

  void count(const Call& call, Records& records) {
    const auto answer = ask(call, &SqsService::getQueueAttributes, {queue(call), std::vector<std::string>{"All"}});
    if (!answer.result.ok()) return refused(call, answer.result.error(), records);
    const auto number = [&](const char* name) { return std::stoll(answer.result.value().attributes.at(name)); };
    records.counted.push_back({answer.call, number("ApproximateNumberOfMessages"),
                               number("ApproximateNumberOfMessagesNotVisible"),
                               number("ApproximateNumberOfMessagesDelayed")});
  }

  // What a message is like, by the operation and the entry.
  struct Draft {
    std::string body;
    std::optional<std::string> group;
    std::optional<std::string> deduplication_id;
    std::optional<int> delay;
  };
  Draft draft(const Call& call, std::size_t entry, Random& random) const {
    Draft draft;
    draft.body = fmt::format("m{}.{}", call.operation, entry);
    if (plan_.queues[call.queue].fifo()) {
      draft.group = fmt::format("g{}", below(random, kGroups));
      const bool repeats = call.repeats > 0 && !plan_.queues[call.queue].redrives && chance(random, 16);
      const std::size_t number = repeats ? call.repeats : call.operation;
      const std::size_t of_entry = repeats ? static_cast<std::size_t>(below(random, 2)) : entry;
      draft.deduplication_id = fmt::format("d{}.{}", number, of_entry);
    } else if (chance(random, 10)) {
      draft.delay = below(random, 3);
    }
    return draft;
  }
  Sent sentOf(const Call& call, std::size_t entry, const Draft& draft) const {
    Sent sent;
    sent.call = call;
    sent.entry = entry;
    sent.body = draft.body;
    sent.group = draft.group.value_or("");
    sent.deduplication_id = draft.deduplication_id.value_or("");
    sent.delay = draft.delay.value_or(settings_[call.queue].delay);
    return sent;
  }

  void sendMessage(const Call& call, Random& random, Records& records) {
    const Draft draft = this->draft(call, 0, random);
    service::SendMessageInput input;
    input.queue_url = queue(call);
    input.message_body = draft.body;
    input.message_group_id = draft.group;
    input.message_deduplication_id = draft.deduplication_id;
    input.delay_seconds = draft.delay;
    const auto answer = ask(call, &SqsService::sendMessage, std::move(input));
    if (!answer.result.ok()) return refused(call, answer.result.error(), records);
    Sent sent = sentOf(answer.call, 0, draft);
    sent.message_id = answer.result.value().message_id;
    sent.sequence = answer.result.value().sequence_number.value_or("");
    records.sent.push_back(std::move(sent));
  }

  void sendMessageBatch(const Call& call, Random& random, Records& records) {
    std::vector<Draft> drafts;
    service::SendMessageBatchInput input;
    input.queue_url = queue(call);
    input.entries.emplace();
    const std::size_t entries = 1 + static_cast<std::size_t>(below(random, 10));
    for (std::size_t entry = 0; entry < entries; ++entry) {
      const Draft& draft = drafts.emplace_back(this->draft(call, entry, random));
      service::SendMessageBatchRequestEntry& into = input.entries->emplace_back();
      into.id = std::to_string(entry);
      into.message_body = draft.body;
      into.message_group_id = draft.group;
      into.message_deduplication_id = draft.deduplication_id;
      into.delay_seconds = draft.delay;
    }
    const auto answer = ask(call, &SqsService::sendMessageBatch, std::move(input));
    if (!answer.result.ok()) return refused(call, answer.result.error(), records);
    for (const auto& failed : answer.result.value().failed)
      refused(call, {failed.code, failed.message.value_or("")}, records);
    for (const auto& one : answer.result.value().successful) {
      const std::size_t entry = std::stoul(one.id);
      Sent sent = sentOf(answer.call, entry, drafts[entry]);
      sent.message_id = one.message_id;
      sent.sequence = one.sequence_number.value_or("");
      records.sent.push_back(std::move(sent));
    }
  }

  struct Receive {
    int most = 1;
    std::optional<int> timeout;  // else the queue's
    int wait = 0;
    std::optional<std::string> attempt_id;
  };
  std::vector<Handle> receiveMessage(const Call& call, const Receive& receive, Records& records) {
    const int timeout = receive.timeout.value_or(settings_[call.queue].visibility_timeout);
    service::ReceiveMessageInput input;
    input.queue_url = queue(call);
    input.attribute_names = {"All"};
    input.max_number_of_messages = receive.most;
    input.visibility_timeout = receive.timeout;
    input.wait_time_seconds = receive.wait;
    input.receive_request_attempt_id = receive.attempt_id;
    const auto answer = ask(call, &SqsService::receiveMessage, std::move(input));
    std::vector<Handle> handles;
    if (!answer.result.ok()) {
      refused(call, answer.result.error(), records);
      return handles;
    }
    for (const service::Message& message : answer.result.value().messages) {
      const auto decoded = receipt_handles_.decode({kAccount, names_[call.queue]}, message.receipt_handle);
      const auto attribute = [&](const char* name) {
        const auto found = message.attributes.find(name);
        return found == message.attributes.end() ? std::string() : found->second;
      };
      Received received;
      received.call = answer.call;
      received.place = handles.size();
      received.message_id = message.message_id;
      received.body = message.body;
      received.group = attribute("MessageGroupId");
      received.deduplication_id = attribute("MessageDeduplicationId");
      received.sequence = attribute("SequenceNumber");
      received.receive_count = std::stoi(attribute("ApproximateReceiveCount"));
      received.received_at = decoded.value().received_at;
      received.sent_ms = std::stoll(attribute("SentTimestamp"));
      received.first_received_ms = std::stoll(attribute("ApproximateFirstReceiveTimestamp"));
      received.visibility_timeout = timeout;
      handles.push_back({message.message_id, message.receipt_handle, received.receive_count});
      if (receive.attempt_id && held(call, message.receipt_handle)) {
        records.changed.push_back({answer.call, message.message_id, received.receive_count, timeout, true, true});
      } else {
        records.received.push_back(std::move(received));
      }
    }
    if (receive.attempt_id) note(answer.call, *receive.attempt_id, handles, records);
    return handles;
  }

  bool held(const Call& call, const std::string& handle) {
    std::lock_guard lock(attempting_);
    const std::vector<Handle>& last = attempts_[{call.thread, call.queue}];
    return std::any_of(last.begin(), last.end(), [&](const Handle& other) { return other.handle == handle; });
  }
  void note(const Call& call, const std::string& attempt_id, const std::vector<Handle>& handles, Records& records) {
    Attempted attempted{call, attempt_id, {}};
    for (const Handle& handle : handles) attempted.given.push_back({handle.message_id, handle.receive_count});
    records.attempted.push_back(std::move(attempted));
    std::lock_guard lock(attempting_);
    attempts_[{call.thread, call.queue}] = handles;
  }

  void deleteMessage(const Call& call, const Handle& handle, Records& records) {
    const auto answer = ask(call, &SqsService::deleteMessage, {queue(call), handle.handle});
    records.deleted.push_back({answer.call, handle.message_id, handle.receive_count, answer.result.ok()});
    if (!answer.result.ok()) onlyInvalid(call, answer.result.error(), records);
  }

  void deleteMessageBatch(const Call& call, const std::vector<Handle>& handles, Records& records) {
    if (handles.empty()) return;
    service::DeleteMessageBatchInput input;
    input.queue_url = queue(call);
    input.entries.emplace();
    for (const Handle& handle : handles)
      input.entries->push_back({std::to_string(input.entries->size()), handle.handle});
    const auto answer = ask(call, &SqsService::deleteMessageBatch, std::move(input));
    if (!answer.result.ok()) return refused(call, answer.result.error(), records);
    const auto note = [&](const std::string& id, bool ok) {
      const Handle& handle = handles[std::stoul(id)];
      records.deleted.push_back({answer.call, handle.message_id, handle.receive_count, ok});
    };
    for (const auto& one : answer.result.value().successful) note(one.id, true);
    for (const auto& one : answer.result.value().failed) {
      note(one.id, false);
      onlyInvalid(call, {one.code, one.message.value_or("")}, records);
    }
  }

  void changeMessageVisibility(const Call& call, const Handle& handle, int timeout, Records& records) {
    const auto answer = ask(call, &SqsService::changeMessageVisibility, {queue(call), handle.handle, timeout});
    records.changed.push_back({answer.call, handle.message_id, handle.receive_count, timeout, answer.result.ok()});
    if (!answer.result.ok()) onlyInvalid(call, answer.result.error(), records);
  }

  void changeMessageVisibilityBatch(const Call& call, const std::vector<Handle>& handles, Random& random,
                                    Records& records) {
    if (handles.empty()) return;
    service::ChangeMessageVisibilityBatchInput input;
    input.queue_url = queue(call);
    input.entries.emplace();
    for (const Handle& handle : handles)
      input.entries->push_back({std::to_string(input.entries->size()), handle.handle, kTimeouts[below(random, 5)]});
    const auto entries = *input.entries;
    const auto answer = ask(call, &SqsService::changeMessageVisibilityBatch, std::move(input));
    if (!answer.result.ok()) return refused(call, answer.result.error(), records);
    const auto note = [&](const std::string& id, bool ok) {
      const Handle& handle = handles[std::stoul(id)];
      records.changed.push_back(
          {answer.call, handle.message_id, handle.receive_count, *entries[std::stoul(id)].visibility_timeout, ok});
    };
    for (const auto& one : answer.result.value().successful) note(one.id, true);
    for (const auto& one : answer.result.value().failed) {
      note(one.id, false);
      onlyInvalid(call, {one.code, one.message.value_or("")}, records);
    }
  }

  // Back to the messages' sources or to any queue of the type, with a rate or without, now and then cancelled.
  void moveMessages(const Call& call, Random& random, Records& records) {
    std::vector<std::size_t> destinations;
    bool is_dead_letter_queue = false;
    for (std::size_t i = 0; i < plan_.queues.size(); ++i) {
      const QueueShape& other = plan_.queues[i];
      is_dead_letter_queue |= other.dead_letter_queue == call.queue;
      if (i != call.queue && other.redrives && other.fifo() == plan_.queues[call.queue].fifo())
        destinations.push_back(i);
    }
    if (!is_dead_letter_queue) return;
    const std::size_t destination = destinations[random() % destinations.size()];
    service::StartMessageMoveTaskInput input{arn(call.queue), {}, {}};
    if (chance(random, 40)) input.destination_arn = arn(destination);
    if (chance(random, 20)) input.max_number_of_messages_per_second = 100;
    const bool cancels = chance(random, 15);
    const auto started = ask(call, &SqsService::startMessageMoveTask, std::move(input));
    if (!started.result.ok()) return onlyInvalid(call, started.result.error(), records);  // one is under way
    records.move_tasks.push_back({started.call});

    std::lock_guard lock(mover_);  // as the elected process has it
    ServiceProcess& process = *processes_[static_cast<std::size_t>(call.process)];
    ManualClock pace;
    service::MessageMover mover(process.database().moveTasks(), pace, process.recorder(),
                                [&](persistence::QueueId queue_id, std::size_t messages) {
                                  process.service().messagesArrived(queue_id, messages);
                                });
    bool first = true;
    while (const auto next = mover.move()) {
      pace.advance(*next);
      // It may be over already, or another client's mover have carried it out.
      if (first && cancels)
        static_cast<void>(ask(call, &SqsService::cancelMessageMoveTask, {started.result.value().task_handle}));
      first = false;
    }
  }

  template <class Output>
  struct Answer {
    Call call;  // with its times
    service::Result<Output> result;
  };
  template <class Input, class Output>
  Answer<Output> ask(Call call,
                     void (SqsService::*action)(const service::RequestContext&, Input, service::Done<Output>),
                     Input input) {
    std::shared_lock<std::shared_mutex> still;
    if (!waits(input)) still = clock_.standsStill();
    call.began = ++ticks_;
    call.at.start = clock_.earliest();
    auto result = processes_[static_cast<std::size_t>(call.process)]->answer(action, std::move(input));
    call.at.end = clock_.latest();
    call.ended = ++ticks_;
    return {call, std::move(result)};
  }

  template <class Input>
  static bool waits(const Input& input) {
    if constexpr (std::is_same_v<Input, service::ReceiveMessageInput>) return input.wait_time_seconds.value_or(0) > 0;
    return false;
  }

  // Handles may have expired or their messages be gone: a judge tells whether. Nothing else may go wrong.
  static void onlyInvalid(const Call& call, const service::Error& error, Records& records) {
    if (error.code != service::ErrorCode::InvalidParameterValueException) refused(call, error, records);
  }
  static void refused(const Call& call, const service::Error& error, Records& records) {
    records.refused.push_back(
        fmt::format("operation {}: error {} {}", call.operation, static_cast<int>(error.code), error.message));
  }

  QueueRef queue(const Call& call) const { return {kAccount, names_[call.queue]}; }
  std::string arn(std::size_t queue) const {
    return fmt::format("arn:aws:sqs:us-east-1:{}:{}", kAccount, names_[queue]);
  }

  const Plan& plan_;
  const std::vector<std::unique_ptr<ServiceProcess>>& processes_;
  const service::ReceiptHandles receipt_handles_;
  TestClock clock_;
  std::atomic<std::uint64_t> ticks_{0};
  std::vector<std::string> names_;
  struct Settings {
    int visibility_timeout = 0;
    int delay = 0;
  };
  std::vector<Settings> settings_;  // of each queue; change only while all threads stand still
  std::vector<Handles> handles_;
  std::mutex attempting_;
  // What a thread's last receive from a queue with an attempt id gave. It has one id, so no two calls with the same one
  // are ever under way, and what the second must give is known.
  std::map<std::pair<std::size_t, std::size_t>, std::vector<Handle>> attempts_;
  std::mutex mover_;
};

}  // namespace

Records runPlan(const Plan& plan, const std::vector<std::unique_ptr<ServiceProcess>>& processes) {
  return Run(plan, processes).run();
}

}  // namespace howdah::testing::model
