#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <random>
#include <stdexcept>
#include <unordered_map>

#include "bench/message_book.h"
#include "bench/scenarios.h"
#include "bench/sqs_connection.h"
#include "bench/usage_meter.h"

namespace howdah::bench {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr auto kVisibilityTimeout = 30s;
constexpr auto kLongestPoll = 20s;

Clock::time_point after(Clock::time_point start, double seconds) {
  return start + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

std::string quoted(std::string_view text) {
  rapidjson::StringBuffer out;
  rapidjson::Writer(out).String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return out.GetString();
}

// Nothing where the answer leaves the list out.
rapidjson::Value::ConstArray listOf(const rapidjson::Document& answer, const char* name) {
  static const rapidjson::Value kNone(rapidjson::kArrayType);
  return answer.HasMember(name) && answer[name].IsArray() ? answer[name].GetArray() : kNone.GetArray();
}

// A queue on an endpoint and what is known about its messages.
class QueueRun {
 public:
  QueueRun(const Options& o, Report& r, bool is_fifo = false)
      : options(o),
        report(r),
        endpoint(o.endpoint, o),
        fifo(is_fifo),
        server_pid_(serverPid()),
        meter(server_pid_, postgresPid()) {
    createQueue();
    book = std::make_unique<MessageBook>(options.body_bytes, visibility_timeout_, report);
  }
  ~QueueRun() {
    if (options.queue.empty()) now("DeleteQueue", fmt::format("{{\"QueueUrl\":{}}}", queue_url));
  }
  QueueRun(const QueueRun&) = delete;
  QueueRun& operator=(const QueueRun&) = delete;

  int serverProcess() const { return server_pid_; }

  // Lets `context` run, and measures between warm-up and end.
  void measure(asio::io_context& context) {
    const auto start = Clock::now();
    measure_from = after(start, options.warmup_seconds);
    measure_to = after(measure_from, options.seconds);
    asio::steady_timer begin(context, measure_from), end(context, measure_to);
    begin.async_wait([this](error_code) { meter.begin(); });
    end.async_wait([this](error_code) { meter.end(); });
    context.run();
    report.seconds = options.seconds;
    meter.tell(report);
  }
  bool isOver() const { return Clock::now() >= measure_to; }

  // Counts a call. False if it failed.
  bool note(const char* kind, const Answer& answer) {
    if (answer.status != 200) {
      ++report.errors[answer.error()];
      return false;
    }
    if (isMeasured(answer)) report.calls[kind].add(answer.answered - answer.asked);
    return true;
  }
  void countMessages(std::size_t count, const Answer& answer) {
    if (answer.answered >= measure_from && answer.answered < measure_to) report.messages += count;
  }
  bool isMeasured(const Answer& answer) const { return answer.asked >= measure_from && answer.answered < measure_to; }

  std::size_t groupOf(std::uint64_t number) const {
    return (number * 0x9e3779b97f4a7c15 >> 33) % static_cast<std::uint64_t>(options.groups);
  }
  // Whoever has a group's next message has deleted the ones before: a client sees each group in order.
  void noteOrder(std::uint64_t number, std::string sequence_number) {
    auto& last = last_of_group_[groupOf(number)];
    if (sequence_number <= last)
      report.violation(fmt::format("message {} came after one of its group that was sent later", number));
    last = std::move(sequence_number);
  }

  // One call on a connection of its own, waited for.
  Answer now(std::string_view action, const std::string& json) {
    asio::io_context context;
    SqsConnection connection(context, endpoint);
    Answer result;
    connection.call(action, json, [&](Answer& answer) { result = std::move(answer); });
    context.run();
    return result;
  }

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

  void createQueue() {
    const bool own = options.queue.empty();
    const std::string name =
        own ? fmt::format("howdah-bench-{:08x}{}", std::random_device{}(), fifo ? ".fifo" : "") : options.queue;
    const std::string timeout =
        own ? fmt::format("\"VisibilityTimeout\":\"{}\"{}", kVisibilityTimeout.count(), fifo ? "," : "") : "";
    const std::string attributes = timeout + (fifo ? "\"FifoQueue\":\"true\"" : "");
    const auto created =
        now("CreateQueue", fmt::format("{{\"QueueName\":{},\"Attributes\":{{{}}}}}", quoted(name), attributes));
    rapidjson::Document document;
    document.Parse(created.body.data(), created.body.size());
    if (created.status != 200 || document.HasParseError() || !document.HasMember("QueueUrl"))
      throw std::runtime_error("cannot create queue " + name + ": " + created.error());
    queue_url = quoted(document["QueueUrl"].GetString());
    if (own) return;
    const auto got = now("GetQueueAttributes",
                         fmt::format("{{\"QueueUrl\":{},\"AttributeNames\":[\"VisibilityTimeout\"]}}", queue_url));
    document.Parse(got.body.data(), got.body.size());
    if (got.status != 200 || document.HasParseError() || !document.HasMember("Attributes"))
      throw std::runtime_error("cannot read the visibility timeout of queue " + name + ": " + got.error());
    visibility_timeout_ = Seconds(std::stod(document["Attributes"]["VisibilityTimeout"].GetString()));
  }

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
  Caller(QueueRun& run, asio::io_context& context, const Endpoint& endpoint)
      : run_(run), connection_(context, endpoint) {}

  // `then(ok)` in each: false if the call failed.
  void send(std::size_t count, std::function<void(bool, const Answer&)> then) {
    std::vector<std::uint64_t> numbers(count);
    if (count == 1) {
      const std::string body = run_.book->compose(numbers[0]);
      connection_.call("SendMessage", fmt::format("{{\"QueueUrl\":{},\"MessageBody\":\"{}\"}}", run_.queue_url, body),
                       [this, number = numbers[0], then = std::move(then)](Answer& answer) {
                         const bool ok = run_.note("SendMessage", answer);
                         if (ok) run_.book->sent(number);
                         then(ok, answer);
                       });
      return;
    }
    std::string entries;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string body = run_.book->compose(numbers[i]);
      entries += fmt::format("{}{{\"Id\":\"{}\",\"MessageBody\":\"{}\"", i == 0 ? "" : ",", i, body);
      if (run_.fifo)
        entries += fmt::format(",\"MessageGroupId\":\"{}\",\"MessageDeduplicationId\":\"{}\"", run_.groupOf(numbers[i]),
                               body.substr(0, body.rfind(':')));
      entries += '}';
    }
    connection_.call("SendMessageBatch", fmt::format("{{\"QueueUrl\":{},\"Entries\":[{}]}}", run_.queue_url, entries),
                     [this, numbers = std::move(numbers), then = std::move(then)](Answer& answer) {
                       const bool ok = run_.note("SendMessageBatch", answer);
                       if (ok)
                         for (const auto id : successfulIds(answer, numbers.size())) run_.book->sent(numbers[id]);
                       then(ok, answer);
                     });
  }

  void receive(std::size_t count, std::chrono::seconds wait,
               std::function<void(bool, const Answer&, std::vector<Received>)> then) {
    connection_.call(
        "ReceiveMessage",
        fmt::format("{{\"QueueUrl\":{},\"MaxNumberOfMessages\":{},\"WaitTimeSeconds\":{}{}}}", run_.queue_url, count,
                    wait.count(), run_.fifo ? ",\"MessageSystemAttributeNames\":[\"SequenceNumber\"]" : ""),
        [this, then = std::move(then)](Answer& answer) {
          const bool ok = run_.note("ReceiveMessage", answer);
          then(ok, answer, ok ? readMessages(answer) : std::vector<Received>());
        });
  }

  void remove(const std::vector<Received>& messages, std::function<void(bool, const Answer&)> then) {
    std::vector<std::int64_t> numbers;
    for (const auto& message : messages) numbers.push_back(message.number);
    if (messages.size() == 1) {
      connection_.call(
          "DeleteMessage",
          fmt::format("{{\"QueueUrl\":{},\"ReceiptHandle\":{}}}", run_.queue_url, quoted(messages[0].receipt_handle)),
          [this, number = numbers[0], then = std::move(then)](Answer& answer) {
            const bool ok = run_.note("DeleteMessage", answer);
            if (ok) run_.book->deleted(number, answer.answered);
            then(ok, answer);
          });
      return;
    }
    std::string entries;
    for (std::size_t i = 0; i < messages.size(); ++i)
      entries += fmt::format("{}{{\"Id\":\"{}\",\"ReceiptHandle\":{}}}", i == 0 ? "" : ",", i,
                             quoted(messages[i].receipt_handle));
    connection_.call("DeleteMessageBatch", fmt::format("{{\"QueueUrl\":{},\"Entries\":[{}]}}", run_.queue_url, entries),
                     [this, numbers = std::move(numbers), then = std::move(then)](Answer& answer) {
                       const bool ok = run_.note("DeleteMessageBatch", answer);
                       if (ok)
                         for (const auto id : successfulIds(answer, numbers.size()))
                           run_.book->deleted(numbers[id], answer.answered);
                       then(ok, answer);
                     });
  }

 private:
  // The Ids of a batch's answer; what failed is counted as errors, what is missing is a violation.
  std::vector<std::size_t> successfulIds(Answer& answer, std::size_t count) {
    rapidjson::Document document;
    document.ParseInsitu(answer.body.data());
    std::vector<std::size_t> ids;
    std::size_t failed = 0;
    if (!document.HasParseError() && document.IsObject()) {
      for (const auto& entry : listOf(document, "Successful")) {
        const std::size_t id = std::stoul(entry["Id"].GetString());
        if (id < count) ids.push_back(id);
      }
      for (const auto& entry : listOf(document, "Failed")) {
        ++run_.report.errors[entry["Code"].GetString()];
        ++failed;
      }
    }
    if (ids.size() + failed != count)
      run_.report.violation(fmt::format("a batch of {} was answered for {} entries", count, ids.size() + failed));
    return ids;
  }

  std::vector<Received> readMessages(const Answer& answer) {
    std::string body = answer.body;
    rapidjson::Document document;
    document.ParseInsitu(body.data());
    std::vector<Received> messages;
    if (document.HasParseError() || !document.IsObject()) {
      run_.report.violation("a receive was answered with something that is no JSON object");
      return messages;
    }
    for (const auto& message : listOf(document, "Messages")) {
      const auto& text = message["Body"];
      messages.push_back(
          {run_.book->received({text.GetString(), text.GetStringLength()}, answer.asked, answer.answered),
           message["ReceiptHandle"].GetString()});
      if (run_.fifo && messages.back().number >= 0)
        run_.noteOrder(static_cast<std::uint64_t>(messages.back().number),
                       message["Attributes"]["SequenceNumber"].GetString());
    }
    return messages;
  }

  QueueRun& run_;
  SqsConnection connection_;
};

void QueueRun::drain() {
  const auto measured_until = std::exchange(measure_to, Clock::time_point::min());  // nothing of this is measured
  auto last_progress = Clock::now();
  const auto patience = std::chrono::duration_cast<Clock::duration>(visibility_timeout_) + 5s;
  asio::io_context context;
  std::vector<std::unique_ptr<Caller>> callers;
  std::function<void(Caller&)> step = [&](Caller& caller) {
    if (book->outstanding() == 0 || Clock::now() > last_progress + patience) return;
    caller.receive(10, 1s, [&](bool ok, const Answer&, std::vector<Received> messages) {
      if (!ok) return;
      if (messages.empty()) return step(caller);
      last_progress = Clock::now();
      caller.remove(messages, [&](bool removed, const Answer&) {
        if (removed) step(caller);
      });
    });
  };
  for (int i = 0; i < std::min(options.connections, 16); ++i) {
    callers.push_back(std::make_unique<Caller>(*this, context, endpoint));
    step(*callers.back());
  }
  context.run();
  book->reportLost();
  // One more look: anything that comes now was not in the book.
  context.restart();
  callers.front()->receive(10, 0s, [](bool, const Answer&, const std::vector<Received>&) {});
  context.run();
  measure_to = measured_until;
}

void runLoad(const Options& options, Report& report, std::size_t batch, bool whole_lifecycle, bool fifo = false) {
  QueueRun run(options, report, fifo);
  asio::io_context context;
  std::vector<std::unique_ptr<Caller>> callers;
  std::function<void(Caller&)> step = [&](Caller& caller) {
    if (run.isOver()) return;
    caller.send(batch, [&](bool sent, const Answer& send_answer) {
      if (!sent) return;
      if (!whole_lifecycle) {
        run.countMessages(batch, send_answer);
        return step(caller);
      }
      caller.receive(batch, 1s, [&](bool received, const Answer&, const std::vector<Received>& messages) {
        if (!received) return;
        if (messages.empty()) return step(caller);
        caller.remove(messages, [&, count = messages.size()](bool removed, const Answer& remove_answer) {
          if (!removed) return;
          run.countMessages(count, remove_answer);
          step(caller);
        });
      });
    });
  };
  for (int i = 0; i < options.connections; ++i) {
    callers.push_back(std::make_unique<Caller>(run, context, run.endpoint));
    asio::post(context, [&step, &caller = *callers.back()] { step(caller); });
  }
  run.measure(context);
  run.drain();
}

// One group, so one receive at a time has anything: what a second consumer would add is empty looks.
class HotGroupScenario {
 public:
  HotGroupScenario(const Options& options, Report& report)
      : run_(options, report, true), sender_(run_, context_, run_.endpoint), consumer_(run_, context_, run_.endpoint) {}

