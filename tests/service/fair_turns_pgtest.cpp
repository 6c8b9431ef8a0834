// However much one queue has waiting, another's request leaves with the next transaction. Counted in transactions, not
// in time: a busy machine changes nothing.
#include <gtest/gtest.h>

#include <future>

#include "service/sqs_service.h"
#include "tests/support/eventually.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using testing::ServiceProcess;

constexpr int kLoad = 40;

SendMessageInput sendInput(const std::string& queue, std::size_t bytes) {
  SendMessageInput input;
  input.queue_url = {"", queue};
  input.message_body = std::string(bytes, 'x');
  return input;
}

class FairTurns : public ::testing::Test {
 protected:
  FairTurns() {
    for (const char* queue : {"loaded", "quiet"})
      EXPECT_TRUE(process_.answer(&SqsService::createQueue, {queue, {}, {}}).ok());
  }
  // From now on the next two transactions of this kind stand still until open().
  void hold(const std::string& method) {
    process_.store().failBefore(
        method, [opened = gate_.get_future().share()] { opened.wait(); }, 2);
    held_from_ = process_.store().calls(method);
  }
  bool areHeld(const std::string& method) {
    return testing::eventually([&] { return process_.store().calls(method) == held_from_ + 2; });
  }
  void open() { gate_.set_value(); }
  int transactions(const std::string& method) { return process_.store().calls(method) - held_from_; }

  testing::TestDatabase database_;
  ServiceProcess process_{database_.options()};
  std::promise<void> gate_;
  int held_from_ = 0;
};

TEST_F(FairTurns, AQuietQueuesSendLeavesBeforeTheLargeOnesThatALoadedQueueHasWaiting) {
  hold("send");
  std::vector<std::future<Result<SendMessageOutput>>> load;
  for (int i = 0; i < kLoad; ++i)
    load.push_back(process_.begin(&SqsService::sendMessage, sendInput("loaded", 900'000)));
  ASSERT_TRUE(areHeld("send"));
  auto quiet = process_.begin(&SqsService::sendMessage, sendInput("quiet", 100));
  open();
  EXPECT_TRUE(ServiceProcess::wait(std::move(quiet)).ok());
  EXPECT_LT(transactions("send"), kLoad / 4);
  for (auto& sent : load) EXPECT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
  EXPECT_EQ(transactions("send"), kLoad);
}

}  // namespace
}  // namespace howdah::service
