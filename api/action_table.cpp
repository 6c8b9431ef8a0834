#include "api/action_table.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/codec/shapes.h"

namespace howdah::api {
namespace {

using service::Done;
using service::QueueService;
using service::RequestContext;
using service::Result;

template <auto Method>
struct MethodOf;
template <class I, class O, void (QueueService::*Method)(const RequestContext&, I, Done<O>)>
struct MethodOf<Method> {
  using Input = I;
  using Output = O;
};

template <auto Method>
Action action(std::string_view name, std::string_view permission, bool account_level = false) {
  using Input = typename MethodOf<Method>::Input;
  using Output = typename MethodOf<Method>::Output;
  Action row{};
  row.name = name;
  row.permission = permission;
  row.account_level = account_level;
  row.input = &structureOf<Input>();
  row.make_input = []() -> std::shared_ptr<void> { return std::make_shared<Input>(); };
  row.call = [](QueueService& service, const RequestContext& context, void* input, ActionDone done) {
    (service.*Method)(context, std::move(*static_cast<Input*>(input)), [done = std::move(done)](Result<Output> result) {
      if (!result) return done(std::move(result).error());
      if constexpr (std::is_same_v<Output, service::Nothing>) {
        done(std::shared_ptr<const void>());
      } else {
        done(std::shared_ptr<const void>(std::make_shared<const Output>(std::move(result).value())));
      }
    });
  };
  if constexpr (requires(const Input& input, ManagedChange& change) { describe(input, change); })
    row.describe = [](const void* input, ManagedChange& change) {
      describe(*static_cast<const Input*>(input), change);
    };
  if constexpr (!std::is_same_v<Output, service::Nothing>) row.output = &structureOf<Output>();
  if constexpr (std::is_same_v<Output, service::ReceiveMessageOutput>) {
    row.undelivered = [](QueueService& service, const RequestContext& context, const void* output) {
      const auto& received = *static_cast<const Output*>(output);
      if (!received.messages.empty()) service.returnUndelivered(context, received);
    };
  }
  return row;
}

}  // namespace

std::span<const Action> actionTable() {
  using Q = QueueService;
  static const std::vector<Action> table{
      action<&Q::addPermission>("AddPermission", "AddPermission"),
      action<&Q::cancelMessageMoveTask>("CancelMessageMoveTask", "CancelMessageMoveTask", true),
      action<&Q::changeMessageVisibility>("ChangeMessageVisibility", "ChangeMessageVisibility"),
      action<&Q::changeMessageVisibilityBatch>("ChangeMessageVisibilityBatch", "ChangeMessageVisibility"),
      action<&Q::createQueue>("CreateQueue", "CreateQueue", true),
      action<&Q::deleteMessage>("DeleteMessage", "DeleteMessage"),
      action<&Q::deleteMessageBatch>("DeleteMessageBatch", "DeleteMessage"),
      action<&Q::deleteQueue>("DeleteQueue", "DeleteQueue"),
      action<&Q::getQueueAttributes>("GetQueueAttributes", "GetQueueAttributes"),
      action<&Q::getQueueUrl>("GetQueueUrl", "GetQueueUrl"),
      action<&Q::listDeadLetterSourceQueues>("ListDeadLetterSourceQueues", "ListDeadLetterSourceQueues"),
      action<&Q::listMessageMoveTasks>("ListMessageMoveTasks", "ListMessageMoveTasks", true),
      action<&Q::listQueueTags>("ListQueueTags", "ListQueueTags"),
      action<&Q::listQueues>("ListQueues", "ListQueues", true),
      action<&Q::purgeQueue>("PurgeQueue", "PurgeQueue"),
      action<&Q::receiveMessage>("ReceiveMessage", "ReceiveMessage"),
      action<&Q::removePermission>("RemovePermission", "RemovePermission"),
      action<&Q::sendMessage>("SendMessage", "SendMessage"),
      action<&Q::sendMessageBatch>("SendMessageBatch", "SendMessage"),
      action<&Q::setQueueAttributes>("SetQueueAttributes", "SetQueueAttributes"),
      action<&Q::startMessageMoveTask>("StartMessageMoveTask", "StartMessageMoveTask", true),
      action<&Q::tagQueue>("TagQueue", "TagQueue"),
      action<&Q::untagQueue>("UntagQueue", "UntagQueue"),
  };
  return table;
}

const Action* findAction(std::string_view name) {
  const auto table = actionTable();
  const auto found = std::ranges::find(table, name, &Action::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace howdah::api
