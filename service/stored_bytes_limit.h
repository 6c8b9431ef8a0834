// How many bytes a queue, and all queues together, may store; beyond that sends are refused. The store knows what is
// committed; what this process sends after it was asked is added here. It is asked again when that is a second old, and
// when the limit is near, at most ten times a second. So one process passes no limit, and several pass it by what the
// others send within a second at most, a tenth of a second once the limit is near. Any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "persistence/message_store.h"
#include "service/clock.h"

namespace howdah::service {

class StoredBytesLimit {
 public:
  // Blocks. Nothing: not known yet, so nothing is refused.
  using Read = std::function<std::optional<persistence::StoredBytes>(std::span<const persistence::QueueId>)>;

  // 0: no limit.
  StoredBytesLimit(const Clock& clock, std::int64_t per_queue, std::int64_t in_all, Read read)
      : clock_(clock), per_queue_(per_queue), in_all_(in_all), read_(std::move(read)) {}

  bool exists() const { return per_queue_ > 0 || in_all_ > 0; }

  struct Message {
    persistence::QueueId queue_id = 0;
    std::int64_t bytes = 0;
  };
  enum class Verdict { Fits, QueueIsFull, AllIsFull };

  // Which of a flight's messages may be sent. After one that may not, none of its queue may: a FIFO group keeps its
  // order. What fits counts as stored from now on; finished() must follow. Blocks.
  std::vector<Verdict> admit(std::span<const Message> messages);
  // The messages that fitted are committed, or are not and never will be.
  void finished(std::span<const Message> messages, std::span<const Verdict> verdicts);

 private:
  static constexpr std::chrono::seconds kOldAfter{1};
  static constexpr std::chrono::milliseconds kLookAgainAfter{100};
  static constexpr std::size_t kMaximumQueues = 10'000;

  // Sums only grow.
  struct Figure {
    std::int64_t read = 0;      // as the store answered
    std::int64_t covered = 0;   // what had been finished when it was asked, and so is in its answer
    std::int64_t admitted = 0;  // of this process
    std::int64_t finished = 0;  // of that
    std::optional<SteadyTime> read_at;

    std::int64_t since() const { return admitted - covered; }
    bool mustBeRead(SteadyTime now, std::int64_t wanted, std::int64_t limit) const;
    void update(std::int64_t answer, std::int64_t finished_before, SteadyTime asked_at);
    void finish(std::int64_t bytes) { finished = std::min(finished + bytes, admitted); }
  };

  void readWhatIsOld(std::span<const Message> messages);

  const Clock& clock_;
  const std::int64_t per_queue_;
  const std::int64_t in_all_;
  const Read read_;
  std::mutex mutex_;
  std::unordered_map<persistence::QueueId, Figure> queues_;
  Figure all_;
  bool is_known_ = false;
};

}  // namespace howdah::service
