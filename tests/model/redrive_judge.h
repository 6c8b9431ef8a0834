// Holds what happened in queues with redrive policies and move tasks against SQS's rules. A message keeps its body
// through all its moves, which show only in its deliveries: so a body is followed from queue to queue.
#pragma once

#include <vector>

#include "tests/model/records.h"

namespace howdah::testing::model {

// `records` are of queues that redrive only.
std::vector<Fault> judgeRedrives(const Plan& plan, const Records& records);

}  // namespace howdah::testing::model
