#include "service/queue_arn.h"

namespace howdah::service {

std::string queueArn(std::string_view region, const persistence::QueueName& queue_name) {
  std::string arn = "arn:aws";
  if (region.starts_with("cn-")) arn += "-cn";
  if (region.starts_with("us-gov-")) arn += "-us-gov";
  arn.append(":sqs:").append(region).append(":").append(queue_name.account).append(":").append(queue_name.name);
  return arn;
}

std::optional<Arn> parseArn(std::string_view text) {
  constexpr std::string_view kPrefix = "arn:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  Arn arn;
  for (std::string* part : {&arn.partition, &arn.service, &arn.region, &arn.account}) {
    const auto end = text.find(':');
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    *part = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  if (text.empty()) return std::nullopt;
  arn.resource = text;
  return arn;
}

}  // namespace howdah::service
