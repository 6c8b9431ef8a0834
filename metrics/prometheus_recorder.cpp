#include "metrics/prometheus_recorder.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "metrics/metric_table.h"
#include "metrics/process_metrics.h"

namespace howdah::metrics {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

// Sorted; "unknown" stands for whatever is not here.
constexpr std::array<std::string_view, 23> kActions{
    "AddPermission",
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
};
static_assert(std::is_sorted(kActions.begin(), kActions.end()));
constexpr std::array<std::string_view, 3> kProtocols{"json", "query", "rest"};
constexpr std::array<int, 14> kCodes{200, 204, 400, 403, 404, 405, 408, 411, 413, 415, 429, 431, 500, 503};
constexpr std::size_t kMaxLabelValues = 128;

Buckets bucketsOf(std::string_view name) {
  const auto& buckets = metricRow(name).buckets;
  return {buckets.begin(), buckets.end()};
}
std::string labelOf(std::string_view name) { return std::string(metricRow(name).labels); }  // of those that have one

template <typename Container, typename Value>
std::size_t indexOf(const Container& container, const Value& value) {
  return static_cast<std::size_t>(std::find(container.begin(), container.end(), value) - container.begin());
}

void add(QueueCounts::Count& count, std::uint64_t more) { count.fetch_add(more, std::memory_order_relaxed); }

std::size_t actionIndex(std::string_view action) {
  // Callers pass literals: where one lies tells which it was the last time.
  thread_local std::array<std::uint8_t, 64> recents{};
  std::uint8_t& recent = recents[reinterpret_cast<std::uintptr_t>(action.data()) / 4 % recents.size()];
  if (kActions[recent] == action) return recent;
  const auto found = std::lower_bound(kActions.begin(), kActions.end(), action);
  if (found == kActions.end() || *found != action) return kActions.size();
  return recent = static_cast<std::uint8_t>(found - kActions.begin());
}

std::string actionName(std::size_t index) {
  return std::string(index < kActions.size() ? kActions[index] : std::string_view("unknown"));
}

// Adding the same labels twice gives the same series, so a race of two first uses is harmless.
template <typename Metric, typename... Args>
Metric& cached(std::atomic<Metric*>& slot, Family<Metric>& family, const auto& labels, const Args&... args) {
  Metric* metric = slot.load(std::memory_order_acquire);
  if (metric == nullptr) {
    metric = &family.Add(labels(), args...);
    slot.store(metric, std::memory_order_release);
  }
  return *metric;
}

// The series of a family with one label whose values come from code of ours, not from clients. More values than
// kMaxLabelValues fall into "other", so that a mistake cannot grow the scrape without end.
template <typename Metric>
class Labelled {
 public:
  Labelled(Family<Metric>& family, std::string label, Buckets buckets = {})
      : family_(family), label_(std::move(label)), buckets_(std::move(buckets)) {}

  // A thread that asks for the same few values again takes no lock: callers pass literals, so where a value lies tells
  // where to look for it.
  Metric& at(std::string_view value) {
    thread_local std::array<Recent, 64> recents{};
    Recent& recent = recents[(reinterpret_cast<std::uintptr_t>(value.data()) / 4 + id_) % recents.size()];
    if (recent.owner != id_ || recent.value != value) {
      const auto& [known, metric] = find(value);
      if (known != value) return *metric;  // "other"
      recent = {id_, known, metric};
    }
    return *recent.metric;
  }

 private:
  struct Recent {
    std::size_t owner = 0;
    std::string_view value;
    Metric* metric = nullptr;
  };

  const std::pair<const std::string, Metric*>& find(std::string_view value) {
    {
      std::shared_lock lock(mutex_);
      if (const auto found = series_.find(value); found != series_.end()) return *found;
    }
    std::unique_lock lock(mutex_);
    if (series_.size() >= kMaxLabelValues) value = "other";
    const auto found = series_.find(value);
    return found != series_.end() ? *found : *series_.emplace(value, &add(std::string(value))).first;
  }

