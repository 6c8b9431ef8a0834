// Who signed a request: finds its signature, checks it against the access keys and the clock.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "api/auth/credential_store.h"
#include "api/auth/sigv4.h"
#include "service/result.h"

namespace howdah::api {

struct Identity {
  std::string account;                   // empty: anonymous
  std::string principal;                 // ARN, or "*"
  std::shared_ptr<const Policy> policy;  // of the key; null: none
  std::string access_key_id;             // empty: anonymous
};

// Any thread.
class Authenticator {
 public:
  using Now = std::function<std::chrono::sys_seconds()>;

  Authenticator(std::shared_ptr<const CredentialStore> credentials, Now now);

  // A request without a signature is anonymous, which is no error: what it may do, policies say.
  service::Result<Identity> authenticate(const SignedParts& parts) const;

  // The access key that a request says it is signed with, whatever that is worth; empty unless there is such a key.
  // What else stands there may be anything, a secret put in the wrong place as well, and is not for the log.
  std::string namedKey(const SignedParts& parts) const;

  std::chrono::sys_seconds now() const { return now_(); }

 private:
  const std::shared_ptr<const CredentialStore> credentials_;
  const Now now_;
};

}  // namespace howdah::api
