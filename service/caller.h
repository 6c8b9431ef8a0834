// Who asks and in what circumstances, as plain values: below the dispatcher nobody reads a header.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "service/result.h"

namespace howdah::service {

struct Caller {
  std::string account;        // twelve digits; queues without an account in their URL are looked up here
  std::string principal;      // ARN, or "*" for nobody in particular
  std::string access_key_id;  // that the request is signed with; empty: none
  std::string source_ip;
  bool secure = false;  // came over TLS
  // Whether accounts are told apart, as where signatures are verified. If not, all callers share one, whichever a queue
  // URL names: people's scripts carry account ids of every kind.
  bool accounts_matter = false;
};

// What one request may do, asked where the queue is known. Any thread.
class Permissions {
 public:
  virtual ~Permissions() = default;
  // Nothing if the caller may do `action` to the queue, or the Error that refuses it. `policy` is the queue's, empty if
  // it has none; `queue` is empty for what concerns a whole account; `action` is empty for this request's own.
  virtual Result<Nothing> mayAct(const std::string& account, const std::string& queue, const std::string& policy,
                                 std::string_view action) const = 0;
  // Whether this could be enforced, were it a queue's Policy.
  virtual Result<Nothing> checkPolicy(const std::string& policy) const = 0;
};
using PermissionsPtr = std::shared_ptr<const Permissions>;

// Tells that the client's connection is gone, so that nothing is handed to it. Any thread.
class ClientPresence {
 public:
  bool isGone() const {
    std::lock_guard lock(mutex_);
    return gone_;
  }

  // Calls `callback` once when the client goes, or now if it already has. The callback runs on the thread that noticed.
  void onGone(std::function<void()> callback) {
    {
      std::lock_guard lock(mutex_);
      if (!gone_) {
        callbacks_.push_back(std::move(callback));
        return;
      }
    }
    callback();
  }

  void markGone() {
    std::vector<std::function<void()>> callbacks;
    {
      std::lock_guard lock(mutex_);
      if (gone_) return;
      gone_ = true;
      callbacks.swap(callbacks_);
    }
    for (auto& callback : callbacks) callback();
  }

 private:
  mutable std::mutex mutex_;
  bool gone_ = false;
  std::vector<std::function<void()>> callbacks_;
};

struct RequestContext {
  Caller caller;
  std::string request_id;    // the one the client is given in x-amzn-RequestId
  std::string trace_header;  // X-Amzn-Trace-Id, or empty; becomes AWSTraceHeader when the message carries none
  std::shared_ptr<ClientPresence> client = std::make_shared<ClientPresence>();
  // Grows by the time a long poll was parked, which the duration metric leaves out. Written before the call is answered
  // and to be read after; may be null.
  std::shared_ptr<std::chrono::steady_clock::duration> parked;
  PermissionsPtr permissions = nullptr;  // null: everybody may do everything
};

}  // namespace howdah::service
