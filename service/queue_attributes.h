// Queue attributes, driven by one table (name, kind, range, default, who may set it, when it is shown): what may be
// set, what is stored, what it means, what is shown. Stored maps hold only what was set; defaults live in the table.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/records.h"
#include "service/operations.h"
#include "service/redrive_policy.h"
#include "service/result.h"

namespace howdah::service {

// The attributes of CreateQueue as they are compared and stored, or why they are refused. The queue's name must have
// been checked (validation.h, checkNewQueueName). What is set to an empty string to unset it is left out.
// A RedrivePolicy is left as it came: its target is to be looked up (redrive_policy.h).
Result<persistence::StringMap> checkAttributesOfNewQueue(const AttributeMap& given);

// The same for SetQueueAttributes, where an empty string stays and means: remove.
Result<persistence::StringMap> checkAttributesToSet(const persistence::StringMap& stored,
                                                    const std::optional<AttributeMap>& given);

// What is stored once `checked` (of one of the functions above) is set on a queue with `stored`; {} for a new queue.
persistence::StringMap applyAttributes(persistence::StringMap stored, const persistence::StringMap& checked);

// The first of the attributes given to CreateQueue that differs from the queue that has the name, if any. Defaults
// count as stored values; what was not given is not compared.
std::optional<std::string> firstDifferingAttribute(const persistence::StringMap& stored,
                                                   const persistence::StringMap& checked);

// The attributes that govern messages, as typed values.
struct QueueSettings {
  std::chrono::seconds delay{};
  std::size_t maximum_message_bytes = 0;
  std::chrono::seconds retention{};
  std::chrono::seconds receive_wait{};
  std::chrono::seconds visibility_timeout{};
  bool fifo = false;
  bool content_based_deduplication = false;
  bool deduplication_by_group = false;  // as the queue was created, whatever its attribute says since
  std::optional<RedrivePolicy> redrive_policy;
};
QueueSettings queueSettings(const persistence::StringMap& stored);

// Is it an attribute of queues at all, settable or not?
bool isQueueAttribute(std::string_view name);

// The names GetQueueAttributes asks for, `All` resolved, or InvalidAttributeName.
Result<std::set<std::string>> selectAttributes(const std::optional<std::vector<std::string>>& names);

// Does showing these need countMessages()?
bool needCounts(const std::set<std::string>& selected);

// The values of the selected attributes; those without one are left out.
AttributeMap showAttributes(const std::set<std::string>& selected, const persistence::QueueRecord& queue,
                            std::string_view region, const persistence::MessageCounts& counts);

}  // namespace howdah::service
