// Makes the plan of a failed run as short as it can: one thread if that fails alike, then fewer and fewer operations.
#pragma once

#include <chrono>
#include <functional>

#include "tests/model/plan.h"

namespace howdah::testing::model {

// Whether a run of the plan breaks the same rule.
using Fails = std::function<bool(const Plan&)>;

// `part` is a part of the plan that may do: the start. If it does not, the plan comes back as it is.
Plan shrink(const Plan& plan, const Plan& part, const Fails& fails, std::chrono::seconds within);

}  // namespace howdah::testing::model
