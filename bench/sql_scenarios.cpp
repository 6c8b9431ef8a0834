#include "bench/scenarios.h"
#include "bench/sql_queue.h"

namespace howdah::bench {
namespace {

// One connection that sends, receives and deletes `batch` messages in turn.
class StandardWorker : public SqlWorker {
 public:
  static constexpr auto kSend = "send_standard", kReceive = "receive_standard", kDelete = "delete_standard";

  StandardWorker(const Options& options, SqlQueue& queue) : SqlWorker(options, queue) {
    database_.prepare("send",
                      fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)", queue.function(kSend)),
                      sendParams());
    database_.prepare(
        "receive",
        fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6,345600,NULL,NULL,NULL,NULL)", queue.function(kReceive)),
        receiveParams());
    database_.prepare("delete", fmt::format("SELECT * FROM {}($1,$2,$3,$4,$5,$6)", queue.function(kDelete)),
                      deleteParams());
  }

  void send() {
    database_.run("send", sendParams());
    sent += batch_;
  }
  bool receive() {
    return take(database_.run("receive", receiveParams()), [this](const PGresult* result, int row) {
      floor_fresh_ = bytesAt(result, row, 14);
      floor_worn_ = bytesAt(result, row, 15);
    });
  }
  void remove() {
    const auto result = database_.run("delete", deleteParams());
    deleted += static_cast<std::size_t>(PQntuples(result.get()));
  }

 private:
  Params sendParams() {
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
        .textArray(std::vector<std::string>(batch_, body_))
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
    Params params;
    params.int8Array({queue_id_}).int8Array(std::vector(inHand(), queue_id_));
    return std::move(addDeliveries(params));
  }

  std::string floor_fresh_ = kMinusInfinity, floor_worn_ = kMinusInfinity;
};

// What the server's table of messages looks like, without anything around it. Answers its name.
std::string createBareTable(Database& database) {
  std::string table = fmt::format("howdah_bench_{:08x}", std::random_device{}());
  database.script(
      fmt::format("CREATE TABLE {} (queue_id bigint, lane bigint, seq bigint, sent_at timestamptz, message_id "
                  "uuid, body text, sender_id text, PRIMARY KEY (queue_id, lane, seq))",
                  table));
  return table;
}

}  // namespace

void runSqlInsert(const Options& options, Report& report) {
  Database database(databaseUrl(options));
  UsageMeter meter(0, postmasterOf(database, options));
  const std::string table = createBareTable(database);
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

void runSqlRedrive(const Options& options, Report& report) {
  constexpr int kStock = 20'000;
  Database database(databaseUrl(options));
  UsageMeter meter(0, postmasterOf(database, options));
  const std::string table = createBareTable(database);
  database.script(
      fmt::format("INSERT INTO {} SELECT 1, 1, n, clock_timestamp(), gen_random_uuid(), repeat('x', {}), "
                  "'AIDAEXAMPLE' FROM generate_series(1, {}) n",
                  table, options.body_bytes, kStock));
  const auto params = [&](int from) { return std::move(Params().int8(from).int4(options.batch)); };
  database.prepare(
      "move",
      fmt::format(
          "WITH moved AS (DELETE FROM {0} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {0} WHERE queue_id = $1 "
          "ORDER BY queue_id, lane, seq LIMIT $2)) RETURNING *) INSERT INTO {0} SELECT 3 - queue_id, lane, seq, "
          "clock_timestamp(), gen_random_uuid(), body, sender_id FROM moved RETURNING 1",
          table),
      params(1));
  const Window window(options);
  std::thread measuring([&] { window.measure(meter); });
  int from = 1;
  while (Clock::now() < window.to) {
    const auto asked = Clock::now();
    const auto result = database.run("move", params(from));
    const auto answered = Clock::now();
    const int moved = PQntuples(result.get());
    if (moved < options.batch) from = 3 - from;  // all are there: back again
    if (!window.covers(asked, answered)) continue;
    report.calls["move"].add(answered - asked);
    report.messages += static_cast<std::uint64_t>(moved);
  }
  measuring.join();
  database.script("DROP TABLE " + table);
  report.seconds = options.seconds;
  meter.tell(report);
}

void runSqlLifecycle(const Options& options, Report& report) {
  SqlQueue queue(databaseUrl(options), "{}");
  runSqlWorkers<StandardWorker>(options, report, queue);
}

}  // namespace howdah::bench
