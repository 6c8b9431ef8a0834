#include "persistence/postgres/embedded_binaries.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "persistence/postgres/embedded_process.h"
#include "persistence/postgres/setup_error.h"

namespace howdah::persistence::postgres {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDebianDirectory = "/usr/lib/postgresql";
constexpr int kLowestMajor = 14;

bool hasBinaries(const fs::path& directory) {
  return access((directory / "initdb").c_str(), X_OK) == 0 && access((directory / "postgres").c_str(), X_OK) == 0;
}

std::string newestOnDebian(int database_major) {
  int best = 0;
  std::error_code error;
  for (fs::directory_iterator entry(kDebianDirectory, error), end; !error && entry != end; entry.increment(error)) {
    const int major = std::atoi(entry->path().filename().c_str());
    if (major <= 0 || !hasBinaries(entry->path() / "bin")) continue;
    if (major == database_major) return entry->path() / "bin";
    best = std::max(best, major);
  }
  return best == 0 ? "" : std::string(kDebianDirectory) + "/" + std::to_string(best) + "/bin";
}

std::string onPath() {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path ? path : "");
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (directory.starts_with('/') && hasBinaries(directory)) return directory;
  }
  return "";
}

int majorOf(const std::string& postgres) {
  std::string printed;  // "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)"
  const User user = geteuid() == 0 ? unprivilegedUser() : currentUser();
  if (!run({{postgres, "--version"}, user, "/", -1, SIGKILL}, printed)) return 0;
  const auto digits = printed.find_first_of("0123456789");
  return digits == std::string::npos ? 0 : std::atoi(printed.c_str() + digits);
}

}  // namespace

Binaries findBinaries(const std::string& asked, int database_major) {
  std::string directory = asked;
  if (!asked.empty() && !hasBinaries(asked)) {
    throw SetupError("there are no initdb and postgres in " + asked + "; give the bin directory of a PostgreSQL");
  }
  if (directory.empty()) directory = newestOnDebian(database_major);
  if (directory.empty()) directory = onPath();
  if (directory.empty()) {
    throw SetupError(
        "there is no PostgreSQL to run: neither in /usr/lib/postgresql nor on PATH; apt-get install postgresql, or "
        "give "
        "--database-url");
  }
  const Binaries binaries{directory, majorOf(directory + "/postgres")};
  if (binaries.major < kLowestMajor) {
    throw SetupError("the PostgreSQL in " + directory + " is " +
                     (binaries.major == 0 ? std::string("broken: it does not tell its version")
                                          : "too old: version " + std::to_string(binaries.major)) +
                     "; install version " + std::to_string(kLowestMajor) + " or newer, or give --database-url");
  }
  return binaries;
}

}  // namespace howdah::persistence::postgres
