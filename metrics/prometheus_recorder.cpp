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

const Buckets kRequestSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
const Buckets kQuerySeconds{0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10};
const Buckets kWaitSeconds{0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 20};
const Buckets kDutySeconds{0.01, 0.05, 0.25, 1, 5, 30, 120};
const Buckets kBytes{256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304};
const Buckets kBatch{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

template <typename Container, typename Value>
std::size_t indexOf(const Container& container, const Value& value) {
  return static_cast<std::size_t>(std::find(container.begin(), container.end(), value) - container.begin());
}

std::size_t actionIndex(std::string_view action) {
  const auto found = std::lower_bound(kActions.begin(), kActions.end(), action);
  return found != kActions.end() && *found == action ? static_cast<std::size_t>(found - kActions.begin())
                                                     : kActions.size();
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

  Metric& at(std::string_view value) {
    {
      std::shared_lock lock(mutex_);
      if (const auto found = series_.find(value); found != series_.end()) return *found->second;
    }
    std::unique_lock lock(mutex_);
    if (series_.size() >= kMaxLabelValues) value = "other";
    const auto found = series_.find(value);
    return found != series_.end() ? *found->second : *series_.emplace(value, &add(std::string(value))).first->second;
  }

 private:
  Metric& add(const std::string& value) {
    if constexpr (std::is_same_v<Metric, Histogram>) {
      return family_.Add({{label_, value}}, buckets_);
    } else {
      return family_.Add({{label_, value}});
    }
  }

  Family<Metric>& family_;
  const std::string label_;
  const Buckets buckets_;
  std::shared_mutex mutex_;
  std::map<std::string, Metric*, std::less<>> series_;
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
    gaugeFamily("howdah_build_info", "Always 1; the build is in the labels")
        .Add({{"version", build.version}, {"revision", build.revision}, {"compiler", build.compiler}})
        .Set(1);
  }

  Family<Counter>& counterFamily(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gaugeFamily(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histogramFamily(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  Counter& counter(const char* name, const char* help) { return counterFamily(name, help).Add({}); }
  Gauge& gauge(const char* name, const char* help) { return gaugeFamily(name, help).Add({}); }
  Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return histogramFamily(name, help).Add({}, buckets);
  }

  prometheus::Registry registry;

  std::array<Action, kActions.size() + 1> actions;
  Family<Counter>& requests = counterFamily("howdah_requests_total", "Finished API requests by HTTP status");
  Family<Counter>& request_errors = counterFamily("howdah_request_errors_total", "Failed API requests by error code");
  Family<Histogram>& request_duration =
      histogramFamily("howdah_request_duration_seconds", "Time in the server, without the time a long poll was parked");
  Family<Histogram>& request_size = histogramFamily("howdah_request_size_bytes", "Bodies of API requests");
  Family<Histogram>& response_size = histogramFamily("howdah_response_size_bytes", "Bodies of API responses");

  Gauge& connections = gauge("howdah_connections", "Open HTTP connections");
  Counter& connections_total = counter("howdah_connections_total", "HTTP connections accepted");
  Labelled<Counter> connections_rejected{
      counterFamily("howdah_connections_rejected_total", "HTTP connections or requests refused by a limit"), "reason"};

  Labelled<Counter> throttled{
      counterFamily("howdah_throttled_total", "Requests or messages of a batch refused by the limit of a setting"),
      "limit"};

  Counter& messages_sent = counter("howdah_messages_sent_total", "Messages stored");
  Counter& messages_deduplicated = counter("howdah_messages_deduplicated_total",
                                           "Sends to FIFO queues answered with the first of their deduplication id");
  Counter& messages_received = counter("howdah_messages_received_total", "Messages handed to receivers");
  Counter& messages_deleted = counter("howdah_messages_deleted_total", "Deletes answered with success");
  Counter& messages_dead_lettered =
      counter("howdah_messages_dead_lettered_total", "Messages moved to a dead-letter queue by a receive");
  Counter& messages_expired = counter("howdah_messages_expired_total", "Messages older than their queue's retention");
  Counter& empty_receives = counter("howdah_empty_receives_total", "Receives answered without a message");
  Counter& visibility_changes = counter("howdah_visibility_changes_total", "Visibility timeouts changed");
  Histogram& message_size = histogram("howdah_message_size_bytes", "Body and attributes of accepted messages", kBytes);
  Counter& queues_created = counter("howdah_queues_created_total", "Queues created");
  Counter& queues_deleted = counter("howdah_queues_deleted_total", "Queues deleted");
  Counter& queues_purged = counter("howdah_queues_purged_total", "Queues purged");
  Labelled<Histogram> batch_size{histogramFamily("howdah_batch_size", "Requests that shared one database transaction"),
                                 "op", kBatch};

  Gauge& receive_waiters = gauge("howdah_receive_waiters", "Long polls parked now");
  Histogram& receive_wait = histogram("howdah_receive_wait_seconds", "How long long polls were parked", kWaitSeconds);
  Family<Counter>& wakeups = counterFamily("howdah_wakeups_total", "What woke parked long polls");
  Counter& woken_local = wakeups.Add({{"source", "local"}});
  Counter& woken_notify = wakeups.Add({{"source", "notify"}});
  Counter& woken_timer = wakeups.Add({{"source", "timer"}});
  Counter& woken_poll = wakeups.Add({{"source", "poll"}});

  Labelled<Histogram> query_duration{
      histogramFamily("howdah_db_query_duration_seconds", "Time until PostgreSQL answered a statement"), "statement",
      kQuerySeconds};
  Labelled<Counter> db_errors{counterFamily("howdah_db_errors_total", "Failed statements by class of SQLSTATE"),
                              "sqlstate_class"};
  Labelled<Gauge> db_connections{gaugeFamily("howdah_db_connections", "Connections to PostgreSQL"), "state"};
  Counter& db_reconnects = counter("howdah_db_reconnects_total", "Connections to PostgreSQL made anew after a loss");
  Gauge& db_up = gauge("howdah_db_up", "1 while PostgreSQL answers");

  Family<Counter>& duty_runs = counterFamily("howdah_maintenance_runs_total", "Runs of background duties");
  Family<Histogram>& duty_duration =
      histogramFamily("howdah_maintenance_duration_seconds", "Time a run of a background duty took");
  Family<Gauge>& duty_success =
      gaugeFamily("howdah_maintenance_last_success_timestamp_seconds", "When a background duty last succeeded here");
  Labelled<Gauge> leader{gaugeFamily("howdah_leader", "1 on the server that holds the duty"), "duty"};
  Gauge& draining = gauge("howdah_draining", "1 while the server shuts down");
};

PrometheusRecorder::PrometheusRecorder(const BuildInfo& build) : series_(std::make_unique<Series>(build)) {}
PrometheusRecorder::~PrometheusRecorder() = default;

std::string PrometheusRecorder::render() const {
  auto families = series_->registry.Collect();
  auto process = collectProcessMetrics();
  families.insert(families.end(), std::make_move_iterator(process.begin()), std::make_move_iterator(process.end()));
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
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
  cached(mine.duration, series_->request_duration, labels, kRequestSeconds).Observe(duration.count());
  cached(mine.request_size, series_->request_size, labels, kBytes).Observe(static_cast<double>(request_bytes));
  cached(mine.response_size, series_->response_size, labels, kBytes).Observe(static_cast<double>(response_bytes));

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

void PrometheusRecorder::throttled(std::string_view setting) { series_->throttled.at(setting).Increment(); }

void PrometheusRecorder::messagesSent(std::size_t count) {
  series_->messages_sent.Increment(static_cast<double>(count));
}

void PrometheusRecorder::messagesDeduplicated(std::size_t count) {
  series_->messages_deduplicated.Increment(static_cast<double>(count));
}
void PrometheusRecorder::messageSize(std::size_t bytes) { series_->message_size.Observe(static_cast<double>(bytes)); }
void PrometheusRecorder::messagesReceived(std::size_t count) {
  series_->messages_received.Increment(static_cast<double>(count));
}
void PrometheusRecorder::emptyReceive() { series_->empty_receives.Increment(); }
void PrometheusRecorder::messagesDeadLettered(std::size_t count) {
  series_->messages_dead_lettered.Increment(static_cast<double>(count));
}

void PrometheusRecorder::messagesExpired(std::size_t count) {
  series_->messages_expired.Increment(static_cast<double>(count));
}

void PrometheusRecorder::messagesDeleted(std::size_t count) {
  series_->messages_deleted.Increment(static_cast<double>(count));
}
void PrometheusRecorder::visibilityChanged(std::size_t count) {
  series_->visibility_changes.Increment(static_cast<double>(count));
}
void PrometheusRecorder::queuePurged() { series_->queues_purged.Increment(); }
void PrometheusRecorder::queueCreated() { series_->queues_created.Increment(); }
void PrometheusRecorder::queueDeleted() { series_->queues_deleted.Increment(); }
void PrometheusRecorder::coalesced(std::string_view operation, std::size_t requests) {
  series_->batch_size.at(operation).Observe(static_cast<double>(requests));
}

void PrometheusRecorder::receiveParked() { series_->receive_waiters.Increment(); }
void PrometheusRecorder::receiveUnparked(Seconds parked) {
  series_->receive_waiters.Decrement();
  series_->receive_wait.Observe(parked.count());
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
  series_->db_connections.at(state).Set(static_cast<double>(count));
}
void PrometheusRecorder::databaseReconnected() { series_->db_reconnects.Increment(); }
void PrometheusRecorder::databaseUp(bool up) { series_->db_up.Set(up ? 1 : 0); }

void PrometheusRecorder::dutyFinished(std::string_view duty, bool success, Seconds duration) {
  const std::string name(duty);
  series_->duty_runs.Add({{"duty", name}, {"result", success ? "success" : "failure"}}).Increment();
  series_->duty_duration.Add({{"duty", name}}, kDutySeconds).Observe(duration.count());
  if (success) series_->duty_success.Add({{"duty", name}}).SetToCurrentTime();
}
void PrometheusRecorder::dutyHeld(std::string_view duty, bool held) { series_->leader.at(duty).Set(held ? 1 : 0); }
void PrometheusRecorder::draining(bool draining) { series_->draining.Set(draining ? 1 : 0); }

}  // namespace howdah::metrics
