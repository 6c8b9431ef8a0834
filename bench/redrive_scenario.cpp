// Move tasks: how fast?
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>

#include "bench/queue_run.h"
#include "bench/scenarios.h"

namespace howdah::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Moves dead letters back, with the highest rate that can be asked for and without one: how fast is a task?
class RedriveScenario {
 public:
  RedriveScenario(const Options& options, Report& report)
      : target_(options, report),
        dead_letters_(options, report),
        report_(report),
        target_arn_(arnOf(target_)),
        source_arn_(arnOf(dead_letters_)) {
    const std::string policy = fmt::format("{{\"deadLetterTargetArn\":\"{}\",\"maxReceiveCount\":1}}", source_arn_);
    ask("SetQueueAttributes",
        fmt::format("{{\"QueueUrl\":{},\"Attributes\":{{\"RedrivePolicy\":{}}}}}", target_.queue_url, quoted(policy)));
  }

  void run() {
    constexpr double kHighestRate = 500;
    dead_letters_.meter.begin();
    const auto limited = move(kHighestRate, ",\"MaxNumberOfMessagesPerSecond\":500");
    const auto unlimited = move(kHighestRate * 10, "");
    dead_letters_.meter.end();
    report_.figures = {{"moved a second, 500 asked for", limited}, {"moved a second, no limit", unlimited}};
    dead_letters_.meter.tell(report_);
    target_.book.swap(dead_letters_.book);  // what was sent to the one is received from the other
    target_.drain();
  }

 private:
  // Sends what `rate` moves in the seconds of the run, then times the task.
  double move(double rate, const char* limit) {
    auto wanted = static_cast<std::size_t>(rate * dead_letters_.options.seconds) / kBatch * kBatch;
    const std::size_t count = std::max(wanted, kBatch);
    asio::io_context context;
    Caller sender(dead_letters_, context, dead_letters_.endpoint);
    std::size_t sent = 0;
    std::function<void()> send = [&] {
      if (sent >= count) return;
      sender.send(kBatch, [&](bool ok, const Answer&) {
        sent += kBatch;
        if (ok) send();
      });
    };
    send();
    context.run();

    const auto started = Clock::now();
    ask("StartMessageMoveTask",
        fmt::format("{{\"SourceArn\":\"{}\",\"DestinationArn\":\"{}\"{}}}", source_arn_, target_arn_, limit));
    const auto patience =
        started + std::chrono::duration_cast<Clock::duration>(dead_letters_.options.seconds * 5s) + 30s;
    asio::steady_timer pause(context);
    while (Clock::now() < patience) {
      const auto tasks = ask("ListMessageMoveTasks", fmt::format("{{\"SourceArn\":\"{}\"}}", source_arn_));
      const auto list = listOf(tasks, "Results");
      if (!list.Empty() && list[0]["Status"].GetString() != std::string_view("RUNNING")) {
        const auto moved = list[0]["ApproximateNumberOfMessagesMoved"].GetUint64();
        if (moved != count) report_.violation(fmt::format("a task moved {} of {} messages", moved, count));
        report_.messages += moved;
        const double seconds = Seconds(Clock::now() - started).count();
        report_.seconds += seconds;
        return static_cast<double>(moved) / seconds;
      }
      pause.expires_after(20ms);
      pause.wait();
    }
    report_.violation("a move task did not end");
    return 0;
  }

  rapidjson::Document ask(std::string_view action, const std::string& json) {
    const auto answer = dead_letters_.now(action, json);
    rapidjson::Document document;
    document.Parse(answer.body.data(), answer.body.size());
    if (answer.status != 200) throw std::runtime_error(fmt::format("{}: {}", action, answer.error()));
    return document;
  }
  static std::string arnOf(QueueRun& run) {
    const auto answer = run.now("GetQueueAttributes",
                                fmt::format("{{\"QueueUrl\":{},\"AttributeNames\":[\"QueueArn\"]}}", run.queue_url));
    rapidjson::Document document;
    document.Parse(answer.body.data(), answer.body.size());
    if (answer.status != 200 || document.HasParseError())
      throw std::runtime_error("cannot read the ARN of a queue: " + answer.error());
    return document["Attributes"]["QueueArn"].GetString();
  }

  static constexpr std::size_t kBatch = 10;
  QueueRun target_, dead_letters_;
  Report& report_;
  const std::string target_arn_, source_arn_;
};

}  // namespace

void runRedrive(const Options& options, Report& report) { RedriveScenario(options, report).run(); }

}  // namespace howdah::bench
