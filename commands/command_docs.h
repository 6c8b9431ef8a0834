// What the command line tells of itself, for packages and people: the manual page and the completions of shells. Made
// from the commands as CLI11 has them and the one table of settings, so that nothing is said twice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace howdah {

// howdah(1), as roff.
std::string manPage(const CLI::App& app, std::string_view version);

extern const std::vector<std::string> kShells;  // those that can be completed
// A file for `shell` to read. REQUIRES: `shell` is one of kShells.
std::string shellCompletion(const CLI::App& app, std::string_view shell);

}  // namespace howdah
