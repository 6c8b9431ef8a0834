#include "service/redrive_policy.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>

#include "service/json_document.h"
#include "service/limits.h"

namespace howdah::service {
namespace {

constexpr const char* kTarget = "deadLetterTargetArn";
constexpr const char* kMaxReceiveCount = "maxReceiveCount";
constexpr const char* kPermission = "redrivePermission";
constexpr const char* kSourceArns = "sourceQueueArns";

Error invalidParameter(std::string text) { return Error{ErrorCode::InvalidParameterValueException, std::move(text)}; }

Error refusedPolicy(const std::string& json, std::string_view reason) {
  return invalidParameter(fmt::format("Value {} for parameter RedrivePolicy is invalid. Reason: {}", json, reason));
}

Error refusedAllowPolicy(const std::string& json, std::string_view reason) {
  return invalidParameter(
      fmt::format("Value {} for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive "
                  "allow policy. {}",
                  json, reason));
}

const rapidjson::Value* memberOf(const rapidjson::Document& document, const char* name) {
  const auto found = document.FindMember(name);
  return found == document.MemberEnd() || found->value.IsNull() ? nullptr : &found->value;
}

// A number, or a decimal number in a string.
std::optional<std::int64_t> integerOf(const rapidjson::Value& value) {
  if (value.IsInt64()) return value.GetInt64();
  if (!value.IsString()) return std::nullopt;
  const std::string_view text = textOf(value);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool isFifoName(std::string_view queue_name) { return queue_name.ends_with(".fifo"); }

bool permits(const persistence::QueueRecord& target, const std::string& source_arn) {
  const auto stored = target.attributes.find("RedriveAllowPolicy");
  if (stored == target.attributes.end()) return true;
  const auto policy = parseJsonObject(stored->second);
  if (!policy) throw std::runtime_error("a stored RedriveAllowPolicy cannot be read");
  const std::string_view permission = textOf(*memberOf(*policy, kPermission));
  if (permission != "byQueue") return permission == "allowAll";
  const auto arns = memberOf(*policy, kSourceArns)->GetArray();
  return std::any_of(arns.begin(), arns.end(), [&](const auto& arn) { return textOf(arn) == source_arn; });
}

}  // namespace

Result<RequestedRedrivePolicy> checkRedrivePolicy(const std::string& json) {
  const auto document = parseJsonObject(json);
  if (!document) return refusedPolicy(json, "Redrive policy is not a valid JSON map.");
  const auto* count = memberOf(*document, kMaxReceiveCount);
  const auto* target = memberOf(*document, kTarget);
  for (const auto& [value, name] : {std::pair(count, kMaxReceiveCount), std::pair(target, kTarget)}) {
    if (!value) {
      return refusedPolicy(json, fmt::format("Redrive policy does not contain mandatory attribute: {}.", name));
    }
  }
  const auto max_receive_count = integerOf(*count);
  if (!max_receive_count || *max_receive_count < 1 || *max_receive_count > kMaximumMaxReceiveCount) {
    return refusedPolicy(json, fmt::format("Invalid value for maxReceiveCount: {}, valid values are from 1 to 1000 "
                                           "both inclusive.",
                                           count->IsString() ? std::string(textOf(*count)) : writeJson(*count)));
  }
  auto arn = target->IsString() ? parseArn(textOf(*target)) : std::nullopt;
  if (!arn) return refusedPolicy(json, "Dead-letter target ARN should be fully qualified ARN.");
  if (document->MemberCount() > 2) {
    return refusedPolicy(json, "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].");
  }
  if (arn->service != "sqs") {
    return refusedPolicy(json, "Only SQS queues are valid resources for deadLetterTargetArn.");
  }
  return RequestedRedrivePolicy{std::move(*arn), static_cast<int>(*max_receive_count)};
}

Result<Nothing> checkDeadLetterTarget(const std::string& json, std::string_view region,
                                      const persistence::QueueName& source, const persistence::QueueName& target_name,
                                      const std::optional<persistence::QueueRecord>& target) {
  if (target_name.account != source.account) {
    return refusedPolicy(json, "Dead letter target owner should be same as the source.");
  }
  if (!target) return refusedPolicy(json, "Dead letter target does not exist.");
  if (isFifoName(target_name.name) != isFifoName(source.name)) {
    return refusedPolicy(json, "Dead-letter queue must be same type of queue as the source..");
  }
  if (!permits(*target, queueArn(region, source))) {
    return refusedPolicy(json, "The redrive allow policy of the dead-letter queue does not permit this source queue.");
  }
  return Nothing{};
}

std::string storedRedrivePolicy(std::string_view region, const RedrivePolicy& policy) {
  return fmt::format(R"({{"{}":"{}","{}":{}}})", kTarget, queueArn(region, policy.target), kMaxReceiveCount,
                     policy.max_receive_count);
}

RedrivePolicy readRedrivePolicy(const std::string& stored) {
  const auto policy = checkRedrivePolicy(stored);
  if (!policy) throw std::runtime_error("a stored RedrivePolicy cannot be read");
  return {{policy->target.account, policy->target.resource}, policy->max_receive_count};
}

Result<Nothing> checkRedriveAllowPolicy(const std::string& json) {
  const Error unsupported = invalidParameter(
      "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, "
      "as it’s in an unsupported format.");
  if (json.size() > kMaximumPolicyBytes) return unsupported;
  const auto document = parseJsonObject(json);
  if (!document) return unsupported;
  const auto* permission = memberOf(*document, kPermission);
  const auto* sources = memberOf(*document, kSourceArns);
  if (!permission || !permission->IsString() || (sources && !sources->IsArray()) ||
      document->MemberCount() != (sources ? 2u : 1u)) {
    return unsupported;
  }
  const std::string_view kind = textOf(*permission);
  if (kind != "allowAll" && kind != "denyAll" && kind != "byQueue") return unsupported;
  if (sources && !std::all_of(sources->Begin(), sources->End(),
                              [](const auto& arn) { return arn.IsString() && parseArn(textOf(arn)); })) {
    return unsupported;
  }
  if (kind != "byQueue" && sources) {
    return refusedAllowPolicy(json,
                              "To specify one or more source queue ARNs, you must set redrivePermission to byQueue.");
  }
  if (kind == "byQueue" && (!sources || sources->Empty())) {
    return refusedAllowPolicy(json,
                              "When you specify the byQueue permission type, you must also specify one or more "
                              "sourceQueueArns values.");
  }
  if (sources && sources->Size() > kMaximumSourceQueueArns) {
    return refusedAllowPolicy(json, "The maximum number of source queue ARNs you can specify is 10.");
  }
  return Nothing{};
}

}  // namespace howdah::service
