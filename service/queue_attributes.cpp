#include "service/queue_attributes.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "service/limits.h"
#include "service/queue_arn.h"
#include "service/queue_policy.h"

namespace howdah::service {
namespace {

using persistence::StringMap;

enum class Kind {
  Integer,  // low..high
  Boolean,
  Choice,              // one of two words: the default or `other`
  Policy,              // queue_policy.h; kept as it came; empty removes
  KeyId,               // empty removes
  RedrivePolicy,       // redrive_policy.h; empty removes
  RedriveAllowPolicy,  // likewise; kept as it came
  ReadOnly,
};

enum class For { AllQueues, FifoOnly };

struct Row {
  std::string_view name;
  Kind kind;
  std::string_view default_value = "";  // empty: none, and not shown until set
  For queues = For::AllQueues;
  int low = 0;
  int high = 0;
  std::string_view other = "";
};

constexpr std::string_view kRedrivePolicy = "RedrivePolicy";
constexpr std::string_view kFifoQueue = "FifoQueue";
constexpr std::string_view kContentBasedDeduplication = "ContentBasedDeduplication";
constexpr std::string_view kDeduplicationScope = "DeduplicationScope";
// Not an attribute of SQS: kept once DeduplicationScope is changed, since messages go on by that of creation.
constexpr std::string_view kDeduplicationScopeAtCreation = "DeduplicationScopeAtCreation";
constexpr std::string_view kFifoThroughputLimit = "FifoThroughputLimit";
constexpr std::string_view kKmsMasterKeyId = "KmsMasterKeyId";
constexpr std::string_view kKmsDataKeyReusePeriodSeconds = "KmsDataKeyReusePeriodSeconds";
constexpr std::string_view kSqsManagedSseEnabled = "SqsManagedSseEnabled";
constexpr std::string_view kVisible = "ApproximateNumberOfMessages";
constexpr std::string_view kNotVisible = "ApproximateNumberOfMessagesNotVisible";
constexpr std::string_view kDelayed = "ApproximateNumberOfMessagesDelayed";

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
constexpr Row kRows[] = {
    {"DelaySeconds", Kind::Integer, "0", For::AllQueues, 0, kMaximumDelaySeconds},
    {"MaximumMessageSize", Kind::Integer, "1048576", For::AllQueues, kLowestMaximumMessageSize, kMaximumMessageBytes},
    {"MessageRetentionPeriod", Kind::Integer, "345600", For::AllQueues, kLowestRetentionSeconds,
     kHighestRetentionSeconds},
    {"ReceiveMessageWaitTimeSeconds", Kind::Integer, "0", For::AllQueues, 0, kMaximumWaitTimeSeconds},
    {"VisibilityTimeout", Kind::Integer, "30", For::AllQueues, 0, kMaximumVisibilityTimeoutSeconds},
    {"Policy", Kind::Policy},
    {kRedrivePolicy, Kind::RedrivePolicy},
    {"RedriveAllowPolicy", Kind::RedriveAllowPolicy},
    {kKmsMasterKeyId, Kind::KeyId},
    {kKmsDataKeyReusePeriodSeconds, Kind::Integer, "300", For::AllQueues, kLowestDataKeyReuseSeconds,
     kHighestDataKeyReuseSeconds},
    {kSqsManagedSseEnabled, Kind::Boolean, "true"},
    {kFifoQueue, Kind::Boolean, "", For::FifoOnly},
    {kContentBasedDeduplication, Kind::Boolean, "false", For::FifoOnly},
    {kDeduplicationScope, Kind::Choice, "queue", For::FifoOnly, 0, 0, "messageGroup"},
    {kFifoThroughputLimit, Kind::Choice, "perQueue", For::FifoOnly, 0, 0, "perMessageGroupId"},
    {kVisible, Kind::ReadOnly},
    {kNotVisible, Kind::ReadOnly},
    {kDelayed, Kind::ReadOnly},
    {"CreatedTimestamp", Kind::ReadOnly},
    {"LastModifiedTimestamp", Kind::ReadOnly},
    {"QueueArn", Kind::ReadOnly},
};

const Row* findRow(std::string_view name) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.name == name; });
  return row == std::end(kRows) ? nullptr : row;
}

std::string_view valueOr(const StringMap& attributes, std::string_view name, std::string_view otherwise) {
  const auto found = attributes.find(std::string(name));
  return found == attributes.end() ? otherwise : std::string_view(found->second);
}

// What is set, or the default.
std::string_view effectiveValue(const StringMap& stored, const Row& row) {
  return valueOr(stored, row.name, row.default_value);
}

bool isFifo(const StringMap& attributes) { return valueOr(attributes, kFifoQueue, "") == "true"; }

Error unknownAttribute(std::string_view name) {
  return Error{ErrorCode::InvalidAttributeName, "Unknown Attribute " + std::string(name) + "."};
}

