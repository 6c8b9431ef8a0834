// SIGTERM and SIGINT ask the server to stop, SIGHUP to read its files again, SIGPIPE is ignored. One thread waits for
// them, so that what a signal does is ordinary code. Whoever asks twice, or waits longer than promised, gets the end of
// the process.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace howdah {

class ShutdownSignals {
 public:
  enum class Request { None, Terminate, Interrupt };

  // Construct before any thread is started: it blocks the signals here, and new threads inherit that.
  ShutdownSignals();
  ~ShutdownSignals();

  // From the first signal on, the process ends by itself after `patience`, and at a second signal at once.
  void start(std::chrono::milliseconds patience);

  // What SIGHUP does, on the thread that waits for signals; null: nothing.
  void onHangup(std::function<void()> reload);

  Request requested() const;
  Request wait();

  // While one of these lives, the first signal calls `action`, on a thread of its own, or now if it has already come.
  class Interruption {
   public:
    Interruption(ShutdownSignals& signals, std::function<void()> action);
    ~Interruption();

   private:
    ShutdownSignals& signals_;
  };

 private:
  void run(std::chrono::milliseconds patience);
  void request(Request request);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Request requested_ = Request::None;
  bool ending_ = false;
  std::function<void()> reload_;
  std::function<void()> action_;
  std::thread action_thread_;
  std::thread thread_;
};

}  // namespace howdah
