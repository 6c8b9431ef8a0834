#include "service/maintenance.h"

#include "service/worker_pool.h"

namespace howdah::service {

namespace {

constexpr const char* kSweep = "sweep";
constexpr int kSweepRows = 1000;  // a batch holds its locks and delays vacuum for as long as it takes

}  // namespace

Maintenance::Maintenance(persistence::MaintenanceStore& store, metrics::Recorder& recorder,
                         std::chrono::milliseconds interval)
    : store_(store), recorder_(recorder), interval_(interval) {}

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

bool Maintenance::isStopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Maintenance::run() {
  while (!isStopping()) {
    round();
    std::unique_lock lock(mutex_);
    stop_.wait_for(lock, interval_, [this] { return stopping_; });
  }
  runGuarded("release_duties", [this] { store_.releaseDuties(); });
}

void Maintenance::round() {
  const auto started = std::chrono::steady_clock::now();
  bool held = false;
  bool success = false;
  runGuarded(kSweep, [&] {
    held = store_.holdDuty(kSweep);
    while (held && !isStopping() && store_.sweepRemains(kSweepRows).more) {
    }
    success = true;
  });
  recorder_.dutyHeld(kSweep, held);
  if (held) recorder_.dutyFinished(kSweep, success, std::chrono::steady_clock::now() - started);
}

}  // namespace howdah::service