  Metric& add(const std::string& value) {
    if constexpr (std::is_same_v<Metric, Histogram>) {
      return family_.Add({{label_, value}}, buckets_);
    } else {
      return family_.Add({{label_, value}});
    }
  }

  static inline std::atomic<std::size_t> last_id_ = 0;
  const std::size_t id_ = ++last_id_;  // never given out twice, as an address would be
  Family<Metric>& family_;
  const std::string label_;
  const Buckets buckets_;
  std::shared_mutex mutex_;
  std::map<std::string, Metric*, std::less<>> series_;  // its keys stay where they are
};

}  // namespace

struct PrometheusRecorder::Series {
  struct Action {
    std::array<std::array<std::atomic<Counter*>, kCodes.size() + 1>, kProtocols.size() + 1> requests{};
    std::atomic<Histogram*> duration{};
    std::atomic<Histogram*> request_size{};
    std::atomic<Histogram*> response_size{};
    std::mutex errors_mutex;
    std::map<std::string, Counter*, std::less<>> errors;
  };

  explicit Series(const BuildInfo& build) {
    gaugeFamily("howdah_build_info")
        .Add({{"version", build.version},
              {"revision", build.revision},
              {"compiler", build.compiler},
              {"schema_version", std::to_string(build.schema_version)}})
        .Set(1);
  }

  auto& family(auto builder, const char* name) {
    return builder.Name(name).Help(std::string(metricRow(name).help)).Register(registry);
  }
  Family<Counter>& counterFamily(const char* name) { return family(prometheus::BuildCounter(), name); }
  Family<Gauge>& gaugeFamily(const char* name) { return family(prometheus::BuildGauge(), name); }
  Family<Histogram>& histogramFamily(const char* name) { return family(prometheus::BuildHistogram(), name); }
  Counter& counter(const char* name) { return counterFamily(name).Add({}); }
  Gauge& gauge(const char* name) { return gaugeFamily(name).Add({}); }
  Histogram& histogram(const char* name) { return histogramFamily(name).Add({}, bucketsOf(name)); }
  Labelled<Counter> labelledCounter(const char* name) { return {counterFamily(name), labelOf(name)}; }
  Labelled<Gauge> labelledGauge(const char* name) { return {gaugeFamily(name), labelOf(name)}; }
  Labelled<Histogram> labelledHistogram(const char* name) {
    return {histogramFamily(name), labelOf(name), bucketsOf(name)};
  }

  prometheus::Registry registry;

  std::array<Action, kActions.size() + 1> actions;
  Family<Counter>& requests = counterFamily("howdah_requests_total");
  Family<Counter>& request_errors = counterFamily("howdah_request_errors_total");
  Family<Histogram>& request_duration = histogramFamily("howdah_request_duration_seconds");
  Family<Histogram>& request_size = histogramFamily("howdah_request_size_bytes");
  Family<Histogram>& response_size = histogramFamily("howdah_response_size_bytes");
  const Buckets request_seconds = bucketsOf("howdah_request_duration_seconds");
  const Buckets bytes = bucketsOf("howdah_request_size_bytes");

  Gauge& connections = gauge("howdah_connections");
  Counter& connections_total = counter("howdah_connections_total");
  Labelled<Counter> connections_rejected = labelledCounter("howdah_connections_rejected_total");

  Labelled<Counter> auth_failures = labelledCounter("howdah_auth_failures_total");
  Labelled<Counter> throttled = labelledCounter("howdah_throttled_total");
  Family<Gauge>& certificate_expiry = gaugeFamily("howdah_certificate_expiry_timestamp_seconds");
  Family<Counter>& reloads = counterFamily("howdah_reloads_total");

