// The threads that call the store. A task may block on the database; nothing else in the service blocks. Heavy tasks
// leave a thread to light ones, and three of four while there are light ones; for a single thread both take turns. Here
// too is the edge where exceptions end: what a failure is called on the wire, and what of
// it is logged.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "persistence/store_error.h"
#include "service/outstanding.h"
#include "service/result.h"

namespace howdah::service {

// Any thread.
class WorkerPool {
 public:
  using Task = std::function<void()>;

  explicit WorkerPool(
      int threads, std::function<bool()> heavy_has_company = [] { return false; });
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void start();
  // Returns when everything queued has run, and what that posted in turn. Safe twice and unstarted.
  void stop();

  // Runs `task` after those of its weight that were posted before it. False, with the task dropped, once the pool has
  // stopped.
  [[nodiscard]] bool post(Task task, Weight weight = Weight::Light);

 private:
  void run();
  // REQUIRES: mutex_ held. What a thread that is free may begin.
  std::optional<Weight> next() const;

  const int thread_count_;
  const std::function<bool()> heavy_has_company_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::array<std::deque<Task>, 2> queues_;  // by weight
  std::array<int, 2> running_{};
  Weight turn_ = Weight::Light;  // whose it is while both wait
  bool stopping_ = false;
};

// What the client is told of `failure`: ServiceUnavailable while the database fails, InternalFailure for anything else.
// Logs it under the name `operation`; the database's own pauses are logged where they are noticed.
Error failureOf(const std::exception_ptr& failure, std::string_view operation);

Error serviceUnavailable();

// How often a transaction is run that loses to others each time.
inline constexpr int kConflictAttempts = 5;

// Runs what must not take its thread with it, such as a callback; logs an exception and drops it.
template <class Work>
void runGuarded(std::string_view operation, Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
  } catch (const std::exception&) {
    (void)failureOf(std::current_exception(), operation);
  }
}

// Runs `work`, which blocks on the store and returns a Result<T>, again where another transaction won, and tells
// `done`.
template <class T, class Work>
void answerGuarded(std::string_view operation, const Done<T>& done, Work&& work) noexcept {
  runGuarded(operation, [&] {
    Result<T> result = [&]() -> Result<T> {
      for (int attempts = 1;; ++attempts) {
        try {
          return work();
        } catch (const persistence::StoreConflict&) {
          if (attempts == kConflictAttempts) return failureOf(std::current_exception(), operation);
        } catch (const std::exception&) {
          return failureOf(std::current_exception(), operation);
        }
      }
    }();
    done(std::move(result));
  });
}

}  // namespace howdah::service
