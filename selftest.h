// `howdah selftest`: the life of one message against a running server, as a client sees it.
#pragma once

#include <string>

namespace howdah {

// Makes a queue, sends, receives, deletes, and removes the queue whatever happened; prints a line a step. The exit
// code.
// `tls_ca_file` and `is_local` as with healthcheck(). Requests are signed with the first enabled key in `credentials`,
// a file or directory as the server's, one without a policy if there is one; an empty path: not signed.
int selftest(const std::string& endpoint, const std::string& tls_ca_file, bool is_local,
             const std::string& credentials);

}  // namespace howdah
