// Wakes between processes: hints that a queue may have something to receive. A hint may be lost, late or needless;
// nothing depends on it but the speed of a long poll, which a floor poll bounds.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "persistence/records.h"

namespace howdah::persistence {

struct WakeHint {
  QueueId queue_id = 0;
  std::optional<DatabaseTime> due_at;  // empty: now
};

class Notifications {
 public:
  virtual ~Notifications() = default;

  // Starts listening; `on_hints` runs on the listener's thread for hints of other processes (never for our own), and
  // `on_reconnect` whenever it begins to listen: hints may have been lost before.
  virtual void start(std::function<void(const std::vector<WakeHint>&)> on_hints,
                     std::function<void()> on_reconnect) = 0;
  virtual void stop() = 0;  // safe twice and unstarted

  // Tells the other processes, soon: hints gather for a few milliseconds and leave together, outside any transaction of
  // a client. Never blocks. Any thread.
  virtual void publish(const WakeHint& hint) = 0;
};

}  // namespace howdah::persistence
