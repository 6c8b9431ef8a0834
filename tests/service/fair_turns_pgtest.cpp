// However much one queue has waiting, or one key on many queues, another's requests do not wait for it: while all that
// may be under way of the one stands still, the other is served. Seen by what is answered, not by time: a busy machine
// changes nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>

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

// How many queues the load is on. On one, nobody's key counts; on many, its key alone makes it a load.
class FairTurns : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Queues, FairTurns, ::testing::Values(1, kLoad));

TEST_P(FairTurns, AQuietQueueIsServedWhileAllTheWorkersThatALoadMayHaveStandStill) {
  const auto loaded = [](int i) { return "loaded-" + std::to_string(i % GetParam()); };
  const testing::TestDatabase database;
  // Two workers for the load, which could use three: two for sends and one for receives.
  ServiceOptions options;
  options.workers = 3;
  ServiceProcess process(database.options(), options);
  ASSERT_TRUE(process.answer(&SqsService::createQueue, {"quiet", {}, {}}).ok());
  for (int i = 0; i < GetParam(); ++i) ASSERT_TRUE(process.answer(&SqsService::createQueue, {loaded(i), {}, {}}).ok());

  // A key is weighed once another has asked.
  Caller& caller = process.context.caller;
  caller.accounts_matter = GetParam() > 1;
  caller.access_key_id = "QUIET";
  EXPECT_TRUE(process.answer(&SqsService::sendMessage, sendInput("quiet", 100)).ok());
  const auto before = process.store().calls("send");
  caller.access_key_id = "LOADED";

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
    sends.push_back(process.begin(&SqsService::sendMessage, sendInput(loaded(i), 900'000)));
  all_there.set_value();
  EXPECT_TRUE(eventually([&] { return process.store().calls("send") == before + 3; }));
  for (int i = 0; i < kLoad; ++i)
    receives.push_back(process.begin(&SqsService::receiveMessage, receiveInput(loaded(i))));
  EXPECT_EQ(process.store().calls("receive"), 0) << "that is another's worker";
  process.store().failBefore(
      "send", [] {}, 0);
  process.store().failBefore(
      "receive", [] {}, 0);

  caller.access_key_id = "QUIET";
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
  EXPECT_EQ(process.store().calls("send"), before + 3 + 3) << "nothing of the load went on";

  gate.set_value();
  for (auto& sent : sends) EXPECT_TRUE(ServiceProcess::wait(std::move(sent)).ok());
  for (auto& received : receives) EXPECT_EQ(ServiceProcess::wait(std::move(received))->messages.size(), 1u);
}

}  // namespace
}  // namespace howdah::service
