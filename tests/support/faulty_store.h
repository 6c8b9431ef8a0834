// Stores that do what those they wrap do, except where a test asks for a fault. Any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "persistence/fifo_store.h"
#include "persistence/message_store.h"
#include "persistence/store_error.h"

namespace howdah::testing {

class Faults {
 public:
  using Fault = std::function<void()>;
  // The next `times` calls of `method` run `fault` before they do anything, or after they have done all.
  void failBefore(const std::string& method, Fault fault, int times = 1) { set(method + " before", fault, times); }
  void failAfter(const std::string& method, Fault fault, int times = 1) { set(method + " after", fault, times); }

  template <class Failure>
  static Fault throws() {
    return [] { throw Failure("asked for by a test"); };
  }

  int calls(const std::string& method) {
    std::lock_guard lock(mutex_);
    return calls_[method];
  }

 protected:
  template <class Call>
  std::invoke_result_t<Call> with(const std::string& method, Call call) {
    {
      std::lock_guard lock(mutex_);
      ++calls_[method];
    }
    run(method + " before");
    auto result = call();
    run(method + " after");
    return result;
  }

 private:
  struct Planned {
    Fault fault;
    int times = 0;
  };

  void set(const std::string& when, Fault fault, int times) {
    std::lock_guard lock(mutex_);
    planned_[when] = {std::move(fault), times};
  }

  void run(const std::string& when) {
    Fault fault;
    {
      std::lock_guard lock(mutex_);
      auto found = planned_.find(when);
      if (found == planned_.end() || found->second.times == 0) return;
      --found->second.times;
      fault = found->second.fault;
    }
    fault();
  }

  std::mutex mutex_;
  std::map<std::string, Planned> planned_;
  std::map<std::string, int> calls_;
};

class FaultyStore final : public persistence::MessageStore, public Faults {
 public:
  explicit FaultyStore(persistence::MessageStore& store) : store_(store) {}

  std::vector<persistence::SendOutcome> send(std::span<const persistence::NewMessage> messages) override {
    return with("send", [&] { return store_.send(messages); });
  }
  persistence::ReceiveOutcome receive(const persistence::ReceiveRequest& request) override {
    return with("receive", [&] { return store_.receive(request); });
  }
  std::vector<persistence::DeleteOutcome> remove(std::span<const persistence::DeleteRequest> requests) override {
    return with("remove", [&] { return store_.remove(requests); });
  }
  std::vector<persistence::ChangeVisibilityOutcome> changeVisibility(
      std::span<const persistence::ChangeVisibilityRequest> requests) override {
    return with("changeVisibility", [&] { return store_.changeVisibility(requests); });
  }
  persistence::MessageCounts countMessages(persistence::QueueId queue_id) override {
    return with("countMessages", [&] { return store_.countMessages(queue_id); });
  }
  std::int64_t countInFlight(persistence::QueueId queue_id, std::int64_t limit) override {
    return with("countInFlight", [&] { return store_.countInFlight(queue_id, limit); });
  }
  std::optional<persistence::StoredBytes> storedBytes(std::span<const persistence::QueueId> queue_ids) override {
    return with("storedBytes", [&] { return store_.storedBytes(queue_ids); });
  }
  std::vector<persistence::WatchedQueue> watch(std::span<const persistence::QueueId> queue_ids) override {
    return with("watch", [&] { return store_.watch(queue_ids); });
  }
  persistence::DatabaseTime now() override { return store_.now(); }

 private:
  persistence::MessageStore& store_;
};

class FaultyFifoStore final : public persistence::FifoStore, public Faults {
 public:
  explicit FaultyFifoStore(persistence::FifoStore& store) : store_(store) {}

  persistence::FifoSendResult send(const persistence::FifoQueueRef& queue,
                                   std::span<const persistence::NewFifoMessage> messages) override {
    return with("send", [&] { return store_.send(queue, messages); });
  }
  persistence::FifoReceiveOutcome receive(const persistence::FifoQueueRef& queue,
                                          std::span<const persistence::FifoReceive> receives) override {
    return with("receive", [&] { return store_.receive(queue, receives); });
  }
  persistence::FifoReceiveOutcome receiveAttempt(const persistence::FifoQueueRef& queue,
                                                 const persistence::FifoReceive& receive,
                                                 const std::string& attempt_id) override {
    return with("receiveAttempt", [&] { return store_.receiveAttempt(queue, receive, attempt_id); });
  }
  std::vector<persistence::FifoDeleteOutcome> remove(persistence::QueueId queue_id,
                                                     std::span<const persistence::DeliveryKey> deliveries) override {
    return with("remove", [&] { return store_.remove(queue_id, deliveries); });
  }
  std::vector<persistence::FifoChangeOutcome> changeVisibility(
      persistence::QueueId queue_id, std::span<const persistence::FifoVisibilityChange> changes) override {
    return with("changeVisibility", [&] { return store_.changeVisibility(queue_id, changes); });
  }
  void applyDelay(persistence::QueueId queue_id) override {
    with("applyDelay", [&] { return store_.applyDelay(queue_id), true; });
  }
  persistence::MessageCounts countMessages(persistence::QueueId queue_id) override {
    return with("countMessages", [&] { return store_.countMessages(queue_id); });
  }
  std::int64_t countInFlight(persistence::QueueId queue_id, std::int64_t limit) override {
    return with("countInFlight", [&] { return store_.countInFlight(queue_id, limit); });
  }

 private:
  persistence::FifoStore& store_;
};

}  // namespace howdah::testing
