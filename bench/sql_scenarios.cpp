#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "bench/scenarios.h"
#include "bench/usage_meter.h"

namespace howdah::bench {
namespace {

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, FreeResult>;

// Parameters in PostgreSQL's binary format, as the server sends them: reading text would cost PostgreSQL more.
class Params {
 public:
  Params& raw(Oid type, std::string bytes) {
    types_.push_back(type);
    values_.push_back(std::move(bytes));
    return *this;
  }
  Params& int8(std::int64_t value) { return raw(20, encoded(value)); }
  Params& text(std::string value) { return raw(25, std::move(value)); }
  Params& int4Array(const std::vector<std::int32_t>& values) { return array(1007, 23, values); }
  Params& int8Array(const std::vector<std::int64_t>& values) { return array(1016, 20, values); }
  Params& textArray(const std::vector<std::string>& values) { return array(1009, 25, values); }
  Params& byteaArray(const std::vector<std::string>& values) { return array(1001, 17, values); }
  Params& uuidArray(const std::vector<std::string>& values) { return array(2951, 2950, values); }
  Params& nullArray(Oid type, Oid element, std::size_t count) {
    std::string out = arrayHead(element, count, true);
    for (std::size_t i = 0; i < count; ++i) out += encoded(std::int32_t{-1});
    return raw(type, std::move(out));
  }

  std::vector<Oid> types_;
  std::vector<std::string> values_;

 private:
  static std::string encoded(std::int32_t value) {
    const auto big = htonl(static_cast<std::uint32_t>(value));
    return {reinterpret_cast<const char*>(&big), sizeof big};
  }
  static std::string encoded(std::int64_t value) {
    return encoded(static_cast<std::int32_t>(value >> 32)) + encoded(static_cast<std::int32_t>(value));
  }
  static const std::string& encoded(const std::string& value) { return value; }
  static std::string arrayHead(Oid element, std::size_t count, bool has_null) {
    return encoded(std::int32_t{1}) + encoded(std::int32_t{has_null}) + encoded(static_cast<std::int32_t>(element)) +
           encoded(static_cast<std::int32_t>(count)) + encoded(std::int32_t{1});
  }
  template <class T>
  Params& array(Oid type, Oid element, const std::vector<T>& values) {
    std::string out = arrayHead(element, values.size(), false);
    for (const auto& value : values) {
      const std::string bytes = encoded(value);
      out += encoded(static_cast<std::int32_t>(bytes.size()));
      out += bytes;
    }
    return raw(type, std::move(out));
  }
};

class Database {
 public:
  explicit Database(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK)
      throw std::runtime_error("cannot connect to PostgreSQL: " + std::string(PQerrorMessage(connection_.get())));
  }

  Result script(const std::string& sql) { return checked(PQexec(connection_.get(), sql.c_str())); }
  std::string value(const std::string& sql) {
    const auto result = script(sql);
    return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
  }
  void prepare(const char* name, const std::string& sql, const Params& params) {
    checked(
        PQprepare(connection_.get(), name, sql.c_str(), static_cast<int>(params.types_.size()), params.types_.data()));
  }
  Result run(const char* name, const Params& params) {
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const auto& value : params.values_) {
      values.push_back(value.data());
      lengths.push_back(static_cast<int>(value.size()));
    }
    const std::vector<int> formats(values.size(), 1);
    return checked(PQexecPrepared(connection_.get(), name, static_cast<int>(values.size()), values.data(),
                                  lengths.data(), formats.data(), 1));
  }

 private:
  Result checked(PGresult* raw) {
    Result result(raw);
    const auto status = PQresultStatus(raw);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw std::runtime_error("PostgreSQL: " + std::string(PQerrorMessage(connection_.get())));
    return result;
  }

  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
};

std::int64_t int8At(const PGresult* result, int row, int column) {
  std::uint32_t halves[2];
  std::memcpy(halves, PQgetvalue(result, row, column), sizeof halves);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(ntohl(halves[0])) << 32 | ntohl(halves[1]));
}
std::int32_t int4At(const PGresult* result, int row, int column) {
  std::uint32_t value;
  std::memcpy(&value, PQgetvalue(result, row, column), sizeof value);
  return static_cast<std::int32_t>(ntohl(value));
}
std::string bytesAt(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

std::string randomUuid(std::mt19937_64& random) {
  const std::array<std::uint64_t, 2> halves{random(), random()};
  return {reinterpret_cast<const char*>(halves.data()), sizeof halves};
}

int postmasterOf(Database& database, const Options& options) {
  if (options.postgres_pid != 0) return options.postgres_pid;
  return postmasterOfBackend(std::stoi(database.value("SELECT pg_backend_pid()")));
}

// The moments of a run; one thread measures while the others work.
struct Window {
  explicit Window(const Options& options)
      : from(Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(options.warmup_seconds))),
        to(from + std::chrono::duration_cast<Clock::duration>(Seconds(options.seconds))) {}
  bool covers(Clock::time_point asked, Clock::time_point answered) const { return asked >= from && answered < to; }
  void measure(UsageMeter& meter) const {
    std::this_thread::sleep_until(from);
    meter.begin();
    std::this_thread::sleep_until(to);
    meter.end();
  }
  const Clock::time_point from, to;
};

