// What `--auth=sigv4` needs beside the requests: the access keys, read again when their files change, and the
// database's clock, measured now and then.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/auth/authenticator.h"
#include "commands/periodic.h"
#include "metrics/recorder.h"

namespace howdah {

class AccessControl {
 public:
  using DatabaseTime = std::function<std::chrono::sys_time<std::chrono::microseconds>()>;  // asks it; may throw

  // Throws std::runtime_error with all that is wrong with the credentials.
  AccessControl(const std::string& credentials_path, metrics::Recorder& recorder);

  // From now on signatures are judged by that clock; until then by this machine's.
  void followClock(DatabaseTime database_time);
  void stopFollowing() { clock_.reset(); }

  void reload() { credentials_->reload(told_); }

  const std::shared_ptr<const api::Authenticator>& authenticator() const { return authenticator_; }

 private:
  void measure(const DatabaseTime& database_time);

  const api::CredentialStore::Told told_;
  const std::shared_ptr<api::CredentialStore> credentials_;
  // The clock ahead of the monotonic one, in microseconds.
  const std::shared_ptr<std::atomic<std::int64_t>> ahead_us_;
  const std::shared_ptr<const api::Authenticator> authenticator_;
  Periodic reloading_;
  std::optional<Periodic> clock_;
};

}  // namespace howdah
