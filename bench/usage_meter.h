// CPU of server, PostgreSQL and this program between two moments.
#pragma once

#include <unistd.h>

#include "bench/process_usage.h"
#include "bench/report.h"

namespace howdah::bench {

class UsageMeter {
 public:
  UsageMeter(int server_pid, int postgres_pid) : server_pid_(server_pid), postgres_pid_(postgres_pid) {}

  void begin() {
    server_ = cpuOf(server_pid_);
    postgres_ = cpuOfPostgres(postgres_pid_);
    client_ = cpuOf(::getpid());
  }
  void end() {
    server_ = difference(server_, cpuOf(server_pid_));
    postgres_ = difference(postgres_, cpuOfPostgres(postgres_pid_));
    client_ = difference(client_, cpuOf(::getpid()));
  }
  std::optional<double> serverSeconds() const { return server_; }  // after end

  void tell(Report& report) const {
    if (report.messages == 0) return;
    const auto each = [&](std::optional<double> seconds) -> std::optional<double> {
      if (!seconds) return std::nullopt;
      return *seconds * 1e6 / static_cast<double>(report.messages);
    };
    report.server_cpu_us = each(server_);
    report.postgres_cpu_us = each(postgres_);
    report.client_cpu_us = each(client_);
  }

 private:
  static std::optional<double> difference(std::optional<double> from, std::optional<double> to) {
    if (!from || !to) return std::nullopt;
    return *to - *from;
  }

  const int server_pid_;
  const int postgres_pid_;
  std::optional<double> server_, postgres_, client_;
};

}  // namespace howdah::bench
