// A few connections to PostgreSQL, made when first needed and replaced when broken. Any thread. While the database is
// away only one caller at a time tries to connect, with a back-off between the tries, and all others are answered
// StoreUnavailable at once instead of queueing up behind a host that does not answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "persistence/postgres/connection.h"

namespace howdah::persistence::postgres {

class ConnectionPool {
 public:
  ConnectionPool(PostgresOptions options, metrics::Recorder& recorder);
  ~ConnectionPool();  // every lease has ended

  // A connection for one thread, given back at the end. One that is broken, or left in a transaction, is closed.
  class Lease {
   public:
    Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Connection* operator->() const { return connection_.get(); }
    Connection& operator*() const { return *connection_; }

   private:
    ConnectionPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits at most the connect timeout for a connection to come free, and as long for a new one; then StoreUnavailable.
  Lease acquire();

  const PostgresOptions& options() const { return options_; }
  metrics::Recorder& recorder() const { return recorder_; }

 private:
  std::unique_ptr<Connection> connect(std::unique_lock<std::mutex>& lock);
  void giveBack(std::unique_ptr<Connection> connection);
  void reportCounts();

  const PostgresOptions options_;
  metrics::Recorder& recorder_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the last one given back is taken first: its caches are warm
  int open_ = 0;                                   // idle and leased
  bool connecting_ = false;
  bool down_ = false;  // the last try to connect failed
  bool ever_up_ = false;
  std::chrono::steady_clock::time_point retry_at_;
  std::chrono::milliseconds backoff_{0};
  std::string last_error_;
};

}  // namespace howdah::persistence::postgres
