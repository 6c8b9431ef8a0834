#include "metrics/queue_series.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "metrics/metric_table.h"
#include "metrics/text_writer.h"

namespace howdah::metrics {
namespace {

constexpr std::string_view kOther = "_other";
// A queue that was made after a snapshot was taken is not in it.
constexpr int kAbsentIsGone = 2;

double load(const QueueCounts::Count& count) { return static_cast<double>(count.load(std::memory_order_relaxed)); }

void addTo(QueueSnapshot& sum, const QueueSnapshot& queue) {
  sum.visible += queue.visible;
  sum.in_flight += queue.in_flight;
  sum.delayed += queue.delayed;
  sum.groups_in_flight += queue.groups_in_flight;
  sum.fifo |= queue.fifo;
  sum.oldest_age_seconds = std::max(sum.oldest_age_seconds, queue.oldest_age_seconds);
}

}  // namespace

// What is known of one queue.
struct QueueSeries::Row {
  std::string label;                        // of the queue
  const QueueSnapshot* snapshot = nullptr;  // null: the snapshot has none
  const QueueCounts* counts = nullptr;      // null: none here
  bool is_sum = false;
};

QueueSeries::QueueSeries(QueueSeriesOptions options) : options_(std::move(options)) {}

std::string QueueSeries::labelOf(std::string_view account, std::string_view name) const {
  if (account == options_.own_account && name != kOther) return std::string(name);
  return std::string(account) + "/" + std::string(name);
}

QueueCountsPtr QueueSeries::counts(std::string_view account, std::string_view name) {
  std::string label = labelOf(account, name);
  std::lock_guard lock(mutex_);
  auto found = entries_.find(label);
  if (found == entries_.end()) {
    if (entries_.size() >= options_.max_queues) {
      has_other_ = true;
      return other_;
    }
    found = entries_.emplace(std::move(label), Entry{std::make_shared<QueueCounts>()}).first;
  }
  found->second.hidden = false;
  found->second.absent = 0;
  return found->second.counts;
}

void QueueSeries::queueDeleted(std::string_view account, std::string_view name) {
  std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(labelOf(account, name)); found != entries_.end()) found->second.hidden = true;
}

void QueueSeries::snapshotRead(std::shared_ptr<const Snapshot> snapshot) {
  std::unordered_set<std::string> known;
  known.reserve(snapshot->queues.size());
  for (const QueueSnapshot& queue : snapshot->queues) known.insert(labelOf(queue.account, queue.name));
  std::lock_guard lock(mutex_);
  const bool is_new = !snapshot_ || snapshot_->number != snapshot->number;
  snapshot_ = std::move(snapshot);
  if (!is_new) return;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (known.contains(entry->first)) {
      entry->second.absent = 0;
      entry->second.hidden = false;
    } else if (++entry->second.absent >= kAbsentIsGone) {
      entry->second.hidden = true;
    }
    const bool unused = entry->second.hidden && entry->second.counts.use_count() == 1;
    entry = unused ? entries_.erase(entry) : std::next(entry);
  }
}

