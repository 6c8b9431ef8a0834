// Who asks for what on the first line, parted by blanks: account, principal, action, owner, resource, address, tls or
// plain, seconds since 1970. A policy after it.
#include "api/auth/policy.h"

#include <array>
#include <charconv>
#include <utility>

#include <rapidjson/document.h>

#include "api/codec/text.h"
#include "service/json_document.h"
#include "service/limits.h"
#include "service/queue_policy.h"
#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

using api::Policy;
using api::PolicyRequest;
using Effect = Policy::Effect;
using Kind = Policy::Kind;
using PolicyPtr = std::shared_ptr<const Policy>;

PolicyRequest takeRequest(std::string_view line) {
  const auto take = [&] {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return std::string(word);
  };
  PolicyRequest request;
  for (std::string* part :
       {&request.account, &request.principal, &request.action, &request.owner, &request.resource, &request.source_ip})
    *part = take();
  request.secure = take() == "tls";
  std::uint32_t seconds = 0;
  std::from_chars(line.data(), line.data() + line.size(), seconds);
  request.now = std::chrono::sys_seconds(std::chrono::seconds(seconds));
  return request;
}

// Null: refused.
PolicyPtr parsed(std::string_view json, Kind kind) {
  auto read = Policy::parse(json, kind);
  if (const auto* why = std::get_if<std::string>(&read)) {
    require(!why->empty() && why->size() < 1000 && api::isValidUtf8(*why), "a refusal is a short sentence");
    return nullptr;
  }
  return std::get<0>(std::move(read));
}

Effect effectOf(const rapidjson::Document& document, Kind kind, const PolicyRequest& request) {
  const PolicyPtr policy = parsed(service::writeJson(document), kind);
  require(policy != nullptr, "what was written of a policy is one");
  return policy->evaluate(request);
}

rapidjson::Document copyOf(const rapidjson::Document& document) {
  rapidjson::Document copy;
  copy.CopyFrom(document, copy.GetAllocator());
  return copy;
}

rapidjson::Value& statementsAsArray(rapidjson::Document& document) {
  rapidjson::Value& statements = document["Statement"];
  if (!statements.IsArray()) {
    rapidjson::Value array(rapidjson::kArrayType);
    array.PushBack(statements, document.GetAllocator());
    statements = array;
  }
  return statements;
}

void requireThatDenialWins(const rapidjson::Document& document, Kind kind, const PolicyRequest& request,
                           Effect effect) {
  rapidjson::Document changed = copyOf(document);
  rapidjson::Value& statements = statementsAsArray(changed);
  for (rapidjson::SizeType i = 0; 2 * i + 1 < statements.Size(); ++i)
    statements[i].Swap(statements[statements.Size() - 1 - i]);
  require(effectOf(changed, kind, request) == effect, "the order of statements is nothing");

  for (auto& statement : statements.GetArray()) statement["Effect"] = "Deny";
  const Effect all_denied = effectOf(changed, kind, request);
  require(all_denied == (effect == Effect::None ? Effect::None : Effect::Deny),
          "what applied to allow applies to deny");

  rapidjson::Document denied = copyOf(document);
  auto& allocator = denied.GetAllocator();
  rapidjson::Value& first = statementsAsArray(denied)[0];  // takes the place of one: their number has a limit
  first.SetObject();
  for (const char* name : {"Action", "Resource"}) first.AddMember(rapidjson::StringRef(name), "*", allocator);
  if (kind == Kind::Queue) first.AddMember("Principal", "*", allocator);
  first.AddMember("Effect", "Deny", allocator);
  require(effectOf(denied, kind, request) == Effect::Deny, "an explicit denial wins");
}

