// Every series that the server exports, one row each: the recorder makes its families of these rows and docs/metrics.md
// shows them, so that neither can differ. A new metric is a row here and the method that feeds it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace howdah::metrics {

enum class MetricType { Counter, Gauge, Histogram, Summary };
std::string_view typeName(MetricType type);  // as "counter"

struct MetricRow {
  std::string_view name;
  MetricType type;
  std::string_view labels;  // names with commas between; empty: none
  std::string_view help;
  std::span<const double> buckets{};  // upper bounds, of a histogram
};

std::span<const MetricRow> metricTable();

const MetricRow* findMetricRow(std::string_view name);  // null: there is none
// REQUIRES: there is one; throws std::logic_error otherwise.
const MetricRow& metricRow(std::string_view name);

// The table in docs/metrics.md.
std::string metricsMarkdown();

}  // namespace howdah::metrics
