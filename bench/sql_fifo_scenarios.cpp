#include <atomic>

#include "bench/scenarios.h"
#include "bench/sql_queue.h"

namespace howdah::bench {
namespace {

constexpr const char* kFifoAttributes = R"({"FifoQueue": "true"})";

// One connection that sends, receives and deletes `batch` messages of message groups in turn.
class FifoWorker : public SqlWorker {
  static constexpr std::size_t kPartitions = 8;
  static constexpr std::size_t kMostAReceive = 10;

 public:
  static constexpr auto kSend = "send_fifo", kReceive = "receive_fifo", kDelete = "delete_fifo";

  FifoWorker(const Options& options, SqlQueue& queue)
      : SqlWorker(options, queue), groups_(static_cast<std::uint64_t>(options.groups)) {
    database_.prepare("send",
                      fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)", queue.function(kSend)),
                      sendParams());
    database_.prepare(
        "receive",
        fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6,$7,$8,$9,NULL,NULL,NULL,NULL)", queue.function(kReceive)),
        receiveParams());
    database_.prepare("delete", fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5)", queue.function(kDelete)),
                      deleteParams());
  }

  void send() {
    database_.run("send", sendParams());
    sent += batch_;
  }
  bool receive() {
    return take(database_.run("receive", receiveParams()),
                [this](const PGresult* result, int row) { floors_ = bytesAt(result, row, 15); });
  }
  void remove() {
    const auto result = database_.run("delete", deleteParams());
    for (int row = 0; row < PQntuples(result.get()); ++row)
      if (bytesAt(result.get(), row, 1) == "deleted") ++deleted;
  }

 private:
  Params sendParams() {
    std::vector<std::int64_t> lanes;
    std::vector<std::string> ids, group_ids, deduplication_ids, keys;
    for (std::size_t i = 0; i < batch_; ++i) {
      const std::uint64_t group = random_() % groups_;
      lanes.push_back(static_cast<std::int64_t>(std::mt19937_64(group)()));  // spread as a hash would
      group_ids.push_back(fmt::format("group-{}", group));
      ids.push_back(randomUuid(random_));
      deduplication_ids.push_back(fmt::format("{:016x}", random_()));
      keys.push_back(randomUuid(random_));
    }
    Params params;
    params.int8(queue_id_)
        .int8(1)
        .int4(0)
        .int8Array(lanes)
        .uuidArray(ids)
        .textArray(std::vector<std::string>(batch_, body_))
        .nullArray(1001, 17, batch_)
        .textArray(std::vector<std::string>(batch_, "AIDAEXAMPLE"))
        .nullArray(1009, 25, batch_)
        .textArray(group_ids)
        .textArray(deduplication_ids)
        .byteaArray(keys);
    return params;
  }
  Params receiveParams() {
    std::vector<std::int32_t> places;
    for (std::size_t i = 0; i < batch_; ++i) places.push_back(static_cast<std::int32_t>(i / kMostAReceive + 1));
    Params params;
    params.int8(queue_id_)
        .int8(1)
        .int4(0)
        .int8(345600)
        .int4Array(places)
        .int4Array(std::vector<std::int32_t>((batch_ + kMostAReceive - 1) / kMostAReceive, 30))
        .int4(next_partition_++ % static_cast<std::int32_t>(kPartitions));
    if (floors_.empty())
      params.timestamptzArray(std::vector<std::string>(kPartitions, kMinusInfinity));
    else
      params.raw(1185, floors_);
    params.int8(kSlackMicroseconds);
    return params;
  }
  Params deleteParams() {
    Params params;
    params.int8(queue_id_);
    return std::move(addDeliveries(params));
  }

  const std::uint64_t groups_;
  std::int32_t next_partition_ = 0;
  std::string floors_;  // as the last receive told them; empty: from the beginning
};

}  // namespace

void runSqlFifoLifecycle(const Options& options, Report& report) {
  SqlQueue queue(databaseUrl(options), kFifoAttributes);
  runSqlWorkers<FifoWorker>(options, report, queue);
}

void runSqlFifoHotGroup(const Options& given, Report& report) {
  Options options = given;
  options.groups = 1;
  options.batch = 10;
  SqlQueue queue(databaseUrl(options), kFifoAttributes);
  UsageMeter meter(0, postmasterOf(queue.database(), options));
  FifoWorker sender(options, queue), consumer(options, queue);
  const Window window(options);
  std::atomic<std::size_t> waiting = 0;
  std::atomic<bool> over = false;
  std::string failure;
  std::thread sending([&] {
    try {
      while (!over) {
        const std::size_t now = waiting;
        if (now >= kHotBacklog) {
          waiting.wait(now);
          continue;
        }
        sender.send();
        waiting += 10;
      }
    } catch (const std::exception& error) {
      failure = error.what();
    }
  });
  std::thread measuring([&] { window.measure(meter); });
  try {
    const auto timed = [&](const char* name, auto&& call) {
      const auto asked = Clock::now();
      call();
      const auto answered = Clock::now();
      if (window.covers(asked, answered)) report.calls[name].add(answered - asked);
      return answered;
    };
    while (Clock::now() < window.to) {
      timed(FifoWorker::kReceive, [&] { consumer.receive(); });
      if (consumer.inHand() == 0) continue;
      const auto answered = timed(FifoWorker::kDelete, [&] { consumer.remove(); });
      if (answered >= window.from && answered < window.to) report.messages += consumer.inHand();
      waiting -= consumer.inHand();
      waiting.notify_one();
    }
  } catch (const std::exception& error) {
    ++report.errors[error.what()];
  }
  over = true;
  waiting += kHotBacklog;  // another value, or the sender would sleep on
  waiting.notify_one();
  sending.join();
  measuring.join();
  if (!failure.empty()) ++report.errors[failure];
  while (consumer.receive()) consumer.remove();
  if (sender.sent != consumer.deleted)
    report.violation(fmt::format("{} messages were sent and {} deleted", sender.sent, consumer.deleted));
  report.seconds = options.seconds;
  meter.tell(report);
}

}  // namespace howdah::bench
