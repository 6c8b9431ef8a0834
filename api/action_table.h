// The SQS actions that are built, one row each: names, shapes and the method of QueueService behind it. Whatever asks
// for an action (each protocol, later the REST mirror) finds it here.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "api/audit.h"
#include "api/codec/shape.h"
#include "service/queue_service.h"

namespace howdah::api {

// What an action answered: an object of Action::output, or null where that is null.
using ActionDone = service::Done<std::shared_ptr<const void>>;

struct Action {
  std::string_view name;
  std::string_view permission;  // what a policy must allow; a batch is allowed by its single action
  bool account_level;           // concerns no single queue, so a queue's own URL is no endpoint for it
  const Structure* input;
  const Structure* output;  // null: answers nothing
  std::shared_ptr<void> (*make_input)();
  // For the audit log; null for an action that manages nothing.
  void (*describe)(const void* input, ManagedChange& change);
  // Uses up `input`.
  void (*call)(service::QueueService&, const service::RequestContext&, void* input, ActionDone);
  // Gives back what an output that never reached its client holds; null where nothing is held.
  void (*undelivered)(service::QueueService&, const service::RequestContext&, const void* output);
};

std::span<const Action> actionTable();

// Null for an action that SQS does not have.
const Action* findAction(std::string_view name);

}  // namespace howdah::api
