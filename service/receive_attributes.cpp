#include "service/receive_attributes.h"

#include <algorithm>
#include <chrono>

#include "service/fifo_rules.h"
#include "service/message_digest.h"
#include "service/queue_arn.h"
#include "service/queue_attributes.h"

namespace howdah::service {
namespace {

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
constexpr std::string_view kSystemAttributes[] = {"All",
                                                  "ApproximateFirstReceiveTimestamp",
                                                  "ApproximateReceiveCount",
                                                  "AWSTraceHeader",
                                                  "DeadLetterQueueSourceArn",
                                                  "MessageDeduplicationId",
                                                  "MessageGroupId",
                                                  "SenderId",
                                                  "SentTimestamp",
                                                  "SequenceNumber"};

bool isKnown(const std::string& name) {
  // AttributeNames once was a list of queue attributes, and typed clients can still name those: they select nothing.
  return std::find(std::begin(kSystemAttributes), std::end(kSystemAttributes), name) != std::end(kSystemAttributes) ||
         isQueueAttribute(name);
}

std::string epochMilliseconds(persistence::DatabaseTime time) {
  return std::to_string(std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count());
}

}  // namespace

Result<std::set<std::string>> selectSystemAttributes(const ReceiveMessageInput& input) {
  std::set<std::string> selected;
  for (const auto* names : {&input.attribute_names, &input.message_system_attribute_names}) {
    if (!*names) continue;
    for (const std::string& name : **names) {
      if (!isKnown(name)) return Error{ErrorCode::InvalidAttributeName, "Unknown Attribute " + name + "."};
      selected.insert(name);
    }
  }
  return selected;
}

AttributeMap showSystemAttributes(const std::set<std::string>& selected, const persistence::DeliveredMessage& message,
                                  const std::string& account, std::string_view region) {
  AttributeMap shown;
  if (selected.empty()) return shown;
  const bool all = selected.contains("All");
  const auto show = [&](const char* name, std::string value) {
    if (all || selected.contains(name)) shown.emplace(name, std::move(value));
  };
  show("ApproximateFirstReceiveTimestamp", epochMilliseconds(message.first_received_at));
  show("ApproximateReceiveCount", std::to_string(message.receive_count));
  show("SenderId", message.sender_id);
  show("SentTimestamp", epochMilliseconds(message.sent_at));
  if (message.trace_header) show("AWSTraceHeader", *message.trace_header);
  if (message.message_group_id) show("MessageGroupId", *message.message_group_id);
  if (message.message_deduplication_id) {  // FIFO queues
    show("MessageDeduplicationId", *message.message_deduplication_id);
    show("SequenceNumber", sequenceNumber(message.key.seq));
  }
  if (message.source_queue) show("DeadLetterQueueSourceArn", queueArn(region, {account, *message.source_queue}));
  return shown;
}

MessageAttributeSelection::MessageAttributeSelection(const std::optional<std::vector<std::string>>& names) {
  if (!names) return;
  for (const std::string& name : *names) {
    if (name == "All" || name == "*") {
      all_ = true;
    } else if (name.ends_with(".*")) {
      prefixes_.insert(name.substr(0, name.size() - 2));  // `.*` itself: the empty prefix, which is all
    } else {
      names_.insert(name);
    }
  }
}

bool MessageAttributeSelection::includes(std::string_view name) const {
  if (all_ || names_.contains(name)) return true;
  // Looks up each start of the name, so that a request with very many prefixes costs no more.
  for (std::size_t length = 0; !prefixes_.empty() && length <= name.size(); ++length) {
    if (prefixes_.contains(name.substr(0, length))) return true;
  }
  return false;
}

void showMessageAttributes(const MessageAttributeSelection& selection, std::string_view encoded, Message& message) {
  const std::string selected =
      selectEncodedAttributes(encoded, [&](std::string_view name) { return selection.includes(name); });
  message.message_attributes = decodeMessageAttributes(selected);
  message.md5_of_message_attributes = md5OfAttributes(selected);
}

}  // namespace howdah::service
