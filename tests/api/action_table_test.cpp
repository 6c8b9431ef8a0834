#include "api/action_table.h"

#include <gtest/gtest.h>

#include "tests/support/recording_queue_service.h"

namespace howdah::api {
namespace {

TEST(ActionTable, EachActionReachesItsOwnMethodOfTheFacade) {
  testing::RecordingQueueService service;
  for (const Action& action : actionTable()) {
    SCOPED_TRACE(action.name);
    const auto input = action.make_input();
    int answers = 0;
    action.call(service, {}, input.get(), [&](service::Result<std::shared_ptr<const void>> result) {
      ++answers;
      ASSERT_TRUE(result.ok());
      EXPECT_EQ(*result == nullptr, action.output == nullptr);
    });
    EXPECT_EQ(answers, 1);
    std::string method(action.name);
    method[0] = static_cast<char>(method[0] - 'A' + 'a');
    EXPECT_EQ(service.calls.back().method, method);
    EXPECT_EQ(findAction(action.name), &action);
  }
  EXPECT_EQ(service.calls.size(), 23u);
}

TEST(ActionTable, AFailureIsHandedOn) {
  testing::RecordingQueueService service;
  service.answer = service::Error{service::ErrorCode::OverLimit, "too many"};
  for (const Action& action : actionTable()) {
    const auto input = action.make_input();
    action.call(service, {}, input.get(), [&](service::Result<std::shared_ptr<const void>> result) {
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, service::ErrorCode::OverLimit);
      EXPECT_EQ(result.error().message, "too many");
    });
  }
}

TEST(ActionTable, BatchesAreAllowedByTheirSingleAction) {
  EXPECT_EQ(findAction("SendMessageBatch")->permission, "SendMessage");
  EXPECT_EQ(findAction("DeleteMessageBatch")->permission, "DeleteMessage");
  EXPECT_EQ(findAction("ChangeMessageVisibilityBatch")->permission, "ChangeMessageVisibility");
  EXPECT_EQ(findAction("GetQueueUrl")->permission, "GetQueueUrl");
}

TEST(ActionTable, NamesCountExactly) {
  for (const char* name : {"", "sendmessage", "SendMessage ", "FooBar"}) EXPECT_EQ(findAction(name), nullptr) << name;
}

}  // namespace
}  // namespace howdah::api
