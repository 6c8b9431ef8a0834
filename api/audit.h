// The audit log: a line for each call that manages something, and for each that was refused to its caller.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/operations.h"

namespace howdah::api {

// What a call is to change, as its input says: names, never values, but for who is given what by AddPermission.
struct ManagedChange {
  service::QueueRef queue;
  std::string queue_arn;  // in its stead where the input gives one
  std::vector<std::pair<std::string_view, std::string>> details;
};

// One for each action of SQS that manages something.
void describe(const service::AddPermissionInput& input, ManagedChange& change);
void describe(const service::CancelMessageMoveTaskInput& input, ManagedChange& change);
void describe(const service::CreateQueueInput& input, ManagedChange& change);
void describe(const service::DeleteQueueInput& input, ManagedChange& change);
void describe(const service::PurgeQueueInput& input, ManagedChange& change);
void describe(const service::RemovePermissionInput& input, ManagedChange& change);
void describe(const service::SetQueueAttributesInput& input, ManagedChange& change);
void describe(const service::StartMessageMoveTaskInput& input, ManagedChange& change);
void describe(const service::TagQueueInput& input, ManagedChange& change);
void describe(const service::UntagQueueInput& input, ManagedChange& change);

// Empty texts are left out of the line.
struct AuditedCall {
  std::string_view action;
  std::string_view account, principal, access_key_id;
  std::string_view source_ip;
  std::string_view queue;     // ARN
  std::string_view decision;  // "allowed", "denied", or "none" where it failed before one was made
  std::string_view by;        // what decided
  std::string_view statement;
  std::string_view error;  // the Query code of a failure
  std::vector<std::pair<std::string_view, std::string>> details = {};
};

// Calls that changed something are written one by one, failures folded by who, from where, what and why.
void audit(const AuditedCall& call);

}  // namespace howdah::api
