#include "persistence/postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <optional>

#include "metrics/log.h"
#include "metrics/request_trace.h"
#include "persistence/postgres/pooler_check.h"
#include "persistence/postgres/setup_error.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLowestServerVersion = 140000;

// What every session relies on, whatever the role, the database or the server's file say. In one statement, since each
// would be a round trip; not as startup options, which poolers refuse. Stronger durability than ours is left alone.
// A peer that vanished must not hold locks: the server asks after an idle client and gives up on a silent one.
const Statement kSetSession{
    "set_session",
    "SELECT pg_catalog.set_config('synchronous_commit',"
    "         CASE pg_catalog.current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' "
    "END, false),"
    "       pg_catalog.set_config('TimeZone', 'UTC', false),"
    "       pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),"
    "       pg_catalog.set_config('default_transaction_isolation', 'read committed', false),"
    "       pg_catalog.set_config('default_transaction_deferrable', 'off', false),"
    "       pg_catalog.set_config('lock_timeout', $1, false),"
    "       pg_catalog.set_config('statement_timeout', '0', false),"
    "       pg_catalog.set_config('idle_in_transaction_session_timeout', $2, false),"
    "       pg_catalog.set_config('idle_session_timeout', '0', false),"
    "       CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000"
    "         THEN pg_catalog.set_config('transaction_timeout', '0', false) END,"
    "       pg_catalog.set_config('tcp_keepalives_idle', '10', false),"
    "       pg_catalog.set_config('tcp_keepalives_interval', '5', false),"
    "       pg_catalog.set_config('tcp_keepalives_count', '3', false),"
    "       pg_catalog.set_config('tcp_user_timeout', $2, false),"
    "       pg_catalog.set_config('jit', 'off', false),"
    "       pg_catalog.set_config('enable_seqscan', 'off', false),"  // docs/decisions/plans.md
    "       pg_catalog.pg_backend_pid()"};
constexpr int kBackendPidColumn = 16;

std::string firstLine(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

std::string_view field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value ? value : std::string_view();
}

}  // namespace

Connection::Connection(const PostgresOptions& options, metrics::Recorder& recorder, const std::string& application_name)
    : recorder_(recorder), statement_deadline_(options.statement_deadline), slow_statement_(options.slow_statement) {
  using std::chrono::ceil;
  using std::chrono::seconds;
  const std::string connect_timeout = std::to_string(ceil<seconds>(options.connect_timeout).count());
  const std::string user_timeout = std::to_string(options.statement_deadline.count());
  // What stands before dbname is a default that the connection string may change. libpq's own connect, since only it
  // moves on from a host of several that does not answer; a server that is no primary is not for us.
  const std::array<const char*, 10> keywords{"connect_timeout",  "target_session_attrs",
                                             "keepalives_idle",  "keepalives_interval",
                                             "keepalives_count", "tcp_user_timeout",
                                             "dbname",           "client_encoding",
                                             "application_name", nullptr};
  const std::array<const char*, 10> values{connect_timeout.c_str(),
                                           "read-write",
                                           "10",
                                           "5",
                                           "3",
                                           user_timeout.c_str(),
                                           options.connection_string.c_str(),
                                           "UTF8",
                                           application_name.c_str(),
                                           nullptr};
  connection_.reset(PQconnectdbParams(keywords.data(), values.data(), /*expand_dbname=*/1));
  if (!connection_ || PQstatus(connection_.get()) != CONNECTION_OK) {
    fail("connect", "", connection_ ? firstLine(PQerrorMessage(connection_.get())) : "out of memory",
         IfLost::NothingHappened);
  }
  PQsetNoticeReceiver(
      connection_.get(), [](void* self, const PGresult* notice) { static_cast<Connection*>(self)->onNotice(notice); },
      this);
  if (PQsetnonblocking(connection_.get(), 1) != 0) fail("connect", "", "no memory", IfLost::NothingHappened);
  server_version_ = PQserverVersion(connection_.get());
  if (server_version_ < kLowestServerVersion) {
    throw SetupError(fmt::format("the database runs PostgreSQL {}; Howdah needs version {} or newer",
                                 PQparameterStatus(connection_.get(), "server_version"), kLowestServerVersion / 10000));
  }
  const std::string_view encoding = PQparameterStatus(connection_.get(), "server_encoding");
  if (encoding != "UTF8") {
    throw SetupError(
        fmt::format("the database \"{}\" has the encoding {}; create one with ENCODING 'UTF8' TEMPLATE "
                    "template0 and use that",
                    PQdb(connection_.get()), encoding));
  }
  setSession(options);
}

