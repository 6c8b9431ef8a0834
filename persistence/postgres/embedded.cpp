#include "persistence/postgres/embedded.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "metrics/log.h"
#include "persistence/postgres/embedded_binaries.h"
#include "persistence/postgres/embedded_directory.h"
#include "persistence/postgres/embedded_process.h"
#include "persistence/postgres/setup_error.h"

namespace howdah::persistence::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr off_t kLogBytes = 10'000'000;  // kept from one start to the next
constexpr auto kPollInterval = milliseconds(10);
constexpr auto kShortestService = seconds(1);  // one that ends sooner is started again after a pause
constexpr auto kLongestPause = milliseconds(5000);

// On the command line, where they win over the files in the database's directory. What a laptop's queue needs beside
// PostgreSQL's defaults: no JIT for short statements, dead rows collected soon, a log that stays small and shows no
// values.
std::vector<std::string> commandLine(const EmbeddedDirectory& directory, const Binaries& binaries,
                                     const std::string& socket_directory) {
  std::vector<std::string> words = {binaries.postgres(), "-D", directory.database()};
  for (const std::string& setting :
       {std::string("listen_addresses="), "unix_socket_directories=" + socket_directory,
        std::string("unix_socket_permissions=0700"), std::string("port=5432"), std::string("fsync=on"),
        std::string("full_page_writes=on"), std::string("ssl=off"), std::string("jit=off"),
        std::string("autovacuum_naptime=5s"), std::string("logging_collector=off"),
        std::string("log_destination=stderr"), std::string("log_min_messages=log"),
        std::string("log_min_error_statement=panic"), std::string("log_checkpoints=off"),
        std::string("log_autovacuum_min_duration=-1"), std::string("cluster_name=howdah")}) {
    words.insert(words.end(), {"-c", setting});
  }
  return words;
}

std::string connectionString(const std::string& socket_directory) {
  std::string host;
  for (char c : socket_directory) {
    if (c == '\'' || c == '\\') host += '\\';
    host += c;
  }
  return "host='" + host + "' port=5432 user=howdah dbname=postgres";
}

// The eighth line of postmaster.pid says what the postmaster is at.
bool isReady(const EmbeddedDirectory& directory) {
  const ActingAs acting(directory.user());
  std::ifstream file(directory.database() + "/postmaster.pid");
  std::string line;
  for (int i = 0; i < 8; ++i) {
    if (!std::getline(file, line)) return false;
  }
  return line.starts_with("ready");
}

int openLog(const EmbeddedDirectory& directory) {
  const int fd = open(directory.log().c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) throw SetupError(fmt::format("cannot write {}: {}", directory.log(), std::strerror(errno)));
  if (lseek(fd, 0, SEEK_END) > kLogBytes && ftruncate(fd, 0) != 0) {
    close(fd);
    throw SetupError(fmt::format("cannot shorten {}: {}", directory.log(), std::strerror(errno)));
  }
  return fd;
}

// PostgreSQL's own last words, where it ended of its own accord.
std::string whyItEnded(const siginfo_t& info, const std::string& log, off_t log_start) {
  if (info.si_code != CLD_EXITED) return "signal " + std::to_string(info.si_status);
  std::ifstream file(log);
  file.seekg(log_start);
  std::string words;
  for (std::string line; std::getline(file, line);) {
    if (line.find("LOG:") == std::string::npos && line.find("FATAL:  the database system is") == std::string::npos) {
      words += " | " + line;  // not what clients were told while it started
    }
  }
  return fmt::format("exit code {}{}", info.si_status, words.substr(0, 1000));
}

// WNOWAIT: the pid stays ours until pid_ is 0, so that stop() never signals another process.
bool hasEnded(pid_t pid, siginfo_t& info, int flags) {
  info = {};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | flags) != 0) {
    if (errno != EINTR) return true;
  }
  return info.si_pid != 0;
}

}  // namespace

EmbeddedPostgres::EmbeddedPostgres(EmbeddedOptions options) : options_(std::move(options)) {}

EmbeddedPostgres::~EmbeddedPostgres() { stop(); }

