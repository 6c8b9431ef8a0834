// One run of the model test on a database, from plan to verdict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/model/plan.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::testing::model {

class ModelRun {
 public:
  explicit ModelRun(const TestDatabase& database);  // two server processes

  // What was wrong, with the seed and a short history; empty: nothing was.
  std::string judged(std::uint64_t seed, std::size_t operations);

  std::size_t threads = 12;
  bool shrinks = true;

 private:
  std::vector<std::unique_ptr<ServiceProcess>> processes_;
};

}  // namespace howdah::testing::model
