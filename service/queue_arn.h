// The ARN of a queue.
#pragma once

#include <string>
#include <string_view>

#include "persistence/records.h"

namespace howdah::service {

// arn:<partition>:sqs:<region>:<account>:<name>; the region decides the partition.
std::string queueArn(std::string_view region, const persistence::QueueName& queue_name);

}  // namespace howdah::service
