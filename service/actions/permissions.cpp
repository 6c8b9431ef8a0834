// AddPermission, RemovePermission: changes of the Policy attribute.
#include "service/queue_policy.h"
#include "service/sqs_service.h"

namespace howdah::service {

using persistence::QueueName;
using persistence::QueueRecord;
using persistence::StringMap;

void SqsService::addPermission(const RequestContext& context, AddPermissionInput input, Done<Nothing> done) {
  changePolicy(context, queueName(context, input.queue_url), std::move(done),
               [this, input](const QueueRecord& queue, const std::string& policy) -> Result<std::string> {
                 if (auto checked = checkAddPermission(input); !checked) return checked.error();
                 return service::addPermission(policy, queueArn(options_.region, queue.queue_name), input);
               });
}

void SqsService::removePermission(const RequestContext& context, RemovePermissionInput input, Done<Nothing> done) {
  changePolicy(
      context, queueName(context, input.queue_url), std::move(done),
      [input](const QueueRecord&, const std::string& policy) { return service::removePermission(policy, input); });
}

void SqsService::changePolicy(const RequestContext& context, const QueueName& queue_name, Done<Nothing> done,
                              std::function<Result<std::string>(const QueueRecord&, const std::string&)> change) {
  if (!isQueueName(queue_name)) return done(Error{ErrorCode::QueueDoesNotExist, {}});
  onWorker<Nothing>(
      "change_policy", std::move(done),
      [this, queue_name, permissions = context.permissions, change = std::move(change)]() -> Result<Nothing> {
        const auto changed = changeAttributes(queue_name, [&](const QueueRecord& queue) -> Result<StringMap> {
          if (auto allowed = mayAct(permissions, queue); !allowed) return allowed.error();
          const auto stored = queue.attributes.find("Policy");
          const auto policy = change(queue, stored == queue.attributes.end() ? std::string() : stored->second);
          if (!policy) return policy.error();
          return applyAttributes(queue.attributes, {{"Policy", *policy}});
        });
        if (!changed) return changed.error();
        return Nothing{};
      });
}

}  // namespace howdah::service
