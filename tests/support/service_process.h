// What one server process has below its HTTP port, on a test's database: a store, wakes and a service. Several of them
// on one database are replicas. Calls are made like a client's and waited for.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>

#include "persistence/postgres/database.h"
#include "service/sqs_service.h"
#include "tests/support/faulty_store.h"
#include "tests/support/null_recorder.h"

namespace howdah::testing {

// Wakes that never arrive.
class SilentNotifications final : public persistence::Notifications {
 public:
  void start(std::function<void(const std::vector<persistence::WakeHint>&)>, std::function<void()>) override {}
  void stop() override {}
  void publish(const persistence::WakeHint&) override {}
};

// Counts what tests wait for.
class ServiceRecorder final : public NullRecorder {
 public:
  void receiveParked(metrics::QueueCounts&) override { count(parked_); }
  void receiveUnparked(metrics::QueueCounts&, metrics::Seconds) override { count(unparked_); }
  void coalesced(std::string_view operation, std::size_t requests) override {
    std::lock_guard lock(mutex_);
    if (operation == "send") largest_send_ = std::max(largest_send_, requests);
  }

  void messageDeduplicated(metrics::QueueCounts&) override { ++deduplicated_; }
  void throttled(std::string_view setting) override {
    std::lock_guard lock(mutex_);
    ++throttled_[std::string(setting)];
  }
  int throttledBy(const std::string& setting) {
    std::lock_guard lock(mutex_);
    return throttled_[setting];
  }

  // Waits until `receives` receives have been parked in all, or been unparked. Each look that finds nothing parks anew.
  void waitUntilParked(int receives) { waitFor(parked_, receives); }
  void waitUntilUnparked(int receives) { waitFor(unparked_, receives); }
  int parked() {
    std::lock_guard lock(mutex_);
    return parked_;
  }
  std::size_t messagesDeduplicated() const { return deduplicated_; }
  std::size_t largestSend() {
    std::lock_guard lock(mutex_);
    return largest_send_;
  }

 private:
  void count(int& counter) {
    std::lock_guard lock(mutex_);
    ++counter;
    counted_.notify_all();
  }
  void waitFor(const int& counter, int value) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(counted_.wait_for(lock, std::chrono::seconds(20), [&] { return counter >= value; }));
  }

  std::atomic<std::size_t> deduplicated_ = 0;
  std::mutex mutex_;
  std::condition_variable counted_;
  int parked_ = 0;
  int unparked_ = 0;
  std::size_t largest_send_ = 0;
  std::map<std::string, int> throttled_;
};

class ServiceProcess {
 public:
  explicit ServiceProcess(const persistence::postgres::PostgresOptions& options,
                          service::ServiceOptions service_options = {}, bool hears_wakes = true)
      : database_(options, recorder_) {
    database_.migrate();
    store_ = std::make_unique<FaultyStore>(database_.messages());
    fifo_store_ = std::make_unique<FaultyFifoStore>(database_.fifo());
    persistence::Notifications& wakes = hears_wakes ? database_.notifications() : silent_;
    service_ = std::make_unique<service::SqsService>(database_.queues(), *store_, *fifo_store_, database_.moveTasks(),
                                                     wakes, recorder_, service_options);
    service_->start();
    context.caller.account = "000000000000";
  }
  ~ServiceProcess() { service_->stop(); }

  service::SqsService& service() { return *service_; }
  FaultyStore& store() { return *store_; }
  FaultyFifoStore& fifoStore() { return *fifo_store_; }
  persistence::postgres::PostgresDatabase& database() { return database_; }
  ServiceRecorder& recorder() { return recorder_; }

  // service::SqsService's methods: begin(&SqsService::sendMessage, input), answer(...) to wait for it as well.
  template <class Input, class Output>
  std::future<service::Result<Output>> begin(void (service::SqsService::*action)(const service::RequestContext&, Input,
                                                                                 service::Done<Output>),
                                             Input input, std::shared_ptr<service::ClientPresence> client = nullptr) {
    auto answered = std::make_shared<std::promise<service::Result<Output>>>();
    service::RequestContext request = context;
    request.client = client ? client : std::make_shared<service::ClientPresence>();
    ((*service_).*action)(request, std::move(input),
                          [answered](service::Result<Output> result) { answered->set_value(std::move(result)); });
    return answered->get_future();
  }
  template <class Input, class Output>
  service::Result<Output> answer(void (service::SqsService::*action)(const service::RequestContext&, Input,
                                                                     service::Done<Output>),
                                 Input input) {
    return wait(begin(action, std::move(input)));
  }
  template <class Output>
  static service::Result<Output> wait(std::future<service::Result<Output>> future) {
    if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      std::abort();  // the promise is still out there
    }
    return future.get();
  }

  service::RequestContext context;

 private:
  ServiceRecorder recorder_;
  persistence::postgres::PostgresDatabase database_;
  SilentNotifications silent_;
  std::unique_ptr<FaultyStore> store_;
  std::unique_ptr<FaultyFifoStore> fifo_store_;
  std::unique_ptr<service::SqsService> service_;
};

}  // namespace howdah::testing
