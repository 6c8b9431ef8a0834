#include "service/worker_pool.h"

#include <algorithm>
#include <chrono>

#include "metrics/log.h"
#include "metrics/request_trace.h"

namespace howdah::service {

namespace {

constexpr std::size_t kLight = static_cast<std::size_t>(Weight::Light),
                      kHeavy = static_cast<std::size_t>(Weight::Heavy);

}  // namespace

WorkerPool::WorkerPool(int threads, std::function<bool()> heavy_has_company)
    : thread_count_(threads), heavy_has_company_(std::move(heavy_has_company)) {}

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

bool WorkerPool::post(Task task, Weight weight) {
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
    // While a task runs its worker will look at the queues again.
    if (stopping_ && running_[kLight] + running_[kHeavy] == 0 && queues_[kLight].empty() && queues_[kHeavy].empty())
      return false;
    queues_[static_cast<std::size_t>(weight)].push_back(std::move(task));
  }
  work_.notify_one();
  return true;
}

std::optional<Weight> WorkerPool::next() const {
  const bool light = !queues_[kLight].empty();
  const int heavy_limit = std::max(1, heavy_has_company_() ? thread_count_ / 4 : thread_count_ - 1);
  const bool heavy = !queues_[kHeavy].empty() && running_[kHeavy] < heavy_limit;
  if (light && heavy) return turn_;
  if (light) return Weight::Light;
  if (heavy) return Weight::Heavy;
  return std::nullopt;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::optional<Weight> weight;
    work_.wait(lock, [&] { return (weight = next()) || stopping_; });
    if (!weight) return;  // a heavy task that waits has a thread that will come for it
    const auto mine = static_cast<std::size_t>(*weight);
    Task task = std::move(queues_[mine].front());
    queues_[mine].pop_front();
    turn_ = *weight == Weight::Light ? Weight::Heavy : Weight::Light;
    ++running_[mine];
    lock.unlock();
    runGuarded("task", task);
    task = nullptr;
    lock.lock();
    --running_[mine];
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
