// What the scenarios on an SQS endpoint share: a queue with the book of its messages, and connections whose calls are
// checked and counted.
#pragma once

#include <rapidjson/document.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/message_book.h"
#include "bench/sqs_connection.h"
#include "bench/usage_meter.h"

namespace howdah::bench {

inline constexpr std::chrono::seconds kVisibilityTimeout{30};
inline constexpr std::chrono::seconds kLongestPoll{20};

inline Clock::time_point after(Clock::time_point start, double seconds) {
  return start + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

std::string quoted(std::string_view text);  // as a JSON string

// Nothing where the answer leaves the list out.
rapidjson::Value::ConstArray listOf(const rapidjson::Document& answer, const char* name);

class QueueRun {
 public:
  QueueRun(const Options& o, Report& r, bool is_fifo = false);
  ~QueueRun();
  QueueRun(const QueueRun&) = delete;
  QueueRun& operator=(const QueueRun&) = delete;

  int serverProcess() const { return server_pid_; }
  int postgresProcess() const { return postgresPid(); }

  // Lets `context` run, and measures between warm-up and end.
  void measure(boost::asio::io_context& context);
  bool isOver() const { return Clock::now() >= measure_to; }

  // Counts a call. False if it failed.
  bool note(const char* kind, const Answer& answer);
  void countMessages(std::size_t count, const Answer& answer) {
    if (answer.answered >= measure_from && answer.answered < measure_to) report.messages += count;
  }
  bool isMeasured(const Answer& answer) const { return answer.asked >= measure_from && answer.answered < measure_to; }

  std::size_t groupOf(std::uint64_t number) const {
    return (number * 0x9e3779b97f4a7c15 >> 33) % static_cast<std::uint64_t>(options.groups);
  }
  // Whoever has a group's next message has deleted the ones before: a client sees each group in order.
  void noteOrder(std::uint64_t number, std::string sequence_number);

  // One call on a connection of its own, waited for.
  Answer now(std::string_view action, const std::string& json);

  // Receives and deletes what is left, then tells what is missing.
  void drain();

  const Options& options;
  Report& report;
  const Endpoint endpoint;
  const bool fifo;

 private:
  const int server_pid_;

 public:
  UsageMeter meter;
  std::unique_ptr<MessageBook> book;
  std::string queue_url;  // as a JSON string
  Clock::time_point measure_from = Clock::time_point::max();
  Clock::time_point measure_to = Clock::time_point::max();

 private:
  int serverPid() const {
    if (options.server_pid != 0 || !endpoint.address.address().is_loopback()) return options.server_pid;
    return processListeningOn(endpoint.address.port());
  }
  int postgresPid() const { return options.postgres_pid != 0 ? options.postgres_pid : postmasterBelow(server_pid_); }

  void createQueue();

  Seconds visibility_timeout_ = kVisibilityTimeout;
  std::unordered_map<std::size_t, std::string> last_of_group_;  // sequence numbers
};

struct Received {
  std::int64_t number;  // -1: not ours
  std::string receipt_handle;
};

// One connection's calls, each checked and counted.
class Caller {
 public:
  Caller(QueueRun& run, boost::asio::io_context& context, const Endpoint& endpoint)
      : run_(run), connection_(context, endpoint) {}

  // `then(ok)` in each: false if the call failed.
  void send(std::size_t count, std::function<void(bool, const Answer&)> then);

  void receive(std::size_t count, std::chrono::seconds wait,
               std::function<void(bool, const Answer&, std::vector<Received>)> then);

  void remove(const std::vector<Received>& messages, std::function<void(bool, const Answer&)> then);

 private:
  // The Ids of a batch's answer; what failed is counted as errors, what is missing is a violation.
  std::vector<std::size_t> successfulIds(Answer& answer, std::size_t count);

  std::vector<Received> readMessages(const Answer& answer);

  QueueRun& run_;
  SqsConnection connection_;
};

}  // namespace howdah::bench
