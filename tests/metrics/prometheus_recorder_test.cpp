#include "metrics/prometheus_recorder.h"

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace howdah::metrics {
namespace {

using namespace std::chrono_literals;

struct Scrape {
  std::map<std::string, std::string> types;  // family -> type
  std::map<std::string, double> samples;     // name{labels} -> value
  std::set<std::string> families_with_samples;
};

// Reads Prometheus' text format 0.0.4 as strictly as its documentation states it; whatever is odd fails the test.
Scrape parse(const std::string& text) {
  static const std::regex comment(R"re(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))re");
  static const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*",?)+\})? (\S+))re");
  Scrape scrape;
  std::set<std::string> helped;
  EXPECT_TRUE(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      if (match[1] == "HELP") {
        EXPECT_TRUE(helped.insert(match[2]).second) << "second HELP: " << line;
      } else {
        EXPECT_TRUE(scrape.types.emplace(match[2], match[3]).second) << "second TYPE: " << line;
      }
      continue;
    }
    const bool is_sample = std::regex_match(line, match, sample);
    EXPECT_TRUE(is_sample) << "neither comment nor sample: " << line;
    if (!is_sample) continue;
    std::string family = match[1];
    for (std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      const std::string base = family.substr(0, family.size() - std::min(family.size(), suffix.size()));
      if (family.ends_with(suffix) && scrape.types.contains(base) &&
          (scrape.types[base] == "histogram" || scrape.types[base] == "summary")) {
        family = base;
      }
    }
    EXPECT_TRUE(scrape.types.contains(family)) << "sample before its TYPE: " << line;
    EXPECT_TRUE(helped.contains(family)) << "no HELP: " << line;
    EXPECT_EQ(scrape.types[family] == "counter", family.ends_with("_total")) << line;
    scrape.families_with_samples.insert(family);
    std::string series = match[1].str() + match[2].str();
    EXPECT_TRUE(scrape.samples.emplace(series, std::stod(match[5])).second) << "twice: " << line;
  }
  return scrape;
}

class PrometheusRecorderTest : public testing::Test {
 protected:
  double value(const std::string& series) {
    const Scrape scrape = parse(recorder.render());
    const auto found = scrape.samples.find(series);
    if (found == scrape.samples.end()) {
      ADD_FAILURE() << "no series " << series;
      return -1;
    }
    return found->second;
  }

  PrometheusRecorder recorder{{"1.2.3", "abc"}};
};

