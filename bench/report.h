// What a run found, and how it is printed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/options.h"

namespace howdah::bench {

// Times of calls of one kind, in microseconds.
class Latencies {
 public:
  void add(Seconds time) { micros_.push_back(static_cast<std::uint32_t>(std::max(0.0, time.count() * 1e6))); }
  void add(const Latencies& others) { micros_.insert(micros_.end(), others.micros_.begin(), others.micros_.end()); }
  std::size_t count() const { return micros_.size(); }
  double milliseconds(double quantile) const;

 private:
  mutable std::vector<std::uint32_t> micros_;  // ordered where a quantile needs it
};

struct Report {
  std::uint64_t messages = 0;
  double seconds = 0;  // that were measured
  std::map<std::string, Latencies> calls;
  std::optional<double> server_cpu_us, postgres_cpu_us, client_cpu_us;  // a message
  std::vector<std::pair<std::string, double>> figures;                  // of this scenario alone
  std::map<std::string, std::uint64_t> errors;                          // answers that were no success, by code
  std::uint64_t violations = 0;
  std::vector<std::string> violation_texts;  // the first few

  bool ok() const { return violations == 0 && errors.empty(); }
  void violation(std::string text) {
    if (++violations <= 10) violation_texts.push_back(std::move(text));
  }
};

void printTable(const Options& options, const Report& report);
void printJson(const Options& options, const Report& report);

}  // namespace howdah::bench
