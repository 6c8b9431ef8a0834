#include "service/maintenance.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "tests/support/eventually.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using testing::ServiceProcess;

class DutyRecorder final : public testing::NullRecorder {
 public:
  void dutyHeld(std::string_view, bool held) override { set(held_, held); }
  void dutyFinished(std::string_view, bool success, metrics::Seconds) override { set(finished_, success); }

  bool waitUntilHeldIs(bool held) { return waitUntil(held_, held); }
  bool waitUntilFinished(bool success) { return waitUntil(finished_, success); }

 private:
  void set(std::optional<bool>& what, bool value) {
    std::lock_guard lock(mutex_);
    what = value;
    told_.notify_all();
  }
  bool waitUntil(const std::optional<bool>& what, bool value) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, std::chrono::seconds(20), [&] { return what == value; });
  }

  std::mutex mutex_;
  std::condition_variable told_;
  std::optional<bool> held_;
  std::optional<bool> finished_;
};

constexpr std::chrono::milliseconds kOften{10};

TEST(MaintenanceTest, ARoundSweepsAllThatAPurgeLeftBehind) {
  testing::TestDatabase database;
  ServiceProcess process(database.options());
  ASSERT_TRUE(process.answer(&SqsService::createQueue, {"q", {}, {}}).ok());
  SendMessageInput input;
  input.queue_url = {"", "q"};
  input.message_body = "m";
  std::vector<std::future<Result<SendMessageOutput>>> sends;
  for (int i = 0; i < 1500; ++i)
    sends.push_back(process.begin(&SqsService::sendMessage, input));  // more than one batch
  for (auto& sent : sends) ASSERT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
  ASSERT_TRUE(process.answer(&SqsService::purgeQueue, {{"", "q"}}).ok());

  DutyRecorder recorder;
  auto& store = process.database().maintenance();
  Maintenance maintenance(store, recorder, {sweepDuty(store, recorder, std::chrono::hours(1))});
  maintenance.start();
  ASSERT_TRUE(recorder.waitUntilFinished(true));
  maintenance.stop();
  EXPECT_EQ(database.outsider().execute({"count", "SELECT count(*) FROM howdah.message"}).only().int8(0), 0);
}

TEST(MaintenanceTest, OneProcessAtATimeHoldsTheSweepAndAnotherTakesItOver) {
  testing::TestDatabase database;
  ServiceProcess one(database.options());
  ServiceProcess two(database.options());
  DutyRecorder of_one;
  DutyRecorder of_two;
  Maintenance first(one.database().maintenance(), of_one, {sweepDuty(one.database().maintenance(), of_one, kOften)});
  Maintenance second(two.database().maintenance(), of_two, {sweepDuty(two.database().maintenance(), of_two, kOften)});
  first.start();
  ASSERT_TRUE(of_one.waitUntilHeldIs(true));
  second.start();
  ASSERT_TRUE(of_two.waitUntilHeldIs(false));
  first.stop();
  EXPECT_TRUE(of_two.waitUntilHeldIs(true));
}

TEST(MaintenanceTest, ADutyWithMuchToDoLetsTheOthersHaveTheirTurn) {
  testing::TestDatabase database;
  ServiceProcess process(database.options());
  DutyRecorder recorder;
  std::atomic<int> endless = 0;
  std::atomic<int> others_after = 0;
  const auto now = [&]() -> std::optional<std::chrono::milliseconds> {
    ++endless;
    return std::chrono::milliseconds(0);
  };
  const auto once = [&]() -> std::optional<std::chrono::milliseconds> {
    if (endless > 0) ++others_after;
    return std::nullopt;
  };
  Maintenance maintenance(process.database().maintenance(), recorder,
                          {{"endless", std::chrono::hours(1), now}, {"other", kOften, once}});
  maintenance.start();
  EXPECT_TRUE(testing::eventually([&] { return others_after > 2; }));
  maintenance.stop();
  EXPECT_GT(endless, others_after);
}

TEST(MaintenanceTest, ALostDatabaseLosesTheDutyUntilItIsBack) {
  testing::TestDatabase database;
  ServiceProcess process(database.options());
  DutyRecorder recorder;
  Maintenance maintenance(process.database().maintenance(), recorder,
                          {sweepDuty(process.database().maintenance(), recorder, kOften)});
  maintenance.start();
  ASSERT_TRUE(recorder.waitUntilHeldIs(true));
  database.outsider();
  database.allowConnections(false);
  database.terminateBackends();
  EXPECT_TRUE(recorder.waitUntilHeldIs(false));
  database.allowConnections(true);
  EXPECT_TRUE(recorder.waitUntilHeldIs(true));
}

}  // namespace
}  // namespace howdah::service
