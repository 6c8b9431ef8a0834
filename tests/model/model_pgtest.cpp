// The model test: a random load from several clients on two server processes, whose records must be SQS's.
// HOWDAH_MODEL_SEED and HOWDAH_MODEL_OPERATIONS give it another seed and length.
// Left out, since what is possible after them would take a judge twice as large: purges and attempt ids on queues that
// redrive, calls under way at once with the same ReceiveRequestAttemptId, and changes of attributes while others work.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/model/model_run.h"

namespace howdah::testing::model {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kOperations = 5'000;
#else
constexpr std::uint64_t kOperations = 50'000;
#endif

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::stoull(value) : otherwise;
}

TEST(Model, WhatClientsAreToldIsWhatSqsWouldTell) {
  const TestDatabase database;
  ModelRun run(database);
  const std::string wrong =
      run.judged(setting("HOWDAH_MODEL_SEED", 1), setting("HOWDAH_MODEL_OPERATIONS", kOperations));
  EXPECT_EQ(wrong, "");
}

}  // namespace
}  // namespace howdah::testing::model
