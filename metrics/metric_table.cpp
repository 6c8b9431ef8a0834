#include "metrics/metric_table.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace howdah::metrics {
namespace {

using enum MetricType;

constexpr double kRequestSeconds[]{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
constexpr double kQuerySeconds[]{0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10};
constexpr double kPoolSeconds[]{0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10};
constexpr double kWaitSeconds[]{0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 20};
constexpr double kDutySeconds[]{0.01, 0.05, 0.25, 1, 5, 30, 120};
constexpr double kMessageSeconds[]{0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 43200};
constexpr double kBytes[]{256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304};
constexpr double kBatch[]{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

constexpr MetricRow kTable[]{
    {"howdah_build_info", Gauge, "version,revision,compiler,schema_version",
     "Always 1; the build is in the labels, and the newest migration it knows"},

    // Requests
    {"howdah_requests_total", Counter, "action,protocol,code", "Finished API requests by HTTP status"},
    {"howdah_request_errors_total", Counter, "action,error", "Failed API requests by error code"},
    {"howdah_request_duration_seconds", Histogram, "action",
     "Time in the server, without the time a long poll was parked", kRequestSeconds},
    {"howdah_request_size_bytes", Histogram, "action", "Bodies of API requests", kBytes},
    {"howdah_response_size_bytes", Histogram, "action", "Bodies of API responses", kBytes},
    {"howdah_connections", Gauge, "", "Open HTTP connections"},
    {"howdah_connections_total", Counter, "", "HTTP connections accepted"},
    {"howdah_connections_rejected_total", Counter, "reason",
     "HTTP connections refused by a limit or a failed handshake"},
    {"howdah_auth_failures_total", Counter, "reason", "Requests refused for their signature, key or permissions"},
    {"howdah_throttled_total", Counter, "limit", "Requests or messages of a batch refused by the limit of a setting"},

    // Long polls and shared transactions
    {"howdah_receive_waiters", Gauge, "", "Long polls parked now"},
    {"howdah_receive_wait_seconds", Histogram, "", "How long long polls were parked", kWaitSeconds},
    {"howdah_wakeups_total", Counter, "source", "What woke parked long polls: local, notify, timer or poll"},
    {"howdah_batch_size", Histogram, "op", "Requests that shared one database transaction", kBatch},

    // Messages of all queues
    {"howdah_messages_sent_total", Counter, "", "Messages stored by sends"},
    {"howdah_messages_deduplicated_total", Counter, "",
     "Sends to FIFO queues answered with the first of their deduplication id"},
    {"howdah_messages_received_total", Counter, "", "Messages handed to receivers"},
    {"howdah_redeliveries_total", Counter, "", "Messages handed out that had been handed out before"},
    {"howdah_empty_receives_total", Counter, "", "Receives answered without a message"},
    {"howdah_messages_deleted_total", Counter, "", "Messages deleted by their receivers"},
    {"howdah_visibility_changes_total", Counter, "", "Visibility timeouts changed"},
    {"howdah_messages_dead_lettered_total", Counter, "reason",
     "Messages moved to a dead-letter queue, which a receive does that would exceed maxReceiveCount"},
    {"howdah_messages_redriven_total", Counter, "",
     "Messages moved by message move tasks, which one server carries out"},
    {"howdah_messages_expired_total", Counter, "", "Messages deleted for being older than their queue's retention"},
    {"howdah_messages_purged_total", Counter, "",
     "Messages of purged and deleted queues, counted when their rows are freed"},
    {"howdah_message_size_bytes", Histogram, "", "Body and attributes of accepted messages", kBytes},
    {"howdah_message_dwell_seconds", Histogram, "", "From a message's send to its first receive", kMessageSeconds},
    {"howdah_message_processing_seconds", Histogram, "", "From a message's last receive to its deletion",
     kMessageSeconds},

    // Queues
    {"howdah_queues", Gauge, "", "Queues there are, from the snapshot"},
    {"howdah_queues_created_total", Counter, "", "Queues created"},
    {"howdah_queues_deleted_total", Counter, "", "Queues deleted"},
    {"howdah_queues_purged_total", Counter, "", "Queues purged"},
    {"howdah_queue_info", Gauge, "queue,type,dead_letter_queue",
     "Always 1; the queue's type (standard, fifo) and where its dead letters go, from the snapshot"},
    {"howdah_queue_messages", Gauge, "queue,state",
     "Messages in the queue by state: visible, in_flight, delayed; from the snapshot"},
    {"howdah_queue_oldest_message_age_seconds", Gauge, "queue",
     "Age of the oldest message, 0 if there is none; from the snapshot"},
    {"howdah_queue_groups_in_flight", Gauge, "queue",
     "Message groups of a FIFO queue that have messages in flight; from the snapshot"},
    {"howdah_queue_messages_sent_total", Counter, "queue", "Messages of the queue stored by sends"},
    {"howdah_queue_message_bytes_total", Counter, "queue", "Bodies and attributes of the messages stored by sends"},
    {"howdah_queue_messages_deduplicated_total", Counter, "queue",
     "Sends that met the first of their deduplication id"},
    {"howdah_queue_messages_received_total", Counter, "queue", "Messages of the queue handed to receivers"},
    {"howdah_queue_messages_deleted_total", Counter, "queue", "Messages of the queue deleted by their receivers"},
    {"howdah_queue_messages_dead_lettered_total", Counter, "queue",
     "Messages that went from the queue to its dead-letter queue"},
    {"howdah_queue_empty_receives_total", Counter, "queue", "Receives from the queue answered without a message"},
    {"howdah_queue_dwell_seconds", Summary, "queue",
     "From the send to the first receive of the queue's messages; sum and count only"},
    {"howdah_queue_receive_waiters", Gauge, "queue", "Long polls of the queue parked now"},
    {"howdah_queue_metrics_dropped", Gauge, "",
     "Queues beyond metrics-queues-max, whose figures are added up under queue=\"_other\""},
    {"howdah_stats_snapshot_age_seconds", Gauge, "", "Time since the snapshot of queues and database was taken"},

    // Message move tasks
    {"howdah_move_tasks", Gauge, "status", "Message move tasks that are remembered, by status; from the snapshot"},
    {"howdah_move_task_messages", Gauge, "source,state",
     "Messages of active move tasks by source queue: moved so far, and to_move in all; from the snapshot"},

    // PostgreSQL as the server uses it
    {"howdah_db_up", Gauge, "", "1 while PostgreSQL answers"},
    {"howdah_db_connections", Gauge, "state", "The server's connections to PostgreSQL: open, and of those busy"},
    {"howdah_db_connection_wait_seconds", Histogram, "", "Time until a request had a connection to PostgreSQL",
     kPoolSeconds},
    {"howdah_db_query_duration_seconds", Histogram, "statement", "Time until PostgreSQL answered a statement",
     kQuerySeconds},
    {"howdah_db_errors_total", Counter, "sqlstate_class", "Failed statements by class of SQLSTATE"},
    {"howdah_db_reconnects_total", Counter, "", "Connections to PostgreSQL made anew after a loss"},
    {"howdah_db_transactions_retried_total", Counter, "op",
     "Transactions done again after a conflict or a lost answer"},

    // PostgreSQL's own health
    {"howdah_db_table_bytes", Gauge, "table", "Size of a table with its indexes and TOAST; from the snapshot"},
    {"howdah_db_live_tuples", Gauge, "table", "Rows of a table, as PostgreSQL estimates them; from the snapshot"},
    {"howdah_db_dead_tuples", Gauge, "table", "Dead rows of a table that vacuum has not freed; from the snapshot"},
    {"howdah_db_last_autovacuum_timestamp_seconds", Gauge, "table",
     "When autovacuum last finished a table, absent if never; from the snapshot"},
    {"howdah_db_oldest_xmin_age", Gauge, "",
     "Transactions since the oldest snapshot that holds vacuum back, of standbys without a slot only with "
     "pg_read_all_stats; from the snapshot"},
    {"howdah_db_oldest_transaction_seconds", Gauge, "",
     "Age of the oldest open transaction, of other roles only with pg_read_all_stats; from the snapshot"},
    {"howdah_db_xid_age", Gauge, "", "Transaction ids since the database was last frozen; from the snapshot"},
    {"howdah_db_multixact_age", Gauge, "", "Multixact ids since the database was last frozen; from the snapshot"},
    {"howdah_db_wal_bytes_total", Counter, "", "Write-ahead log that PostgreSQL has written; from the snapshot"},
    {"howdah_db_server_connections", Gauge, "", "Connections that PostgreSQL has, of all clients; from the snapshot"},
    {"howdah_db_server_connections_max", Gauge, "", "Connections that PostgreSQL allows; from the snapshot"},

    // The server itself
    {"howdah_maintenance_runs_total", Counter, "duty,result", "Rounds of elected background duties done here"},
    {"howdah_maintenance_duration_seconds", Histogram, "duty", "Time a round of a background duty took", kDutySeconds},
    {"howdah_maintenance_last_success_timestamp_seconds", Gauge, "duty", "When a background duty last succeeded here"},
    {"howdah_leader", Gauge, "duty", "1 on the server that holds the duty"},
    {"howdah_draining", Gauge, "", "1 while the server shuts down"},
    {"howdah_reloads_total", Counter, "what,result", "Files read again while the server ran: credentials, certificate"},
    {"howdah_certificate_expiry_timestamp_seconds", Gauge, "",
     "When the TLS certificate in use ends, absent without TLS"},
    {"howdah_threads", Gauge, "", "Threads of the server"},
    {"process_cpu_seconds_total", Counter, "", "User and system CPU time spent, in seconds"},
    {"process_start_time_seconds", Gauge, "", "Start of the process, in seconds since the Unix epoch"},
    {"process_virtual_memory_bytes", Gauge, "", "Virtual memory size, in bytes"},
    {"process_resident_memory_bytes", Gauge, "", "Resident memory size, in bytes"},
    {"process_open_fds", Gauge, "", "Open file descriptors"},
    {"process_max_fds", Gauge, "", "Limit of open file descriptors"},
};

}  // namespace

std::string_view typeName(MetricType type) {
  constexpr std::string_view kNames[]{"counter", "gauge", "histogram", "summary"};
  return kNames[static_cast<std::size_t>(type)];
}

std::span<const MetricRow> metricTable() { return kTable; }

const MetricRow* findMetricRow(std::string_view name) {
  const auto* const row = std::ranges::find(kTable, name, &MetricRow::name);
  return row == std::end(kTable) ? nullptr : row;
}

const MetricRow& metricRow(std::string_view name) {
  const MetricRow* const row = findMetricRow(name);
  if (row == nullptr) throw std::logic_error(fmt::format("no row in the table of metrics for {}", name));
  return *row;
}

std::string metricsMarkdown() {
  std::string table = "| Name | Type | Labels | Meaning |\n|---|---|---|---|\n";
  for (const MetricRow& row : kTable) {
    std::string labels = row.labels.empty() ? "" : "`";
    for (const char c : row.labels) labels += c == ',' ? "`, `" : std::string(1, c);
    if (!labels.empty()) labels += '`';
    table += fmt::format(
        "| `{}` | {} | {} | {}{} |\n", row.name, typeName(row.type), labels, row.help,
        row.buckets.empty() ? "" : fmt::format(" (up to {} … {})", row.buckets.front(), row.buckets.back()));
  }
  return table;
}

}  // namespace howdah::metrics
