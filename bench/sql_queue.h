// A queue in the server's tables used without the server, and the binary protocol for it: what the SQL scenarios share.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "bench/usage_meter.h"

namespace howdah::bench {

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
  Params& int4(std::int32_t value) { return raw(23, encoded(value)); }
  Params& text(std::string value) { return raw(25, std::move(value)); }
  Params& int4Array(const std::vector<std::int32_t>& values) { return array(1007, 23, values); }
  Params& int8Array(const std::vector<std::int64_t>& values) { return array(1016, 20, values); }
  Params& textArray(const std::vector<std::string>& values) { return array(1009, 25, values); }
  Params& byteaArray(const std::vector<std::string>& values) { return array(1001, 17, values); }
  Params& uuidArray(const std::vector<std::string>& values) { return array(2951, 2950, values); }
  Params& timestamptzArray(const std::vector<std::string>& values) { return array(1185, 1184, values); }
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
    script("SET enable_seqscan = off");  // as in the server's sessions
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

inline std::int64_t int8At(const PGresult* result, int row, int column) {
  std::uint32_t halves[2];
  std::memcpy(halves, PQgetvalue(result, row, column), sizeof halves);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(ntohl(halves[0])) << 32 | ntohl(halves[1]));
}
inline std::int32_t int4At(const PGresult* result, int row, int column) {
  std::uint32_t value;
  std::memcpy(&value, PQgetvalue(result, row, column), sizeof value);
  return static_cast<std::int32_t>(ntohl(value));
}
inline std::string bytesAt(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

inline std::string randomUuid(std::mt19937_64& random) {
  const std::array<std::uint64_t, 2> halves{random(), random()};
  return {reinterpret_cast<const char*>(halves.data()), sizeof halves};
}

inline int postmasterOf(Database& database, const Options& options) {
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

inline std::string databaseUrl(const Options& options) {
  if (options.database_url.empty()) throw std::runtime_error("name the database with --database-url");
  return options.database_url;
}

// One queue of our own in the server's tables, without the server.
class SqlQueue {
 public:
  SqlQueue(const std::string& url, const std::string& attributes) : database_(url) {
    std::random_device random;
    id = static_cast<std::int64_t>(random()) << 20 | 1;
    const std::string create = function("create_queue");
    database_.script(fmt::format("SELECT * FROM {}('000000000000', 'howdah-bench-{}', {}, '{}', '{{}}', 0)", create, id,
                                 id, attributes));
  }
  ~SqlQueue() {
    for (const char* table : {"message", "delivery", "fifo_turn", "fifo_delivery", "fifo_deduplication", "lane_cursor",
                              "claim_lock", "send_lock", "queue"})
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

// What a worker for standard and one for FIFO queues share: one connection, and the messages that its last receive got.
class SqlWorker {
 public:
  std::size_t inHand() const { return deliveries_.size(); }

  std::size_t sent = 0, deleted = 0;

 protected:
  static constexpr std::int64_t kSlackMicroseconds = 1'000'000;
  inline static const std::string kMinusInfinity = std::string("\x80", 1) + std::string(7, '\0');

  SqlWorker(const Options& options, const SqlQueue& queue)
      : queue_id_(queue.id),
        database_(options.database_url),
        batch_(static_cast<std::size_t>(options.batch)),
        body_(static_cast<std::size_t>(options.body_bytes), 'x') {}

  // Takes the messages of a receive; `onSummary(result, row)` is given the row that tells of the receive itself.
  template <class OnSummary>
  bool take(const Result& result, OnSummary&& onSummary) {
    deliveries_.clear();
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      const auto receive = int4At(result.get(), row, 0);
      if (receive < 0) throw std::runtime_error("the queue of this run is gone");
      if (receive == 0) {
        onSummary(result.get(), row);
      } else {
        deliveries_.push_back({int8At(result.get(), row, 1), int8At(result.get(), row, 2), int4At(result.get(), row, 6),
                               bytesAt(result.get(), row, 7).substr(0, 4)});
      }
    }
    return !deliveries_.empty();
  }

  // The arrays that a delete takes: lanes, numbers, counts of receives and prefixes of ids, in order.
  Params& addDeliveries(Params& params) {
    std::ranges::sort(deliveries_);
    std::vector<std::int64_t> lanes, seqs;
    std::vector<std::int32_t> counts;
    std::vector<std::string> prefixes;
    for (const auto& delivery : deliveries_) {
      lanes.push_back(delivery.lane);
      seqs.push_back(delivery.seq);
      counts.push_back(delivery.receive_count);
      prefixes.push_back(delivery.prefix);
    }
    return params.int8Array(lanes).int8Array(seqs).int4Array(counts).byteaArray(prefixes);
  }

  const std::int64_t queue_id_;
  Database database_;
  const std::size_t batch_;
  const std::string body_;
  std::mt19937_64 random_{std::random_device{}()};

 private:
  struct Delivery {
    std::int64_t lane, seq;
    std::int32_t receive_count;
    std::string prefix;
    auto operator<=>(const Delivery&) const = default;
  };
  std::vector<Delivery> deliveries_;
};

// Sends, receives and deletes in turn on options.connections connections, each with a Worker of its own.
template <class Worker>
void runSqlWorkers(const Options& options, Report& report, SqlQueue& queue) {
  UsageMeter meter(0, postmasterOf(queue.database(), options));
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < options.connections; ++i) workers.push_back(std::make_unique<Worker>(options, queue));

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
          timed(Worker::kSend, [&] { own.send(); });
          timed(Worker::kReceive, [&] { own.receive(); });
          if (own.inHand() == 0) continue;
          const auto answered = timed(Worker::kDelete, [&] { own.remove(); });
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
