// Group commit: requests of one key that arrive while a flight of theirs runs leave together in the next, so that many
// clients share one transaction. The one place that decides how much goes into a transaction. An idle key flies at
// once; no timers: company gathers while workers are busy, because a flight takes its requests when a worker starts it.
//
// Where one key stands for many queues, a flight takes one request of each queue in turn, so that however much one of
// them has waiting, another's next request leaves with the next flight; and light requests have flights of their own,
// which no heavy one holds up.
//
// A request is a few rows, which stay together and in order, and each request gets the outcomes of its own rows. One
// that PostgreSQL refuses fails alone. Keys without requests take no memory.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "metrics/recorder.h"
#include "metrics/request_trace.h"
#include "persistence/store_error.h"
#include "service/outstanding.h"
#include "service/result.h"
#include "service/worker_pool.h"

namespace howdah::service {

struct CoalescerOptions {
  const char* operation = "";  // for metrics and the log
  int max_flights = 1;         // of one key at a time
  bool many_queues = false;    // a key stands for many: `max_flights` each of light and of heavy requests
  // Caps of one flight; a request beyond them flies alone.
  std::size_t flight_rows = 500;
  std::size_t flight_bytes = 1024 * 1024;
  // And of one of heavy requests while there are light ones, whose commits wait for what it writes.
  std::size_t heavy_rows = 100;
  std::size_t heavy_bytes = 256 * 1024;
  // What may wait for its flight, all keys together; more is refused with ServiceUnavailable.
  std::size_t pending_rows = 200'000;
  std::size_t pending_bytes = 256 * 1024 * 1024;
  bool safe_to_repeat = false;  // whether a flight whose outcome is unknown may be flown again
};

// Any thread. Must outlive the tasks it posts.
template <class Key, class Row, class Outcome>
class Coalescer {
 public:
  using Outcomes = std::vector<Outcome>;
  // Does the work of one flight, on a worker: an outcome for each row, at the same index.
  using Fly = std::function<Outcomes(const Key&, std::span<const Row>)>;
  using Post = std::function<bool(WorkerPool::Task, Weight)>;  // WorkerPool::post

  Coalescer(CoalescerOptions options, Post post, Outstanding& outstanding, Fly fly, metrics::Recorder& recorder)
      : options_(options),
        post_(std::move(post)),
        outstanding_(outstanding),
        fly_(std::move(fly)),
        recorder_(recorder) {}

