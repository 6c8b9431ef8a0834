#include "commands/periodic.h"

#include <exception>
#include <utility>

#include "metrics/log.h"

namespace howdah {

Periodic::Periodic(std::string name, std::chrono::milliseconds interval, std::function<void()> work)
    : thread_([this, name = std::move(name), interval, work = std::move(work)](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stopped_.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
          try {
            work();
          } catch (const std::exception& failure) {
            metrics::logWarn("periodic work failed", {{"work", name}, {"reason", failure.what()}});
          }
        }
      }) {}

}  // namespace howdah