std::string databaseUrl(const Options& options) {
  if (options.database_url.empty()) throw std::runtime_error("name the database with --database-url");
  return options.database_url;
}

// One queue of our own in the server's tables, without the server.
class SqlQueue {
 public:
  explicit SqlQueue(const std::string& url) : database_(url) {
    std::random_device random;
    id = static_cast<std::int64_t>(random()) << 20 | 1;
    const std::string create = function("create_queue");
    database_.script(
        fmt::format("SELECT * FROM {}('000000000000', 'howdah-bench-{}', {}, '{{}}', '{{}}', 0)", create, id, id));
  }
  ~SqlQueue() {
    for (const char* table : {"message", "delivery", "lane_cursor", "claim_lock", "send_lock", "queue"})
      database_.script(fmt::format("DELETE FROM howdah.{} WHERE queue_id = {}", table, id));
  }
  SqlQueue(const SqlQueue&) = delete;
  SqlQueue& operator=(const SqlQueue&) = delete;

  // The functions carry a hash of their text in their names; the newest is the one to measure.
  std::string function(const std::string& name) {
    const std::string found = database_.value(
        fmt::format("SELECT proname FROM pg_proc WHERE pronamespace = 'howdah'::regnamespace AND proname ~ "
                    "'^{}_[0-9a-f]+$' ORDER BY oid DESC LIMIT 1",
                    name));
    if (found.empty())
      throw std::runtime_error("the database has no function howdah." + name + "; start a server on it once");
    return "howdah." + found;
  }
  Database& database() { return database_; }

  std::int64_t id = 0;

 private:
  Database database_;
};

// One connection that sends, receives and deletes `batch` messages in turn.
class SqlWorker {
  static constexpr std::int64_t kSlackMicroseconds = 1'000'000;

 public:
  SqlWorker(const Options& options, SqlQueue& queue)
      : queue_id_(queue.id), database_(options.database_url), batch_(static_cast<std::size_t>(options.batch)) {
    database_.prepare(
        "send", fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)", queue.function("send_standard")),
        sendParams(std::string(static_cast<std::size_t>(options.body_bytes), 'x')));
    database_.prepare("receive",
                      fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6,345600,NULL,NULL,NULL,NULL)",
                                  queue.function("receive_standard")),
                      receiveParams());
    database_.prepare("delete", fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6)", queue.function("delete_standard")),
                      deleteParams());
    body_.assign(static_cast<std::size_t>(options.body_bytes), 'x');
  }

  void send() {
    database_.run("send", sendParams(body_));
    sent += batch_;
  }
  bool receive() {
    const auto result = database_.run("receive", receiveParams());
    deliveries_.clear();
    const int rows = PQntuples(result.get());
    for (int row = 0; row < rows; ++row) {
      const auto slot = int4At(result.get(), row, 0);
      if (slot < 0) throw std::runtime_error("the queue of this run is gone");
      if (slot == 0) {
        floor_fresh_ = bytesAt(result.get(), row, 14);
        floor_worn_ = bytesAt(result.get(), row, 15);
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
    deleted += static_cast<std::size_t>(PQntuples(result.get()));
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

  Params sendParams(const std::string& body) {
    std::vector<std::int64_t> positions;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < batch_; ++i) {
      positions.push_back(static_cast<std::int64_t>(i + 1));
      ids.push_back(randomUuid(random_));
    }
    Params params;
    params.int8Array({queue_id_})
        .int8Array({1})
        .int4Array(std::vector<std::int32_t>(batch_, 1))
        .int8Array(positions)
        .int4Array(std::vector<std::int32_t>(batch_, 0))
        .uuidArray(ids)
        .textArray(std::vector<std::string>(batch_, body))
        .nullArray(1001, 17, batch_)
        .textArray(std::vector<std::string>(batch_, "AIDAEXAMPLE"))
        .nullArray(1009, 25, batch_)
        .nullArray(1009, 25, batch_);
    return params;
  }
  Params receiveParams() {
    Params params;
    params.int8(queue_id_)
        .int8(1)
        .int4Array(std::vector<std::int32_t>(batch_, 30))
        .raw(1184, floor_fresh_)
        .raw(1184, floor_worn_)
        .int8(kSlackMicroseconds);
    return params;
  }
  Params deleteParams() {
    std::vector<std::int64_t> queues, lanes, seqs;
    std::vector<std::int32_t> counts;
    std::vector<std::string> prefixes;
    for (const auto& delivery : deliveries_) {
      queues.push_back(queue_id_);
      lanes.push_back(delivery.lane);
      seqs.push_back(delivery.seq);
      counts.push_back(delivery.receive_count);
      prefixes.push_back(delivery.prefix);
    }
    Params params;
    params.int8Array({queue_id_})
        .int8Array(queues)
        .int8Array(lanes)
        .int8Array(seqs)
        .int4Array(counts)
        .byteaArray(prefixes);
    return params;
  }

  const std::int64_t queue_id_;
  Database database_;
  const std::size_t batch_;
  std::mt19937_64 random_{std::random_device{}()};
  std::string body_;
  std::string floor_fresh_ = std::string("\x80", 1) + std::string(7, '\0');  // -infinity
  std::string floor_worn_ = floor_fresh_;
  std::vector<Delivery> deliveries_;
};

}  // namespace