  // `done` runs on a worker, or now if the request is refused.
  void submit(const Key& key, std::vector<Row> rows, Load load, Done<Outcomes> done) {
    const Weight weight = outstanding_.begin(load);
    const Lane lane{key, options_.many_queues ? weight : Weight::Light};
    std::unique_lock lock(mutex_);
    if (pending_rows_ + load.rows > options_.pending_rows || pending_bytes_ + load.bytes > options_.pending_bytes) {
      lock.unlock();
      outstanding_.end(load, weight);
      recorder_.throttled("pending");
      return done(serviceUnavailable());
    }
    pending_rows_ += load.rows;
    pending_bytes_ += load.bytes;
    auto& queue = queues_[lane];
    auto& mine = queue.pending[load.queue];
    if (mine.empty()) queue.turns.push_back(load.queue);
    mine.push_back(Request{std::move(rows), load, weight, std::move(done), metrics::currentRequest()});
    const auto post = wantsToken(queue);
    lock.unlock();
    postToken(lane, post);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Lane {
    Key key;
    Weight weight;  // Light where a key is one queue, whose requests stay together
    auto operator<=>(const Lane&) const = default;
  };
  struct Request {
    std::vector<Row> rows;
    Load load;
    Weight weight;
    Done<Outcomes> done;
    metrics::RequestTracePtr trace;
    Clock::time_point submitted = Clock::now();
  };
  struct Queue {
    std::unordered_map<std::int64_t, std::deque<Request>> pending;  // of those in turns
    std::deque<std::int64_t> turns;                                 // whose next request is next; each once
    bool token_posted = false;                                      // a worker will start a flight
    int flights = 0;                                                // under way
  };

  // REQUIRES: mutex_ held. Whether a token must be posted, and as how heavy; counts it as posted.
  std::optional<Weight> wantsToken(Queue& queue) {
    if (queue.token_posted || queue.turns.empty() || queue.flights >= options_.max_flights) return std::nullopt;
    queue.token_posted = true;
    return queue.pending.find(queue.turns.front())->second.front().weight;
  }

  void postToken(const Lane& lane, std::optional<Weight> weight) {
    if (!weight) return;
    const metrics::RequestScope of_nobody(nullptr);  // a flight is not its first request's alone
    if (post_([this, lane] { startFlight(lane); }, *weight)) return;
    std::unordered_map<std::int64_t, std::deque<Request>> refused;  // the pool has stopped
    {
      std::lock_guard lock(mutex_);
      auto found = queues_.find(lane);
      found->second.token_posted = false;
      refused.swap(found->second.pending);
      found->second.turns.clear();
      for (const auto& [queue, requests] : refused)
        for (const auto& request : requests) forget(request.load);
      if (found->second.flights == 0) queues_.erase(found);
    }
    for (auto& [queue, requests] : refused)
      for (auto& request : requests) answer(request, serviceUnavailable());
  }

  void forget(const Load& load) {
    pending_rows_ -= load.rows;
    pending_bytes_ -= load.bytes;
  }

  void startFlight(const Lane& lane) {
    std::vector<Request> flight;
    std::optional<Weight> post;
    {
      std::lock_guard lock(mutex_);
      auto& queue = queues_.find(lane)->second;
      queue.token_posted = false;
      ++queue.flights;
      Load sum;
      const bool gives_way = outstanding_.heavyHasCompany();
      while (!queue.turns.empty()) {
        const auto mine = queue.pending.find(queue.turns.front());
        const Load next = mine->second.front().load;
        const bool small = gives_way && mine->second.front().weight == Weight::Heavy;
        const std::size_t rows = small ? std::min(options_.heavy_rows, options_.flight_rows) : options_.flight_rows;
        const std::size_t bytes = small ? std::min(options_.heavy_bytes, options_.flight_bytes) : options_.flight_bytes;
        const bool fits = sum.rows + next.rows <= rows && sum.bytes + next.bytes <= bytes;
        if (!fits && !flight.empty()) break;
        sum.rows += next.rows;
        sum.bytes += next.bytes;
        forget(next);
        flight.push_back(std::move(mine->second.front()));
        mine->second.pop_front();
        queue.turns.pop_front();
        if (mine->second.empty()) {
          queue.pending.erase(mine);
        } else {
          queue.turns.push_back(next.queue);
        }
      }
      post = wantsToken(queue);
    }
    postToken(lane, post);
    runGuarded(options_.operation, [&] { run(lane.key, flight); });
    {
      std::lock_guard lock(mutex_);
      auto found = queues_.find(lane);
      --found->second.flights;
      post = wantsToken(found->second);
      if (!post && !found->second.token_posted && found->second.flights == 0) queues_.erase(found);
    }
    postToken(lane, post);
  }

  void run(const Key& key, std::vector<Request>& flight) {
    recorder_.coalesced(options_.operation, flight.size());
    const auto now = Clock::now();
    for (const Request& request : flight) {
      if (request.trace) request.trace->queued += (now - request.submitted).count();
    }
    std::vector<Row> rows;
    if (flight.size() == 1) {
      rows.swap(flight.front().rows);
      answer(flight.front(), attemptAlone(key, rows, flight.front()));
      return;
    }
    std::vector<std::size_t> sizes;
    for (auto& request : flight) {
      sizes.push_back(request.rows.size());
      std::move(request.rows.begin(), request.rows.end(), std::back_inserter(rows));
      request.rows.clear();
    }
    auto together = attemptTogether(key, rows, flight);
    std::size_t first = 0;
    for (std::size_t i = 0; i < flight.size(); ++i) {
      if (!together) {
        answer(flight[i], attemptAlone(key, std::span<const Row>(rows).subspan(first, sizes[i]), flight[i]));
      } else if (!together->ok()) {
        answer(flight[i], together->error());
      } else {
        auto from = together->value().begin() + static_cast<std::ptrdiff_t>(first);
        auto to = from + static_cast<std::ptrdiff_t>(sizes[i]);
        answer(flight[i], Outcomes(std::move_iterator(from), std::move_iterator(to)));
      }
      first += sizes[i];
    }
  }

  Result<Outcomes> attemptAlone(const Key& key, std::span<const Row> rows, const Request& request) {
    const metrics::RequestScope scope(request.trace);
    return *attempt(key, rows, true);
  }

  // What the flight waited for, each of its requests did.
  std::optional<Result<Outcomes>> attemptTogether(const Key& key, std::span<const Row> rows,
                                                  const std::vector<Request>& flight) {
    const auto shared = std::make_shared<metrics::RequestTrace>();
    const metrics::RequestScope scope(shared);
    auto outcomes = attempt(key, rows, false);
    for (const Request& request : flight) {
      if (!request.trace) continue;
      request.trace->database += shared->database;
      if (outcomes && !outcomes->ok()) request.trace->failedBecause(shared->cause());
    }
    return outcomes;
  }

  // Nothing: PostgreSQL refused a row, and it is not known whose (only when not `alone`).
  std::optional<Result<Outcomes>> attempt(const Key& key, std::span<const Row> rows, bool alone) {
    bool repeated = false;
    for (int attempts = 1;; ++attempts) {
      try {
        Outcomes outcomes = fly_(key, rows);
        if (outcomes.size() != rows.size()) throw std::logic_error("a flight without an outcome for each row");
        return Result<Outcomes>(std::move(outcomes));
      } catch (const persistence::StoreConflict&) {
        if (attempts < kConflictAttempts) {
          recorder_.retried(options_.operation);
          continue;
        }
        return Result<Outcomes>(failureOf(std::current_exception(), options_.operation));
      } catch (const persistence::StoreOutcomeUnknown&) {
        if (options_.safe_to_repeat && !std::exchange(repeated, true)) {
          recorder_.retried(options_.operation);
          continue;
        }
        return Result<Outcomes>(failureOf(std::current_exception(), options_.operation));
      } catch (const persistence::StoreBug&) {
        if (!alone) return std::nullopt;
        return Result<Outcomes>(failureOf(std::current_exception(), options_.operation));
      } catch (const std::exception&) {
        return Result<Outcomes>(failureOf(std::current_exception(), options_.operation));
      }
    }
  }

  void answer(const Request& request, Result<Outcomes> result) {
    outstanding_.end(request.load, request.weight);
    const metrics::RequestScope scope(request.trace);
    runGuarded(options_.operation, [&] { request.done(std::move(result)); });
  }

  const CoalescerOptions options_;
  const Post post_;
  Outstanding& outstanding_;
  const Fly fly_;
  metrics::Recorder& recorder_;

  std::mutex mutex_;
  std::map<Lane, Queue> queues_;
  std::size_t pending_rows_ = 0;
  std::size_t pending_bytes_ = 0;
};

}  // namespace howdah::service