void QueueSeries::render(std::string& out) const {
  std::vector<Row> rows;
  std::vector<QueueCountsPtr> kept;  // what rows point to
  std::shared_ptr<const Snapshot> snapshot;
  std::optional<QueueSnapshot> rest;
  {
    std::lock_guard lock(mutex_);
    snapshot = snapshot_;
    for (const auto& [label, entry] : entries_) {
      if (entry.hidden) continue;
      rows.push_back({label, nullptr, entry.counts.get()});
      kept.push_back(entry.counts);
    }
    if (has_other_) rows.push_back({std::string(kOther), nullptr, other_.get(), true});
  }
  if (snapshot) {
    const std::size_t own = std::min(snapshot->queues.size(), options_.max_queues);
    rows.reserve(rows.size() + own + 1);  // row_of looks into it
    std::unordered_map<std::string_view, std::size_t> row_of;
    for (std::size_t i = 0; i < rows.size(); ++i) row_of.emplace(rows[i].label, i);
    const auto rowFor = [&](std::string label) -> Row& {
      if (const auto found = row_of.find(label); found != row_of.end()) return rows[found->second];
      rows.push_back({std::move(label)});
      return rows.back();
    };
    for (std::size_t i = 0; i < own; ++i) {
      rowFor(labelOf(snapshot->queues[i].account, snapshot->queues[i].name)).snapshot = &snapshot->queues[i];
    }
    for (std::size_t i = own; i < snapshot->queues.size(); ++i) {
      if (!rest) rest.emplace();
      addTo(*rest, snapshot->queues[i]);
    }
    if (rest) {
      Row& other = rowFor(std::string(kOther));
      other.snapshot = &*rest;
      other.is_sum = true;
    }
    renderSnapshot(*snapshot, *this, out);
  }
  renderRows(rows, out);
}

bool QueueSeries::renderMatching(std::string_view pattern, std::string& out) const {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  quiet.set_max_mem(1 << 20);
  const re2::RE2 wanted(re2::StringPiece(pattern.data(), pattern.size()), quiet);
  if (!wanted.ok()) return false;
  std::map<std::string, Row> rows;
  std::vector<QueueCountsPtr> kept;
  std::shared_ptr<const Snapshot> snapshot;
  {
    std::lock_guard lock(mutex_);
    snapshot = snapshot_;
    for (const auto& [label, entry] : entries_) {
      if (entry.hidden || !re2::RE2::FullMatch(label, wanted)) continue;
      rows.emplace(label, Row{label, nullptr, entry.counts.get()});
      kept.push_back(entry.counts);
    }
  }
  if (snapshot) {
    for (const QueueSnapshot& queue : snapshot->queues) {
      std::string label = labelOf(queue.account, queue.name);
      if (!re2::RE2::FullMatch(label, wanted)) continue;
      Row& row = rows[label];
      row.label = std::move(label);
      row.snapshot = &queue;
    }
  }
  std::vector<Row> listed;
  for (auto& [label, row] : rows) listed.push_back(std::move(row));
  renderRows(listed, out);
  return true;
}

