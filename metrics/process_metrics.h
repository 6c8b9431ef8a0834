// Figures of this process from /proc, under the names Prometheus' client libraries agree on.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace howdah::metrics {

// A figure that /proc does not give is left out.
std::vector<prometheus::MetricFamily> collectProcessMetrics();

}  // namespace howdah::metrics