std::string EmbeddedPostgres::start() {
  std::future<std::string> started;
  {
    std::lock_guard lock(mutex_);
    started_ = {};
    announced_ = false;
    stopping_ = false;
    supervising_ = true;
    started = started_.get_future();
    thread_ = std::thread([this] { supervise(); });
  }
  try {
    return started.get();
  } catch (...) {
    stop();
    throw;
  }
}

void EmbeddedPostgres::stop() {
  std::thread thread;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    for (int signal : {SIGINT, SIGQUIT, SIGKILL}) {
      if (pid_ != 0) kill(pid_, signal);
      if (changed_.wait_for(lock, seconds(5), [this] { return !supervising_; })) break;
    }
    std::swap(thread, thread_);
  }
  if (thread.joinable()) thread.join();
}

pid_t EmbeddedPostgres::pid() const {
  std::lock_guard lock(mutex_);
  return pid_;
}

void EmbeddedPostgres::supervise() {
  try {
    const EmbeddedDirectory directory(options_.data_dir);
    endProcessesIn(directory.database(), directory.user());
    const Binaries binaries = directory.prepareDatabase(options_.bin_dir);
    milliseconds pause{0};
    for (;;) {
      bool served = false;
      try {
        served = runPostmaster(directory, binaries);
      } catch (const std::exception& error) {
        if (!announced_) throw;
        metrics::logError("PostgreSQL cannot be started again yet", {{"error", error.what()}});
      }
      std::unique_lock lock(mutex_);
      pause = served ? milliseconds(0) : std::clamp(pause * 2, milliseconds(100), kLongestPause);
      if (changed_.wait_for(lock, pause, [this] { return stopping_; })) break;
    }
    if (!announced_) throw SetupError("stopped while PostgreSQL was starting");
  } catch (const std::exception&) {
    started_.set_exception(std::current_exception());
  }
  std::lock_guard lock(mutex_);
  supervising_ = false;
  changed_.notify_all();
}

bool EmbeddedPostgres::runPostmaster(const EmbeddedDirectory& directory, const Binaries& binaries) {
  endProcessesIn(directory.database(), directory.user());
  // Nobody works there now: a pid in a file that was left is another program's, which PostgreSQL could not know.
  unlink((directory.database() + "/postmaster.pid").c_str());
  const std::string sockets = directory.makeSocketDirectory();
  const int log = openLog(directory);
  const off_t log_start = lseek(log, 0, SEEK_END);
  pid_t pid = 0;
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) {
      try {
        // Its death signal is the fast shutdown's.
        pid = pid_ =
            spawn({commandLine(directory, binaries, sockets), directory.user(), directory.database(), log, SIGINT});
      } catch (...) {
        close(log);
        throw;
      }
    }
  }
  close(log);
  if (pid == 0) return false;

  siginfo_t end{};
  bool ready = false;
  bool told = false;
  const auto spawned_at = steady_clock::now();
  while (!hasEnded(pid, end, WNOHANG) && !(ready = isReady(directory))) {
    std::this_thread::sleep_for(kPollInterval);
    if (!told &&
        steady_clock::now() - spawned_at > seconds(5)) {  // after a crash it replays what it had not yet stored
      metrics::logInfo("PostgreSQL is still starting", {{"log", directory.log()}});
      told = true;
    }
  }
  const auto ready_at = steady_clock::now();
  if (ready) {
    if (!std::exchange(announced_, true)) started_.set_value(connectionString(sockets));
    metrics::logInfo("PostgreSQL serves",
                     {{"pid", pid}, {"version", binaries.major}, {"directory", directory.database()}});
    hasEnded(pid, end, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(sockets, ignored);
  std::lock_guard lock(mutex_);
  waitForEnd(pid);
  pid_ = 0;
  if (stopping_) return true;
  const std::string reason = whyItEnded(end, directory.log(), log_start);
  if (!announced_) throw SetupError(fmt::format("PostgreSQL does not start on {}: {}", directory.database(), reason));
  metrics::logError("PostgreSQL has ended and is started again", {{"pid", pid}, {"reason", reason}});
  return ready && steady_clock::now() - ready_at >= kShortestService;
}

}  // namespace howdah::persistence::postgres