  void run() {
    send();
    consume();
    run_.measure(context_);
    run_.drain();
  }

 private:
  static constexpr std::size_t kBatch = 10;

  void send() {
    sending_ = !run_.isOver() && waiting_ < kHotBacklog;
    if (!sending_) return;
    sender_.send(kBatch, [this](bool ok, const Answer&) {
      waiting_ += kBatch;
      sending_ = ok;
      if (ok) send();
    });
  }
  void consume() {
    if (run_.isOver()) return;
    consumer_.receive(kBatch, 1s, [this](bool received, const Answer&, const std::vector<Received>& messages) {
      if (!received) return;
      if (messages.empty()) return consume();
      consumer_.remove(messages, [this, count = messages.size()](bool removed, const Answer& answer) {
        if (!removed) return;
        run_.countMessages(count, answer);
        waiting_ -= std::min(waiting_, count);
        if (!sending_) send();
        consume();
      });
    });
  }

  QueueRun run_;
  asio::io_context context_;
  Caller sender_, consumer_;
  std::size_t waiting_ = 0;  // as far as their senders were told
  bool sending_ = false;
};

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

// One message at a time, so that each wake is one of a queue where every receiver is parked.
class WakeScenario {
 public:
  WakeScenario(const Options& options, Report& report)
      : run_(options, report),
        sender_endpoint_(options.sender_endpoint.empty() ? options.endpoint : options.sender_endpoint, options),
        sender_(run_, context_, sender_endpoint_),
        pause_(context_) {
    for (int i = 0; i < options.connections; ++i)
      receivers_.push_back(std::make_unique<Caller>(run_, context_, run_.endpoint));
  }

