// Series with a queue as label, and the others that are known from the snapshot. Bounded: queues beyond the bound are
// added up as queue="_other". Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "metrics/recorder.h"
#include "metrics/snapshot.h"

namespace howdah::metrics {

struct QueueSeriesOptions {
  std::string own_account = "000000000000";  // its queues are labelled without it
  std::size_t max_queues = 1000;
};

class QueueSeries {
 public:
  explicit QueueSeries(QueueSeriesOptions options);

  QueueCountsPtr counts(std::string_view account, std::string_view name);
  void queueDeleted(std::string_view account, std::string_view name);
  // The latest; also tells which counts are of queues that are no more.
  void snapshotRead(std::shared_ptr<const Snapshot> snapshot);

  // Appends all families to `out`.
  void render(std::string& out) const;
  // Only those with a queue, and of these only whose label the whole of the RE2 pattern fits, without a bound. False:
  // it is no pattern.
  bool renderMatching(std::string_view pattern, std::string& out) const;

 private:
  struct Entry {
    QueueCountsPtr counts;
    bool hidden = false;  // the queue is gone; kept while a record of it is
    int absent = 0;       // snapshots in a row that did not know it
  };
  struct Row;

  std::string labelOf(std::string_view account, std::string_view name) const;
  static void renderRows(const std::vector<Row>& rows, std::string& out);
  static void renderSnapshot(const Snapshot& snapshot, const QueueSeries& series, std::string& out);

  const QueueSeriesOptions options_;
  const QueueCountsPtr other_ = std::make_shared<QueueCounts>();

  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  // by label
  bool has_other_ = false;                             // some queue counts there
  std::shared_ptr<const Snapshot> snapshot_;           // null: none was read yet
};

}  // namespace howdah::metrics
