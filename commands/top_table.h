// What `howdah top` shows: from the metrics of one or more servers, now and a moment ago. Counters are differences
// summed over servers; what comes from the snapshot is the same on each, and the largest is taken. No terminal, no
// clock.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "commands/metrics_text.h"

namespace howdah {

struct QueueFigures {
  double visible = 0, in_flight = 0, delayed = 0, oldest_age = 0, parked = 0;
  double sent = 0, received = 0, deleted = 0, empty = 0;  // counters; in TopFrame a second's
};

// Of one server, at one moment.
struct ServerFigures {
  std::map<std::string, QueueFigures> queues;
  std::map<std::string, std::pair<double, double>> batches;  // by operation: requests, transactions
  double requests = 0, errors = 0, parked = 0, snapshot_age = 0;
  bool database_up = false;
};

// Of /metrics without the queues', and of /metrics/per-queue.
ServerFigures figuresOf(const std::vector<MetricSample>& server, const std::vector<MetricSample>& queues);

struct TopFrame {
  std::vector<std::pair<std::string, QueueFigures>> queues;  // the fullest first
  std::vector<std::pair<std::string, double>> batches;       // requests a transaction, of operations that were used
  double requests = 0, errors = 0, parked = 0, snapshot_age = 0;
  std::size_t servers = 0, databases_up = 0;
};

// Servers by URL. One that has no figures before counts with what it has now, but for rates; a counter that went back
// began anew.
TopFrame compare(const std::map<std::string, ServerFigures>& before, const std::map<std::string, ServerFigures>& now,
                 double seconds);

// Lines of at most `width` columns, at most `rows` of them.
std::vector<std::string> topLines(const TopFrame& frame, std::size_t width, std::size_t rows);

}  // namespace howdah
