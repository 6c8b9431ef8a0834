#include "persistence/postgres/embedded_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "metrics/log.h"
#include "persistence/postgres/setup_error.h"

namespace howdah::persistence::postgres {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPollInterval = std::chrono::milliseconds(10);

// PostgreSQL obeys PG* variables and needs none of the server's secrets.
std::vector<std::string> childEnvironment() {
  std::vector<std::string> kept = {"LC_ALL=C"};
  for (const char* name : {"PATH", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP"}) {
    if (const char* value = std::getenv(name)) kept.push_back(std::string(name) + "=" + value);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

struct Failure {
  char step[32];
  int error;
};

// Between fork and exec of a process with threads: system calls only.
[[noreturn]] void becomeProgram(const Command& command, bool drop, pid_t parent, char* const* arguments,
                                char* const* environment, int failures) {
  auto fail = [failures](const char* step) {
    Failure failure{};
    std::strncpy(failure.step, step, sizeof failure.step - 1);
    failure.error = errno;
    (void)!write(failures, &failure, sizeof failure);
    _exit(127);
  };
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction default_action {};
  default_action.sa_handler = SIG_DFL;
  for (int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaction(signal, &default_action, nullptr);
  setsid();
  umask(077);

  if (drop) {
    if (syscall(SYS_setgroups, 0, nullptr) != 0) fail("setgroups");
    if (syscall(SYS_setresgid, command.user.gid, command.user.gid, command.user.gid) != 0) fail("setgid");
    if (syscall(SYS_setresuid, command.user.uid, command.user.uid, command.user.uid) != 0) fail("setuid");
  }
  // After the change of user, which clears it. The parent may have died before.
  prctl(PR_SET_PDEATHSIG, command.death_signal);
  if (getppid() != parent) _exit(127);

  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input < 0 || dup2(input, 0) < 0 || dup2(command.output, 1) < 0 || dup2(command.output, 2) < 0) fail("dup2");
  syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  if (chdir(command.directory.c_str()) != 0) fail("chdir");
  execve(arguments[0], arguments, environment);
  fail("exec");
  _exit(127);
}

std::string firstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string listed(const std::vector<pid_t>& pids) {
  std::string text;
  for (pid_t pid : pids) text += (text.empty() ? "" : " ") + std::to_string(pid);
  return text;
}

}  // namespace

pid_t spawn(const Command& command) {
  auto words = command.words;
  auto variables = childEnvironment();
  const auto arguments = pointers(words);
  const auto environment = pointers(variables);
  const bool drop = geteuid() == 0;
  int failures[2];
  if (pipe2(failures, O_CLOEXEC) != 0) throw SetupError(std::string("cannot make a pipe: ") + std::strerror(errno));

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) becomeProgram(command, drop, parent, arguments.data(), environment.data(), failures[1]);
  const int fork_error = errno;
  close(failures[1]);
  Failure failure{};
  ssize_t got = 0;
  if (pid > 0) {
    do got = read(failures[0], &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
  }
  close(failures[0]);
  if (pid < 0) throw SetupError("cannot start " + words[0] + ": " + std::strerror(fork_error));
  if (got > 0) {
    waitForEnd(pid);
    throw SetupError("cannot start " + words[0] + " as user " + command.user.name + " in " + command.directory + ": " +
                     failure.step + ": " + std::strerror(failure.error));
  }
  return pid;
}

int waitForEnd(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool run(Command command, std::string& printed) {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) throw SetupError(std::string("cannot make a pipe: ") + std::strerror(errno));
  command.output = output[1];
  pid_t pid = 0;
  try {
    pid = spawn(command);
  } catch (...) {
    close(output[0]);
    close(output[1]);
    throw;
  }
  close(output[1]);
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(output[0], buffer, sizeof buffer);
    if (got > 0) printed.append(buffer, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  close(output[0]);
  const int status = waitForEnd(pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::vector<pid_t> processesIn(const std::string& database_directory, const User& user) {
  const ActingAs acting(user);
  std::vector<pid_t> found;
  struct stat wanted {};
  if (stat(database_directory.c_str(), &wanted) != 0) return found;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc", error);
  for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    struct stat directory {};
    if (firstLine("/proc/" + name + "/comm") != "postgres") continue;
    if (stat(("/proc/" + name + "/cwd").c_str(), &directory) != 0) continue;  // a zombie, or somebody else's
    if (directory.st_dev == wanted.st_dev && directory.st_ino == wanted.st_ino) found.push_back(std::stoi(name));
  }
  return found;
}

void endProcessesIn(const std::string& database_directory, const User& user) {
  auto left = processesIn(database_directory, user);
  if (left.empty()) return;
  metrics::logWarn("ending PostgreSQL processes that an earlier server left behind", {{"pids", listed(left)}});
  auto signalAndWait = [&](const std::vector<pid_t>& pids, int signal, std::chrono::seconds patience) {
    for (pid_t pid : pids) kill(pid, signal);
    const auto deadline = steady_clock::now() + patience;
    while (!(left = processesIn(database_directory, user)).empty() && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPollInterval);
    }
    return left.empty();
  };

  std::string postmaster;
  {
    const ActingAs acting(user);
    postmaster = firstLine(database_directory + "/postmaster.pid");
  }
  for (pid_t pid : left) {
    if (std::to_string(pid) == postmaster && signalAndWait({pid}, SIGINT, 5s)) return;
  }
  // Without a postmaster nobody can finish anything: what was committed is in the WAL.
  if (signalAndWait(left, SIGQUIT, 2s) || signalAndWait(left, SIGKILL, 5s)) return;
  throw SetupError("the PostgreSQL processes " + listed(left) + " still work in " + database_directory +
                   " and cannot be ended; end them, or give another --data-dir");
}

}  // namespace howdah::persistence::postgres
