// Queues by name, as last read from the store. An entry may be old: whoever acts on a queue has the store check its
// version and drops what proved to be old. Bounded; what is absent is not remembered.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/records.h"
#include "service/queue_attributes.h"
#include "service/result.h"
#include "service/worker_pool.h"

namespace howdah::service {

struct Queue {
  persistence::QueueRecord record;
  QueueSettings settings;
  metrics::QueueCountsPtr counts;
  // About how large its messages are, as the last claim found them.
  std::shared_ptr<std::atomic<std::size_t>> message_bytes = std::make_shared<std::atomic<std::size_t>>(0);
  std::chrono::steady_clock::time_point read_at = std::chrono::steady_clock::now();
};
using QueuePtr = std::shared_ptr<const Queue>;

// Any thread.
class QueueCache {
 public:
  using Lookup = std::function<std::optional<persistence::QueueRecord>(const persistence::QueueName&)>;  // blocks
  using Post = std::function<bool(WorkerPool::Task)>;  // WorkerPool::post

  QueueCache(std::size_t capacity, Post post, Lookup lookup, metrics::Recorder& recorder);

  // The queue, or QueueDoesNotExist. `done` runs now if the queue is known, else on a worker once one lookup, shared by
  // all who ask for the name meanwhile, has found it.
  void find(const persistence::QueueName& queue_name, Done<QueuePtr> done);

  // `queue` proved to be old: forgotten, unless a newer one is known already.
  void drop(const QueuePtr& queue);
  // The queue has been changed: a lookup that began before this may be old as well.
  void forget(const persistence::QueueName& queue_name);

 private:
  struct Entry {
    QueuePtr queue;
    std::list<persistence::QueueName>::iterator use;
  };
  // A lookup under way and who waits for it. Once forgotten it still answers those, but nobody new.
  struct Pending {
    std::vector<Done<QueuePtr>> waiting;
  };

  void runLookup(const persistence::QueueName& queue_name, const std::shared_ptr<Pending>& pending);
  void finish(const persistence::QueueName& queue_name, const std::shared_ptr<Pending>& pending,
              const Result<QueuePtr>& result);
  // REQUIRES: mutex_ held, for these.
  void insert(const persistence::QueueName& queue_name, QueuePtr queue);
  void erase(std::map<persistence::QueueName, Entry>::iterator position);

  const std::size_t capacity_;
  const Post post_;
  const Lookup lookup_;
  metrics::Recorder& recorder_;

  std::mutex mutex_;
  std::map<persistence::QueueName, Entry> entries_;
  std::list<persistence::QueueName> uses_;  // the least recently used first
  std::map<persistence::QueueName, std::shared_ptr<Pending>> pending_;
};

}  // namespace howdah::service
