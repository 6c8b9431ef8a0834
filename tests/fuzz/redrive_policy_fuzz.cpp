// A document that is to be a RedrivePolicy or a RedriveAllowPolicy.
#include "service/redrive_policy.h"

#include "service/limits.h"
#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

void fuzzRedrivePolicy(std::string_view text) {
  const std::string json(text);
  const auto allow = service::checkRedriveAllowPolicy(json);
  require(allow.ok() || allow.error().code == service::ErrorCode::InvalidParameterValueException,
          "a RedriveAllowPolicy is refused as an invalid parameter");

  // A target as there can be one, whatever the document names.
  persistence::QueueRecord target;
  target.queue_name = {"000000000000", "dead"};
  if (allow.ok()) target.attributes["RedriveAllowPolicy"] = json;
  const auto fits = [&](const char* account) {
    return service::checkDeadLetterTarget(json, "us-east-1", {account, "source"}, target.queue_name, target).ok();
  };
  require(fits("000000000000") || allow.ok(), "a dead-letter queue takes any source of its account unless it is told");
  require(!fits("111111111111"), "dead letters stay in their account");

  const auto requested = service::checkRedrivePolicy(json);
  if (!requested.ok()) {
    return require(requested.error().code == service::ErrorCode::InvalidParameterValueException,
                   "a RedrivePolicy is refused as an invalid parameter");
  }
  require(!allow.ok(), "no document is both");
  require(requested->max_receive_count >= 1 && requested->max_receive_count <= service::kMaximumMaxReceiveCount,
          "a receive count is within its range");
  const service::RedrivePolicy policy{target.queue_name, requested->max_receive_count};
  require(service::readRedrivePolicy(service::storedRedrivePolicy("us-east-1", policy)) == policy,
          "a RedrivePolicy is read as it was stored");
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(RedrivePoliciesKeepTheirRules, "redrive_policy", howdah::fuzz::fuzzRedrivePolicy)
