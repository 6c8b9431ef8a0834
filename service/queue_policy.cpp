#include "service/queue_policy.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "service/characters.h"
#include "service/json_document.h"
#include "service/limits.h"
#include "service/queue_arn.h"

namespace howdah::service {
namespace {

using rapidjson::Document;
using rapidjson::Value;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
constexpr std::array<std::string_view, 9> kDelegable{
    "*",           "ChangeMessageVisibility",    "DeleteMessage", "GetQueueAttributes",
    "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",    "ReceiveMessage",
    "SendMessage"};
constexpr std::array<std::string_view, 12> kOwnerOnly{
    "AddPermission",        "CancelMessageMoveTask", "CreateQueue", "DeleteQueue",
    "ListMessageMoveTasks", "ListQueueTags",         "ListQueues",  "RemovePermission",
    "SetQueueAttributes",   "StartMessageMoveTask",  "TagQueue",    "UntagQueue"};

Error invalidValue(std::string_view value, std::string_view parameter, std::string_view reason) {
  return Error{ErrorCode::InvalidParameterValueException,
               fmt::format("Value {} for parameter {} is invalid. Reason: {}", value, parameter, reason)};
}

Error missing(std::string_view parameter) {
  return Error{ErrorCode::MissingRequiredParameterException,
               fmt::format("The request must contain the parameter {}.", parameter)};
}

Error invalidPolicy() { return Error{ErrorCode::InvalidAttributeValue, "Invalid value for the parameter Policy."}; }

Result<Nothing> checkCount(std::size_t found, std::string_view what, std::size_t maximum) {
  if (found <= maximum) return Nothing{};
  return Error{ErrorCode::OverLimit, fmt::format("{} {} were found, maximum allowed is {}.", found, what, maximum)};
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool isAccount(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

const Value* memberOf(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

// The strings of a string or of an array of them; nothing if it is neither.
std::optional<std::vector<std::string_view>> stringsOf(const Value& value) {
  std::vector<std::string_view> strings;
  if (value.IsString()) {
    strings.push_back(textOf(value));
    return strings;
  }
  if (!value.IsArray()) return std::nullopt;
  for (const Value& element : value.GetArray()) {
    if (!element.IsString()) return std::nullopt;
    strings.push_back(textOf(element));
  }
  return strings;
}

// How many principals there are, or nothing if one of them cannot be.
std::optional<std::size_t> countPrincipals(const Value& principal) {
  if (principal.IsString()) return textOf(principal) == "*" ? std::optional<std::size_t>(1) : std::nullopt;
  if (!principal.IsObject()) return std::nullopt;
  std::size_t count = 0;
  for (const auto& [kind, value] : principal.GetObject()) {
    const auto names = stringsOf(value);
    if (!names) return std::nullopt;
    count += names->size();
    if (textOf(kind) != "AWS") continue;
    for (const std::string_view name : *names) {
      if (name != "*" && !isAccount(name) && !name.starts_with("arn:")) return std::nullopt;
    }
  }
  return count;
}

// One of the two members of which a statement has one.
const Value* eitherOf(const Value& statement, const char* name, const char* negated) {
  const Value* value = memberOf(statement, name);
  return value ? value : memberOf(statement, negated);
}

struct Counts {
  std::size_t principals = 0;
  std::size_t conditions = 0;
};

Result<Nothing> checkStatement(const Value& statement, Counts& counts) {
  if (!statement.IsObject()) return invalidPolicy();
  const Value* effect = memberOf(statement, "Effect");
  if (!effect || !effect->IsString() || (textOf(*effect) != "Allow" && textOf(*effect) != "Deny")) {
    return invalidPolicy();
  }
  const Value* action = eitherOf(statement, "Action", "NotAction");
  const Value* principal = eitherOf(statement, "Principal", "NotPrincipal");
  const auto actions = action ? stringsOf(*action) : std::nullopt;
  const auto principals = principal ? countPrincipals(*principal) : std::nullopt;
  if (!actions || !principals) return invalidPolicy();
  if (const Value* condition = memberOf(statement, "Condition")) {
    if (!condition->IsObject()) return invalidPolicy();
    for (const auto& [test, keys] : condition->GetObject()) {
      if (!keys.IsObject()) return invalidPolicy();
      counts.conditions += keys.MemberCount();
    }
  }
  counts.principals += *principals;
  return checkCount(actions->size(), "Actions", kMaximumPolicyActions);
}

Value stringValue(std::string_view text, Document::AllocatorType& allocator) {
  return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator);
}

// A plain string where there is one, as SQS writes them.
Value oneOrMany(const std::vector<std::string>& texts, Document::AllocatorType& allocator) {
  if (texts.size() == 1) return stringValue(texts.front(), allocator);
  Value array(rapidjson::kArrayType);
  for (const std::string& text : texts) array.PushBack(stringValue(text, allocator), allocator);
  return array;
}

std::vector<std::string> withoutRepeats(const std::vector<std::string>& texts) {
  std::vector<std::string> distinct;
  std::set<std::string_view> seen;
  for (const std::string& text : texts) {
    if (seen.insert(text).second) distinct.push_back(text);
  }
  return distinct;
}

bool hasLabel(const Value& statement, std::string_view label) {
  const Value* sid = memberOf(statement, "Sid");
  return sid && sid->IsString() && textOf(*sid) == label;
}

// The statements of a stored policy, as an array.
Value& statementsOf(Document& document) {
  auto& allocator = document.GetAllocator();
  if (!document.HasMember("Statement")) document.AddMember("Statement", Value(rapidjson::kArrayType), allocator);
  Value& statements = document["Statement"];
  if (!statements.IsArray()) {
    Value array(rapidjson::kArrayType);
    array.PushBack(statements, allocator);
    statements = array;
  }
  return statements;
}

}  // namespace

Result<Nothing> checkPolicy(const std::string& policy) {
  if (policy.size() > kMaximumPolicyBytes) return invalidPolicy();
  const auto document = parseJsonObject(policy);
  if (!document) return invalidPolicy();
  if (const Value* version = memberOf(*document, "Version")) {
    if (!version->IsString()) return invalidPolicy();
    if (textOf(*version) != "2008-10-17" && textOf(*version) != "2012-10-17") return invalidPolicy();
  }
  const Value* statements = memberOf(*document, "Statement");
  if (!statements) return invalidPolicy();
  const bool many = statements->IsArray();
  if (auto checked = checkCount(many ? statements->Size() : 1, "Statements", kMaximumPolicyStatements); !checked) {
    return checked;
  }
  Counts counts;
  for (rapidjson::SizeType i = 0; i < (many ? statements->Size() : 1); ++i) {
    if (auto checked = checkStatement(many ? (*statements)[i] : *statements, counts); !checked) return checked;
  }
  if (auto checked = checkCount(counts.principals, "Principals", kMaximumPolicyPrincipals); !checked) return checked;
  return checkCount(counts.conditions, "Conditions", kMaximumPolicyConditions);
}

Result<Nothing> checkAddPermission(const AddPermissionInput& input) {
  if (!input.label || input.label->empty()) return missing("Label");
  const std::vector<std::string> accounts = input.aws_account_ids.value_or(std::vector<std::string>{});
  if (accounts.empty() || !std::ranges::all_of(accounts, isAccount)) {
    return invalidValue(fmt::format("[{}]", fmt::join(accounts, ", ")), "PrincipalId", "Unable to verify.");
  }
  if (!input.actions || input.actions->empty()) return missing("ActionName");
  if (input.label->size() > kMaximumLabelLength || !std::ranges::all_of(*input.label, isNameCharacter)) {
    return invalidValue(*input.label, "Label",
                        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.");
  }
  for (const std::string& action : *input.actions) {
    if (contains(kDelegable, action)) continue;
    return invalidValue("SQS:" + action, "ActionName",
                        contains(kOwnerOnly, action) ? "Only the queue owner is allowed to invoke this action."
                                                     : "Please refer to the appropriate WSDL for a list of valid "
                                                       "actions. ");
  }
  return checkCount(input.actions->size(), "Actions", kMaximumPolicyActions);
}

Result<std::string> addPermission(const std::string& policy, const std::string& queue_arn,
                                  const AddPermissionInput& input) {
  Document document(rapidjson::kObjectType);
  auto& allocator = document.GetAllocator();
  if (policy.empty()) {
    document.AddMember("Version", "2008-10-17", allocator);
    document.AddMember("Id", stringValue(queue_arn + "/SQSDefaultPolicy", allocator), allocator);
  } else {
    document.Parse<rapidjson::kParseIterativeFlag>(policy.data(), policy.size());
  }
  Value& statements = statementsOf(document);
  for (const Value& statement : statements.GetArray()) {
    if (hasLabel(statement, *input.label)) return invalidValue(*input.label, "Label", "Already exists.");
  }

  const std::string arn_start = queue_arn.substr(0, queue_arn.find(":sqs:"));
  std::vector<std::string> principals = withoutRepeats(*input.aws_account_ids);
  for (std::string& principal : principals) principal = arn_start + ":iam::" + principal + ":root";
  std::vector<std::string> actions = withoutRepeats(*input.actions);
  for (std::string& action : actions) action.insert(0, "SQS:");
  Value statement(rapidjson::kObjectType);
  statement.AddMember("Sid", stringValue(*input.label, allocator), allocator);
  statement.AddMember("Effect", "Allow", allocator);
  Value principal(rapidjson::kObjectType);
  principal.AddMember("AWS", oneOrMany(principals, allocator), allocator);
  statement.AddMember("Principal", principal, allocator);
  statement.AddMember("Action", oneOrMany(actions, allocator), allocator);
  statement.AddMember("Resource", stringValue(queue_arn, allocator), allocator);
  statements.PushBack(statement, allocator);

  std::string written = writeJson(document);
  if (auto checked = checkCount(written.size(), "Bytes", kMaximumPolicyBytes); !checked) return checked.error();
  if (auto checked = checkPolicy(written); !checked) return checked.error();
  return written;
}

Result<std::string> removePermission(const std::string& policy, const RemovePermissionInput& input) {
  if (!input.label || input.label->empty()) return missing("Label");
  Document document(rapidjson::kObjectType);
  if (!policy.empty()) document.Parse<rapidjson::kParseIterativeFlag>(policy.data(), policy.size());
  Value& statements = statementsOf(document);
  const auto found = std::find_if(statements.Begin(), statements.End(),
                                  [&](const Value& statement) { return hasLabel(statement, *input.label); });
  if (found == statements.End()) return invalidValue(*input.label, "Label", "can't find label.");
  statements.Erase(found);
  return statements.Empty() ? std::string() : writeJson(document);
}

}  // namespace howdah::service
