// Redrive policies, dead letters, permissions and move tasks as the actions show them, on a real store, without HTTP.
#include <gtest/gtest.h>

#include "service/message_mover.h"
#include "service/sqs_service.h"
#include "tests/support/manual_clock.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah::service {
namespace {

using std::chrono::seconds;
using testing::ServiceProcess;
using testing::TestDatabase;

constexpr const char* kAccount = "000000000000";

QueueRef ref(const std::string& name) { return {kAccount, name}; }
std::string arn(const std::string& name) { return "arn:aws:sqs:us-east-1:000000000000:" + name; }
std::string policy(const std::string& target, int count = 1) {
  return R"({"deadLetterTargetArn":")" + arn(target) + R"(","maxReceiveCount":)" + std::to_string(count) + "}";
}

class Redrive : public ::testing::Test {
 protected:
  ServiceProcess& addProcess() {
    auto postgres = database_.options();
    postgres.test_clock = true;
    ServiceOptions options;
    options.watch_interval = std::chrono::hours(1);  // what wakes a parked receive is no poll
    processes_.push_back(std::make_unique<ServiceProcess>(postgres, options));
    return *processes_.back();
  }
  ServiceProcess& process() { return processes_.empty() ? addProcess() : *processes_.front(); }

  void create(const std::string& name, AttributeMap attributes = {}) {
    if (name.ends_with(".fifo")) attributes.insert({{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}});
    ASSERT_TRUE(process().answer(&SqsService::createQueue, {name, std::move(attributes), {}}).ok());
  }
  Result<Nothing> set(const std::string& name, const std::string& attribute, const std::string& value) {
    return process().answer(&SqsService::setQueueAttributes, {ref(name), AttributeMap{{attribute, value}}});
  }
  AttributeMap attributes(const std::string& name) {
    return process()
        .answer(&SqsService::getQueueAttributes, {ref(name), std::vector<std::string>{"All"}})
        .value()
        .attributes;
  }
  std::string visible(const std::string& name) { return attributes(name)["ApproximateNumberOfMessages"]; }

  SendMessageOutput send(const std::string& name, const std::string& body, const std::string& group = "g") {
    SendMessageInput input;
    input.queue_url = ref(name);
    input.message_body = body;
    if (name.ends_with(".fifo")) input.message_group_id = group;
    return process().answer(&SqsService::sendMessage, std::move(input)).value();
  }
  static ReceiveMessageInput receiveInput(const std::string& name, int visibility_timeout, int wait_seconds) {
    ReceiveMessageInput input;
    input.queue_url = ref(name);
    input.attribute_names = {"All"};
    input.max_number_of_messages = 10;
    input.visibility_timeout = visibility_timeout;
    input.wait_time_seconds = wait_seconds;
    return input;
  }
  std::vector<Message> receive(const std::string& name, int visibility_timeout = 30) {
    return process().answer(&SqsService::receiveMessage, receiveInput(name, visibility_timeout, 0)).value().messages;
  }
  static std::string bodies(const std::vector<Message>& messages) {
    std::string all;
    for (const auto& message : messages) all += (all.empty() ? "" : " ") + message.body;
    return all;
  }
  // `queue` with its dead-letter queue `dead` and `count` dead letters there.
  void createDeadLetters(const std::string& queue, const std::string& dead, int count) {
    create(dead);
    create(queue, {{"RedrivePolicy", policy(dead)}});
    for (int i = 0; i < count; ++i) send(queue, std::to_string(i));
    if (count == 0) return;
    ASSERT_EQ(receive(queue, 0).size(), static_cast<std::size_t>(count));
    ASSERT_TRUE(receive(queue, 0).empty());
    ASSERT_EQ(visible(dead), std::to_string(count));
  }

