#include "metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "metrics/metric_table.h"

namespace howdah::metrics {
namespace {

using prometheus::MetricFamily;

MetricFamily single(const char* name, double value) {
  const MetricRow& row = metricRow(name);
  const bool counts = row.type == MetricType::Counter;
  MetricFamily family{
      name, std::string(row.help), counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge, {}};
  prometheus::ClientMetric metric;
  (counts ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
  return family;
}

// Seconds since the epoch at which the machine started; process start times count from there.
double bootTime() {
  std::ifstream stat("/proc/stat");
  std::string key;
  while (stat >> key) {
    if (double seconds = 0; key == "btime" && stat >> seconds) return seconds;
    stat.ignore(1 << 20, '\n');
  }
  return 0;
}

}  // namespace

std::vector<MetricFamily> collectProcessMetrics() {
  std::vector<MetricFamily> families;
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  if (const auto end_of_name = line.rfind(')'); end_of_name != line.npos) {  // the name may hold anything
    std::istringstream fields(line.substr(end_of_name + 1));
    std::string skip;
    double user = 0, system = 0, threads = 0, start = 0, virtual_bytes = 0, resident_pages = 0;
    for (int i = 3; i < 14; ++i) fields >> skip;  // numbered as in proc(5)
    fields >> user >> system;
    for (int i = 16; i < 20; ++i) fields >> skip;
    fields >> threads >> skip >> start >> virtual_bytes >> resident_pages;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    families.push_back(single("process_cpu_seconds_total", (user + system) / ticks));
    families.push_back(single("process_start_time_seconds", bootTime() + start / ticks));
    families.push_back(single("process_virtual_memory_bytes", virtual_bytes));
    families.push_back(
        single("process_resident_memory_bytes", resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE))));
    families.push_back(single("howdah_threads", threads));
  }
  std::error_code error;
  double descriptors = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++descriptors;
  }
  if (!error) {
    families.push_back(single("process_open_fds", descriptors));
  }
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(single("process_max_fds", static_cast<double>(limit.rlim_cur)));
  }
  return families;
}

}  // namespace howdah::metrics