Connection::~Connection() = default;

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

void Connection::setSession(const PostgresOptions& options) {
  const std::string lock_timeout = std::to_string(options.lock_timeout.count());
  const std::string idle_timeout = std::to_string(options.statement_deadline.count());
  try {
    const Rows rows = run(kSetSession, Params().text(lock_timeout).text(idle_timeout), IfLost::NothingHappened);
    backend_pid_ = rows.only().int4(kBackendPidColumn);
  } catch (const StoreBug& bug) {
    // A prepared statement that is not there, or that another client left: this is not a session of our own.
    if (bug.sqlState() == "26000" || bug.sqlState() == "42P05") refusePooler();
    throw;
  }
}

Rows Connection::execute(const Statement& statement, const Params& params) {
  // In a transaction, a lost connection undoes it.
  return run(statement, params, inTransaction() ? IfLost::NothingHappened : IfLost::MayHaveCommitted);
}

void Connection::executeScript(const std::string& script, std::chrono::milliseconds patience) {
  const IfLost if_lost = inTransaction() ? IfLost::NothingHappened : IfLost::MayHaveCommitted;
  finish("script", PQsendQuery(connection_.get(), script.c_str()), if_lost, patience);
}

void Connection::begin() {
  run({"begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"}, {}, IfLost::NothingHappened);
}

void Connection::commit() { run({"commit", "COMMIT"}, {}, IfLost::MayHaveCommitted); }

void Connection::rollback() { run({"rollback", "ROLLBACK"}, {}, IfLost::NothingHappened); }

Rows Connection::run(const Statement& statement, const Params& params, IfLost if_lost) {
  const auto started = Clock::now();
  const Params::Bound bound = params.bind();
  prepare(statement, bound.types);
  const std::string name(statement.name);
  const int sent =
      PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(bound.values.size()), bound.values.data(),
                          bound.lengths.data(), bound.formats.data(), /*resultFormat=*/1);
  Rows rows = finish(statement.name, sent, if_lost, statement_deadline_);
  const auto took = Clock::now() - started;
  recorder_.statementFinished(statement.name, took);
  if (const auto& request = metrics::currentRequest()) request->database += took.count();
  if (took >= slow_statement_) {
    metrics::logWarn("slow statement", {{"statement", statement.name},
                                        {"duration_ms", std::chrono::duration<double, std::milli>(took).count()},
                                        {"rows", rows.size()}});
  }
  return rows;
}

void Connection::prepare(const Statement& statement, const std::vector<std::uint32_t>& types) {
  if (prepared_.contains(statement.name)) return;
  const std::string name(statement.name);
  const int sent = PQsendPrepare(connection_.get(), name.c_str(), statement.sql.c_str(), static_cast<int>(types.size()),
                                 types.data());
  finish(statement.name, sent, IfLost::NothingHappened, statement_deadline_);
  prepared_.insert(statement.name);
}

// Waits for the results of what was just sent and gives back the last one, or throws what the failure means.
Rows Connection::finish(std::string_view name, bool sent, IfLost if_lost, std::chrono::milliseconds patience) {
  if (!sent) fail(name, "", firstLine(PQerrorMessage(connection_.get())), IfLost::NothingHappened);
  const Deadline deadline = Clock::now() + patience;
  replication_wait_cancelled_ = false;
  std::optional<Rows> last;
  std::string sql_state;
  std::string error;
  while (true) {
    if (!awaitResult(deadline)) {
      broken_ = true;
      fail(name, "", fmt::format("no answer within {} ms", patience.count()), if_lost);
    }
    PGresult* const result = PQgetResult(connection_.get());
    if (!result) break;
    Rows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
      last.emplace(std::move(rows));
      continue;
    }
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      broken_ = true;
      fail(name, "0A000", "COPY is not used here", if_lost);
    }
    if (!error.empty()) continue;  // the first one tells what happened, what follows is that the connection is gone
    error = firstLine(PQresultErrorMessage(result));
    sql_state = field(result, PG_DIAG_SQLSTATE);
    const std::string_view severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (sql_state.empty() || severity == "FATAL" || severity == "PANIC" || sql_state == "25006") broken_ = true;
    // A backend that ends after it finished the statement may have ended behind the commit.
    if (last && broken_) sql_state.clear();
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK) broken_ = true;
  if (!error.empty()) fail(name, sql_state, error, if_lost);
  if (!last) fail(name, "", "no result", if_lost);
  if (replication_wait_cancelled_) fail(name, "40003", "synchronous replication did not confirm the commit", if_lost);
  return std::move(*last);
}

