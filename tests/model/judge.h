// Holds the records of a run against SQS's rules: order, the prefix rule, deduplication, visibility, deletes, loss,
// counts. Strict wherever the intervals of the calls leave no doubt.
#pragma once

#include <vector>

#include "tests/model/records.h"

namespace howdah::testing::model {

std::vector<Fault> judge(const Plan& plan, const Records& records);

}  // namespace howdah::testing::model