  Result<StartMessageMoveTaskOutput> start(const std::string& source, std::optional<std::string> destination = {},
                                           std::optional<int> rate = {}) {
    return process().answer(&SqsService::startMessageMoveTask, {source, std::move(destination), rate});
  }
  std::vector<ListMessageMoveTasksResultEntry> tasks(const std::string& source, std::optional<int> limit = {}) {
    return process().answer(&SqsService::listMessageMoveTasks, {arn(source), limit}).value().results;
  }
  // As the duty of `mover` would, at once.
  void moveAll(ServiceProcess& mover) {
    MessageMover all(mover.database().moveTasks(), clock_, mover.recorder(),
                     [&](persistence::QueueId queue_id, std::size_t messages) {
                       mover.service().messagesArrived(queue_id, messages);
                     });
    while (const auto next = all.move()) clock_.advance(*next);
  }
  template <class T>
  static void expectRefused(const Result<T>& result, ErrorCode code, const std::string& text) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, code);
    EXPECT_EQ(result.error().message, text);
  }
  template <class T>
  static void expectInvalid(const Result<T>& result, const std::string& text) {
    expectRefused(result, ErrorCode::InvalidParameterValueException, text);
  }
  static std::string reason(const std::string& json, const std::string& text) {
    return "Value " + json + " for parameter RedrivePolicy is invalid. Reason: " + text;
  }

  TestDatabase database_;
  std::vector<std::unique_ptr<ServiceProcess>> processes_;
  testing::ManualClock clock_;
};

// RedrivePolicy and RedriveAllowPolicy

TEST_F(Redrive, APolicyIsShownInItsCanonicalForm) {
  create("dead");
  create("q");
  ASSERT_TRUE(
      set("q", "RedrivePolicy", R"( { "maxReceiveCount" : "7", "deadLetterTargetArn" : ")" + arn("dead") + "\"}").ok());
  EXPECT_EQ(attributes("q")["RedrivePolicy"], policy("dead", 7));
  ASSERT_TRUE(set("q", "RedrivePolicy", "").ok());
  EXPECT_FALSE(attributes("q").contains("RedrivePolicy"));
}

TEST_F(Redrive, ATargetMustBeThereAndOfTheSameType) {
  create("q");
  create("dead.fifo");
  expectInvalid(set("q", "RedrivePolicy", policy("dead")),
                reason(policy("dead"), "Dead letter target does not exist."));
  expectInvalid(set("q", "RedrivePolicy", policy("dead.fifo")),
                reason(policy("dead.fifo"), "Dead-letter queue must be same type of queue as the source.."));
  expectInvalid(process().answer(&SqsService::createQueue, {"r", AttributeMap{{"RedrivePolicy", policy("dead")}}, {}}),
                reason(policy("dead"), "Dead letter target does not exist."));
  EXPECT_FALSE(attributes("q").contains("RedrivePolicy"));
}

TEST_F(Redrive, ATargetOfAnotherAccountOrRegionIsRefused) {
  create("dead");
  create("q");
  process().context.caller.accounts_matter = true;
  const std::string foreign =
      R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111111111111:dead","maxReceiveCount":1})";
  expectInvalid(set("q", "RedrivePolicy", foreign),
                reason(foreign, "Dead letter target owner should be same as the source."));
  const std::string far = R"({"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":1})";
  expectInvalid(set("q", "RedrivePolicy", far), reason(far, "Dead letter target does not exist."));
}

TEST_F(Redrive, TheAllowPolicyOfTheTargetDecidesWhoMayNameIt) {
  create("dead");
  create("q");
  create("r");
  const std::string denied = "The redrive allow policy of the dead-letter queue does not permit this source queue.";
  ASSERT_TRUE(set("dead", "RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})").ok());
  expectInvalid(set("q", "RedrivePolicy", policy("dead")), reason(policy("dead"), denied));
  const std::string by_queue = R"({"redrivePermission":"byQueue", "sourceQueueArns":[")" + arn("q") + R"("]})";
  ASSERT_TRUE(set("dead", "RedriveAllowPolicy", by_queue).ok());
  EXPECT_EQ(attributes("dead")["RedriveAllowPolicy"], by_queue) << "as it came";
  EXPECT_TRUE(set("q", "RedrivePolicy", policy("dead")).ok());
  expectInvalid(set("r", "RedrivePolicy", policy("dead")), reason(policy("dead"), denied));
  ASSERT_TRUE(set("dead", "RedriveAllowPolicy", R"({"redrivePermission":"allowAll"})").ok());
  EXPECT_TRUE(set("r", "RedrivePolicy", policy("dead")).ok());
  ASSERT_TRUE(set("dead", "RedriveAllowPolicy", R"({"redrivePermission":"denyAll"})").ok());
  EXPECT_EQ(attributes("r")["RedrivePolicy"], policy("dead")) << "it is checked when a source sets its policy";
}

