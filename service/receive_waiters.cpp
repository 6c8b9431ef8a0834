#include "service/receive_waiters.h"

#include "service/worker_pool.h"

namespace howdah::service {

using metrics::WakeSource;
using persistence::QueueId;

WakeTicket& WakeTicket::operator=(WakeTicket&& other) noexcept {
  if (this == &other) return *this;
  release();
  waiters_ = std::exchange(other.waiters_, nullptr);
  queue_id_ = other.queue_id_;
  wakes_ = other.wakes_;
  return *this;
}

void WakeTicket::release() {
  if (auto* waiters = std::exchange(waiters_, nullptr)) waiters->endTicket(queue_id_);
}

ReceiveWaiters::ReceiveWaiters(const Clock& clock, metrics::Recorder& recorder,
                               std::chrono::milliseconds watch_interval, Watch watch)
    : clock_(clock), recorder_(recorder), watch_interval_(watch_interval), watch_(std::move(watch)) {}

ReceiveWaiters::~ReceiveWaiters() { stop(); }

void ReceiveWaiters::start() {
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto next = nextTimer();
      if (next && *next <= clock_.now()) {
        lock.unlock();
        runGuarded("receive timers", [this] { runTimers(); });
        lock.lock();
        continue;
      }
      sleeps_until_ = next;
      if (next) {
        timer_changed_.wait_until(lock, *next);
      } else {
        timer_changed_.wait(lock);
      }
    }
  });
}

void ReceiveWaiters::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    timer_changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

WakeTicket ReceiveWaiters::ticket(QueueId queue_id) {
  WakeTicket ticket;
  std::lock_guard lock(mutex_);
  Queue& queue = queues_[queue_id];
  ++queue.tickets;
  ticket.waiters_ = this;
  ticket.queue_id_ = queue_id;
  ticket.wakes_ = queue.wakes;
  return ticket;
}

void ReceiveWaiters::endTicket(QueueId queue_id) {
  std::lock_guard lock(mutex_);
  auto found = queues_.find(queue_id);
  --found->second.tickets;
  forgetIfIdle(found);
}

bool ReceiveWaiters::park(WakeTicket ticket, const ReceivePtr& receive) {
  const QueueId queue_id = ticket.queue_id_;
  bool over = false;
  {
    std::lock_guard lock(mutex_);
    Queue& queue = queues_.find(queue_id)->second;  // the ticket keeps it
    const SteadyTime now = clock_.now();
    over = draining_ || receive->deadline_ <= now;
    if (!over && queue.wakes != ticket.wakes_) return false;
    if (!over) {
      if (receive->turn_ == 0) receive->turn_ = ++last_turn_;
      receive->parked_ = true;
      receive->queue_id_ = queue_id;
      receive->parked_since_ = now;
      queue.parked.emplace(receive->turn_, receive);
      deadlines_.emplace(receive->deadline_, queue_id, receive->turn_);
      timerAt(receive->deadline_);
      recorder_.receiveParked(*receive->queue_counts_);
      if (++parked_count_ == 1 && !next_watch_ && !watching_) {
        next_watch_ = now + watch_interval_;
        timerAt(*next_watch_);
      }
    }
  }
  if (over) {
    receive->answerEmpty();
    return true;
  }
  watchClient(receive);
  return true;
}

void ReceiveWaiters::watchClient(const ReceivePtr& receive) {
  bool watches = false;
  {
    std::lock_guard lock(mutex_);
    watches = std::exchange(receive->watches_client_, true);
  }
  if (!watches) {
    receive->client_->onGone([this, weak = std::weak_ptr<ParkedReceive>(receive)] {
      if (auto still = weak.lock()) leave(still);
    });
  } else if (receive->client_->isGone()) {
    leave(receive);  // it went while the receive was looking
  }
}

void ReceiveWaiters::leave(const ReceivePtr& receive) {
  {
    std::lock_guard lock(mutex_);
    if (!receive->parked_) return;
    auto queue = queues_.find(receive->queue_id_);
    unpark(queue->second, queue->second.parked.find(receive->turn_));
    forgetIfIdle(queue);
  }
  end({receive});
}

ReceiveWaiters::ReceivePtr ReceiveWaiters::unpark(Queue& queue,
                                                  std::map<std::uint64_t, ReceivePtr>::iterator position) {
  ReceivePtr receive = std::move(position->second);
  queue.parked.erase(position);
  deadlines_.erase({receive->deadline_, receive->queue_id_, receive->turn_});
  receive->parked_ = false;
  --parked_count_;
  const auto parked_time = clock_.now() - receive->parked_since_;
  receive->parked_time_ += parked_time;
  recorder_.receiveUnparked(*receive->queue_counts_, parked_time);
  return receive;
}

