#include <atomic>

#include "bench/scenarios.h"
#include "bench/sql_queue.h"

namespace howdah::bench {
namespace {

constexpr const char* kFifoAttributes = R"({"FifoQueue": "true"})";

// One connection that sends, receives and deletes `batch` messages of message groups in turn.
class SqlFifoWorker {
  static constexpr std::int64_t kSlackMicroseconds = 1'000'000;
  static constexpr std::size_t kPartitions = 8;
  static constexpr std::size_t kMostAReceive = 10;

 public:
  static constexpr auto kSend = "send_fifo", kReceive = "receive_fifo", kDelete = "delete_fifo";

  SqlFifoWorker(const Options& options, SqlQueue& queue)
      : queue_id_(queue.id),
        database_(options.database_url),
        batch_(static_cast<std::size_t>(options.batch)),
        groups_(static_cast<std::uint64_t>(options.groups)),
        body_(static_cast<std::size_t>(options.body_bytes), 'x') {
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
    const auto result = database_.run("receive", receiveParams());
    deliveries_.clear();
    const int rows = PQntuples(result.get());
    for (int row = 0; row < rows; ++row) {
      const auto receive = int4At(result.get(), row, 0);
      if (receive < 0) throw std::runtime_error("the queue of this run is gone");
      if (receive == 0) {
        floors_ = bytesAt(result.get(), row, 15);
      } else {
        deliveries_.push_back({int8At(result.get(), row, 1), int8At(result.get(), row, 2), int4At(result.get(), row, 6),
                               bytesAt(result.get(), row, 7).substr(0, 4)});
      }
    }
    return !deliveries_.empty();
  }
  void remove() {
    std::ranges::sort(deliveries_);
    const auto result = database_.run("delete", deleteParams());
    for (int row = 0; row < PQntuples(result.get()); ++row)
      if (bytesAt(result.get(), row, 1) == "deleted") ++deleted;
  }
  std::size_t inHand() const { return deliveries_.size(); }

  std::size_t sent = 0, deleted = 0;

 private:
  struct Delivery {
    std::int64_t lane, seq;
    std::int32_t receive_count;
    std::string prefix;
    auto operator<=>(const Delivery&) const = default;
  };

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
      params.timestamptzArray(std::vector<std::string>(kPartitions, std::string("\x80", 1) + std::string(7, '\0')));
    else
      params.raw(1185, floors_);
    params.int8(kSlackMicroseconds);
    return params;
  }
  Params deleteParams() {
    std::vector<std::int64_t> lanes, seqs;
    std::vector<std::int32_t> counts;
    std::vector<std::string> prefixes;
    for (const auto& delivery : deliveries_) {
      lanes.push_back(delivery.lane);
      seqs.push_back(delivery.seq);
      counts.push_back(delivery.receive_count);
      prefixes.push_back(delivery.prefix);
    }
    Params params;
    params.int8(queue_id_).int8Array(lanes).int8Array(seqs).int4Array(counts).byteaArray(prefixes);
    return params;
  }

  const std::int64_t queue_id_;
  Database database_;
  const std::size_t batch_;
  const std::uint64_t groups_;
  const std::string body_;
  std::mt19937_64 random_{std::random_device{}()};
  std::int32_t next_partition_ = 0;
  std::string floors_;  // as the last receive told them; empty: from the beginning
  std::vector<Delivery> deliveries_;
};

}  // namespace

void runSqlFifoLifecycle(const Options& options, Report& report) {
  SqlQueue queue(databaseUrl(options), kFifoAttributes);
  runSqlWorkers<SqlFifoWorker>(options, report, queue);
}

void runSqlFifoHotGroup(const Options& given, Report& report) {
  Options options = given;
  options.groups = 1;
  options.batch = 10;
  SqlQueue queue(databaseUrl(options), kFifoAttributes);
  UsageMeter meter(0, postmasterOf(queue.database(), options));
  SqlFifoWorker sender(options, queue), consumer(options, queue);
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
      timed(SqlFifoWorker::kReceive, [&] { consumer.receive(); });
      if (consumer.inHand() == 0) continue;
      const auto answered = timed(SqlFifoWorker::kDelete, [&] { consumer.remove(); });
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