TEST_F(Redrive, TheSourcesOfADeadLetterQueueAreListedInPages) {
  create("dead");
  const auto list = [&](std::optional<std::string> token = {}, std::optional<int> max = {}) {
    return process().answer(&SqsService::listDeadLetterSourceQueues, {ref("dead"), std::move(token), max}).value();
  };
  EXPECT_TRUE(list().queue_urls.empty());
  for (const char* name : {"c", "a", "b"}) create(name, {{"RedrivePolicy", policy("dead")}});
  create("other");
  create("unrelated", {{"RedrivePolicy", policy("other")}});
  EXPECT_EQ(list().queue_urls, (std::vector{ref("a"), ref("b"), ref("c")}));
  const auto first = list({}, 2);
  EXPECT_EQ(first.queue_urls, (std::vector{ref("a"), ref("b")}));
  const auto second = list(first.next_token, 2);
  EXPECT_EQ(second.queue_urls, (std::vector{ref("c")}));
  EXPECT_EQ(second.next_token, std::nullopt);
  ASSERT_TRUE(set("b", "RedrivePolicy", "").ok());
  ASSERT_TRUE(process().answer(&SqsService::deleteQueue, {ref("c")}).ok());
  EXPECT_EQ(list().queue_urls, (std::vector{ref("a")}));
  EXPECT_EQ(process().answer(&SqsService::listDeadLetterSourceQueues, {ref("missing"), {}, {}}).error().code,
            ErrorCode::QueueDoesNotExist);
}

// Dead letters

TEST_F(Redrive, ADeadLetterKeepsItsIdentityAndNamesItsSource) {
  create("dead", {{"DelaySeconds", "900"}});
  create("q", {{"RedrivePolicy", policy("dead")}});
  const auto sent = send("q", "x");
  const auto before = receive("q", 0).at(0);
  EXPECT_FALSE(before.attributes.contains("DeadLetterQueueSourceArn"));
  ASSERT_TRUE(receive("q", 0).empty()) << "the receive that only moves answers nothing";
  const auto after = receive("dead").at(0);
  EXPECT_EQ(after.message_id, sent.message_id);
  EXPECT_EQ(after.body, "x");
  EXPECT_EQ(after.attributes.at("SentTimestamp"), before.attributes.at("SentTimestamp"));
  EXPECT_EQ(after.attributes.at("ApproximateReceiveCount"), "2");
  EXPECT_EQ(after.attributes.at("ApproximateFirstReceiveTimestamp"),
            before.attributes.at("ApproximateFirstReceiveTimestamp"));
  EXPECT_EQ(after.attributes.at("DeadLetterQueueSourceArn"), arn("q"));
}

TEST_F(Redrive, AFifoDeadLetterKeepsItsGroupAndItsIdAndHasANewSequenceNumber) {
  create("dead.fifo");
  create("q.fifo", {{"RedrivePolicy", policy("dead.fifo")}});
  const auto sent = send("q.fifo", "x", "group");
  ASSERT_EQ(receive("q.fifo", 0).size(), 1u);
  ASSERT_TRUE(receive("q.fifo", 0).empty());
  const auto after = receive("dead.fifo").at(0);
  EXPECT_EQ(after.message_id, sent.message_id);
  EXPECT_EQ(after.attributes.at("MessageGroupId"), "group");
  EXPECT_EQ(after.attributes.at("MessageDeduplicationId"), sent.message_id);
  EXPECT_GT(after.attributes.at("SequenceNumber"), *sent.sequence_number);
  EXPECT_EQ(after.attributes.at("DeadLetterQueueSourceArn"), arn("q.fifo"));
  EXPECT_EQ(after.attributes.at("ApproximateReceiveCount"), "2");
}

TEST_F(Redrive, DeadLettersOfSomeGroupsHideNoOther) {
  create("dead.fifo");
  create("source.fifo", {{"RedrivePolicy", policy("dead.fifo")}});
  for (const char* group : {"a", "b", "c", "d", "e", "f", "g"}) send("source.fifo", group, group);
  ASSERT_EQ(receive("source.fifo", 0).size(), 7U);
  send("source.fifo", "fresh", "h");
  EXPECT_EQ(bodies(receive("source.fifo")), "fresh");
}

TEST_F(Redrive, AChangedPolicyHoldsForTheNextReceive) {
  createDeadLetters("q", "dead", 0);
  send("q", "x");
  ASSERT_EQ(receive("q", 0).size(), 1u);
  ASSERT_TRUE(set("q", "RedrivePolicy", policy("dead", 3)).ok());
  EXPECT_EQ(receive("q", 0).size(), 1u);
  ASSERT_TRUE(set("q", "RedrivePolicy", policy("dead", 1)).ok());
  EXPECT_TRUE(receive("q", 0).empty());
  EXPECT_EQ(visible("dead"), "1");
}

