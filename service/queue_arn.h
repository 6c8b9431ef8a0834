// The ARN of a queue, and what the ARNs of clients say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "persistence/records.h"

namespace howdah::service {

// arn:<partition>:sqs:<region>:<account>:<name>; the region decides the partition.
std::string queueArn(std::string_view region, const persistence::QueueName& queue_name);

struct Arn {
  std::string partition;
  std::string service;
  std::string region;
  std::string account;
  std::string resource;
};
// Nothing unless it is fully qualified: every part is there and has text.
std::optional<Arn> parseArn(std::string_view text);

}  // namespace howdah::service