std::string lowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<std::int64_t> parseInteger(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool isKeyId(std::string_view text) {
  return text.size() <= kMaximumKeyIdLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view(":/_-").find(c) != std::string_view::npos;
         });
}

// The value as it is stored, or nothing if it is not allowed.
std::optional<std::string> canonicalValue(const Row& row, const std::string& value) {
  switch (row.kind) {
    case Kind::Integer: {
      const auto number = parseInteger(value);
      if (!number || *number < row.low || *number > row.high) return std::nullopt;
      return std::to_string(*number);
    }
    case Kind::Boolean: {
      std::string lower = lowerCase(value);
      if (lower != "true" && lower != "false") return std::nullopt;
      return lower;
    }
    case Kind::Choice:
      if (value != row.default_value && value != row.other) return std::nullopt;
      return value;
    case Kind::KeyId:
      if (!isKeyId(value)) return std::nullopt;
      return value;
    case Kind::Policy:
    case Kind::RedrivePolicy:
    case Kind::RedriveAllowPolicy:
    case Kind::ReadOnly:
      break;
  }
  return std::nullopt;
}

bool isDocument(Kind kind) {
  return kind == Kind::Policy || kind == Kind::RedrivePolicy || kind == Kind::RedriveAllowPolicy;
}

// A JSON document by itself, which has errors of its own.
Result<Nothing> checkDocument(Kind kind, const std::string& value) {
  if (value.empty()) return Nothing{};
  if (kind == Kind::Policy) return checkPolicy(value);
  if (kind == Kind::RedriveAllowPolicy) return checkRedriveAllowPolicy(value);
  if (auto policy = checkRedrivePolicy(value); !policy) return policy.error();
  return Nothing{};
}

// Each attribute by itself.
Result<StringMap> checkEach(const AttributeMap& given, bool fifo) {
  StringMap checked;
  for (const auto& [name, value] : given) {
    const Row* row = findRow(name);
    if (!row || row->kind == Kind::ReadOnly) return unknownAttribute(name);
    if (row->queues == For::FifoOnly && !fifo) {
      if (name == kFifoQueue || name == kContentBasedDeduplication) return unknownAttribute(name);
      return Error{ErrorCode::InvalidAttributeName,
                   "You can specify the " + name + " only when FifoQueue is set to true."};
    }
    if (isDocument(row->kind)) {
      if (auto document = checkDocument(row->kind, value); !document) return document.error();
      checked.emplace(name, value);
      continue;
    }
    std::optional<std::string> canonical = canonicalValue(*row, value);
    if (!canonical) {
      return Error{ErrorCode::InvalidAttributeValue, "Invalid value for the parameter " + name + "."};
    }
    checked.emplace(name, std::move(*canonical));
  }
  return checked;
}

// The rules between attributes.
Result<Nothing> checkTogether(const StringMap& stored, const StringMap& checked) {
  if (!valueOr(checked, kKmsMasterKeyId, "").empty() && valueOr(checked, kSqsManagedSseEnabled, "") == "true") {
    return Error{ErrorCode::InvalidAttributeName,
                 "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or "
                 "SQS SSE."};
  }
  const auto future = [&](std::string_view name) { return valueOr(checked, name, valueOr(stored, name, "")); };
  if (future(kFifoThroughputLimit) == "perMessageGroupId" && future(kDeduplicationScope) != "messageGroup") {
    return Error{ErrorCode::InvalidAttributeValue,
                 "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup"};
  }
  return Nothing{};
}

// A stored value was checked when it was set.
std::int64_t storedInteger(const StringMap& stored, std::string_view name) {
  const Row& row = *findRow(name);
  const auto number = parseInteger(effectiveValue(stored, row));
  if (!number || *number < row.low || *number > row.high) {
    throw std::runtime_error("stored queue attribute " + std::string(name) + " is out of range");
  }
  return *number;
}