TEST_F(PrometheusRecorderTest, EveryReportBecomesItsSeries) {
  recorder.requestFinished("SendMessage", "json", 200, "", 2ms, 100, 200);
  recorder.requestFinished("SendMessage", "json", 400, "InvalidParameterValue", 2ms, 100, 200);
  recorder.connectionOpened();
  recorder.connectionOpened();
  recorder.connectionClosed();
  recorder.connectionRejected("limit");
  const QueueCountsPtr queue = recorder.queueCounts("000000000000", "q");
  recorder.authenticationFailed("SignatureDoesNotMatch");
  recorder.certificateEnds(std::chrono::sys_seconds(2'000'000'000s));
  recorder.reloaded("credentials", false);
  recorder.messageSent(*queue, 1000);
  recorder.messageSent(*queue, 500);
  recorder.messageDeduplicated(*queue);
  recorder.messagesReceived(*queue, 9);
  recorder.messageFirstReceived(*queue, 250ms);
  recorder.messagesRedelivered(3);
  recorder.emptyReceive(*queue);
  recorder.messageDeleted(*queue, 4s);
  recorder.messageDeleted(*queue, std::nullopt);
  recorder.messagesDeadLettered(*queue, 21);
  recorder.messagesRedriven(24);
  recorder.messagesExpired(22);
  recorder.messagesPurged(25);
  recorder.throttled("in_flight");
  recorder.retried("send_fifo");
  recorder.databaseConnectionAwaited(1ms);
  recorder.visibilityChanged(7);
  recorder.queuePurged();
  recorder.queueCreated();
  recorder.queueDeleted("000000000000", "other");
  recorder.coalesced("send", 5);
  recorder.receiveParked(*queue);
  recorder.receiveParked(*queue);
  recorder.receiveUnparked(*queue, 3s);
  recorder.woken(WakeSource::Local);
  recorder.woken(WakeSource::Notify);
  recorder.woken(WakeSource::Timer);
  recorder.woken(WakeSource::Poll);
  recorder.statementFinished("send_standard", 1ms);
  recorder.databaseError("40");
  recorder.databaseConnections("open", 6);
  recorder.databaseReconnected();
  recorder.databaseUp(true);
  recorder.dutyFinished("sweep", true, 20ms);
  recorder.dutyFinished("sweep", false, 20ms);
  recorder.dutyHeld("sweep", true);
  recorder.draining(true);

  const Scrape scrape = parse(recorder.render());
  const std::map<std::string, double> expected{
      {"howdah_requests_total{action=\"SendMessage\",code=\"200\",protocol=\"json\"}", 1},
      {"howdah_requests_total{action=\"SendMessage\",code=\"400\",protocol=\"json\"}", 1},
      {"howdah_request_errors_total{action=\"SendMessage\",error=\"InvalidParameterValue\"}", 1},
      {"howdah_request_duration_seconds_count{action=\"SendMessage\"}", 2},
      {"howdah_request_duration_seconds_bucket{action=\"SendMessage\",le=\"0.001\"}", 0},
      {"howdah_request_duration_seconds_bucket{action=\"SendMessage\",le=\"0.0025\"}", 2},
      {"howdah_request_size_bytes_sum{action=\"SendMessage\"}", 200},
      {"howdah_response_size_bytes_sum{action=\"SendMessage\"}", 400},
      {"howdah_connections", 1},
      {"howdah_connections_total", 2},
      {"howdah_connections_rejected_total{reason=\"limit\"}", 1},
      {"howdah_auth_failures_total{reason=\"SignatureDoesNotMatch\"}", 1},
      {"howdah_certificate_expiry_timestamp_seconds", 2e9},
      {"howdah_reloads_total{result=\"failure\",what=\"credentials\"}", 1},
      {"howdah_messages_sent_total", 2},
      {"howdah_messages_deduplicated_total", 1},
      {"howdah_message_size_bytes_sum", 1500},
      {"howdah_message_dwell_seconds_sum", 0.25},
      {"howdah_redeliveries_total", 3},
      {"howdah_message_processing_seconds_sum", 4},
      {"howdah_message_processing_seconds_count", 1},
      {"howdah_messages_redriven_total", 24},
      {"howdah_messages_purged_total", 25},
      {"howdah_throttled_total{limit=\"in_flight\"}", 1},
      {"howdah_db_transactions_retried_total{op=\"send_fifo\"}", 1},
      {"howdah_db_connection_wait_seconds_count", 1},
      {"howdah_queue_messages_sent_total{queue=\"q\"}", 2},
      {"howdah_queue_message_bytes_total{queue=\"q\"}", 1500},
      {"howdah_queue_messages_deduplicated_total{queue=\"q\"}", 1},
      {"howdah_queue_messages_received_total{queue=\"q\"}", 9},
      {"howdah_queue_messages_deleted_total{queue=\"q\"}", 2},
      {"howdah_queue_messages_dead_lettered_total{queue=\"q\"}", 21},
      {"howdah_queue_empty_receives_total{queue=\"q\"}", 1},
      {"howdah_queue_dwell_seconds_sum{queue=\"q\"}", 0.25},
      {"howdah_queue_dwell_seconds_count{queue=\"q\"}", 1},
      {"howdah_queue_receive_waiters{queue=\"q\"}", 1},
      {"howdah_messages_received_total", 9},
      {"howdah_empty_receives_total", 1},
      {"howdah_messages_deleted_total", 2},
      {"howdah_messages_dead_lettered_total{reason=\"max_receive\"}", 21},
      {"howdah_messages_expired_total", 22},
      {"howdah_visibility_changes_total", 7},
      {"howdah_queues_purged_total", 1},
      {"howdah_queues_created_total", 1},
      {"howdah_queues_deleted_total", 1},
      {"howdah_batch_size_sum{op=\"send\"}", 5},
      {"howdah_receive_waiters", 1},
      {"howdah_receive_wait_seconds_sum", 3},
      {"howdah_wakeups_total{source=\"local\"}", 1},
      {"howdah_wakeups_total{source=\"notify\"}", 1},
      {"howdah_wakeups_total{source=\"timer\"}", 1},
      {"howdah_wakeups_total{source=\"poll\"}", 1},
      {"howdah_db_query_duration_seconds_count{statement=\"send_standard\"}", 1},
      {"howdah_db_errors_total{sqlstate_class=\"40\"}", 1},
      {"howdah_db_connections{state=\"open\"}", 6},
      {"howdah_db_reconnects_total", 1},
      {"howdah_db_up", 1},
      {"howdah_maintenance_runs_total{duty=\"sweep\",result=\"success\"}", 1},
      {"howdah_maintenance_runs_total{duty=\"sweep\",result=\"failure\"}", 1},
      {"howdah_maintenance_duration_seconds_count{duty=\"sweep\"}", 2},
      {"howdah_leader{duty=\"sweep\"}", 1},
      {"howdah_draining", 1},
  };
  for (const auto& [series, value] : expected) {
    const auto found = scrape.samples.find(series);
    ASSERT_NE(found, scrape.samples.end()) << series << "\n" << recorder.render();
    EXPECT_EQ(found->second, value) << series;
  }
  EXPECT_GT(scrape.samples.at("howdah_maintenance_last_success_timestamp_seconds{duty=\"sweep\"}"), 1.7e9);
}

TEST_F(PrometheusRecorderTest, BuildAndProcessAreToldBeforeAnyRequest) {
  const Scrape scrape = parse(recorder.render());
  for (const char* family : {"howdah_build_info", "howdah_threads", "howdah_draining", "howdah_db_up",
                             "process_cpu_seconds_total", "process_start_time_seconds", "process_resident_memory_bytes",
                             "process_virtual_memory_bytes", "process_open_fds", "process_max_fds"}) {
    EXPECT_TRUE(scrape.families_with_samples.contains(family)) << family;
  }
  EXPECT_GE(scrape.samples.at("howdah_threads"), 1);
  EXPECT_GT(scrape.samples.at("process_resident_memory_bytes"), 1'000'000);
  EXPECT_LT(scrape.samples.at("process_resident_memory_bytes"), 4e9);
  EXPECT_NEAR(scrape.samples.at("process_start_time_seconds"), static_cast<double>(time(nullptr)), 86400);
}

TEST_F(PrometheusRecorderTest, LabelsThatClientsChooseFallIntoAClosedSet) {
  for (int i = 0; i < 1000; ++i) {
    const std::string any = "made-up-" + std::to_string(i);
    recorder.requestFinished(any, any, 600 + i, any, 1ms, 0, 0);
    recorder.connectionRejected(any);
    recorder.statementFinished(any, 1ms);
  }
  const Scrape scrape = parse(recorder.render());
  EXPECT_EQ(scrape.samples.at("howdah_requests_total{action=\"unknown\",code=\"other\",protocol=\"unknown\"}"), 1000);
  EXPECT_GT(scrape.samples.at("howdah_request_errors_total{action=\"unknown\",error=\"other\"}"), 800);
  EXPECT_GT(scrape.samples.at("howdah_connections_rejected_total{reason=\"other\"}"), 800);
  EXPECT_LT(scrape.samples.size(), 4000U);
}

TEST_F(PrometheusRecorderTest, LabelValuesAreEscaped) {
  recorder.connectionRejected("a\"b\\c\nd");
  parse(recorder.render());
}

TEST_F(PrometheusRecorderTest, NothingIsLostWhenManyThreadsReportAndScrape) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        recorder.requestFinished("DeleteMessage", "json", 200, i % 2 ? "ReceiptHandleIsInvalid" : "", 1ms, 1, 1);
        recorder.coalesced("delete", 1);
        if (i % 250 == 0) recorder.render();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(value("howdah_requests_total{action=\"DeleteMessage\",code=\"200\",protocol=\"json\"}"), 4000);
  EXPECT_EQ(value("howdah_request_errors_total{action=\"DeleteMessage\",error=\"ReceiptHandleIsInvalid\"}"), 2000);
  EXPECT_EQ(value("howdah_batch_size_count{op=\"delete\"}"), 4000);
}

}  // namespace
}  // namespace howdah::metrics