TEST_F(Redrive, ADeletedTargetLeavesTheMessagesWhereTheyAre) {
  createDeadLetters("q", "dead", 0);
  send("q", "x");
  ASSERT_TRUE(process().answer(&SqsService::deleteQueue, {ref("dead")}).ok());
  for (int i = 1; i <= 3; ++i)
    EXPECT_EQ(receive("q", 0).at(0).attributes.at("ApproximateReceiveCount"), std::to_string(i));
}

TEST_F(Redrive, AMoveWakesAReceiveThatIsParkedInAnotherProcess) {
  createDeadLetters("q", "dead", 0);
  ServiceProcess& other = addProcess();
  auto parked = other.begin(&SqsService::receiveMessage, receiveInput("dead", 30, 20));
  other.recorder().waitUntilParked(1);
  send("q", "x");
  ASSERT_EQ(receive("q", 0).size(), 1u);
  const auto moved_at = std::chrono::steady_clock::now();
  ASSERT_TRUE(receive("q", 0).empty());
  EXPECT_EQ(bodies(ServiceProcess::wait(std::move(parked)).value().messages), "x");
  EXPECT_LT(std::chrono::steady_clock::now() - moved_at, seconds(5));
}

// Permissions

TEST_F(Redrive, PermissionsAreStatementsOfThePolicy) {
  create("q");
  const auto add = [&](const std::string& label, std::vector<std::string> actions) {
    return process().answer(&SqsService::addPermission,
                            {ref("q"), label, std::vector<std::string>{"111111111111"}, std::move(actions)});
  };
  ASSERT_TRUE(add("one", {"ReceiveMessage"}).ok());
  EXPECT_EQ(attributes("q")["Policy"],
            R"({"Version":"2008-10-17","Id":")" + arn("q") +
                R"(/SQSDefaultPolicy","Statement":[{"Sid":"one","Effect":"Allow",)"
                R"("Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:ReceiveMessage",)"
                R"("Resource":")" +
                arn("q") + R"("}]})");
  expectInvalid(add("one", {"SendMessage"}), "Value one for parameter Label is invalid. Reason: Already exists.");
  ASSERT_TRUE(add("two", {"*"}).ok());
  const auto remove = [&](const std::string& label) {
    return process().answer(&SqsService::removePermission, {ref("q"), label});
  };
  expectInvalid(remove("three"), "Value three for parameter Label is invalid. Reason: can't find label.");
  ASSERT_TRUE(remove("one").ok());
  EXPECT_NE(attributes("q")["Policy"].find(R"("Sid":"two")"), std::string::npos);
  ASSERT_TRUE(remove("two").ok());
  EXPECT_FALSE(attributes("q").contains("Policy"));
  EXPECT_EQ(process().answer(&SqsService::removePermission, {ref("missing"), "one"}).error().code,
            ErrorCode::QueueDoesNotExist);
}

TEST_F(Redrive, PermissionsAddedByTwoProcessesAtOnceAreAllThere) {
  create("q");
  ServiceProcess* both[] = {&process(), &addProcess()};
  std::vector<std::future<Result<Nothing>>> adds;
  for (int i = 0; i < 20; ++i)
    adds.push_back(both[i % 2]->begin(&SqsService::addPermission,
                                      {ref("q"), "label" + std::to_string(i), std::vector<std::string>{"111111111111"},
                                       std::vector<std::string>{"SendMessage"}}));
  for (auto& add : adds) EXPECT_TRUE(ServiceProcess::wait(std::move(add)).ok());
  const std::string policy = attributes("q")["Policy"];
  for (int i = 0; i < 20; ++i)
    EXPECT_NE(policy.find("\"label" + std::to_string(i) + "\""), std::string::npos) << policy;
}

// Move tasks