  void run() {
    for (const auto& receiver : receivers_) park(*receiver);
    pauseAndSend(200ms);
    run_.measure(context_);
    receivers_.clear();
    run_.drain();
  }

 private:
  void park(Caller& receiver) {
    receiver.receive(1, kLongestPoll, [&](bool ok, const Answer& answer, const std::vector<Received>& messages) {
      if (!ok) return;
      if (messages.empty()) return park(receiver);
      received_ = answer;
      receiver.remove(messages, [&](bool removed, const Answer&) {
        removed_ = true;
        if (removed) park(receiver);
        finishRound();
      });
    });
  }

  // Long enough for the receiver to be parked again, and never in step with anything.
  void pauseAndSend(std::chrono::milliseconds pause) {
    pause_.expires_after(pause);
    pause_.async_wait([this](error_code) {
      if (run_.isOver()) return context_.stop();
      received_.reset();
      sent_.reset();
      removed_ = false;
      // A wake that never comes is found at the end of the poll; a lost message only by this.
      pause_.expires_after(kLongestPoll + 5s);
      pause_.async_wait([this](error_code error) {
        if (error) return;
        run_.report.violation("a message was not received by any of the parked receivers");
        context_.stop();
      });
      sender_.send(1, [this](bool ok, const Answer& answer) {
        if (!ok) return context_.stop();
        sent_ = answer;
        finishRound();
      });
    });
  }

