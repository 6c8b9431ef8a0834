#include "commands/declared_queues.h"

#include <future>
#include <stdexcept>

#include <fmt/format.h>

#include "metrics/log.h"

namespace howdah {

using service::ErrorCode;

void createDeclaredQueues(service::QueueService& service, const std::vector<DeclaredQueue>& queues,
                          const std::string& account) {
  service::RequestContext context;
  context.caller.account = account;
  for (const DeclaredQueue& queue : queues) {
    service::CreateQueueInput input;
    input.queue_name = queue.name;
    input.attributes = queue.attributes;
    if (!queue.tags.empty()) input.tags = queue.tags;
    std::promise<service::Result<service::CreateQueueOutput>> answered;
    service.createQueue(context, std::move(input), [&](auto result) { answered.set_value(std::move(result)); });
    const auto result = answered.get_future().get();
    if (result.ok()) continue;
    const auto& [code, message] = result.error();
    if (code != ErrorCode::QueueNameExists && code != ErrorCode::QueueDeletedRecently) {
      throw std::runtime_error(fmt::format("queue {} of the config file: {}", queue.name, message));
    }
    metrics::logWarn("a declared queue is not as declared", {{"queue", queue.name}, {"reason", message}});
  }
}

}  // namespace howdah
