#include "bench/process_usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace howdah::bench {
namespace {

struct Stat {
  std::string name;
  int parent = 0;
  double own_cpu = 0;
  double ended_children_cpu = 0;
};

std::optional<Stat> readStat(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const auto open = line.find('('), close = line.rfind(')');  // the name may hold both
  Stat stat;
  stat.name = line.substr(open + 1, close - open - 1);
  std::istringstream rest(line.substr(close + 2));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  stat.parent = std::stoi(fields[1]);
  stat.own_cpu = (std::stod(fields[11]) + std::stod(fields[12])) / ticks;
  stat.ended_children_cpu = (std::stod(fields[13]) + std::stod(fields[14])) / ticks;
  return stat;
}

std::vector<int> allProcesses() {
  std::vector<int> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

std::vector<int> childrenOf(int parent) {
  std::vector<int> children;
  for (const int pid : allProcesses())
    if (const auto stat = readStat(pid); stat && stat->parent == parent) children.push_back(pid);
  return children;
}

std::vector<std::string> inodesListeningOn(std::uint16_t port) {
  std::vector<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream in(line);
      std::vector<std::string> fields;
      for (std::string field; in >> field;) fields.push_back(field);
      constexpr auto kListen = "0A";
      if (fields.size() > 9 && fields[3] == kListen && fields[1].ends_with(fmt::format(":{:04X}", port)))
        inodes.push_back(fields[9]);
    }
  }
  return inodes;
}

}  // namespace

int processListeningOn(std::uint16_t port) {
  const auto inodes = inodesListeningOn(port);
  for (const int pid : allProcesses()) {
    std::error_code error;  // processes end, and those of others may not be looked into
    for (const auto& fd : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
      const std::string target = std::filesystem::read_symlink(fd.path(), error);
      if (std::ranges::any_of(inodes, [&](const auto& inode) { return target == "socket:[" + inode + "]"; }))
        return pid;
    }
  }
  return 0;
}

int postmasterBelow(int pid) {
  if (pid == 0) return 0;
  for (const int child : childrenOf(pid)) {
    if (const auto stat = readStat(child); stat && stat->name == "postgres") return child;
    if (const int found = postmasterBelow(child)) return found;
  }
  return 0;
}

int postmasterOfBackend(int pid) {
  const auto backend = readStat(pid);
  return backend && backend->name == "postgres" ? backend->parent : 0;
}

// By the scheduler's nanoseconds where the kernel gives them: stat counts hundredths of a second, which is too coarse
// for a server that does next to nothing.
std::optional<double> cpuOf(int pid) {
  if (pid == 0) return std::nullopt;
  double nanoseconds = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    double on_cpu = 0;
    if (std::ifstream(task.path() / "schedstat") >> on_cpu) nanoseconds += on_cpu;
  }
  if (nanoseconds > 0) return nanoseconds / 1e9;
  const auto stat = readStat(pid);
  return stat ? std::optional(stat->own_cpu) : std::nullopt;
}

std::optional<double> cpuOfPostgres(int postmaster_pid) {
  const auto postmaster = postmaster_pid == 0 ? std::nullopt : readStat(postmaster_pid);
  if (!postmaster) return std::nullopt;
  double seconds = postmaster->own_cpu + postmaster->ended_children_cpu;
  for (const int child : childrenOf(postmaster_pid))
    if (const auto stat = readStat(child)) seconds += stat->own_cpu + stat->ended_children_cpu;
  return seconds;
}

std::optional<double> residentBytesOf(int pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  double total = 0, resident = 0;
  if (!(file >> total >> resident)) return std::nullopt;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace howdah::bench
