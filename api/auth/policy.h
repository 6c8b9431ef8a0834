// Policies in AWS's language, of queues and of access keys: read strictly (what is not supported is refused, never
// ignored) and evaluated as pure functions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace howdah::api {

// Who wants to do what, and in what circumstances.
struct PolicyRequest {
  std::string account;    // of the caller; empty: anonymous
  std::string principal;  // its ARN
  std::string action;     // "SendMessage"
  std::string owner;      // the account of the queue
  std::string resource;   // its ARN
  std::string source_ip;
  bool secure = false;
  std::chrono::sys_seconds now;
};

class Policy {
 public:
  // A queue's names principals; that of an access key speaks of who holds the key.
  enum class Kind { Queue, Identity };
  enum class Effect { None, Allow, Deny };

  // The policy, or what is wrong with it.
  static std::variant<std::shared_ptr<const Policy>, std::string> parse(std::string_view json, Kind kind);

  Policy();
  ~Policy();
  // A statement that denies counts more than any that allows. `statement` is set to the name of the one that decided:
  // its Sid, or #1 for the first.
  Effect evaluate(const PolicyRequest& request, std::string* statement = nullptr) const;

  struct Statement;

 private:
  std::vector<Statement> statements_;
};

// The policies that have a say. Null: there is none.
struct Policies {
  const Policy* of_queue = nullptr;
  const Policy* of_caller = nullptr;    // without one, an owner's key may do all
  bool queue_policy_is_broken = false;  // it was set when nobody checked it: nobody but the owner is let in
};

struct Decision {
  bool allowed = false;
  std::string reason = {};  // as AWS ends its sentence: "because no ... policy allows the ... action"
  // "owner", "identity policy", "queue policy", "broken queue policy" or "no statement"
  std::string_view by = "no statement";
  std::string statement = {};  // of the policy that decided
};

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html
Decision decide(const PolicyRequest& request, const Policies& policies);

}  // namespace howdah::api
