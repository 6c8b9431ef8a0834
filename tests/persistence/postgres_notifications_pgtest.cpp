#include "persistence/postgres/postgres_notifications.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::persistence::postgres {
namespace {

const DatabaseTime kSooner{std::chrono::seconds(1'000'000)};
const DatabaseTime kLater{std::chrono::seconds(2'000'000)};

// One server process: its listener, and what it heard.
class Process {
 public:
  explicit Process(const PostgresOptions& options) : notifications_(options, recorder_) {
    notifications_.start(
        [this](const std::vector<WakeHint>& hints) {
          const std::scoped_lock lock(mutex_);
          for (const WakeHint& hint : hints) heard_[hint.queue_id] = hint;
          changed_.notify_all();
        },
        [this] {
          const std::scoped_lock lock(mutex_);
          ++reconnects_;
          changed_.notify_all();
        });
  }

  void publish(QueueId queue_id, std::optional<DatabaseTime> due = {}) { notifications_.publish({queue_id, due}); }
  bool hears(QueueId queue_id) {
    return wait([&] { return heard_.contains(queue_id); });
  }
  bool listens() {
    return wait([&] { return reconnects_ > 0; });
  }
  bool reconnects() {
    return wait([&] { return reconnects_ > 1; });  // the first time is no return
  }
  std::map<QueueId, WakeHint> heard() {
    const std::scoped_lock lock(mutex_);
    return heard_;
  }
  void stop() { notifications_.stop(); }

 private:
  bool wait(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), condition);
  }

  howdah::testing::NullRecorder recorder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<QueueId, WakeHint> heard_;
  int reconnects_ = 0;
  PostgresNotifications notifications_;
};

class PostgresNotificationsTest : public ::testing::Test {
 protected:
  // A process sends nothing before it knows of another; both ways, until each has heard the other.
  static void introduce(Process& a, Process& b) {
    ASSERT_TRUE(howdah::testing::eventually([&] {
      b.publish(-1);
      a.publish(-2);
      return a.heard().contains(-1) && b.heard().contains(-2);
    }));
  }
  std::int64_t listeners() {
    return database_.outsider()
        .execute({"listeners",
                  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = "
                  "'howdah listener'"})
        .only()
        .int8(0);
  }

  howdah::testing::TestDatabase database_;
};

TEST_F(PostgresNotificationsTest, AHintReachesTheOtherProcessWithItsDueTimeAndNotTheSender) {
  Process a(database_.options()), b(database_.options());
  introduce(a, b);
  a.publish(7, kSooner);
  ASSERT_TRUE(b.hears(7));
  EXPECT_EQ(b.heard()[7].due_at, kSooner);
  b.publish(8);
  ASSERT_TRUE(a.hears(8));
  EXPECT_EQ(a.heard()[8].due_at, std::nullopt);
  EXPECT_FALSE(a.heard().contains(7));
  EXPECT_FALSE(b.heard().contains(8));
}

TEST_F(PostgresNotificationsTest, HintsOfAQueueThatGatherLeaveAsTheEarliest) {
  PostgresOptions options = database_.options();
  Process b(options);
  options.notify_delay = std::chrono::milliseconds(200);
  Process a(options);
  introduce(a, b);
  a.publish(1, kLater);
  a.publish(1, kSooner);
  a.publish(1, kLater);
  a.publish(2, kSooner);
  a.publish(2);
  a.publish(2, kSooner);
  ASSERT_TRUE(b.hears(1));
  ASSERT_TRUE(b.hears(2));
  EXPECT_EQ(b.heard()[1].due_at, kSooner);
  EXPECT_EQ(b.heard()[2].due_at, std::nullopt);
}

TEST_F(PostgresNotificationsTest, ThousandsOfQueuesAtOnceAllArrive) {
  PostgresOptions options = database_.options();
  options.notify_delay = std::chrono::milliseconds(100);
  Process a(options), b(options);
  introduce(a, b);
  for (int i = 1; i <= 5000; ++i) a.publish(i, kSooner);
  for (int i = 1; i <= 5000; ++i) ASSERT_TRUE(b.hears(i));
}

TEST_F(PostgresNotificationsTest, AKilledListenerComesBackSaysSoAndHearsAgain) {
  Process a(database_.options()), b(database_.options());
  introduce(a, b);
  database_.terminateBackends();
  EXPECT_TRUE(a.reconnects());
  EXPECT_TRUE(b.reconnects());
  // A hint may be lost on the way back; those that follow are not.
  EXPECT_TRUE(howdah::testing::eventually([&] {
    a.publish(9);
    return b.heard().contains(9);
  }));
}

TEST_F(PostgresNotificationsTest, AnAbsentDatabaseIsWaitedFor) {
  database_.outsider();
  database_.allowConnections(false);
  Process a(database_.options());
  database_.allowConnections(true);
  ASSERT_TRUE(howdah::testing::eventually([&] { return listeners() > 0; }));
  Process b(database_.options());
  introduce(a, b);
}

TEST_F(PostgresNotificationsTest, NothingIsSentWhileNobodyElseListens) {
  // The application's own listener on the same channel hears whether anything is sent.
  Connection& outsider = database_.outsider();
  outsider.execute({"listen", "LISTEN howdah_wake"});
  Process a(database_.options());
  std::vector<Connection::Notification> heard = outsider.waitForNotifications(std::chrono::seconds(10));
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].payload, "hello");
  ASSERT_TRUE(a.listens());  // and so knows that it is alone
  for (int i = 0; i < 100; ++i) a.publish(1);
  // Twenty times as long as a hint gathers.
  EXPECT_TRUE(outsider.waitForNotifications(std::chrono::milliseconds(100)).empty());
}

TEST_F(PostgresNotificationsTest, ANewcomersHintsReachWhoeverListenedBefore) {
  Process a(database_.options());
  ASSERT_TRUE(howdah::testing::eventually([&] { return listeners() == 1; }));
  Process b(database_.options());
  EXPECT_TRUE(howdah::testing::eventually([&] {
    b.publish(5);
    return a.heard().contains(5);
  }));
}

TEST_F(PostgresNotificationsTest, StopIsSafeTwiceAndUnstartedAndPrompt) {
  howdah::testing::NullRecorder recorder;
  PostgresNotifications unstarted(database_.options(), recorder);
  unstarted.stop();
  unstarted.publish({1, {}});
  Process a(database_.options());
  ASSERT_TRUE(howdah::testing::eventually([&] { return listeners() > 0; }));
  const auto before = std::chrono::steady_clock::now();
  a.stop();
  a.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace howdah::persistence::postgres
