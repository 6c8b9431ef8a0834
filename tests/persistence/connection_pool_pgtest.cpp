#include "persistence/postgres/connection_pool.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <optional>

#include "persistence/store_error.h"
#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::persistence::postgres {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class ConnectionPoolTest : public ::testing::Test {
 protected:
  PostgresOptions options(int connections) {
    PostgresOptions options = database_.options();
    options.connections = connections;
    return options;
  }
  static int one(ConnectionPool& pool) { return pool.acquire()->execute({"one", "SELECT 1"}).only().int4(0); }

  howdah::testing::TestDatabase database_;
  howdah::testing::NullRecorder recorder_;
};

TEST_F(ConnectionPoolTest, AConnectionIsUsedAgain) {
  ConnectionPool pool(options(2), recorder_);
  const int first = pool.acquire()->backendPid();
  EXPECT_EQ(pool.acquire()->backendPid(), first);
}

TEST_F(ConnectionPoolTest, ALeaseIsWaitedForAndHandedOver) {
  ConnectionPool pool(options(1), recorder_);
  std::optional<ConnectionPool::Lease> lease(pool.acquire());
  const int pid = (*lease)->backendPid();
  std::future<int> other = std::async(std::launch::async, [&] { return pool.acquire()->backendPid(); });
  EXPECT_EQ(other.wait_for(milliseconds(20)), std::future_status::timeout);
  lease.reset();
  EXPECT_EQ(other.get(), pid);
}

TEST_F(ConnectionPoolTest, TheWaitForALeaseIsBounded) {
  PostgresOptions impatient = options(1);
  impatient.connect_timeout = milliseconds(30);
  ConnectionPool pool(impatient, recorder_);
  const ConnectionPool::Lease lease = pool.acquire();
  EXPECT_THROW(pool.acquire(), StoreUnavailable);
}

TEST_F(ConnectionPoolTest, BackendsThatWereKilledWhileIdleAreReplacedUnseen) {
  ConnectionPool pool(options(3), recorder_);
  { const auto a = pool.acquire(), b = pool.acquire(), c = pool.acquire(); }
  database_.terminateBackends();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(one(pool), 1);
}

TEST_F(ConnectionPoolTest, AConnectionLeftInATransactionIsNotReused) {
  ConnectionPool pool(options(1), recorder_);
  int pid = 0;
  {
    const auto lease = pool.acquire();
    pid = lease->backendPid();
    lease->executeScript("BEGIN");
  }
  EXPECT_NE(pool.acquire()->backendPid(), pid);
}

TEST_F(ConnectionPoolTest, ADeadServerIsAnsweredAtOnceByAllButOne) {
  // Takes connections and never answers: the worst kind of dead.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 16), 0);
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);

  PostgresOptions dead = options(4);
  dead.connection_string = "host=127.0.0.1 port=" + std::to_string(ntohs(address.sin_port));
  dead.connect_timeout = milliseconds(2000);
  ConnectionPool pool(dead, recorder_);
  EXPECT_THROW(pool.acquire(), StoreUnavailable);
  const auto known = Clock::now();
  for (int i = 0; i < 100; ++i) {
    // A try of its own is made by one caller now and then, and not here, within the first back-off.
    if (Clock::now() - known > milliseconds(40)) break;
    EXPECT_THROW(pool.acquire(), StoreUnavailable);
  }
  EXPECT_LT(Clock::now() - known, milliseconds(1000));
  ::close(listener);
}

TEST_F(ConnectionPoolTest, UseGoesOnWhenTheServerIsBack) {
  ConnectionPool pool(options(2), recorder_);
  EXPECT_EQ(one(pool), 1);
  database_.outsider();
  database_.allowConnections(false);
  database_.terminateBackends();
  EXPECT_THROW(one(pool), StoreUnavailable);
  database_.allowConnections(true);
  EXPECT_TRUE(howdah::testing::eventually([&] {
    try {
      return one(pool) == 1;
    } catch (const StoreUnavailable&) {
      return false;
    }
  }));
}

}  // namespace
}  // namespace howdah::persistence::postgres