  Counter& messages_sent = counter("howdah_messages_sent_total");
  Counter& messages_deduplicated = counter("howdah_messages_deduplicated_total");
  Counter& messages_received = counter("howdah_messages_received_total");
  Counter& messages_deleted = counter("howdah_messages_deleted_total");
  Counter& messages_dead_lettered =
      counterFamily("howdah_messages_dead_lettered_total").Add({{"reason", "max_receive"}});
  Counter& messages_expired = counter("howdah_messages_expired_total");
  Counter& messages_purged = counter("howdah_messages_purged_total");
  Counter& messages_redriven = counter("howdah_messages_redriven_total");
  Counter& redeliveries = counter("howdah_redeliveries_total");
  Histogram& message_dwell = histogram("howdah_message_dwell_seconds");
  Histogram& message_processing = histogram("howdah_message_processing_seconds");
  Counter& empty_receives = counter("howdah_empty_receives_total");
  Counter& visibility_changes = counter("howdah_visibility_changes_total");
  Histogram& message_size = histogram("howdah_message_size_bytes");
  Counter& queues_created = counter("howdah_queues_created_total");
  Counter& queues_deleted = counter("howdah_queues_deleted_total");
  Counter& queues_purged = counter("howdah_queues_purged_total");
  Labelled<Histogram> batch_size = labelledHistogram("howdah_batch_size");

  Gauge& receive_waiters = gauge("howdah_receive_waiters");
  Histogram& receive_wait = histogram("howdah_receive_wait_seconds");
  Family<Counter>& wakeups = counterFamily("howdah_wakeups_total");
  Counter& woken_local = wakeups.Add({{"source", "local"}});
  Counter& woken_notify = wakeups.Add({{"source", "notify"}});
  Counter& woken_timer = wakeups.Add({{"source", "timer"}});
  Counter& woken_poll = wakeups.Add({{"source", "poll"}});

  Labelled<Histogram> query_duration = labelledHistogram("howdah_db_query_duration_seconds");
  Labelled<Counter> db_errors = labelledCounter("howdah_db_errors_total");
  Family<Gauge>& db_connections = gaugeFamily("howdah_db_connections");
  Gauge& db_connections_open = db_connections.Add({{"state", "open"}});
  Gauge& db_connections_busy = db_connections.Add({{"state", "busy"}});
  Counter& db_reconnects = counter("howdah_db_reconnects_total");
  Labelled<Counter> db_retried = labelledCounter("howdah_db_transactions_retried_total");
  Histogram& db_connection_wait = histogram("howdah_db_connection_wait_seconds");
  Gauge& db_up = gauge("howdah_db_up");

  Family<Counter>& duty_runs = counterFamily("howdah_maintenance_runs_total");
  Labelled<Histogram> duty_duration = labelledHistogram("howdah_maintenance_duration_seconds");
  Labelled<Gauge> duty_success = labelledGauge("howdah_maintenance_last_success_timestamp_seconds");
  Labelled<Gauge> leader = labelledGauge("howdah_leader");
  Gauge& draining = gauge("howdah_draining");
};

PrometheusRecorder::PrometheusRecorder(const BuildInfo& build, QueueSeriesOptions queues)
    : queues_(std::move(queues)), series_(std::make_unique<Series>(build)) {}
PrometheusRecorder::~PrometheusRecorder() = default;

std::string PrometheusRecorder::render() const {
  auto families = series_->registry.Collect();
  auto process = collectProcessMetrics();
  families.insert(families.end(), std::make_move_iterator(process.begin()), std::make_move_iterator(process.end()));
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  std::string text = std::move(out).str();
  queues_.render(text);
  return text;
}

std::optional<std::string> PrometheusRecorder::renderQueues(std::string_view pattern) const {
  std::string text;
  if (!queues_.renderMatching(pattern, text)) return std::nullopt;
  return text;
}

void PrometheusRecorder::snapshotRead(std::shared_ptr<const Snapshot> snapshot) {
  queues_.snapshotRead(std::move(snapshot));
}

bool PrometheusRecorder::isDatabaseUp() const { return series_->db_up.Value() != 0; }