void runSqlInsert(const Options& options, Report& report) {
  Database database(databaseUrl(options));
  UsageMeter meter(0, postmasterOf(database, options));
  const std::string table = fmt::format("howdah_bench_insert_{:08x}", std::random_device{}());
  // What the server's table of messages looks like, without anything around it.
  database.script(
      fmt::format("CREATE TABLE {} (queue_id bigint, lane bigint, seq bigint, sent_at timestamptz, message_id "
                  "uuid, body text, sender_id text, PRIMARY KEY (queue_id, lane, seq))",
                  table));
  std::mt19937_64 random{std::random_device{}()};
  const std::string body(static_cast<std::size_t>(options.body_bytes), 'x');
  std::int64_t seq = 0;
  const auto params = [&] {
    Params values;
    values.int8(1).int8(1).int8(++seq).raw(2950, randomUuid(random)).text(body).text("AIDAEXAMPLE");
    return values;
  };
  database.prepare("insert", "INSERT INTO " + table + " VALUES ($1, $2, $3, clock_timestamp(), $4, $5, $6)", params());
  const Window window(options);
  std::thread measuring([&] { window.measure(meter); });
  while (Clock::now() < window.to) {
    const auto asked = Clock::now();
    database.run("insert", params());
    const auto answered = Clock::now();
    if (!window.covers(asked, answered)) continue;
    report.calls["INSERT"].add(answered - asked);
    ++report.messages;
  }
  measuring.join();
  database.script("DROP TABLE " + table);
  report.seconds = options.seconds;
  meter.tell(report);
}

void runSqlLifecycle(const Options& options, Report& report) {
  SqlQueue queue(databaseUrl(options));
  UsageMeter meter(0, postmasterOf(queue.database(), options));
  std::vector<std::unique_ptr<SqlWorker>> workers;
  for (int i = 0; i < options.connections; ++i) workers.push_back(std::make_unique<SqlWorker>(options, queue));

  const Window window(options);
  std::mutex mutex;  // guards report
  std::vector<std::thread> threads;
  for (const auto& worker : workers)
    threads.emplace_back([&, &own = *worker] {
      std::map<std::string, Latencies> calls;
      std::uint64_t messages = 0;
      const auto timed = [&](const char* name, auto&& call) {
        const auto asked = Clock::now();
        call();
        const auto answered = Clock::now();
        if (window.covers(asked, answered)) calls[name].add(answered - asked);
        return answered;
      };
      try {
        while (Clock::now() < window.to) {
          timed("send_standard", [&] { own.send(); });
          timed("receive_standard", [&] { own.receive(); });
          if (own.inHand() == 0) continue;
          const auto answered = timed("delete_standard", [&] { own.remove(); });
          if (answered >= window.from && answered < window.to) messages += own.inHand();
        }
      } catch (const std::exception& error) {
        std::lock_guard lock(mutex);
        ++report.errors[error.what()];
      }
      std::lock_guard lock(mutex);
      report.messages += messages;
      for (auto& [name, times] : calls) report.calls[name].add(times);
    });
  window.measure(meter);
  for (auto& thread : threads) thread.join();

  while (workers[0]->receive()) workers[0]->remove();
  std::size_t sent = 0, deleted = 0;
  for (const auto& worker : workers) {
    sent += worker->sent;
    deleted += worker->deleted;
  }
  if (sent != deleted) report.violation(fmt::format("{} messages were sent and {} deleted", sent, deleted));
  report.seconds = options.seconds;
  meter.tell(report);
}

}  // namespace howdah::bench
