#include "service/queue_cache.h"

#include "metrics/request_trace.h"

namespace howdah::service {

using persistence::QueueName;

QueueCache::QueueCache(std::size_t capacity, Post post, Lookup lookup, metrics::Recorder& recorder)
    : capacity_(capacity), post_(std::move(post)), lookup_(std::move(lookup)), recorder_(recorder) {}

void QueueCache::find(const QueueName& queue_name, Done<QueuePtr> done) {
  QueuePtr known;
  std::shared_ptr<Pending> started;
  {
    std::lock_guard lock(mutex_);
    if (auto found = entries_.find(queue_name); found != entries_.end()) {
      uses_.splice(uses_.end(), uses_, found->second.use);
      known = found->second.queue;
    } else {
      auto& pending = pending_[queue_name];
      if (!pending) started = pending = std::make_shared<Pending>();
      pending->waiting.emplace_back(metrics::forThisRequest(done));
    }
  }
  if (known) {
    done(std::move(known));
  } else if (started && !post_([this, queue_name, started] { runLookup(queue_name, started); })) {
    finish(queue_name, started, serviceUnavailable());
  }
}

void QueueCache::runLookup(const QueueName& queue_name, const std::shared_ptr<Pending>& pending) {
  answerGuarded<QueuePtr>(
      "find_queue", [&](const Result<QueuePtr>& result) { finish(queue_name, pending, result); },
      [&]() -> Result<QueuePtr> {
        auto record = lookup_(queue_name);
        if (!record) return Error{ErrorCode::QueueDoesNotExist, {}};
        QueueSettings settings = queueSettings(record->attributes);
        return std::make_shared<const Queue>(
            Queue{.record = std::move(*record),
                  .settings = settings,
                  .counts = recorder_.queueCounts(queue_name.account, queue_name.name)});
      });
}

void QueueCache::finish(const QueueName& queue_name, const std::shared_ptr<Pending>& pending,
                        const Result<QueuePtr>& result) {
  std::vector<Done<QueuePtr>> waiting;
  {
    std::lock_guard lock(mutex_);
    waiting.swap(pending->waiting);
    if (auto found = pending_.find(queue_name); found != pending_.end() && found->second == pending) {
      pending_.erase(found);
      if (result) insert(queue_name, *result);
    }
  }
  for (const auto& done : waiting) {
    runGuarded("find_queue", [&] { done(result); });
  }
}

void QueueCache::drop(const QueuePtr& queue) {
  std::lock_guard lock(mutex_);
  auto found = entries_.find(queue->record.queue_name);
  if (found != entries_.end() && found->second.queue == queue) erase(found);
}

void QueueCache::forget(const QueueName& queue_name) {
  std::lock_guard lock(mutex_);
  pending_.erase(queue_name);
  if (auto found = entries_.find(queue_name); found != entries_.end()) erase(found);
}

void QueueCache::insert(const QueueName& queue_name, QueuePtr queue) {
  if (auto found = entries_.find(queue_name); found != entries_.end()) erase(found);
  if (entries_.size() == capacity_) erase(entries_.find(uses_.front()));
  auto use = uses_.insert(uses_.end(), queue_name);
  entries_.emplace(queue_name, Entry{std::move(queue), use});
}

void QueueCache::erase(std::map<QueueName, Entry>::iterator position) {
  uses_.erase(position->second.use);
  entries_.erase(position);
}

}  // namespace howdah::service
