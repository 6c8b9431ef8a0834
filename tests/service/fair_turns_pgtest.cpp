// However much one queue has waiting, another's requests do not wait for it: while all that may be under way of the one
// stands still, the other is served. Seen by what is answered, not by time: a busy machine changes nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "service/sqs_service.h"
#include "tests/support/eventually.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using testing::eventually;
using testing::ServiceProcess;

constexpr int kLoad = 40;

SendMessageInput sendInput(const std::string& queue, std::size_t bytes) {
  SendMessageInput input;
  input.queue_url = {"", queue};
  input.message_body = std::string(bytes, 'x');
  return input;
}

ReceiveMessageInput receiveInput(const std::string& queue) {
  ReceiveMessageInput input;
  input.queue_url = {"", queue};
  input.wait_time_seconds = 20;
  return input;
}

TEST(FairTurns, AQuietQueueIsServedWhileAllTheWorkersThatALoadedOneMayHaveStandStill) {
  const testing::TestDatabase database;
  // Two workers for the load, which could use three: two for sends and one for receives.
  ServiceOptions options;
  options.workers = 3;
  ServiceProcess process(database.options(), options);
  for (const char* queue : {"loaded", "quiet"})
    ASSERT_TRUE(process.answer(&SqsService::createQueue, {queue, {}, {}}).ok());

  // The first send is that of an idle queue, and therefore light: it goes once the others are there.
  std::promise<void> gate, all_there;
  const auto opened = gate.get_future().share();
  const auto submitted = all_there.get_future().share();
  std::atomic<bool> first_came = false;
  process.store().failBefore(
      "send", [&] { (first_came.exchange(true) ? opened : submitted).wait(); }, kLoad);
  process.store().failBefore(
      "receive", [&] { opened.wait(); }, kLoad);
  std::vector<std::future<Result<SendMessageOutput>>> sends;
  std::vector<std::future<Result<ReceiveMessageOutput>>> receives;
  for (int i = 0; i < kLoad; ++i)
    sends.push_back(process.begin(&SqsService::sendMessage, sendInput("loaded", 900'000)));
  all_there.set_value();
  EXPECT_TRUE(eventually([&] { return process.store().calls("send") == 3; }));
  for (int i = 0; i < kLoad; ++i)
    receives.push_back(process.begin(&SqsService::receiveMessage, receiveInput("loaded")));
  EXPECT_EQ(process.store().calls("receive"), 0) << "that is another's worker";
  process.store().failBefore(
      "send", [] {}, 0);
  process.store().failBefore(
      "receive", [] {}, 0);

  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(process.answer(&SqsService::sendMessage, sendInput("quiet", 100)).ok());
    const auto received = process.answer(&SqsService::receiveMessage, receiveInput("quiet"));
    ASSERT_TRUE(received.ok());
    ASSERT_EQ(received->messages.size(), 1u);
    DeleteMessageInput input;
    input.queue_url = {"", "quiet"};
    input.receipt_handle = received->messages.front().receipt_handle;
    EXPECT_TRUE(process.answer(&SqsService::deleteMessage, input).ok());
  }
  EXPECT_EQ(process.store().calls("send"), 3 + 3) << "nothing of the loaded queue went on";

  gate.set_value();
  for (auto& sent : sends) EXPECT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
  for (auto& received : receives) EXPECT_EQ(ServiceProcess::wait(std::move(received))->messages.size(), 1u);
}

}  // namespace
}  // namespace howdah::service
