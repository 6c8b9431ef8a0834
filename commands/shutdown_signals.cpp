#include "commands/shutdown_signals.h"

#include <csignal>
#include <ctime>
#include <optional>

#include <unistd.h>

#include "metrics/log.h"

namespace howdah {
namespace {

sigset_t ours() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

constexpr int kShellBase = 128;  // a shell shows a process that ended by signal n as 128 + n

}  // namespace

ShutdownSignals::ShutdownSignals() {
  const sigset_t set = ours();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

ShutdownSignals::~ShutdownSignals() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  if (!thread_.joinable()) return;
  pthread_kill(thread_.native_handle(), SIGHUP);
  thread_.join();
}

void ShutdownSignals::start(std::chrono::milliseconds patience) {
  thread_ = std::thread([this, patience] { run(patience); });
}

void ShutdownSignals::run(std::chrono::milliseconds patience) {
  const sigset_t set = ours();
  std::optional<std::chrono::steady_clock::time_point> deadline;
  while (true) {
    int signal = 0;
    if (!deadline) {
      sigwait(&set, &signal);
    } else {
      const auto left =
          std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(*deadline - std::chrono::steady_clock::now()));
      const timespec timeout{static_cast<std::time_t>(left.count() / 1'000'000'000),
                             static_cast<long>(left.count() % 1'000'000'000)};
      signal = sigtimedwait(&set, nullptr, &timeout);
      if (signal < 0 && errno == EINTR) continue;
    }
    {
      std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    if (signal == SIGHUP) {
      std::lock_guard lock(mutex_);
      if (reload_) reload_();
      if (!reload_) metrics::logInfo("SIGHUP: there is nothing to reload");
    } else if (signal < 0) {
      metrics::logError("not stopped in time; ending without what is still open");
      _exit(1);
    } else if (deadline) {
      metrics::logWarn("second signal; ending at once");
      _exit(kShellBase + signal);
    } else {
      deadline = std::chrono::steady_clock::now() + patience;
      request(signal == SIGTERM ? Request::Terminate : Request::Interrupt);
    }
  }
}

void ShutdownSignals::onHangup(std::function<void()> reload) {
  std::lock_guard lock(mutex_);
  reload_ = std::move(reload);
}

void ShutdownSignals::request(Request request) {
  std::lock_guard lock(mutex_);
  requested_ = request;
  changed_.notify_all();
  if (action_) action_thread_ = std::thread(action_);  // this thread must see a second signal meanwhile
}

ShutdownSignals::Request ShutdownSignals::requested() const {
  std::lock_guard lock(mutex_);
  return requested_;
}

ShutdownSignals::Request ShutdownSignals::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return requested_ != Request::None; });
  return requested_;
}

ShutdownSignals::Interruption::Interruption(ShutdownSignals& signals, std::function<void()> action)
    : signals_(signals) {
  std::lock_guard lock(signals_.mutex_);
  if (signals_.requested_ != Request::None) action();
  signals_.action_ = std::move(action);
}

ShutdownSignals::Interruption::~Interruption() {
  std::thread running;
  {
    std::lock_guard lock(signals_.mutex_);
    signals_.action_ = nullptr;
    running = std::move(signals_.action_thread_);
  }
  if (running.joinable()) running.join();
}

}  // namespace howdah