void PrometheusRecorder::requestFinished(std::string_view action, std::string_view protocol, int code,
                                         std::string_view error, Seconds duration, std::size_t request_bytes,
                                         std::size_t response_bytes) {
  const std::size_t index = actionIndex(action);
  Series::Action& mine = series_->actions[index];
  const std::size_t protocol_index = indexOf(kProtocols, protocol);
  const std::size_t code_index = indexOf(kCodes, code);

  cached(mine.requests[protocol_index][code_index], series_->requests, [&] {
    return prometheus::Labels{{"action", actionName(index)},
                              {"protocol", protocol_index < kProtocols.size() ? std::string(protocol) : "unknown"},
                              {"code", code_index < kCodes.size() ? std::to_string(code) : "other"}};
  }).Increment();

  const auto labels = [&] { return prometheus::Labels{{"action", actionName(index)}}; };
  cached(mine.duration, series_->request_duration, labels, series_->request_seconds).Observe(duration.count());
  cached(mine.request_size, series_->request_size, labels, series_->bytes).Observe(static_cast<double>(request_bytes));
  cached(mine.response_size, series_->response_size, labels, series_->bytes)
      .Observe(static_cast<double>(response_bytes));

  if (error.empty()) return;
  std::lock_guard lock(mine.errors_mutex);
  if (mine.errors.size() >= kMaxLabelValues && mine.errors.find(error) == mine.errors.end()) error = "other";
  auto found = mine.errors.find(error);
  if (found == mine.errors.end()) {
    Counter& counter = series_->request_errors.Add({{"action", actionName(index)}, {"error", std::string(error)}});
    found = mine.errors.emplace(error, &counter).first;
  }
  found->second->Increment();
}

void PrometheusRecorder::connectionOpened() {
  series_->connections.Increment();
  series_->connections_total.Increment();
}
void PrometheusRecorder::connectionClosed() { series_->connections.Decrement(); }
void PrometheusRecorder::connectionRejected(std::string_view reason) {
  series_->connections_rejected.at(reason).Increment();
}

void PrometheusRecorder::authenticationFailed(std::string_view reason) {
  series_->auth_failures.at(reason).Increment();
}
void PrometheusRecorder::certificateEnds(std::chrono::sys_seconds when) {
  series_->certificate_expiry.Add({}).Set(static_cast<double>(when.time_since_epoch().count()));
}
void PrometheusRecorder::reloaded(std::string_view what, bool success) {
  series_->reloads.Add({{"what", std::string(what)}, {"result", success ? "success" : "failure"}}).Increment();
}

QueueCountsPtr PrometheusRecorder::queueCounts(std::string_view account, std::string_view name) {
  return queues_.counts(account, name);
}