std::string epochSeconds(persistence::DatabaseTime time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace

Result<StringMap> checkAttributesOfNewQueue(const AttributeMap& given) {
  const bool fifo = lowerCase(valueOr(given, kFifoQueue, "")) == "true";
  Result<StringMap> checked = checkEach(given, fifo);
  if (!checked) return checked;
  if (auto together = checkTogether({}, *checked); !together) return together.error();
  std::erase_if(*checked, [](const auto& attribute) { return attribute.second.empty(); });
  return checked;
}

Result<StringMap> checkAttributesToSet(const StringMap& stored, const std::optional<AttributeMap>& given) {
  if (!given || given->empty()) {
    return Error{ErrorCode::MissingRequiredParameterException,
                 "The request must contain the parameter Attribute.Name."};
  }
  Result<StringMap> checked = checkEach(*given, isFifo(stored));
  if (!checked) return checked;
  if (valueOr(*checked, kFifoQueue, "") == "false") {
    return Error{ErrorCode::InvalidAttributeValue,
                 "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."};
  }
  if (auto together = checkTogether(stored, *checked); !together) return together.error();
  return checked;
}

StringMap applyAttributes(StringMap stored, const StringMap& checked) {
  if (isFifo(stored) && checked.contains(std::string(kDeduplicationScope))) {
    stored.emplace(kDeduplicationScopeAtCreation, effectiveValue(stored, *findRow(kDeduplicationScope)));
  }
  for (const auto& [name, value] : checked) {
    if (value.empty()) {
      stored.erase(name);
    } else {
      stored.insert_or_assign(name, value);
    }
  }
  // One kind of encryption at a time.
  const bool sse_enabled = valueOr(checked, kSqsManagedSseEnabled, "") == "true";
  if (sse_enabled) stored.erase(std::string(kKmsMasterKeyId));
  if (const auto key = checked.find(std::string(kKmsMasterKeyId)); key != checked.end() && !key->second.empty()) {
    stored.insert_or_assign(std::string(kSqsManagedSseEnabled), "false");
  } else if (sse_enabled || key != checked.end()) {
    stored.erase(std::string(kKmsDataKeyReusePeriodSeconds));
  }
  return stored;
}

std::optional<std::string> firstDifferingAttribute(const StringMap& stored, const StringMap& checked) {
  for (const auto& [name, value] : checked) {
    if (effectiveValue(stored, *findRow(name)) != value) return name;
  }
  return std::nullopt;
}

QueueSettings queueSettings(const StringMap& stored) {
  QueueSettings settings;
  settings.delay = std::chrono::seconds(storedInteger(stored, "DelaySeconds"));
  settings.maximum_message_bytes = static_cast<std::size_t>(storedInteger(stored, "MaximumMessageSize"));
  settings.retention = std::chrono::seconds(storedInteger(stored, "MessageRetentionPeriod"));
  settings.receive_wait = std::chrono::seconds(storedInteger(stored, "ReceiveMessageWaitTimeSeconds"));
  settings.visibility_timeout = std::chrono::seconds(storedInteger(stored, "VisibilityTimeout"));
  settings.fifo = isFifo(stored);
  settings.content_based_deduplication = valueOr(stored, kContentBasedDeduplication, "") == "true";
  settings.deduplication_by_group =
      valueOr(stored, kDeduplicationScopeAtCreation, valueOr(stored, kDeduplicationScope, "")) == "messageGroup";
  if (const auto policy = stored.find(std::string(kRedrivePolicy)); policy != stored.end()) {
    settings.redrive_policy = readRedrivePolicy(policy->second);
  }
  return settings;
}

bool isQueueAttribute(std::string_view name) { return findRow(name) != nullptr; }

Result<std::set<std::string>> selectAttributes(const std::optional<std::vector<std::string>>& names) {
  std::set<std::string> selected;
  if (!names) return selected;
  for (const std::string& name : *names) {
    if (name == "All") {
      for (const Row& row : kRows) selected.emplace(row.name);
    } else if (isQueueAttribute(name)) {
      selected.insert(name);
    } else {
      return unknownAttribute(name);
    }
  }
  return selected;
}

bool needCounts(const std::set<std::string>& selected) {
  return std::any_of(selected.begin(), selected.end(), [](const std::string& name) {
    return name == kVisible || name == kNotVisible || name == kDelayed;
  });
}

AttributeMap showAttributes(const std::set<std::string>& selected, const persistence::QueueRecord& queue,
                            std::string_view region, const persistence::MessageCounts& counts) {
  const bool fifo = isFifo(queue.attributes);
  AttributeMap shown{
      {std::string(kVisible), std::to_string(counts.visible)},
      {std::string(kNotVisible), std::to_string(counts.in_flight)},
      {std::string(kDelayed), std::to_string(counts.delayed)},
      {"CreatedTimestamp", epochSeconds(queue.created_at)},
      {"LastModifiedTimestamp", epochSeconds(queue.modified_at)},
      {"QueueArn", queueArn(region, queue.queue_name)},
  };
  for (const Row& row : kRows) {
    if (row.kind == Kind::ReadOnly || (row.queues == For::FifoOnly && !fifo)) continue;
    // The reuse period has a default only beside a key.
    const bool without_default =
        row.name == kKmsDataKeyReusePeriodSeconds && valueOr(queue.attributes, kKmsMasterKeyId, "").empty();
    const std::string_view value =
        without_default ? valueOr(queue.attributes, row.name, "") : effectiveValue(queue.attributes, row);
    if (!value.empty()) shown.emplace(row.name, value);
  }
  std::erase_if(shown, [&](const auto& attribute) { return !selected.contains(attribute.first); });
  return shown;
}

}  // namespace howdah::service