void ReceiveWaiters::forgetIfIdle(Queues::iterator position) {
  const Queue& queue = position->second;
  if (!queue.parked.empty() || queue.tickets > 0) return;
  if (queue.due) dues_.erase({*queue.due, position->first});
  queues_.erase(position);
}

void ReceiveWaiters::wake(QueueId queue_id, std::size_t messages, WakeSource source) {
  std::vector<ReceivePtr> woken;
  {
    std::lock_guard lock(mutex_);
    auto found = queues_.find(queue_id);
    if (found == queues_.end()) return;
    Queue& queue = found->second;
    ++queue.wakes;
    for (std::size_t taken = 0; taken < messages && !queue.parked.empty(); taken += woken.back()->wanted_) {
      woken.push_back(unpark(queue, queue.parked.begin()));
    }
    forgetIfIdle(found);
  }
  for (const auto& receive : woken) {
    recorder_.woken(source);
    receive->lookAgain(source);
  }
}

void ReceiveWaiters::wakeElsewhere(QueueId queue_id) {
  std::vector<ReceivePtr> woken;
  {
    std::lock_guard lock(mutex_);
    auto found = queues_.find(queue_id);
    if (found == queues_.end()) return;
    ++found->second.wakes;
    while (!found->second.parked.empty()) woken.push_back(unpark(found->second, found->second.parked.begin()));
    forgetIfIdle(found);
  }
  for (const auto& receive : woken) receive->lookAgainElsewhere();
}

void ReceiveWaiters::dueAt(QueueId queue_id, SteadyTime due) {
  std::lock_guard lock(mutex_);
  auto found = queues_.find(queue_id);
  if (found == queues_.end()) return;
  Queue& queue = found->second;
  if (queue.due) {
    if (*queue.due <= due) return;
    dues_.erase({*queue.due, queue_id});
  }
  queue.due = due;
  dues_.emplace(due, queue_id);
  timerAt(due);
}

void ReceiveWaiters::watchNow() {
  std::lock_guard lock(mutex_);
  if (parked_count_ == 0) return;
  next_watch_ = clock_.now();  // while one runs: again as soon as it has ended
  timerAt(*next_watch_);
}

void ReceiveWaiters::watchFinished() {
  std::lock_guard lock(mutex_);
  watching_ = false;
  if (!next_watch_ && parked_count_ > 0) next_watch_ = clock_.now() + watch_interval_;
  if (next_watch_) timerAt(*next_watch_);
}

void ReceiveWaiters::drain() {
  std::vector<ReceivePtr> ended;
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    for (auto queue = queues_.begin(); queue != queues_.end();) {
      while (!queue->second.parked.empty()) ended.push_back(unpark(queue->second, queue->second.parked.begin()));
      forgetIfIdle(queue++);
    }
  }
  end(ended);
}

void ReceiveWaiters::end(const std::vector<ReceivePtr>& ended) {
  for (const auto& receive : ended) receive->answerEmpty();
}

std::optional<SteadyTime> ReceiveWaiters::nextTimer() const {
  std::optional<SteadyTime> next;
  const auto consider = [&next](SteadyTime when) {
    if (!next || when < *next) next = when;
  };
  if (!deadlines_.empty()) consider(std::get<SteadyTime>(*deadlines_.begin()));
  if (!dues_.empty()) consider(dues_.begin()->first);
  if (next_watch_ && !watching_) consider(*next_watch_);
  return next;
}

void ReceiveWaiters::timerAt(SteadyTime when) {
  if (!sleeps_until_ || when < *sleeps_until_) timer_changed_.notify_all();
}

void ReceiveWaiters::runTimers() {
  std::vector<ReceivePtr> ended;
  std::vector<QueueId> due;
  std::vector<QueueId> watched;
  {
    std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.now();
    while (!deadlines_.empty() && std::get<SteadyTime>(*deadlines_.begin()) <= now) {
      const auto [deadline, queue_id, turn] = *deadlines_.begin();
      auto queue = queues_.find(queue_id);
      ended.push_back(unpark(queue->second, queue->second.parked.find(turn)));
      forgetIfIdle(queue);
    }
    while (!dues_.empty() && dues_.begin()->first <= now) {
      due.push_back(dues_.begin()->second);
      queues_.find(due.back())->second.due.reset();
      dues_.erase(dues_.begin());
    }
    if (next_watch_ && *next_watch_ <= now && !watching_) {
      next_watch_.reset();
      for (const auto& [queue_id, queue] : queues_) {
        if (!queue.parked.empty()) watched.push_back(queue_id);
      }
      watching_ = !watched.empty();
    }
  }
  end(ended);
  for (const QueueId queue_id : due) wake(queue_id, 1, WakeSource::Timer);
  if (!watched.empty()) watch_(std::move(watched));
}

}  // namespace howdah::service
