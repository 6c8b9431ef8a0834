// `howdah selftest`: the life of one message against a running server, as a client sees it.
#pragma once

#include <string>

namespace howdah {

// What to sign with; all empty: nothing.
struct SelfTestKey {
  std::string access_key_id, secret_access_key, session_token;
};

// That key of a file or directory as the server's or, without a name, the first that is enabled, one without a policy
// if there is one. Throws std::runtime_error with a sentence.
SelfTestKey readSelfTestKey(const std::string& credentials, const std::string& access_key_id);

// Makes a queue, sends, receives, deletes, and removes the queue whatever happened; prints a line a step. The exit
// code.
// `tls_ca_file` and `is_local` as with healthcheck().
int selftest(const std::string& endpoint, const std::string& tls_ca_file, bool is_local, const SelfTestKey& key);

}  // namespace howdah
