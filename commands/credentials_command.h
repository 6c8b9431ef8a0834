// `howdah credentials`: makes, lists and disables the access keys of a credentials file. A running server sees the
// change by itself. Each throws std::runtime_error with a sentence.
#pragma once

#include <string>

namespace howdah {

// Adds a new key to the file, which is made if there is none, and prints it: the only time that its secret is shown.
void createCredential(const std::string& file, const std::string& account, const std::string& user);

// Of a file or a directory; no secrets.
void listCredentials(const std::string& path);

void disableCredential(const std::string& file, const std::string& access_key_id);

}  // namespace howdah
