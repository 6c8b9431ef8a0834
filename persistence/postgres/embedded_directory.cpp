#include "persistence/postgres/embedded_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "metrics/log.h"
#include "persistence/postgres/embedded_process.h"
#include "persistence/postgres/setup_error.h"

namespace howdah::persistence::postgres {
namespace {

namespace fs = std::filesystem;

// Where PostgreSQL's user cannot enter the directory that was asked for.
constexpr const char* kSystemDirectory = "/var/lib/howdah";
constexpr std::size_t kSocketPathBytes = 107;
constexpr const char* kSocketName = "/.s.PGSQL.5432";

// FNV-1a: names a directory after another, the same in every build.
std::string hashOf(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("{:016x}", hash);
}

bool hasDatabase(const fs::path& directory) {
  std::error_code error;
  return fs::exists(directory / "postgres" / "PG_VERSION", error) || error;  // what may not be read is there
}

bool canEnter(fs::path directory, const User& user) {
  std::error_code error;
  while (!fs::exists(directory, error)) directory = directory.parent_path();
  const ActingAs acting(user);
  struct stat info {};
  return stat((directory / ".").c_str(), &info) == 0 || errno != EACCES;
}

[[noreturn]] void refuseUnwritable(const std::string& path) {
  const int error = errno;
  throw SetupError(fmt::format("cannot write {}: {}; give --data-dir a directory that user {} may write", path,
                               std::strerror(error), currentUser().name));
}

// Its parents too, and whatever the umask, to be entered by PostgreSQL's user.
void makeDirectories(const fs::path& directory) {
  struct stat info {};
  if (stat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return;
  if (directory.has_relative_path()) makeDirectories(directory.parent_path());
  if (mkdir(directory.c_str(), 0755) != 0 || chmod(directory.c_str(), 0755) != 0) refuseUnwritable(directory);
}

void give(const fs::path& path, const User& user) {
  if (geteuid() == 0 && lchown(path.c_str(), user.uid, user.gid) != 0) {
    throw SetupError(fmt::format("cannot give {} to user {}, whom PostgreSQL runs as: {}; give another --data-dir",
                                 path.string(), user.name, std::strerror(errno)));
  }
}

std::string lastLine(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  const auto begin = text.find_last_of('\n', end);
  return end == std::string::npos ? "" : text.substr(begin + 1, end - begin);
}

void removeAll(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw SetupError("cannot remove " + path.string() + ": " + error.message());
}

void syncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

}  // namespace

EmbeddedDirectory::EmbeddedDirectory(const std::string& asked) {
  choose(asked);
  makeDirectories(path_);
  lock();
}

EmbeddedDirectory::~EmbeddedDirectory() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

void EmbeddedDirectory::choose(const std::string& asked) {
  std::error_code error;
  fs::path path = fs::weakly_canonical(fs::absolute(asked, error), error);
  if (error)
    throw SetupError("cannot reach the data directory " + asked + ": " + error.message() + "; give another --data-dir");
  if (!path.has_filename()) path = path.parent_path();  // "data/"
  path_ = path;
  const bool database_there = hasDatabase(path);
  if (geteuid() != 0) {
    user_ = currentUser();
    if (const User owner = database_there ? ownerOf(database()) : user_; owner.uid != user_.uid) {
      throw SetupError(
          fmt::format("the database in {} belongs to user {}; start howdah as that user or as root, or give "
                      "another --data-dir",
                      path_, owner.name));
    }
    return;
  }

  user_ = unprivilegedUser();
  if (const User owner = database_there ? ownerOf(database()) : user_; owner.uid != 0) user_ = owner;
  const fs::path elsewhere = fs::path(kSystemDirectory) / hashOf(path_);
  const bool enterable = canEnter(path, user_);
  if (enterable && (database_there || !hasDatabase(elsewhere))) return;
  if (database_there) {
    throw SetupError(
        fmt::format("PostgreSQL does not run as root, and user {}, who owns the database in {}, cannot enter "
                    "that directory; allow it with chmod o+x on its parents",
                    user_.name, path_));
  }
  metrics::logWarn(enterable ? "the database of this data directory is elsewhere since an earlier start"
                             : "PostgreSQL does not run as root, and its user cannot enter the data directory: the "
                               "database is elsewhere",
                   {{"data_dir", path_}, {"user", user_.name}, {"database", elsewhere.string()}});
  path_ = elsewhere;
  if (hasDatabase(elsewhere)) user_ = ownerOf(database());
}

void EmbeddedDirectory::lock() {
  const std::string name = path_ + "/howdah.lock";
  lock_fd_ = open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (lock_fd_ < 0) refuseUnwritable(name);
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    const int lock_error = errno;
    close(std::exchange(lock_fd_, -1));
    if (lock_error != EWOULDBLOCK) throw SetupError("cannot lock " + name + ": " + std::strerror(lock_error));
    std::ifstream file(name);
    std::string pid;
    std::getline(file, pid);
    throw SetupError(
        fmt::format("the data directory {} is in use by another howdah (process {}); stop that one, or give "
                    "this one its own --data-dir",
                    path_, pid));
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock_fd_, 0) != 0 || pwrite(lock_fd_, pid.data(), pid.size(), 0) < 0) {
    refuseUnwritable(name);
  }
}

