// The TaskHandle of a message move task, as SQS has it: base64 of {"taskId":"<uuid>","sourceArn":"<arn>"}.
#pragma once

#include <optional>
#include <string>

#include "persistence/move_task_store.h"

namespace howdah::service {

struct MoveTaskHandle {
  persistence::MoveTaskId task_id{};
  std::string source_arn;
  bool operator==(const MoveTaskHandle&) const = default;
};

std::string encodeMoveTaskHandle(const MoveTaskHandle& handle);

// Nothing if `text` is no such thing.
std::optional<MoveTaskHandle> decodeMoveTaskHandle(std::string_view text);

}  // namespace howdah::service
