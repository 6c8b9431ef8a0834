// The Policy attribute: which documents are accepted, and how AddPermission and RemovePermission change one. Nothing is
// evaluated here.
#pragma once

#include <string>

#include "service/operations.h"
#include "service/result.h"

namespace howdah::service {

// InvalidAttributeValue for what is no policy, OverLimit for one that is too large.
Result<Nothing> checkPolicy(const std::string& policy);

// AddPermission: its parameters, and the policy (empty: none) with its statement appended.
Result<Nothing> checkAddPermission(const AddPermissionInput& input);
// REQUIRES: checkAddPermission.
Result<std::string> addPermission(const std::string& policy, const std::string& queue_arn,
                                  const AddPermissionInput& input);

// RemovePermission: the policy without that statement; empty when it was the last.
Result<std::string> removePermission(const std::string& policy, const RemovePermissionInput& input);

}  // namespace howdah::service
