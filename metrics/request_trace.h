// What one request leaves behind: the names that its log lines carry, and where its time went. A thread that works for
// a request says so with a RequestScope; what it logs meanwhile carries the names, and what it waits for is counted
// there.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace howdah::metrics {

struct RequestTrace {
  using Duration = std::chrono::steady_clock::duration;

  std::string request_id;  // as the client is given it
  std::string trace_id;    // that the client gave, or empty
  // Added to by one thread after the other, and read once the request is answered.
  std::atomic<Duration::rep> queued{0};    // for a worker, or for company in a transaction
  std::atomic<Duration::rep> database{0};  // in statements, those that were shared included

  // Of a failure: what the client is not told.
  void failedBecause(std::string why) {
    std::lock_guard lock(mutex_);
    cause_ = std::move(why);
  }
  std::string cause() const {
    std::lock_guard lock(mutex_);
    return cause_;
  }

 private:
  mutable std::mutex mutex_;
  std::string cause_;
};
using RequestTracePtr = std::shared_ptr<RequestTrace>;

// That of this thread; null: it works for none, or for several.
const RequestTracePtr& currentRequest();

class RequestScope {
 public:
  explicit RequestScope(RequestTracePtr request);
  ~RequestScope();
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

 private:
  RequestTracePtr outer_;
};

// `work`, to be called later and elsewhere, in this thread's scope.
template <class Work>
auto forThisRequest(Work work) {
  return [request = currentRequest(), work = std::move(work)](auto&&... arguments) {
    const RequestScope scope(request);
    return work(std::forward<decltype(arguments)>(arguments)...);
  };
}

}  // namespace howdah::metrics
