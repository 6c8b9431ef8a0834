// Receives that found their queue empty, parked until a message can be delivered or their wait time ends. A parked
// receive is an entry in a table and a deadline in a sorted set: it holds no thread and no database connection, and
// costs nothing until something happens. One thread keeps the deadlines and the moments at which messages fall due.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/records.h"
#include "service/caller.h"
#include "service/clock.h"

namespace howdah::service {

class ReceiveWaiters;

// A receive that may be parked. Each park is followed by exactly one of the two calls, on any thread with no lock held;
// neither may block.
class ParkedReceive {
 public:
  ParkedReceive(std::shared_ptr<ClientPresence> client, std::size_t wanted)
      : client_(std::move(client)), wanted_(wanted) {}
  virtual ~ParkedReceive() = default;

  // There may be something to receive. `source` says who thinks so.
  virtual void lookAgain(metrics::WakeSource source) = 0;
  // The queue is no longer the one it was: find it again, then look.
  virtual void lookAgainElsewhere() = 0;
  // The wait is over, the client is gone, or the server drains.
  virtual void answerEmpty() = 0;

 protected:
  const std::shared_ptr<ClientPresence> client_;
  const std::size_t wanted_;  // how many messages it takes
  SteadyTime deadline_{};     // set before it is parked, and so is this
  metrics::QueueCountsPtr queue_counts_;
  std::chrono::steady_clock::duration parked_time_{};

 private:
  friend class ReceiveWaiters;
  // Guarded by the mutex of ReceiveWaiters.
  bool parked_ = false;
  persistence::QueueId queue_id_ = 0;  // while parked
  std::uint64_t turn_ = 0;             // given at the first park and kept: who came first is woken first
  SteadyTime parked_since_{};
  bool watches_client_ = false;
};

// Taken before looking for messages, so that a wake during the look is not missed.
class WakeTicket {
 public:
  WakeTicket() = default;
  WakeTicket(WakeTicket&& other) noexcept { *this = std::move(other); }
  WakeTicket& operator=(WakeTicket&& other) noexcept;
  ~WakeTicket() { release(); }

 private:
  friend class ReceiveWaiters;
  void release();

  ReceiveWaiters* waiters_ = nullptr;
  persistence::QueueId queue_id_ = 0;
  std::uint64_t wakes_ = 0;
};

// Any thread.
class ReceiveWaiters {
 public:
  // Asks the store once for all these queues, away from the caller's thread, and ends with watchFinished().
  using Watch = std::function<void(std::vector<persistence::QueueId>)>;

  ReceiveWaiters(const Clock& clock, metrics::Recorder& recorder, std::chrono::milliseconds watch_interval,
                 Watch watch);
  ~ReceiveWaiters();
  ReceiveWaiters(const ReceiveWaiters&) = delete;
  ReceiveWaiters& operator=(const ReceiveWaiters&) = delete;

  void start();
  void stop();  // safe twice and unstarted

  WakeTicket ticket(persistence::QueueId queue_id);

  // Parks `receive`, or answers false if the queue was woken since `ticket` was taken: the caller must then look again.
  // Take the ticket before looking, or a send between the look and the park is missed and the client sleeps through a
  // message that is already there. A receive whose wait is already over is parked and ended in one.
  [[nodiscard]] bool park(WakeTicket ticket, const std::shared_ptr<ParkedReceive>& receive);

  // `messages` have become receivable: just enough receives look that they could take that many, the first come first.
  void wake(persistence::QueueId queue_id, std::size_t messages, metrics::WakeSource source);
  // The queue was purged or deleted: all its receives find it again.
  void wakeElsewhere(persistence::QueueId queue_id);
  // A message of the queue falls due at `due`. Later moments than the earliest known are forgotten: a receive that
  // looks then and finds nothing learns the next.
  void dueAt(persistence::QueueId queue_id, SteadyTime due);

  // Wakes of other processes may have been lost: asks the store now.
  void watchNow();
  void watchFinished();

  // Ends all parked receives and, from now on, every receive that would park.
  void drain();

  // Does what is due by the clock. Called by the thread that start() makes; tests call it instead.
  void runTimers();

 private:
  friend class WakeTicket;
  using ReceivePtr = std::shared_ptr<ParkedReceive>;

  struct Queue {
    std::map<std::uint64_t, ReceivePtr> parked;  // by turn
    std::uint64_t wakes = 0;
    int tickets = 0;
    std::optional<SteadyTime> due;
  };
  using Queues = std::unordered_map<persistence::QueueId, Queue>;

  // REQUIRES: mutex_ held, for these.
  ReceivePtr unpark(Queue& queue, std::map<std::uint64_t, ReceivePtr>::iterator position);
  void forgetIfIdle(Queues::iterator position);
  std::optional<SteadyTime> nextTimer() const;
  void timerAt(SteadyTime when);

  void endTicket(persistence::QueueId queue_id);
  void leave(const ReceivePtr& receive);
  void watchClient(const ReceivePtr& receive);
  void end(const std::vector<ReceivePtr>& ended);

  const Clock& clock_;
  metrics::Recorder& recorder_;
  const std::chrono::milliseconds watch_interval_;
  const Watch watch_;

  std::mutex mutex_;
  Queues queues_;
  std::set<std::tuple<SteadyTime, persistence::QueueId, std::uint64_t>> deadlines_;
  std::set<std::pair<SteadyTime, persistence::QueueId>> dues_;
  std::optional<SteadyTime> next_watch_;
  bool watching_ = false;
  std::size_t parked_count_ = 0;
  std::uint64_t last_turn_ = 0;
  bool draining_ = false;
  bool stopping_ = false;
  std::optional<SteadyTime> sleeps_until_;  // of the thread; empty: until it is told
  std::condition_variable timer_changed_;

  std::thread thread_;
};

}  // namespace howdah::service
