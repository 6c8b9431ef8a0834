#include "api/audit.h"

#include <algorithm>
#include <optional>

#include "metrics/audit.h"
#include "service/move_task_handle.h"

namespace howdah::api {
namespace {

constexpr std::size_t kNames = 60, kNameLength = 128, kArnLength = 256;  // beyond what SQS allows

std::string_view cut(std::string_view text, std::size_t length) { return text.substr(0, length); }

void addTo(std::string& list, std::string_view name) {
  if (!list.empty()) list += ',';
  list += cut(name, kNameLength);
}

std::string namesOf(const auto& map) {
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, value] : map) {
    if (++count <= kNames) addTo(names, name);
  }
  return names;
}

std::string listOf(const std::optional<std::vector<std::string>>& texts) {
  std::string list;
  if (texts) {
    for (std::size_t i = 0; i < std::min(texts->size(), kNames); ++i) addTo(list, (*texts)[i]);
  }
  return list;
}

}  // namespace

void describe(const service::AddPermissionInput& input, ManagedChange& change) {
  change.queue = input.queue_url;
  change.details = {{"label", std::string(cut(input.label.value_or(""), kNameLength))},
                    {"accounts", listOf(input.aws_account_ids)},
                    {"actions", listOf(input.actions)}};
}

void describe(const service::CancelMessageMoveTaskInput& input, ManagedChange& change) {
  const auto handle = service::decodeMoveTaskHandle(input.task_handle.value_or(""));
  if (handle) change.queue_arn = cut(handle->source_arn, kArnLength);
}

void describe(const service::CreateQueueInput& input, ManagedChange& change) {
  change.queue.name = input.queue_name.value_or("");
  if (input.attributes) change.details.emplace_back("attributes", namesOf(*input.attributes));
  if (input.tags) change.details.emplace_back("tags", namesOf(*input.tags));
}

void describe(const service::DeleteQueueInput& input, ManagedChange& change) { change.queue = input.queue_url; }

void describe(const service::PurgeQueueInput& input, ManagedChange& change) { change.queue = input.queue_url; }

void describe(const service::RemovePermissionInput& input, ManagedChange& change) {
  change.queue = input.queue_url;
  change.details = {{"label", std::string(cut(input.label.value_or(""), kNameLength))}};
}

void describe(const service::SetQueueAttributesInput& input, ManagedChange& change) {
  change.queue = input.queue_url;
  if (input.attributes) change.details.emplace_back("attributes", namesOf(*input.attributes));
}

void describe(const service::StartMessageMoveTaskInput& input, ManagedChange& change) {
  change.queue_arn = cut(input.source_arn.value_or(""), kArnLength);
  change.details = {{"destination", std::string(cut(input.destination_arn.value_or(""), kArnLength))}};
}

void describe(const service::TagQueueInput& input, ManagedChange& change) {
  change.queue = input.queue_url;
  if (input.tags) change.details.emplace_back("tags", namesOf(*input.tags));
}

void describe(const service::UntagQueueInput& input, ManagedChange& change) {
  change.queue = input.queue_url;
  change.details = {{"tags", listOf(input.tag_keys)}};
}

void audit(const AuditedCall& call) {
  std::vector<metrics::LogField> fields{{"audit", true}};
  std::string key(call.action);
  const auto add = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) fields.emplace_back(name, text);
  };
  const auto addToKey = [&](std::string_view name, std::string_view text) {
    add(name, text);
    (key += '\n') += text;
  };
  add("action", call.action);
  addToKey("decision", call.decision);
  addToKey("by", call.by);
  addToKey("statement", cut(call.statement, kNameLength));
  addToKey("account", call.account);
  addToKey("principal", call.principal);
  addToKey("access_key_id", call.access_key_id);
  addToKey("source_ip", call.source_ip);
  add("queue", call.queue);
  for (const auto& [name, text] : call.details) add(name, text);
  addToKey("error", call.error);
  const bool is_denied = call.decision == "denied";
  const std::string_view message = is_denied ? "denied call" : "management call";
  is_denied || !call.error.empty() ? metrics::auditFolded(message, fields, key) : metrics::audit(message, fields);
}

}  // namespace howdah::api