// A family's samples stand together, so the rows are passed once a family.
void QueueSeries::renderRows(const std::vector<Row>& rows, std::string& out) {
  struct Labelled {
    const Row& row;
    std::string queue;
  };
  std::vector<Labelled> labelled;
  labelled.reserve(rows.size());
  for (const Row& row : rows) {
    labelled.push_back({row, {}});
    TextWriter::appendLabel(labelled.back().queue, "queue", row.label);
  }
  TextWriter writer(out);
  const auto eachSnapshot = [&](std::string_view name, auto write) {
    bool begun = false;
    for (const auto& [row, queue] : labelled) {
      if (row.snapshot == nullptr) continue;
      if (!std::exchange(begun, true)) writer.family(name);
      write(row, *row.snapshot, queue);
    }
  };
  const auto eachCounts = [&](std::string_view name, auto write) {
    bool begun = false;
    for (const auto& [row, queue] : labelled) {
      if (row.counts == nullptr) continue;
      if (!std::exchange(begun, true)) writer.family(name);
      write(*row.counts, queue);
    }
  };
  eachSnapshot("howdah_queue_info", [&](const Row& row, const QueueSnapshot& snapshot, std::string labels) {
    if (row.is_sum) return;
    TextWriter::appendLabel(labels, "type", snapshot.fifo ? "fifo" : "standard");
    TextWriter::appendLabel(labels, "dead_letter_queue", snapshot.dead_letter_queue);
    writer.sample(labels, 1);
  });
  eachSnapshot("howdah_queue_messages", [&](const Row&, const QueueSnapshot& snapshot, const std::string& queue) {
    writer.sample(queue + ",state=\"visible\"", snapshot.visible);
    writer.sample(queue + ",state=\"in_flight\"", snapshot.in_flight);
    writer.sample(queue + ",state=\"delayed\"", snapshot.delayed);
  });
  eachSnapshot("howdah_queue_oldest_message_age_seconds",
               [&](const Row&, const QueueSnapshot& snapshot, const std::string& queue) {
                 writer.sample(queue, snapshot.oldest_age_seconds);
               });
  bool any_fifo = false;
  for (const Row& row : rows) any_fifo |= row.snapshot != nullptr && row.snapshot->fifo;
  if (any_fifo) {
    eachSnapshot("howdah_queue_groups_in_flight",
                 [&](const Row&, const QueueSnapshot& snapshot, const std::string& queue) {
                   if (snapshot.fifo) writer.sample(queue, snapshot.groups_in_flight);
                 });
  }
  const auto counter = [&](std::string_view name, QueueCounts::Count QueueCounts::*count) {
    eachCounts(name, [&](const QueueCounts& counts, const std::string& queue) {
      writer.sample(queue, (counts.*count).load(std::memory_order_relaxed));
    });
  };
  counter("howdah_queue_messages_sent_total", &QueueCounts::sent);
  counter("howdah_queue_message_bytes_total", &QueueCounts::message_bytes);
  counter("howdah_queue_messages_deduplicated_total", &QueueCounts::deduplicated);
  counter("howdah_queue_messages_received_total", &QueueCounts::received);
  counter("howdah_queue_messages_deleted_total", &QueueCounts::deleted);
  counter("howdah_queue_messages_dead_lettered_total", &QueueCounts::dead_lettered);
  counter("howdah_queue_empty_receives_total", &QueueCounts::empty_receives);
  eachCounts("howdah_queue_dwell_seconds", [&](const QueueCounts& counts, const std::string& queue) {
    writer.sample(queue, load(counts.dwell_microseconds) / 1e6, "_sum");
    writer.sample(queue, counts.first_received.load(std::memory_order_relaxed), "_count");
  });
  eachCounts("howdah_queue_receive_waiters", [&](const QueueCounts& counts, const std::string& queue) {
    writer.sample(queue, counts.receive_waiters.load(std::memory_order_relaxed));
  });
}

void QueueSeries::renderSnapshot(const Snapshot& snapshot, const QueueSeries& series, std::string& out) {
  TextWriter writer(out);
  const std::size_t bound = series.options_.max_queues;
  writer.family("howdah_queues");
  writer.sample("", snapshot.queues.size());
  writer.family("howdah_queue_metrics_dropped");
  writer.sample("", snapshot.queues.size() > bound ? snapshot.queues.size() - bound : 0);
  writer.family("howdah_stats_snapshot_age_seconds");
  writer.sample("", Seconds(std::chrono::steady_clock::now() - snapshot.taken_at).count());
  if (!snapshot.move_tasks.empty()) writer.family("howdah_move_tasks");
  for (const auto& [status, count] : snapshot.move_tasks) {
    std::string labels;
    TextWriter::appendLabel(labels, "status", status);
    writer.sample(labels, count);
  }
  if (!snapshot.active_move_tasks.empty()) writer.family("howdah_move_task_messages");
  for (const MoveTaskSnapshot& task : snapshot.active_move_tasks) {
    std::string labels;
    TextWriter::appendLabel(labels, "source", series.labelOf(task.account, task.source));
    writer.sample(labels + ",state=\"moved\"", task.moved);
    writer.sample(labels + ",state=\"to_move\"", task.to_move);
  }
  std::string_view family;
  for (const DatabaseFigure& figure : snapshot.database) {
    if (findMetricRow(figure.metric) == nullptr) continue;  // of a newer server
    if (figure.metric != family) writer.family(family = figure.metric);
    std::string labels;
    if (!figure.table.empty()) TextWriter::appendLabel(labels, "table", figure.table);
    writer.sample(labels, figure.value);
  }
}

}  // namespace howdah::metrics