void PrometheusRecorder::messageSent(QueueCounts& queue, std::size_t bytes) {
  series_->messages_sent.Increment();
  series_->message_size.Observe(static_cast<double>(bytes));
  add(queue.sent, 1);
  add(queue.message_bytes, bytes);
}
void PrometheusRecorder::messageDeduplicated(QueueCounts& queue) {
  series_->messages_deduplicated.Increment();
  add(queue.deduplicated, 1);
}
void PrometheusRecorder::messagesReceived(QueueCounts& queue, std::size_t count) {
  series_->messages_received.Increment(static_cast<double>(count));
  add(queue.received, count);
}
void PrometheusRecorder::messageFirstReceived(QueueCounts& queue, Seconds dwell) {
  series_->message_dwell.Observe(dwell.count());
  add(queue.first_received, 1);
  add(queue.dwell_microseconds, static_cast<std::uint64_t>(std::max(dwell.count(), 0.0) * 1e6));
}
void PrometheusRecorder::messagesRedelivered(std::size_t count) {
  series_->redeliveries.Increment(static_cast<double>(count));
}
void PrometheusRecorder::emptyReceive(QueueCounts& queue) {
  series_->empty_receives.Increment();
  add(queue.empty_receives, 1);
}
void PrometheusRecorder::messageDeleted(QueueCounts& queue, std::optional<Seconds> since_received) {
  series_->messages_deleted.Increment();
  if (since_received) series_->message_processing.Observe(since_received->count());
  add(queue.deleted, 1);
}
void PrometheusRecorder::messagesDeadLettered(QueueCounts& queue, std::size_t count) {
  series_->messages_dead_lettered.Increment(static_cast<double>(count));
  add(queue.dead_lettered, count);
}
void PrometheusRecorder::messagesRedriven(std::size_t count) {
  series_->messages_redriven.Increment(static_cast<double>(count));
}
void PrometheusRecorder::messagesExpired(std::size_t count) {
  series_->messages_expired.Increment(static_cast<double>(count));
}
void PrometheusRecorder::messagesPurged(std::size_t count) {
  series_->messages_purged.Increment(static_cast<double>(count));
}
void PrometheusRecorder::visibilityChanged(std::size_t count) {
  series_->visibility_changes.Increment(static_cast<double>(count));
}
void PrometheusRecorder::queuePurged() { series_->queues_purged.Increment(); }
void PrometheusRecorder::queueCreated() { series_->queues_created.Increment(); }
void PrometheusRecorder::queueDeleted(std::string_view account, std::string_view name) {
  series_->queues_deleted.Increment();
  queues_.queueDeleted(account, name);
}
void PrometheusRecorder::throttled(std::string_view limit) { series_->throttled.at(limit).Increment(); }
void PrometheusRecorder::coalesced(std::string_view operation, std::size_t requests) {
  series_->batch_size.at(operation).Observe(static_cast<double>(requests));
}
void PrometheusRecorder::retried(std::string_view operation) { series_->db_retried.at(operation).Increment(); }

void PrometheusRecorder::receiveParked(QueueCounts& queue) {
  series_->receive_waiters.Increment();
  queue.receive_waiters.fetch_add(1, std::memory_order_relaxed);
}
void PrometheusRecorder::receiveUnparked(QueueCounts& queue, Seconds parked) {
  series_->receive_waiters.Decrement();
  series_->receive_wait.Observe(parked.count());
  queue.receive_waiters.fetch_sub(1, std::memory_order_relaxed);
}
void PrometheusRecorder::woken(WakeSource source) {
  switch (source) {
    case WakeSource::Local:
      return series_->woken_local.Increment();
    case WakeSource::Notify:
      return series_->woken_notify.Increment();
    case WakeSource::Timer:
      return series_->woken_timer.Increment();
    case WakeSource::Poll:
      return series_->woken_poll.Increment();
  }
}

void PrometheusRecorder::statementFinished(std::string_view statement, Seconds duration) {
  series_->query_duration.at(statement).Observe(duration.count());
}
void PrometheusRecorder::databaseError(std::string_view sql_state_class) {
  series_->db_errors.at(sql_state_class).Increment();
}
void PrometheusRecorder::databaseConnections(std::string_view state, std::int64_t count) {
  (state == "open" ? series_->db_connections_open : series_->db_connections_busy).Set(static_cast<double>(count));
}
void PrometheusRecorder::databaseConnectionAwaited(Seconds duration) {
  series_->db_connection_wait.Observe(duration.count());
}
void PrometheusRecorder::databaseReconnected() { series_->db_reconnects.Increment(); }
void PrometheusRecorder::databaseUp(bool up) { series_->db_up.Set(up ? 1 : 0); }

void PrometheusRecorder::dutyFinished(std::string_view duty, bool success, Seconds duration) {
  series_->duty_runs.Add({{"duty", std::string(duty)}, {"result", success ? "success" : "failure"}}).Increment();
  series_->duty_duration.at(duty).Observe(duration.count());
  if (success) series_->duty_success.at(duty).SetToCurrentTime();
}
void PrometheusRecorder::dutyHeld(std::string_view duty, bool held) { series_->leader.at(duty).Set(held ? 1 : 0); }
void PrometheusRecorder::draining(bool draining) { series_->draining.Set(draining ? 1 : 0); }

}  // namespace howdah::metrics
