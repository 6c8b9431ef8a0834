#include "api/auth/permissions.h"

#include <utility>

#include "metrics/log.h"
#include "service/queue_arn.h"

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;
using service::Nothing;
using service::Result;

constexpr std::size_t kParsedPolicies = 1000;

std::string lowerCase(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return text;
}

}  // namespace

std::shared_ptr<const Policy> ParsedPolicies::find(const std::string& json) {
  {
    std::lock_guard lock(mutex_);
    if (const auto found = parsed_.find(json); found != parsed_.end()) return found->second;
  }
  auto parsed = Policy::parse(json, Policy::Kind::Queue);
  std::shared_ptr<const Policy> policy;
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    metrics::logWarn("a queue's policy cannot be enforced and lets in nobody but the owner", {{"reason", *why}});
  } else {
    policy = std::get<0>(std::move(parsed));
  }
  std::lock_guard lock(mutex_);
  if (parsed_.size() >= kParsedPolicies) parsed_.clear();
  return parsed_.emplace(json, std::move(policy)).first->second;
}

RequestPermissions::RequestPermissions(std::shared_ptr<ParsedPolicies> parsed, Identity identity,
                                       const service::Caller& caller, std::chrono::sys_seconds now,
                                       std::string_view action, std::string region, std::string endpoint)
    : parsed_(std::move(parsed)),
      of_caller_(std::move(identity.policy)),
      region_(std::move(region)),
      endpoint_(std::move(endpoint)),
      request_{std::move(identity.account),
               std::move(identity.principal),
               std::string(action),
               {},
               {},
               caller.source_ip,
               caller.secure,
               now} {}

Result<Nothing> RequestPermissions::mayAct(const std::string& account, const std::string& queue,
                                           const std::string& policy, std::string_view action) const {
  Policies policies{nullptr, of_caller_.get(), false};
  std::shared_ptr<const Policy> of_queue;
  if (!policy.empty()) {
    of_queue = parsed_->find(policy);
    policies.of_queue = of_queue.get();
    policies.queue_policy_is_broken = of_queue == nullptr;
  }
  PolicyRequest request = request_;
  if (!action.empty()) request.action = action;
  request.owner = account;
  request.resource = service::queueArn(region_, {account, queue});
  const Decision decision = decide(request, policies);
  {
    std::lock_guard lock(mutex_);
    if (action.empty() || !decision.allowed) verdict_ = Verdict{decision, request.resource};
  }
  if (decision.allowed) return Nothing{};
  // Whether there is such a queue is not for others to know.
  if (request.action == "GetQueueUrl" && request.account != account) return Error{ErrorCode::QueueDoesNotExist, {}};
  if (request.account.empty())
    return Error{ErrorCode::AccessDeniedException, "Access to the resource " + endpoint_ + "/ is denied."};
  return Error{ErrorCode::AccessDeniedException, "User: " + request.principal +
                                                     " is not authorized to perform: sqs:" + lowerCase(request.action) +
                                                     " on resource: " + request.resource + " " + decision.reason};
}

std::optional<Verdict> RequestPermissions::verdict() const {
  std::lock_guard lock(mutex_);
  return verdict_;
}

Result<Nothing> RequestPermissions::checkPolicy(const std::string& policy) const {
  const auto parsed = Policy::parse(policy, Policy::Kind::Queue);
  const auto* why = std::get_if<std::string>(&parsed);
  if (why == nullptr) return Nothing{};
  return Error{ErrorCode::InvalidAttributeValue, "Invalid value for the parameter Policy. Reason: " + *why};
}

}  // namespace howdah::api