// False once the deadline has passed. True when PQgetResult will not wait; a lost connection is told by its result.
bool Connection::awaitResult(Deadline deadline) {
  while (true) {
    const int unsent = PQflush(connection_.get());
    if (unsent == 0 && !PQisBusy(connection_.get())) return true;
    if (unsent < 0 && !PQisBusy(connection_.get())) return true;
    if (!awaitSocket(unsent > 0, deadline)) return false;
    if (!PQconsumeInput(connection_.get())) return true;
  }
}

bool Connection::awaitSocket(bool for_write, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd socket{PQsocket(connection_.get()), static_cast<short>(POLLIN | (for_write ? POLLOUT : 0)), 0};
    if (socket.fd < 0) return true;  // lost; libpq tells it
    const int ready = ::poll(&socket, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;
  }
}

void Connection::fail(std::string_view name, std::string_view sql_state, const std::string& message, IfLost if_lost) {
  if (sql_state.empty()) broken_ = true;
  recorder_.databaseError(sql_state.empty() ? "connection" : sql_state.substr(0, 2));
  const std::string what = sql_state.empty() ? fmt::format("{}: {}", name, message)
                                             : fmt::format("{}: {} (SQLSTATE {})", name, message, sql_state);
  throwStoreError(sql_state, what, if_lost);
}

void Connection::onNotice(const pg_result* notice) {
  if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
  const std::string_view sql_state = field(notice, PG_DIAG_SQLSTATE);
  // COMMIT succeeds although no standby has it: "canceling wait for synchronous replication". Cancelled by an operator,
  // it carries no SQLSTATE of its own and a text in the server's language; only the function that warns tells it.
  if (field(notice, PG_DIAG_SOURCE_FUNCTION) == "SyncRepWaitForLSN") replication_wait_cancelled_ = true;
  metrics::logWarn("PostgreSQL warns", {{"sql_state", sql_state}, {"text", field(notice, PG_DIAG_MESSAGE_PRIMARY)}});
}

bool Connection::alive() {
  if (broken_) return false;
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  if (socket.fd >= 0 && ::poll(&socket, 1, 0) == 0) return true;  // nothing came: no news is good news
  // Its last words and then the end, or a parameter that changed.
  if (!PQconsumeInput(connection_.get()) || PQstatus(connection_.get()) != CONNECTION_OK) broken_ = true;
  if (!broken_ && ::poll(&socket, 1, 0) > 0 && !PQconsumeInput(connection_.get())) broken_ = true;
  return !broken_;
}

bool Connection::inTransaction() const { return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE; }

// A pooler gives its clients process ids of its own making.
bool Connection::behindPooler() const { return PQbackendPID(connection_.get()) != backend_pid_; }

std::vector<Connection::Notification> Connection::waitForNotifications(std::chrono::milliseconds timeout,
                                                                       int wake_descriptor) {
  const Deadline deadline = Clock::now() + timeout;
  std::vector<Notification> notifications;
  while (true) {
    while (PGnotify* const raw = PQnotifies(connection_.get())) {
      const std::unique_ptr<PGnotify, void (*)(void*)> notify(raw, PQfreemem);
      notifications.push_back({notify->relname, notify->extra, notify->be_pid});
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (!notifications.empty() || left.count() <= 0) return notifications;
    std::array<pollfd, 2> descriptors{pollfd{PQsocket(connection_.get()), POLLIN, 0},
                                      pollfd{wake_descriptor, POLLIN, 0}};
    if (::poll(descriptors.data(), 2, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) <= 0) continue;
    if (descriptors[0].revents && !PQconsumeInput(connection_.get())) {
      fail("listen", "", firstLine(PQerrorMessage(connection_.get())), IfLost::NothingHappened);
    }
    if (descriptors[1].revents) return notifications;
  }
}

}  // namespace howdah::persistence::postgres
