#include "persistence/postgres/connection_pool.h"

#include <algorithm>

#include "metrics/log.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kFirstBackoff{50};
constexpr std::chrono::milliseconds kLongestBackoff{1000};

}  // namespace

ConnectionPool::ConnectionPool(PostgresOptions options, metrics::Recorder& recorder)
    : options_(std::move(options)), recorder_(recorder) {}

ConnectionPool::~ConnectionPool() = default;

ConnectionPool::Lease::Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection)
    : pool_(pool), connection_(std::move(connection)) {}

ConnectionPool::Lease::~Lease() {
  if (connection_) pool_.giveBack(std::move(connection_));
}

ConnectionPool::Lease ConnectionPool::acquire() {
  const auto asked = Clock::now();
  const auto deadline = asked + options_.connect_timeout;
  std::unique_lock lock(mutex_);
  while (true) {
    while (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->alive()) {
        reportCounts();
        recorder_.databaseConnectionAwaited(Clock::now() - asked);
        return Lease(*this, std::move(connection));
      }
      --open_;
      recorder_.databaseError("connection");
    }
    if (down_ && (connecting_ || Clock::now() < retry_at_)) throw StoreUnavailable(last_error_);
    if (!connecting_ && open_ < options_.connections) {
      Lease lease(*this, connect(lock));
      recorder_.databaseConnectionAwaited(Clock::now() - asked);
      return lease;
    }
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && idle_.empty()) {
      throw StoreUnavailable("every connection to the database is busy");
    }
  }
}

// Without the lock while it waits. Others wait for its outcome: connecting takes milliseconds, or fails for all.
std::unique_ptr<Connection> ConnectionPool::connect(std::unique_lock<std::mutex>& lock) {
  connecting_ = true;
  std::unique_ptr<Connection> connection;
  std::string error;
  lock.unlock();
  try {
    connection = std::make_unique<Connection>(options_, recorder_);
  } catch (const std::exception& failure) {  // StoreError, or SetupError from another database than before
    error = failure.what();
  }
  lock.lock();
  connecting_ = false;
  if (connection) {
    ++open_;
    if (down_) {
      recorder_.databaseReconnected();
      metrics::logInfo("the database is back");
    }
    if (down_ || !ever_up_) recorder_.databaseUp(true);
    down_ = false;
    ever_up_ = true;
    backoff_ = {};
    reportCounts();
  } else {
    if (!down_) {
      recorder_.databaseUp(false);
      metrics::logError("the database cannot be reached", {{"error", error}});
    }
    down_ = true;
    last_error_ = error;
    backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
    retry_at_ = Clock::now() + backoff_;
  }
  changed_.notify_all();
  if (!connection) throw StoreUnavailable(error);
  return connection;
}

void ConnectionPool::giveBack(std::unique_ptr<Connection> connection) {
  const bool usable = !connection->broken() && !connection->inTransaction();
  if (!usable) connection.reset();  // closing takes a system call or two: without the lock
  const std::scoped_lock lock(mutex_);
  if (usable) {
    idle_.push_back(std::move(connection));
  } else {
    --open_;
  }
  reportCounts();
  changed_.notify_one();
}

void ConnectionPool::reportCounts() {
  recorder_.databaseConnections("open", open_);
  recorder_.databaseConnections("busy", open_ - static_cast<std::int64_t>(idle_.size()));
}

}  // namespace howdah::persistence::postgres
