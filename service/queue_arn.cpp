#include "service/queue_arn.h"

namespace howdah::service {

std::string queueArn(std::string_view region, const persistence::QueueName& queue_name) {
  std::string arn = "arn:aws";
  if (region.starts_with("cn-")) arn += "-cn";
  if (region.starts_with("us-gov-")) arn += "-us-gov";
  arn.append(":sqs:").append(region).append(":").append(queue_name.account).append(":").append(queue_name.name);
  return arn;
}

}  // namespace howdah::service
