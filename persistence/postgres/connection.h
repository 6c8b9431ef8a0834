// One connection to PostgreSQL; the one class that touches PGconn. Blocking, with a deadline on every wait; used by one
// thread at a time. After a StoreError look at broken(): a broken connection can only be destroyed.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "metrics/recorder.h"
#include "persistence/postgres/options.h"
#include "persistence/postgres/pg_params.h"
#include "persistence/postgres/pg_rows.h"
#include "persistence/postgres/sql_state.h"
#include "persistence/postgres/statement.h"

struct pg_conn;  // PGconn, so that libpq is seen by our .cpp files only

namespace howdah::persistence::postgres {

class Connection {
 public:
  // Connects and sets what we rely on for the session. Throws StoreUnavailable, or SetupError for a database that
  // cannot be used. Resolving a host name is the one wait without a deadline of ours.
  Connection(const PostgresOptions& options, metrics::Recorder& recorder,
             const std::string& application_name = "howdah");
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one statement, prepared at its first use on this connection. Outside a Transaction it commits by itself, and
  // throws StoreOutcomeUnknown if the connection is lost once it was sent.
  Rows execute(const Statement& statement, const Params& params = {});

  // Runs statements by the simple protocol: one transaction, unless they say otherwise. Results are thrown away.
  void executeScript(const std::string& script) { executeScript(script, statement_deadline_); }
  void executeScript(const std::string& script, std::chrono::milliseconds patience);

  // For Transaction only.
  void begin();
  void commit();
  void rollback();

  bool broken() const { return broken_; }
  // Cheap: notices that the server closed an idle connection.
  bool alive();
  bool inTransaction() const;
  int backendPid() const { return backend_pid_; }
  bool behindPooler() const;                             // somebody else answers for the backend
  int serverVersion() const { return server_version_; }  // as 150004

  struct Notification {
    std::string channel;
    std::string payload;
    int backend_pid = 0;
  };
  // Waits for notifications until `timeout` has passed or `wake_descriptor` (-1: none) is readable. Throws
  // StoreUnavailable when the connection is lost.
  std::vector<Notification> waitForNotifications(std::chrono::milliseconds timeout, int wake_descriptor = -1);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  Rows run(const Statement& statement, const Params& params, IfLost if_lost);
  void prepare(const Statement& statement, const std::vector<std::uint32_t>& types);
  Rows finish(std::string_view name, bool sent, IfLost if_lost, std::chrono::milliseconds patience);
  bool awaitResult(Deadline deadline);
  bool awaitSocket(bool for_write, Deadline deadline);
  [[noreturn]] void fail(std::string_view name, std::string_view sql_state, const std::string& message, IfLost if_lost);
  void setSession(const PostgresOptions& options);
  void onNotice(const pg_result* notice);

  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  metrics::Recorder& recorder_;
  const std::chrono::milliseconds statement_deadline_;
  const std::chrono::milliseconds slow_statement_;
  std::unique_ptr<pg_conn, Finish> connection_;
  std::unordered_set<std::string_view> prepared_;
  bool broken_ = false;
  bool replication_wait_cancelled_ = false;  // by the commit under way
  int server_version_ = 0;
  int backend_pid_ = 0;
};

}  // namespace howdah::persistence::postgres
