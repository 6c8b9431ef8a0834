// The access keys that requests may be signed with, from a YAML file or a directory of such files (a mounted Secret),
// read again when these change. A reader keeps the set it has; a file that is broken leaves the set as it was.
//
//   - access-key-id: HOWDAHEXAMPLE
//     secret-access-key: ...
//     account: "111111111111"
//     user: alice              # optional; without it, the account's root
//     session-token: ...       # optional; then each request needs it
//     expires: 2030-01-01T00:00:00Z  # optional
//     policy: {...}            # optional; in AWS's language; without it, the key may do all to its account's queues
//     disabled: true           # optional
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/policy.h"
#include "api/auth/secret.h"
#include "api/auth/sigv4.h"

namespace howdah::api {

struct Credential {
  std::string access_key_id;
  Secret secret_access_key;
  std::optional<Secret> session_token;
  std::string account;
  std::string principal;  // ARN
  std::optional<std::chrono::sys_seconds> expires;
  bool disabled = false;
  std::shared_ptr<const Policy> policy;  // null: none
  mutable SigningKeys signing_keys = {};
};

struct CredentialSet {
  std::map<std::string, std::unique_ptr<const Credential>, std::less<>> by_access_key_id;
  std::vector<std::string> problems;  // sentences with file and line, never with a secret

  const Credential* find(std::string_view access_key_id) const;
};

// Of a text of YAML; `name` is what problems call it.
CredentialSet parseCredentials(const std::string& yaml, const std::string& name);

// Of a file or a directory.
CredentialSet readCredentials(const std::string& path);

// The text of a file with `disabled: true` added to that key. Empty if it has no such key, or is written in a form that
// cannot be changed so.
std::string withDisabled(const std::string& yaml, std::string_view access_key_id);

// Any thread.
class CredentialStore {
 public:
  // Throws std::runtime_error with all problems.
  explicit CredentialStore(std::string path);

  std::shared_ptr<const CredentialSet> current() const;

  // Reads again what has changed since the last time, once it looks as it did at the call before: a file that is being
  // written may be good YAML that lacks its last key's policy. Logs what came of it.
  // Calls `told` with whether a reload succeeded, if there was one.
  using Told = std::function<void(bool success)>;
  void reloadIfChanged(const Told& told);
  void reload(const Told& told);  // now

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  std::string last_state_;  // what the files were like at the last look
  std::string state_read_;  // and when they were last read
  std::shared_ptr<const CredentialSet> current_;
};

}  // namespace howdah::api
