// What the elected snapshot tells of queues and of PostgreSQL, the same on every server. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace howdah::metrics {

struct QueueSnapshot {
  std::string account;
  std::string name;
  bool fifo = false;
  std::string dead_letter_queue;  // its name; empty: none
  std::int64_t visible = 0;
  std::int64_t in_flight = 0;
  std::int64_t delayed = 0;
  double oldest_age_seconds = 0;  // 0: no message counts
  std::int64_t groups_in_flight = 0;
};

struct MoveTaskSnapshot {
  std::string account;
  std::string source;
  std::int64_t moved = 0;
  std::int64_t to_move = 0;
};

// One figure of PostgreSQL's, by the name of its metric.
struct DatabaseFigure {
  std::string metric;
  std::string table;  // empty: of all
  double value = 0;
};

struct Snapshot {
  std::int64_t number = 0;                           // grows with each that was taken
  std::chrono::steady_clock::time_point taken_at{};  // by this process's clock
  std::vector<QueueSnapshot> queues;                 // the oldest first
  std::vector<MoveTaskSnapshot> active_move_tasks;
  std::vector<std::pair<std::string, std::int64_t>> move_tasks;  // by status
  std::vector<DatabaseFigure> database;
};

}  // namespace howdah::metrics
