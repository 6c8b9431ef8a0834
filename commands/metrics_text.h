// Reads Prometheus' text format 0.0.4, as the admin port writes it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace howdah {

struct MetricSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;

  const std::string& label(const std::string& name) const;  // empty: it has none of that name
};

// Throws std::runtime_error that names the first line that is not of the format. Timestamps are not read.
std::vector<MetricSample> readMetrics(std::string_view text);

}  // namespace howdah