  void finishRound() {
    if (!sent_ || !received_ || !removed_) return;
    if (sent_->asked >= run_.measure_from && received_->answered < run_.measure_to) {
      run_.report.calls["wake, from send answered"].add(received_->answered - sent_->answered);
      run_.report.calls["wake, from send asked"].add(received_->answered - sent_->asked);
      run_.countMessages(1, *received_);
    }
    pauseAndSend(5ms + std::chrono::milliseconds(random_() % 16));
  }

  QueueRun run_;
  asio::io_context context_;
  const Endpoint sender_endpoint_;
  Caller sender_;
  std::vector<std::unique_ptr<Caller>> receivers_;
  asio::steady_timer pause_;
  std::mt19937 random_;
  std::optional<Answer> sent_, received_;
  bool removed_ = false;
};

// Opens all polls within a second or two, so that there is a long stretch in which none of them ends.
class ParkedScenario {
 public:
  ParkedScenario(const Options& options, Report& report)
      : run_(options, report), report_(report), pid_(run_.serverProcess()), timer_(context_) {
    if (pid_ == 0) throw std::runtime_error("cannot find the server's process; name it with --server-pid");
  }

  void run() {
    before_ = residentBytesOf(pid_);
    started_ = Clock::now();
    open();
    context_.run();
    report_.figures = {
        {"parked polls", static_cast<double>(pollers_.size())},
        {"server RSS before, MB", before_.value_or(0) / 1e6},
        {"server RSS with all parked, MB", parked_.value_or(0) / 1e6},
        {"RSS a parked poll, bytes",
         (parked_.value_or(0) - before_.value_or(0)) / static_cast<double>(pollers_.size())},
        {"polls that ended between the looks", static_cast<double>(ended_while_quiet_)},
        {"server CPU between polls, of a core", quiet_cpu_},
        {"server CPU with renewals, of a core", whole_cpu_},
    };
    report_.seconds = Seconds(Clock::now() - started_).count();
  }

