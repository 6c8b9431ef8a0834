// What one request may do, decided by the policies of its key and of the queue: the answer to service::Permissions.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/auth/authenticator.h"
#include "api/auth/policy.h"
#include "service/caller.h"

namespace howdah::api {

// The policies of queues as they were parsed, by their text. Bounded. Any thread.
class ParsedPolicies {
 public:
  // Null if it is broken.
  std::shared_ptr<const Policy> find(const std::string& json);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Policy>> parsed_;
};

// What was decided about a request, and about which queue.
struct Verdict {
  Decision decision;
  std::string resource;  // ARN
};

class RequestPermissions final : public service::Permissions {
 public:
  // `action` is the name that policies know it by; `endpoint` is told to who has no name.
  RequestPermissions(std::shared_ptr<ParsedPolicies> parsed, Identity identity, const service::Caller& caller,
                     std::chrono::sys_seconds now, std::string_view action, std::string region, std::string endpoint);

  service::Result<service::Nothing> mayAct(const std::string& account, const std::string& queue,
                                           const std::string& policy, std::string_view action) const override;
  service::Result<service::Nothing> checkPolicy(const std::string& policy) const override;

  // Of the last that was asked about the request's own action, or of the refusal of another; nothing if nothing was.
  std::optional<Verdict> verdict() const;

 private:
  const std::shared_ptr<ParsedPolicies> parsed_;
  const std::shared_ptr<const Policy> of_caller_;
  const std::string region_;
  const std::string endpoint_;
  PolicyRequest request_;  // but for the queue
  mutable std::mutex mutex_;
  mutable std::optional<Verdict> verdict_;
};

}  // namespace howdah::api
