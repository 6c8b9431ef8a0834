#include "service/move_task_handle.h"

#include <gtest/gtest.h>

namespace howdah::service {
namespace {

persistence::MoveTaskId taskId() {
  persistence::MoveTaskId id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<unsigned char>(0xf0 + i);
  return id;
}

TEST(MoveTaskHandle, IsBase64OfTaskIdAndSourceArn) {
  const MoveTaskHandle handle{taskId(), "arn:aws:sqs:us-east-1:000000000000:dlq"};
  const std::string text = encodeMoveTaskHandle(handle);
  EXPECT_EQ(text,
            "eyJ0YXNrSWQiOiJmMGYxZjJmMy1mNGY1LWY2ZjctZjhmOS1mYWZiZmNmZGZlZmYiLCJzb3VyY2VBcm4iOiJhcm46YXdzOnNxczp1cy1l"
            "YXN0LTE6MDAwMDAwMDAwMDAwOmRscSJ9");
  EXPECT_EQ(decodeMoveTaskHandle(text), handle);
  for (int length = 0; length < 3; ++length) {  // every padding
    const MoveTaskHandle other{taskId(), std::string(static_cast<std::size_t>(length), 'q')};
    EXPECT_EQ(encodeMoveTaskHandle(other).size() % 4, 0u);
    EXPECT_EQ(decodeMoveTaskHandle(encodeMoveTaskHandle(other)), other);
  }
}

TEST(MoveTaskHandle, AnythingElseIsNone) {
  for (const char* text : {"", "=", "x", "bm90IGpzb24=", "e30=",                           // {}
                           "eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoiYSJ9",                     // a task id that is no UUID
                           "eyJ0YXNrSWQiOjEsInNvdXJjZUFybiI6ImEifQ==", "eyJhIjoxfQ=="}) {  // a number; other members
    EXPECT_EQ(decodeMoveTaskHandle(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace howdah::service