void requireRightDecision(const PolicyRequest& request, const PolicyPtr& of_queue, const PolicyPtr& of_caller) {
  const bool is_owner = !request.account.empty() && request.account == request.owner;
  const auto decide = [&](const Policy* queue, const Policy* caller, bool broken = false) {
    const api::Decision decision = api::decide(request, {queue, caller, broken});
    require(decision.allowed == decision.reason.empty(), "a denial has a reason");
    return decision.allowed;
  };
  require(decide(nullptr, nullptr) == is_owner, "without policies an account may do all to its own queues and no more");
  require(!decide(nullptr, of_caller.get()) || is_owner, "what a key may do ends at its account's queues");
  require(!decide(nullptr, of_caller.get(), true) || (is_owner && !of_caller),
          "a policy that is broken lets nobody in but the owner");
  if (of_caller && of_caller->evaluate(request) == Effect::Deny)
    require(!decide(of_queue.get(), of_caller.get()), "what a key's policy denies is denied");
  if (!of_queue) return;
  const Effect effect = of_queue->evaluate(request);
  const bool allowed = decide(of_queue.get(), nullptr);
  if (!is_owner) require(!allowed || effect == Effect::Allow, "others need the queue's leave");
  if (is_owner) require(allowed || effect == Effect::Deny, "an owner needs none");
}

void requireThatPermissionsComeAndGo(const std::string& policy, const PolicyRequest& request) {
  service::AddPermissionInput add{{},
                                  "label-of-the-fuzzer",
                                  std::vector<std::string>{"111111111111", "222222222222"},
                                  std::vector<std::string>{"SendMessage", "ReceiveMessage"}};
  const auto added = service::addPermission(policy, "arn:aws:sqs:us-east-1:111111111111:q", add);
  if (!added.ok()) {
    require(added.error().code == service::ErrorCode::OverLimit ||
                added.error().code == service::ErrorCode::InvalidParameterValueException,
            "a permission is refused for the limits or for its label");
    return;
  }
  require(service::checkPolicy(*added).ok(), "a policy with a permission more is one");
  require(!service::addPermission(*added, "arn:aws:sqs:us-east-1:111111111111:q", add).ok(), "a label is there once");
  const auto removed = service::removePermission(*added, {{}, add.label});
  require(removed.ok(), "what was added can be removed");
  const PolicyPtr before = parsed(policy, Kind::Queue);
  if (!before) return;
  const PolicyPtr after = parsed(*removed, Kind::Queue);
  require(after && after->evaluate(request) == before->evaluate(request), "and leaves the rest as it was");
}

void fuzzPolicy(std::string_view text) {
  const PolicyRequest request = takeRequest(takeLine(text));
  const std::string json(text);
  const PolicyPtr of_queue = parsed(json, Kind::Queue), of_caller = parsed(json, Kind::Identity);
  requireRightDecision(request, of_queue, of_caller);
  for (const auto& [policy, kind] : {std::pair(of_queue, Kind::Queue), std::pair(of_caller, Kind::Identity)}) {
    if (!policy) continue;
    const Effect effect = policy->evaluate(request);
    require(policy->evaluate(request) == effect && parsed(json, kind)->evaluate(request) == effect,
            "the same question has the same answer");
    const auto document = service::parseJsonObject(json);
    require(document.has_value(), "a policy is a JSON object");
    require(effectOf(*document, kind, request) == effect, "a policy written anew says the same");
    requireThatDenialWins(*document, kind, request, effect);
  }

  const auto checked = service::checkPolicy(json);
  if (!checked.ok()) {
    require(checked.error().code == service::ErrorCode::InvalidAttributeValue ||
                checked.error().code == service::ErrorCode::OverLimit,
            "a policy is no policy or too large");
    require(!of_queue || json.size() > service::kMaximumPolicyBytes, "what can be enforced may be set");
    return;
  }
  require(json.size() <= service::kMaximumPolicyBytes, "a policy has a largest size");
  requireThatPermissionsComeAndGo(json, request);
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(PoliciesKeepTheirRules, "policy", howdah::fuzz::fuzzPolicy)
