#include "service/snapshot_duty.h"

#include <memory>
#include <optional>
#include <utility>

namespace howdah::service {

namespace {

constexpr int kSliceQueues = 500;
constexpr int kPause = 9;  // times what a slice took

}  // namespace

Duty snapshotDuty(persistence::SnapshotStore& store, std::chrono::milliseconds interval) {
  return {
      "snapshot", interval,
      [&store, after = std::optional<persistence::QueueId>()]() mutable -> std::optional<std::chrono::milliseconds> {
        const auto started = std::chrono::steady_clock::now();
        after = store.countQueues(std::exchange(after, std::nullopt), kSliceQueues);
        if (!after) {
          store.finish();
          return std::nullopt;
        }
        return std::chrono::ceil<std::chrono::milliseconds>(kPause * (std::chrono::steady_clock::now() - started));
      }};
}

}  // namespace howdah::service
