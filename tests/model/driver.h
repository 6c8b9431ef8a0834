// Runs a plan: its threads are clients that call two server processes on one database and write down what they are
// told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/model/plan.h"
#include "tests/model/records.h"
#include "tests/support/service_process.h"

namespace howdah::testing::model {

// The processes have a test clock. The queues are made under names that no run before used.
Records runPlan(const Plan& plan, const std::vector<std::unique_ptr<ServiceProcess>>& processes);

}  // namespace howdah::testing::model
