// RedrivePolicy (which queue takes a queue's dead letters, and when) and RedriveAllowPolicy (which queues a dead-letter
// queue takes them from): read, checked with SQS's texts, and brought into the form in which they are stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "persistence/records.h"
#include "service/queue_arn.h"
#include "service/result.h"

namespace howdah::service {

struct RedrivePolicy {
  persistence::QueueName target;
  int max_receive_count = 0;
  bool operator==(const RedrivePolicy&) const = default;
};

// A RedrivePolicy as a client sends it, after the checks that need no look at the target.
struct RequestedRedrivePolicy {
  Arn target;
  int max_receive_count = 0;
};
Result<RequestedRedrivePolicy> checkRedrivePolicy(const std::string& json);

// The checks that need it. `target` is the queue that the ARN names, if there is one.
Result<Nothing> checkDeadLetterTarget(const std::string& json, std::string_view region,
                                      const persistence::QueueName& source, const persistence::QueueName& target_name,
                                      const std::optional<persistence::QueueRecord>& target);

// As it is stored and shown.
std::string storedRedrivePolicy(std::string_view region, const RedrivePolicy& policy);
// REQUIRES: storedRedrivePolicy made it.
RedrivePolicy readRedrivePolicy(const std::string& stored);

// RedriveAllowPolicy is kept as it came.
Result<Nothing> checkRedriveAllowPolicy(const std::string& json);

}  // namespace howdah::service
