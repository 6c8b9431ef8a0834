#include "service/maintenance.h"

#include <algorithm>
#include "service/queue_attributes.h"

#include "service/worker_pool.h"

namespace howdah::service {

namespace {

constexpr int kSweepRows = 1000;  // a batch holds its locks and delays vacuum for as long as it takes

}  // namespace

Duty sweepDuty(persistence::MaintenanceStore& store, metrics::Recorder& recorder, std::chrono::milliseconds interval) {
  return {"sweep", interval, [&]() -> std::optional<std::chrono::milliseconds> {
            const auto swept = store.sweepRemains(kSweepRows);
            if (swept.messages > 0) recorder.messagesPurged(static_cast<std::size_t>(swept.messages));
            if (!swept.more) return std::nullopt;
            return std::chrono::milliseconds(0);
          }};
}

Duty retentionDuty(persistence::MaintenanceStore& store, metrics::Recorder& recorder,
                   std::chrono::milliseconds interval) {
  return {"retention", interval, [&]() -> std::optional<std::chrono::milliseconds> {
            const auto swept = store.sweepRetention(kSweepRows, queueSettings({}).retention);
            if (swept.messages > 0) recorder.messagesExpired(static_cast<std::size_t>(swept.messages));
            if (!swept.more) return std::nullopt;
            return std::chrono::milliseconds(0);
          }};
}

Duty windowsDuty(persistence::MaintenanceStore& store, std::chrono::milliseconds interval) {
  return {"windows", interval, [&store]() -> std::optional<std::chrono::milliseconds> {
            if (!store.sweepWindows(kSweepRows).more) return std::nullopt;
            return std::chrono::milliseconds(0);
          }};
}

Duty storedBytesDuty(persistence::MaintenanceStore& store, std::chrono::milliseconds interval) {
  return {"stored_bytes", interval, [&store]() -> std::optional<std::chrono::milliseconds> {
            store.foldStoredBytes();
            return std::nullopt;
          }};
}

Duty unwantedCountDuty(persistence::MaintenanceStore& store, std::chrono::milliseconds interval) {
  return {"unwanted_count", interval, [&store]() -> std::optional<std::chrono::milliseconds> {
            store.endUnwantedCount();
            return std::nullopt;
          }};
}

Maintenance::Maintenance(persistence::MaintenanceStore& store, metrics::Recorder& recorder, std::vector<Duty> duties)
    : store_(store), recorder_(recorder), duties_(std::move(duties)) {}

Maintenance::~Maintenance() { stop(); }

void Maintenance::start() {
  thread_ = std::thread([this] { run(); });
}

void Maintenance::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::run() {
  std::vector<Round> rounds(duties_.size());
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // The one that has waited longest: duties with much to do take turns.
    const auto next = std::ranges::min_element(rounds, {}, &Round::due);
    const auto due = next == rounds.end() ? SteadyTime::max() : next->due;
    if (std::chrono::steady_clock::now() < due) {
      stop_.wait_until(lock, due);
      continue;
    }
    lock.unlock();
    runSlice(duties_[static_cast<std::size_t>(next - rounds.begin())], *next);
    lock.lock();
  }
  lock.unlock();
  runGuarded("release_duties", [this] { store_.releaseDuties(); });
}

void Maintenance::runSlice(const Duty& duty, Round& round) {
  const auto started = std::chrono::steady_clock::now();
  bool held = false;
  bool success = false;
  std::optional<std::chrono::milliseconds> more;
  runGuarded(duty.name, [&] {
    held = store_.holdDuty(duty.name);
    if (held) more = duty.slice();
    success = true;
  });
  const auto ended = std::chrono::steady_clock::now();
  round.took += ended - started;
  if (!more || !round.under_way) recorder_.dutyHeld(duty.name, held);
  if (!more && held) recorder_.dutyFinished(duty.name, success, round.took);
  round.under_way = more.has_value();
  if (!more) round.took = {};
  round.due = ended + more.value_or(duty.interval);
}

}  // namespace howdah::service
