#include "bench/queue_run.h"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <boost/asio/steady_timer.hpp>
#include <random>
#include <stdexcept>
#include <utility>

namespace howdah::bench {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

std::string quoted(std::string_view text) {
  rapidjson::StringBuffer out;
  rapidjson::Writer(out).String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return out.GetString();
}

rapidjson::Value::ConstArray listOf(const rapidjson::Document& answer, const char* name) {
  static const rapidjson::Value kNone(rapidjson::kArrayType);
  return answer.HasMember(name) && answer[name].IsArray() ? answer[name].GetArray() : kNone.GetArray();
}

QueueRun::QueueRun(const Options& o, Report& r, bool is_fifo)
    : options(o),
      report(r),
      endpoint(o.endpoint, o),
      fifo(is_fifo),
      server_pid_(serverPid()),
      meter(server_pid_, postgresPid()) {
  createQueue();
  book = std::make_unique<MessageBook>(options.body_bytes, visibility_timeout_, report);
}

QueueRun::~QueueRun() {
  if (options.queue.empty()) now("DeleteQueue", fmt::format("{{\"QueueUrl\":{}}}", queue_url));
}

void QueueRun::measure(asio::io_context& context) {
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

bool QueueRun::note(const char* kind, const Answer& answer) {
  if (answer.status != 200) {
    ++report.errors[answer.error()];
    return false;
  }
  if (isMeasured(answer)) report.calls[kind].add(answer.answered - answer.asked);
  return true;
}

void QueueRun::noteOrder(std::uint64_t number, std::string sequence_number) {
  auto& last = last_of_group_[groupOf(number)];
  if (sequence_number <= last)
    report.violation(fmt::format("message {} came after one of its group that was sent later", number));
  last = std::move(sequence_number);
}

Answer QueueRun::now(std::string_view action, const std::string& json) {
  asio::io_context context;
  SqsConnection connection(context, endpoint);
  Answer result;
  connection.call(action, json, [&](Answer& answer) { result = std::move(answer); });
  context.run();
  return result;
}

void QueueRun::createQueue() {
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

void Caller::send(std::size_t count, std::function<void(bool, const Answer&)> then) {
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

void Caller::receive(std::size_t count, std::chrono::seconds wait,
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

void Caller::remove(const std::vector<Received>& messages, std::function<void(bool, const Answer&)> then) {
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

std::vector<std::size_t> Caller::successfulIds(Answer& answer, std::size_t count) {
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

std::vector<Received> Caller::readMessages(const Answer& answer) {
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
    messages.push_back({run_.book->received({text.GetString(), text.GetStringLength()}, answer.asked, answer.answered),
                        message["ReceiptHandle"].GetString()});
    if (run_.fifo && messages.back().number >= 0)
      run_.noteOrder(static_cast<std::uint64_t>(messages.back().number),
                     message["Attributes"]["SequenceNumber"].GetString());
  }
  return messages;
}

}  // namespace howdah::bench