 private:
  void open() {
    constexpr std::size_t kAtOnce = 64;
    for (std::size_t i = 0; i < kAtOnce && pollers_.size() < static_cast<std::size_t>(run_.options.connections); ++i) {
      pollers_.push_back(std::make_unique<Caller>(run_, context_, run_.endpoint));
      poll(*pollers_.back());
    }
    if (pollers_.size() < static_cast<std::size_t>(run_.options.connections)) {
      wait(Clock::now() + 4ms, [this] { open(); });
    } else {
      wait(Clock::now() + 3s, [this] { beginQuiet(); });
    }
  }

  void poll(Caller& poller) {
    poller.receive(1, kLongestPoll, [&](bool ok, const Answer&, const std::vector<Received>& messages) {
      ++ended_;
      if (!ok || over_) return;
      if (!messages.empty()) report_.violation("a parked poll received a message that nobody sent");
      poll(poller);
    });
  }

  void beginQuiet() {
    parked_ = residentBytesOf(pid_);
    quiet_since_ = Clock::now();
    quiet_from_ = cpuOf(pid_);
    ended_while_quiet_ = ended_;
    wait(std::max(started_ + kLongestPoll - 1s, quiet_since_ + 1s), [this] { endQuiet(); });
  }
  void endQuiet() {
    quiet_cpu_ = share(quiet_since_);
    ended_while_quiet_ = ended_ - ended_while_quiet_;
    wait(quiet_since_ + kLongestPoll, [this] {
      whole_cpu_ = share(quiet_since_);
      over_ = true;
      context_.stop();
    });
  }
  double share(Clock::time_point since) {
    return (cpuOf(pid_).value_or(0) - quiet_from_.value_or(0)) / Seconds(Clock::now() - since).count();
  }

  void wait(Clock::time_point until, std::function<void()> then) {
    timer_.expires_at(until);
    timer_.async_wait([then = std::move(then)](error_code error) {
      if (!error) then();
    });
  }

  QueueRun run_;
  Report& report_;
  const int pid_;
  asio::io_context context_;
  asio::steady_timer timer_;
  std::vector<std::unique_ptr<Caller>> pollers_;
  Clock::time_point started_, quiet_since_;
  std::optional<double> before_, parked_, quiet_from_;
  double quiet_cpu_ = 0, whole_cpu_ = 0;
  std::size_t ended_ = 0, ended_while_quiet_ = 0;
  bool over_ = false;
};

}  // namespace

void runSend(const Options& options, Report& report) { runLoad(options, report, 1, false); }
void runSendBatch(const Options& options, Report& report) { runLoad(options, report, 10, false); }
void runLifecycle(const Options& options, Report& report) { runLoad(options, report, 1, true); }
void runLifecycleBatch(const Options& options, Report& report) { runLoad(options, report, 10, true); }
void runFifoLifecycleBatch(const Options& options, Report& report) { runLoad(options, report, 10, true, true); }
void runFifoHotGroup(const Options& options, Report& report) {
  Options one = options;
  one.groups = 1;
  HotGroupScenario(one, report).run();
}
void runRedrive(const Options& options, Report& report) { RedriveScenario(options, report).run(); }
void runWake(const Options& options, Report& report) { WakeScenario(options, report).run(); }
void runParked(const Options& options, Report& report) { ParkedScenario(options, report).run(); }
void runIdleSend(const Options& options, Report& report) { runLoad(options, report, 1, false); }

}  // namespace howdah::bench