TEST_F(Redrive, EachRefusalToStartAMoveTaskHasItsText) {
  createDeadLetters("q", "dead", 0);
  create("dead.fifo");
  create("plain");
  const auto missing = [](const std::string& parameter) {
    return "The resource that you specified for the " + parameter + " parameter doesn't exist.";
  };
  const auto format = [](const std::string& parameter) {
    return "You must use this format to specify the " + parameter +
           ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>";
  };
  EXPECT_EQ(process().answer(&SqsService::startMessageMoveTask, {{}, {}, {}}).error().code,
            ErrorCode::MissingRequiredParameterException);
  expectInvalid(start("dead"), format("SourceArn"));
  expectInvalid(start(arn("dead"), "q"), format("DestinationArn"));
  expectRefused(start(arn("missing")), ErrorCode::ResourceNotFoundException, missing("SourceArn"));
  expectRefused(start("arn:aws:sns:us-east-1:000000000000:dead"), ErrorCode::ResourceNotFoundException,
                missing("SourceArn"));
  expectRefused(start(arn("dead"), arn("missing")), ErrorCode::ResourceNotFoundException, missing("DestinationArn"));
  expectInvalid(start(arn("plain")), "Source queue must be configured as a Dead Letter Queue.");
  expectInvalid(start(arn("dead"), arn("dead")), "Source queue arn and destination queue arn cannot be the same.");
  expectInvalid(start(arn("dead"), arn("dead.fifo")),
                "The source queue and destination queue must be of the same queue type.");
  for (const int rate : {0, 501, -1}) {
    expectInvalid(start(arn("dead"), {}, rate),
                  "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's "
                  "between 1 and 500.");
  }
  EXPECT_TRUE(tasks("dead").empty());
  ASSERT_TRUE(start(arn("dead"), {}, 500).ok());
  expectInvalid(start(arn("dead")),
                "There is already a task running. Only one active task is allowed for a source queue arn at a given "
                "time.");
}

TEST_F(Redrive, ATaskShowsWhatItIsDoing) {
  createDeadLetters("q", "dead", 3);
  const auto handle = start(arn("dead"), arn("q"), 2).value().task_handle;
  const auto running = tasks("dead").at(0);
  EXPECT_EQ(running.status, "RUNNING");
  EXPECT_EQ(running.task_handle, handle);
  EXPECT_EQ(running.source_arn, arn("dead"));
  EXPECT_EQ(running.destination_arn, arn("q"));
  EXPECT_EQ(running.max_number_of_messages_per_second, 2);
  EXPECT_EQ(running.approximate_number_of_messages_moved, 0);
  EXPECT_EQ(running.approximate_number_of_messages_to_move, 3);
  EXPECT_EQ(running.failure_reason, std::nullopt);
  EXPECT_GT(running.started_timestamp, 1'600'000'000'000);
  moveAll(process());
  const auto completed = tasks("dead").at(0);
  EXPECT_EQ(completed.status, "COMPLETED");
  EXPECT_EQ(completed.task_handle, std::nullopt);
  EXPECT_EQ(completed.approximate_number_of_messages_moved, 3);
  EXPECT_EQ(completed.approximate_number_of_messages_to_move, 3);
  EXPECT_EQ(completed.started_timestamp, running.started_timestamp);
}

TEST_F(Redrive, ATaskWithoutADestinationGivesNone) {
  createDeadLetters("q", "dead", 1);
  ASSERT_TRUE(start(arn("dead")).ok());
  const auto running = tasks("dead").at(0);
  EXPECT_EQ(running.destination_arn, std::nullopt);
  EXPECT_EQ(running.max_number_of_messages_per_second, std::nullopt);
  moveAll(process());
  const auto back = receive("q").at(0);
  EXPECT_EQ(back.attributes.at("ApproximateReceiveCount"), "1");
  EXPECT_FALSE(back.attributes.contains("DeadLetterQueueSourceArn"));
}

TEST_F(Redrive, AFailedTaskSaysWhy) {
  createDeadLetters("q", "dead", 0);
  send("dead", "x");
  ASSERT_TRUE(start(arn("dead")).ok());
  moveAll(process());
  EXPECT_EQ(tasks("dead").at(0).status, "FAILED");
  EXPECT_EQ(tasks("dead").at(0).failure_reason, "CouldNotDetermineMessageSource");
  EXPECT_EQ(visible("dead"), "1");
}

