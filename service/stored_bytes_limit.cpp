#include "service/stored_bytes_limit.h"

#include <map>

namespace howdah::service {

using persistence::QueueId;

// Twice what was sent: another process may have sent as much.
bool StoredBytesLimit::Figure::mustBeRead(SteadyTime now, std::int64_t wanted, std::int64_t limit) const {
  if (!read_at || now - *read_at >= kOldAfter) return true;
  return read + 2 * since() + wanted > limit && now - *read_at >= kLookAgainAfter;
}

void StoredBytesLimit::Figure::update(std::int64_t answer, std::int64_t finished_before, SteadyTime asked_at) {
  if (read_at && *read_at >= asked_at) return;  // another flight asked later
  read = answer;
  covered = finished_before;
  read_at = asked_at;
}

void StoredBytesLimit::readWhatIsOld(std::span<const Message> messages) {
  const SteadyTime now = clock_.now();
  std::map<QueueId, std::int64_t> wanted;
  std::int64_t wanted_in_all = 0;
  for (const Message& message : messages) {
    if (per_queue_ > 0) wanted[message.queue_id] += message.bytes;
    wanted_in_all += message.bytes;
  }

  std::vector<QueueId> old;
  std::vector<std::int64_t> finished;  // of `old`
  std::int64_t finished_in_all = 0;
  {
    std::lock_guard lock(mutex_);
    if (queues_.size() + wanted.size() > kMaximumQueues) queues_.clear();
    for (const auto& [queue_id, bytes] : wanted) {
      const Figure& figure = queues_[queue_id];
      if (!figure.mustBeRead(now, bytes, per_queue_)) continue;
      old.push_back(queue_id);
      finished.push_back(figure.finished);
    }
    if (old.empty() && (in_all_ == 0 || !all_.mustBeRead(now, wanted_in_all, in_all_))) return;
    finished_in_all = all_.finished;
  }
  const auto stored = read_(old);
  std::lock_guard lock(mutex_);
  is_known_ = stored.has_value();
  for (std::size_t i = 0; i < old.size(); ++i)
    queues_[old[i]].update(stored ? stored->of_queues[i] : 0, finished[i], now);
  all_.update(stored ? stored->in_all : 0, finished_in_all, now);
}

std::vector<StoredBytesLimit::Verdict> StoredBytesLimit::admit(std::span<const Message> messages) {
  readWhatIsOld(messages);
  const auto passes = [](const Figure& figure, std::int64_t bytes, std::int64_t limit) {
    return figure.read + figure.since() + bytes > limit;
  };
  std::vector<Verdict> verdicts;
  verdicts.reserve(messages.size());
  std::map<QueueId, Verdict> refused;
  std::lock_guard lock(mutex_);
  for (const auto& [queue_id, bytes] : messages) {
    Figure* queue = per_queue_ > 0 ? &queues_[queue_id] : nullptr;
    Verdict verdict = Verdict::Fits;
    if (const auto before = refused.find(queue_id); before != refused.end()) {
      verdict = before->second;
    } else if (is_known_ && queue != nullptr && passes(*queue, bytes, per_queue_)) {
      verdict = Verdict::QueueIsFull;
    } else if (is_known_ && in_all_ > 0 && passes(all_, bytes, in_all_)) {
      verdict = Verdict::AllIsFull;
    }
    verdicts.push_back(verdict);
    if (verdict != Verdict::Fits) {
      refused.emplace(queue_id, verdict);
      continue;
    }
    if (queue != nullptr) queue->admitted += bytes;
    all_.admitted += bytes;
  }
  return verdicts;
}

void StoredBytesLimit::finished(std::span<const Message> messages, std::span<const Verdict> verdicts) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (verdicts[i] != Verdict::Fits) continue;
    all_.finish(messages[i].bytes);
    if (const auto queue = queues_.find(messages[i].queue_id); queue != queues_.end())
      queue->second.finish(messages[i].bytes);
  }
}

}  // namespace howdah::service