int EmbeddedDirectory::databaseMajor() const {
  if (!hasDatabase(path_)) return 0;
  int major = 0;
  std::ifstream file(database() + "/PG_VERSION");
  if (!(file >> major) || major <= 0) throw SetupError("cannot read the version in " + database() + "/PG_VERSION");
  return major;
}

Binaries EmbeddedDirectory::prepareDatabase(const std::string& asked_bin_dir) const {
  const int major = databaseMajor();
  const Binaries binaries = findBinaries(asked_bin_dir, major);
  if (major != 0 && major != binaries.major) {
    throw SetupError(fmt::format(
        "the database in {0} was made by PostgreSQL {1}, and {2} has version {3}: install version {1} (apt-get install "
        "postgresql-{1}), or bring the database over with {3}'s pg_upgrade, or with pg_dump of version {1} into a new "
        "--data-dir",
        database(), major, binaries.directory, binaries.major));
  }
  if (major != 0) {
    if (geteuid() == 0 && ownerOf(database()).uid == 0) {  // a copy made by root
      for (const auto& entry : fs::recursive_directory_iterator(database())) give(entry.path(), user_);
      give(database(), user_);
    }
    chmod(database().c_str(), 0700);  // a copy may have lost it, and PostgreSQL insists
    return binaries;
  }

  // Made aside, so that one that was interrupted is never taken for a database.
  const std::string unfinished = path_ + "/postgres.new";
  endProcessesIn(unfinished, user_);
  removeAll(unfinished);
  if (fs::exists(database())) {
    throw SetupError(database() + " is there but holds no database; remove it, or give another --data-dir");
  }
  metrics::logInfo("creating the database (once)", {{"directory", database()}, {"user", user_.name}});
  if (mkdir(unfinished.c_str(), 0700) != 0) refuseUnwritable(unfinished);
  give(unfinished, user_);
  std::string printed;
  if (!run({{binaries.initdb(), "--pgdata=" + unfinished, "--username=howdah", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-instructions"},
            user_,
            unfinished,
            -1,
            SIGKILL},
           printed)) {
    throw SetupError(fmt::format("initdb could not create the database in {}: {}", path_, lastLine(printed)));
  }
  fs::rename(unfinished, database());
  syncDirectory(path_);
  return binaries;
}

std::string EmbeddedDirectory::makeSocketDirectory() const {
  std::string directory = path_ + "/socket";
  // libpq and PostgreSQL both take a comma for the end of a path.
  const bool fits = directory.size() + std::strlen(kSocketName) < kSocketPathBytes;
  const bool inside = fits && directory.find(',') == std::string::npos;
  if (!inside) directory = "/tmp/howdah-" + hashOf(path_);
  struct stat info {};
  const bool there = lstat(directory.c_str(), &info) == 0;
  if (there && (inside || (S_ISDIR(info.st_mode) && info.st_uid == user_.uid))) removeAll(directory);
  if (mkdir(directory.c_str(), 0700) != 0) {
    throw SetupError(
        fmt::format("cannot create {} for PostgreSQL's socket: {}; remove it", directory, std::strerror(errno)));
  }
  give(directory, user_);
  return directory;
}

}  // namespace howdah::persistence::postgres