TEST_F(Redrive, TasksAreListedNewestFirstAndOneUnlessMoreAreAskedFor) {
  createDeadLetters("q", "dead", 0);
  for (int rate = 1; rate <= 12; ++rate) {
    ASSERT_TRUE(start(arn("dead"), {}, rate).ok());
    moveAll(process());
  }
  ASSERT_EQ(tasks("dead").size(), 1u);
  const auto ten = tasks("dead", 10);
  ASSERT_EQ(ten.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ten[static_cast<std::size_t>(i)].max_number_of_messages_per_second, 12 - i);
  for (const int limit : {0, 11}) {
    expectInvalid(
        process().answer(&SqsService::listMessageMoveTasks, {arn("dead"), limit}),
        "Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 and 10.");
  }
  expectRefused(process().answer(&SqsService::listMessageMoveTasks, {arn("missing"), {}}),
                ErrorCode::ResourceNotFoundException,
                "The resource that you specified for the SourceArn parameter doesn't exist.");
}

TEST_F(Redrive, ACancelledTaskIsCancellingUntilItsMoverSeesIt) {
  createDeadLetters("q", "dead", 2);
  const auto handle = start(arn("dead")).value().task_handle;
  const auto cancel = [&](const std::string& text) {
    return process().answer(&SqsService::cancelMessageMoveTask, {text});
  };
  expectInvalid(cancel("garbage"), "Value for parameter TaskHandle is invalid.");
  EXPECT_EQ(cancel(handle).value().approximate_number_of_messages_moved, 0);
  EXPECT_EQ(tasks("dead").at(0).status, "CANCELLING");
  EXPECT_EQ(tasks("dead").at(0).task_handle, std::nullopt);
  moveAll(process());
  EXPECT_EQ(tasks("dead").at(0).status, "CANCELLED");
  EXPECT_EQ(visible("dead"), "2");
  expectInvalid(cancel(handle), "Only active tasks can be cancelled.");
  ASSERT_TRUE(process().answer(&SqsService::deleteQueue, {ref("dead")}).ok());
  expectRefused(cancel(handle), ErrorCode::ResourceNotFoundException,
                "The resource that you specified for the SourceArn parameter doesn't exist.");
}

TEST_F(Redrive, AHandleOfATaskThatIsForgottenNamesNone) {
  createDeadLetters("q", "dead", 0);
  const auto handle = start(arn("dead")).value().task_handle;
  moveAll(process());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(start(arn("dead")).ok());
    moveAll(process());
  }
  expectRefused(process().answer(&SqsService::cancelMessageMoveTask, {handle}), ErrorCode::ResourceNotFoundException,
                "Task does not exist.");
}

TEST_F(Redrive, MovedMessagesWakeReceivesThatAreParkedHereAndInAnotherProcess) {
  createDeadLetters("q", "dead", 2);
  ServiceProcess& other = addProcess();
  for (ServiceProcess* parked_in : {&process(), &other}) {
    const int parked_before = parked_in->recorder().parked();
    auto input = receiveInput("q", 30, 20);
    input.max_number_of_messages = 1;
    auto parked = parked_in->begin(&SqsService::receiveMessage, input);
    parked_in->recorder().waitUntilParked(parked_before + 1);
    if (parked_in == &other) send("dead", "straight");
    ASSERT_TRUE(start(arn("dead"), arn("q"), 1).ok());
    const auto moved_at = std::chrono::steady_clock::now();
    MessageMover mover(process().database().moveTasks(), clock_, process().recorder(),
                       [&](persistence::QueueId queue_id, std::size_t messages) {
                         process().service().messagesArrived(queue_id, messages);
                       });
    mover.move();
    EXPECT_EQ(ServiceProcess::wait(std::move(parked)).value().messages.size(), 1u);
    EXPECT_LT(std::chrono::steady_clock::now() - moved_at, seconds(5));
    moveAll(process());
    while (!receive("q").empty()) {
    }
  }
}

TEST_F(Redrive, AFifoTaskBringsAGroupBackInOrder) {
  create("dead.fifo");
  create("q.fifo", {{"RedrivePolicy", policy("dead.fifo")}});
  for (const char* body : {"1", "2", "3"}) send("q.fifo", body);
  ASSERT_EQ(receive("q.fifo", 0).size(), 3u);
  ASSERT_TRUE(receive("q.fifo", 0).empty());
  ASSERT_TRUE(start(arn("dead.fifo")).ok());
  moveAll(process());
  const auto back = receive("q.fifo");
  EXPECT_EQ(bodies(back), "1 2 3");
  EXPECT_EQ(back.at(0).attributes.at("ApproximateReceiveCount"), "1");
  EXPECT_EQ(visible("dead.fifo"), "0");
}

}  // namespace
}  // namespace howdah::service
