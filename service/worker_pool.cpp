#include "service/worker_pool.h"

#include <chrono>

#include "metrics/log.h"
#include "metrics/request_trace.h"

namespace howdah::service {

WorkerPool::WorkerPool(int threads) : thread_count_(threads) {}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::start() {
  for (int i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { run(); });
}

void WorkerPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool WorkerPool::post(Task task) {
  // Whoever works for a request goes on working for it.
  if (metrics::currentRequest()) {
    task = [request = metrics::currentRequest(), since = std::chrono::steady_clock::now(), task = std::move(task)] {
      request->queued += (std::chrono::steady_clock::now() - since).count();
      const metrics::RequestScope scope(request);
      task();
    };
  }
  {
    std::lock_guard lock(mutex_);
    // While a task runs its worker will look at the queue again.
    if (stopping_ && running_ == 0 && queue_.empty()) return false;
    queue_.push_back(std::move(task));
  }
  work_.notify_one();
  return true;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return !queue_.empty() || stopping_; });
    if (queue_.empty()) return;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    runGuarded("task", task);
    task = nullptr;
    lock.lock();
    --running_;
  }
}

Error failureOf(const std::exception_ptr& failure, std::string_view operation) {
  const auto noteCause = [](const std::exception& error) {
    if (const auto& request = metrics::currentRequest()) request->failedBecause(error.what());
  };
  try {
    std::rethrow_exception(failure);
  } catch (const persistence::StoreBug& bug) {
    noteCause(bug);
    metrics::logError("the database refused a statement",
                      {{"operation", operation}, {"sql_state", bug.sqlState()}, {"error", bug.what()}});
  } catch (const persistence::StoreError& error) {
    noteCause(error);
    metrics::logDebug("the database failed a request", {{"operation", operation}, {"error", error.what()}});
    return serviceUnavailable();
  } catch (const std::exception& error) {
    noteCause(error);
    metrics::logError("internal failure", {{"operation", operation}, {"error", error.what()}});
  }
  return Error{ErrorCode::InternalFailure, {}};
}

Error serviceUnavailable() { return Error{ErrorCode::ServiceUnavailable, {}}; }

}  // namespace howdah::service
