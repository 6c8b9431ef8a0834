// What the FIFO store promises: order within a group, the prefix rule, deduplication, handles, attempts, counts.
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <thread>

#include "persistence/postgres/database.h"
#include "tests/support/fifo_load.h"
#include "tests/support/test_database.h"

namespace howdah::testing {
namespace {

using namespace persistence;
using postgres::PostgresDatabase;
using std::chrono::seconds;

class FifoStoreTest : public ::testing::Test {
 protected:
  FifoStoreTest() : process_(options(), recorder_), other_(options(), recorder_) {
    process_.migrate();
    other_.migrate();
    create("q.fifo");
  }

  postgres::PostgresOptions options() {
    postgres::PostgresOptions options = database_.options();
    options.test_clock = true;
    options.lock_timeout = seconds(20);
    return options;
  }

  void create(const std::string& name, seconds delay = {}) {
    const StringMap attributes{{"FifoQueue", "true"}, {"DelaySeconds", std::to_string(delay.count())}};
    record_ = std::get<QueueStore::Created>(
                  process_.queues().createQueue({"000000000000", name}, attributes, {}, seconds(60)))
                  .queue;
    queue_ = {record_.queue_id, record_.version, delay, seconds(345600)};
  }
  void setDelay(seconds delay) {
    StringMap attributes = record_.attributes;
    attributes["DelaySeconds"] = std::to_string(delay.count());
    record_ = std::get<QueueRecord>(
        process_.queues().replaceAttributes(record_.queue_name, record_.queue_id, record_.version, attributes));
    queue_.queue_version = record_.version;
    queue_.delay = delay;
  }
  WatchedQueue watch() {
    const std::vector<QueueId> queue_ids{queue_.queue_id};
    return process_.messages().watch(queue_ids).at(0);
  }

  NewFifoMessage message(const std::string& group, const std::string& body, const std::string& id = "") {
    NewFifoMessage m;
    m.message.queue_id = queue_.queue_id;
    m.message.queue_version = queue_.queue_version;
    ++made_;
    for (std::size_t i = 0; i < 8; ++i) m.message.message_id[i] = static_cast<unsigned char>(made_ >> (8 * i));
    m.message.body = body;
    m.message.sender_id = "000000000000";
    m.message.message_group_id = group;
    m.message_deduplication_id = id.empty() ? std::to_string(made_) : id;
    m.deduplication_key = m.message_deduplication_id;
    return m;
  }

  FifoSendResult send(std::vector<NewFifoMessage> messages) { return process_.fifo().send(queue_, messages); }
  // "g1-a g1-b g2-a": each message's group is what stands before the dash.
  FifoSendResult send(const std::string& bodies) {
    std::vector<NewFifoMessage> messages;
    std::istringstream words(bodies);
    for (std::string word; words >> word;) messages.push_back(message(word.substr(0, word.find('-')), word));
    return send(messages);
  }

  std::vector<DeliveredMessage> receive(int count = 10, int timeout = 30) {
    const FifoReceive one{count, timeout};
    return process_.fifo().receive(queue_, std::span(&one, 1)).messages.at(0);
  }
  static std::string bodies(const std::vector<DeliveredMessage>& messages) {
    std::vector<std::string> sorted;  // groups come in any order, messages of a group in theirs
    std::map<std::string, std::string> groups;
    for (const DeliveredMessage& m : messages) (groups[*m.message_group_id] += " ") += m.body;
    std::string all;
    for (const auto& [group, text] : groups) all += all.empty() ? text.substr(1) : text;
    return all;
  }
  std::string receiveBodies(int count = 10, int timeout = 30) { return bodies(receive(count, timeout)); }

  static DeliveryKey key(const DeliveredMessage& m) {
    return {m.key, m.receive_count, {m.message_id[0], m.message_id[1], m.message_id[2], m.message_id[3]}};
  }
  FifoHandleState remove(const DeliveredMessage& m) {
    const DeliveryKey delivery = key(m);
    removed_ = process_.fifo().remove(queue_.queue_id, std::span(&delivery, 1)).at(0);
    return removed_.handle;
  }
  FifoHandleState change(const DeliveredMessage& m, int timeout) {
    const FifoVisibilityChange one{key(m), timeout};
    return process_.fifo().changeVisibility(queue_.queue_id, std::span(&one, 1)).at(0).handle;
  }
  void passSeconds(double s) {
    ahead_ += s;
    process_.setTestClockOffset(ahead_);
  }
  MessageCounts counts() { return process_.fifo().countMessages(queue_.queue_id); }

  NullRecorder recorder_;
  TestDatabase database_;
  PostgresDatabase process_;
  PostgresDatabase other_;
  QueueRecord record_;
  FifoQueueRef queue_;
  FifoDeleteOutcome removed_;  // the last
  std::uint64_t made_ = 0;
  double ahead_ = 0;
};

TEST_F(FifoStoreTest, OneReceiveFillsFromAGroupInOrderAndGoesOnToOthers) {
  EXPECT_TRUE(send("g1-1 g1-2 g2-1 g1-3").opened_a_group);
  EXPECT_EQ(receiveBodies(), "g1-1 g1-2 g1-3 g2-1");
  EXPECT_EQ(counts(), (MessageCounts{0, 4, 0}));
}

TEST_F(FifoStoreTest, AGroupIsLockedWhileItsHeadIsInFlight) {
  send("g-1 g-2 g-3");
  const auto first = receive(1);
  EXPECT_EQ(bodies(first), "g-1");
  EXPECT_EQ(receiveBodies(), "");
  send("g-4");
  EXPECT_EQ(receiveBodies(), "") << "a send does not unlock";
  EXPECT_EQ(counts(), (MessageCounts{3, 1, 0})) << "what waits behind the head is visible";
  EXPECT_EQ(remove(first.at(0)), FifoHandleState::Valid);
  EXPECT_TRUE(removed_.group_available);
  EXPECT_EQ(receiveBodies(), "g-2 g-3 g-4");
}

TEST_F(FifoStoreTest, ARemainingHeadKeepsTheLockWhateverElseIsDeleted) {
  send("g-1 g-2 g-3 g-4");
  const auto set = receive(3);
  remove(set.at(1));
  remove(set.at(2));
  EXPECT_FALSE(removed_.group_available);
  EXPECT_EQ(receiveBodies(), "");
  remove(set.at(0));
  EXPECT_TRUE(removed_.group_available);
  remove(receive().at(0));
  EXPECT_FALSE(removed_.group_available) << "the group is empty";
}

TEST_F(FifoStoreTest, VisibilityZeroFollowsThePrefixRule) {
  send("g-1 g-2");
  const auto set = receive(2);
  EXPECT_EQ(change(set.at(1), 0), FifoHandleState::Valid);
  EXPECT_EQ(receiveBodies(), "") << "m1 is in flight";
  const auto gone = change(set.at(0), 0);
  EXPECT_EQ(gone, FifoHandleState::Valid);
  EXPECT_EQ(receiveBodies(), "g-1 g-2");
}

TEST_F(FifoStoreTest, VisibilityZeroOfTheHeadFreesTheHeadAlone) {
  send("g-1 g-2");
  const auto set = receive(2);
  change(set.at(0), 0);
  EXPECT_EQ(receiveBodies(), "g-1");
}

TEST_F(FifoStoreTest, AnExtendedMessageStopsTheRunBeforeIt) {
  for (const auto& [extended, expected] : {std::pair(0, ""), std::pair(1, "g-1"), std::pair(2, "g-1 g-2")}) {
    create("extended" + std::to_string(extended) + ".fifo");
    send("g-1 g-2 g-3");
    const auto set = receive(3, 30);
    change(set.at(static_cast<std::size_t>(extended)), 300);
    passSeconds(31);
    EXPECT_EQ(receiveBodies(), expected) << "m" << extended + 1 << " extended";
  }
}

TEST_F(FifoStoreTest, WhatExpiredComesAgainInTheOriginalOrder) {
  send("g-1 g-2 g-3");
  receive(3, 30);
  passSeconds(31);
  const auto again = receive();
  EXPECT_EQ(bodies(again), "g-1 g-2 g-3");
  for (const auto& m : again) EXPECT_EQ(m.receive_count, 2);
}

TEST_F(FifoStoreTest, TimeoutZeroLocksNothingAndReceivesRotateOverGroups) {
  send("a-1 b-1 c-1");
  std::set<std::string> seen;
  for (int i = 0; i < 12; ++i) seen.insert(receiveBodies(1, 0));
  EXPECT_EQ(seen, (std::set<std::string>{"a-1", "b-1", "c-1"}));
  EXPECT_EQ(receiveBodies(10, 0), "a-1 b-1 c-1");
}

TEST_F(FifoStoreTest, AHandleIsRefusedOnceItsTimeoutEndedOrItsMessageCameAgain) {
  send("g-1");
  const auto first = receive(1, 30).at(0);
  passSeconds(31);
  EXPECT_EQ(remove(first), FifoHandleState::Expired);
  EXPECT_EQ(change(first, 10), FifoHandleState::Expired);
  const auto second = receive(1, 30).at(0);
  EXPECT_EQ(remove(first), FifoHandleState::Expired);
  EXPECT_EQ(remove(second), FifoHandleState::Valid);
  EXPECT_EQ(remove(second), FifoHandleState::Gone);
}

TEST_F(FifoStoreTest, AnExtensionExtendsTheHandle) {
  send("g-1");
  const auto first = receive(1, 30).at(0);
  change(first, 100);
  passSeconds(60);
  EXPECT_EQ(remove(first), FifoHandleState::Valid);
}

TEST_F(FifoStoreTest, ADuplicateWithinFiveMinutesIsAnsweredWithTheFirstAndNotStored) {
  const auto first = send({message("g", "one", "same")});
  passSeconds(299);
  const auto again = send({message("other", "two", "same")});
  EXPECT_TRUE(again.outcomes.at(0).duplicate);
  EXPECT_EQ(again.outcomes.at(0).message_id, first.outcomes.at(0).message_id);
  EXPECT_EQ(again.outcomes.at(0).sequence, first.outcomes.at(0).sequence);
  remove(receive().at(0));
  EXPECT_TRUE(send({message("g", "three", "same")}).outcomes.at(0).duplicate) << "it remembers what is deleted";
  passSeconds(2);
  EXPECT_FALSE(send({message("g", "four", "same")}).outcomes.at(0).duplicate)
      << "a duplicate does not renew the window";
  EXPECT_EQ(receiveBodies(), "four");
}

TEST_F(FifoStoreTest, ARepeatWithinABatchGetsTheFirstOnesIds) {
  const auto sent = send({message("g", "one", "same"), message("h", "two", "same"), message("g", "three", "other")});
  EXPECT_FALSE(sent.outcomes.at(0).duplicate);
  EXPECT_TRUE(sent.outcomes.at(1).duplicate);
  EXPECT_EQ(sent.outcomes.at(1).message_id, sent.outcomes.at(0).message_id);
  EXPECT_EQ(receiveBodies(), "one three");
  EXPECT_EQ(counts(), (MessageCounts{0, 2, 0}));
}

TEST_F(FifoStoreTest, OneKeySentByManyAtOnceIsStoredOnce) {
  std::vector<std::future<FifoSendOutcome>> senders;
  for (int i = 0; i < 8; ++i) {
    const NewFifoMessage m = message("g" + std::to_string(i), "m", "contested");
    senders.push_back(std::async(std::launch::async, [this, i, m] {
      return (i % 2 ? process_ : other_).fifo().send(queue_, std::vector{m}).outcomes.at(0);
    }));
  }
  int stored = 0;
  std::set<MessageId> ids;
  for (auto& sender : senders) {
    const FifoSendOutcome outcome = sender.get();
    stored += !outcome.duplicate;
    ids.insert(outcome.message_id);
  }
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(receive().size(), 1u);
}

TEST_F(FifoStoreTest, ADelayHoldsBackTheGroupAndFollowsAChange) {
  create("delayed.fifo", seconds(60));
  send("g-1");
  EXPECT_EQ(receiveBodies(), "");
  EXPECT_EQ(counts(), (MessageCounts{0, 0, 1}));
  passSeconds(30);
  EXPECT_EQ(receiveBodies(), "");
  passSeconds(31);
  send("g-2");
  EXPECT_EQ(receiveBodies(), "g-1");
  passSeconds(61);
  EXPECT_EQ(receiveBodies(), "g-1 g-2");
}

TEST_F(FifoStoreTest, AShorterDelayHoldsForWhatWaitsAlready) {
  create("delayed.fifo", seconds(600));
  constexpr int kGroups = 2500;  // more than two slices
  std::vector<NewFifoMessage> messages;
  for (int i = 0; i < kGroups; ++i) messages.push_back(message("g" + std::to_string(i), "m"));
  send(messages);
  passSeconds(60);
  setDelay(seconds(30));
  EXPECT_FALSE(watch().deliverable) << "the turns still hold the old time";
  process_.fifo().applyDelay(queue_.queue_id);
  EXPECT_TRUE(watch().deliverable);
  std::size_t got = 0;
  while (const auto more = receive().size()) got += more;
  EXPECT_EQ(got, static_cast<std::size_t>(kGroups));
}

TEST_F(FifoStoreTest, ADeleteBehindAnUnseenChangeGoesByTheDelayThatTheQueueHas) {
  create("delayed.fifo", seconds(600));
  send("g-1 g-2");
  passSeconds(60);
  setDelay(seconds(0));
  process_.fifo().applyDelay(queue_.queue_id);
  const auto first = receive(1);
  ASSERT_EQ(bodies(first), "g-1");
  remove(first.at(0));
  EXPECT_EQ(receiveBodies(), "g-2");
}

TEST_F(FifoStoreTest, AWatchTellsWhetherAGroupIsAvailableAndElseWhenOneWillBe) {
  EXPECT_FALSE(watch().deliverable);
  EXPECT_FALSE(watch().next_due);
  send("g-1");
  EXPECT_TRUE(watch().deliverable);
  EXPECT_FALSE(watch().gone);
  receive(1, 30);
  const WatchedQueue locked = watch();
  EXPECT_FALSE(locked.deliverable);
  ASSERT_TRUE(locked.next_due);
  EXPECT_NEAR(std::chrono::duration<double>(*locked.next_due - locked.now).count(), 30, 2);
  process_.queues().deleteQueue(record_.queue_name);
  EXPECT_TRUE(watch().gone);
}

TEST_F(FifoStoreTest, WhatIsInFlightIsCountedUpToALimit) {
  send("a-1 b-1 c-1 d-1");
  receive(3, 30);
  EXPECT_EQ(process_.fifo().countInFlight(queue_.queue_id, 10), 3);
  EXPECT_EQ(process_.fifo().countInFlight(queue_.queue_id, 2), 2);
  passSeconds(31);
  EXPECT_EQ(process_.fifo().countInFlight(queue_.queue_id, 10), 0);
}

TEST_F(FifoStoreTest, AnAttemptRepeatedGivesTheSameMessagesUnderTheSameHandles) {
  send("g-1 g-2 h-1");
  const FifoReceive two{3, 30};
  const auto first = process_.fifo().receiveAttempt(queue_, two, "try").messages.at(0);
  ASSERT_EQ(first.size(), 3u);
  passSeconds(20);
  const auto again = other_.fifo().receiveAttempt(queue_, two, "try").messages.at(0);
  EXPECT_EQ(bodies(again), "g-1 g-2 h-1");
  for (const auto& m : again) EXPECT_EQ(m.receive_count, 1);
  passSeconds(20);
  EXPECT_EQ(remove(first.at(0)), FifoHandleState::Valid) << "its visibility timeout began anew";
  EXPECT_EQ(process_.fifo().receiveAttempt(queue_, two, "try").messages.at(0).size(), 0u) << "void: one was deleted";
}

TEST_F(FifoStoreTest, AnAttemptIsVoidOnceAVisibilityWasChanged) {
  send("g-1");
  const auto first = process_.fifo().receiveAttempt(queue_, {1, 30}, "try").messages.at(0);
  change(first.at(0), 100);
  EXPECT_TRUE(process_.fifo().receiveAttempt(queue_, {1, 30}, "try").messages.at(0).empty());
}

TEST_F(FifoStoreTest, NothingOlderThanTheRetentionIsHandedOutAndTheGroupGoesOn) {
  queue_.retention = seconds(60);
  send("g-1 g-2");
  passSeconds(61);
  send("g-3");
  EXPECT_EQ(receiveBodies(), "g-3");
  EXPECT_EQ(counts(), (MessageCounts{0, 1, 0}));
}

TEST_F(FifoStoreTest, AnAttemptIsVoidOnceAMessageIsOlderThanTheRetention) {
  queue_.retention = seconds(60);
  send("g-1");
  passSeconds(50);
  send("g-2");
  EXPECT_EQ(bodies(process_.fifo().receiveAttempt(queue_, {2, 30}, "try").messages.at(0)), "g-1 g-2");
  passSeconds(11);
  EXPECT_EQ(bodies(process_.fifo().receiveAttempt(queue_, {2, 30}, "try").messages.at(0)), "");
}

// It would hold that lock while it waits for another one, out of order.
TEST_F(FifoStoreTest, AVoidAttemptWaitsForNoLockOfWhatItWasGiven) {
  send("g-1");
  const auto first = process_.fifo().receiveAttempt(queue_, {1, 30}, "try").messages.at(0);
  ASSERT_EQ(remove(first.at(0)), FifoHandleState::Valid);
  send("h-1");
  postgres::Connection& outsider = database_.outsider();
  outsider.executeScript(
      "BEGIN; SELECT 1 FROM howdah.claim_lock WHERE lane > 0 AND lane <> (SELECT (m.lane & 7) + 1 FROM howdah.message "
      "m) "
      "FOR UPDATE");
  EXPECT_NE(first.at(0).key.lane & 7, outsider.execute({"lane", "SELECT lane FROM howdah.message"}).only().int8(0) & 7);
  EXPECT_EQ(bodies(process_.fifo().receiveAttempt(queue_, {1, 30}, "try").messages.at(0)), "h-1");
  outsider.executeScript("ROLLBACK");
}

TEST_F(FifoStoreTest, SeveralReceivesShareACallButNeverAGroup) {
  send("a-1 a-2 a-3 b-1 b-2 c-1");
  const std::vector<FifoReceive> receives{{2, 30}, {2, 30}, {10, 30}};
  const auto outcome = process_.fifo().receive(queue_, receives);
  std::map<std::string, std::size_t> owner;
  std::size_t got = 0;
  for (std::size_t i = 0; i < receives.size(); ++i) {
    EXPECT_LE(outcome.messages[i].size(), static_cast<std::size_t>(receives[i].max_number_of_messages));
    for (const auto& m : outcome.messages[i]) {
      EXPECT_EQ(owner.emplace(*m.message_group_id, i).first->second, i) << *m.message_group_id;
      ++got;
    }
  }
  EXPECT_GE(got, 4u);
}

TEST_F(FifoStoreTest, ALateTurnIsToldAsTheNextDueTime) {
  send("g-1");
  receive(1, 30);
  const FifoReceive one{1, 30};
  const auto empty = process_.fifo().receive(queue_, std::span(&one, 1));
  ASSERT_TRUE(empty.next_due);
  EXPECT_NEAR(std::chrono::duration<double>(*empty.next_due - empty.now).count(), 30, 2);
}

TEST_F(FifoStoreTest, APurgeForgetsMessagesAndDeduplication) {
  send({message("g", "one", "id")});
  const auto purged = process_.queues().purgeQueue(record_.queue_name, seconds(0));
  const FifoQueueRef old = queue_;
  queue_.queue_id = std::get<QueueRecord>(purged).queue_id;
  queue_.queue_version = std::get<QueueRecord>(purged).version;
  EXPECT_EQ(counts(), MessageCounts{});
  EXPECT_FALSE(send({message("g", "two", "id")}).outcomes.at(0).duplicate);
  EXPECT_EQ(receiveBodies(), "two");
  const std::vector<NewFifoMessage> late{message("g", "late")};
  EXPECT_EQ(process_.fifo().send(old, late).queue, QueueState::Changed);
  const FifoReceive one{1, 30};
  EXPECT_EQ(process_.fifo().receive(old, std::span(&one, 1)).queue, QueueState::Changed);
}

class FifoLoadTest : public FifoStoreTest, public ::testing::WithParamInterface<int> {};

TEST_P(FifoLoadTest, KeepsOrderStoresOnceAndLosesNothing) {
  FifoLoadOptions load;
  load.stores = {&process_.fifo(), &other_.fifo()};
  load.queue = queue_;
  load.groups = GetParam();
  if (load.groups == 1) load.messages = 500;  // each that expires holds up all behind it
  if (const char* messages = std::getenv("HOWDAH_LOAD_MESSAGES")) load.messages = std::atoi(messages);
  for (const std::string& fault : runFifoLoad(load)) ADD_FAILURE() << fault;
  const postgres::Statement left{
      "test_left",
      "SELECT (SELECT count(*) FROM howdah.message) + (SELECT count(*) FROM howdah.fifo_delivery) "
      "+ (SELECT count(*) FROM howdah.fifo_turn)"};
  EXPECT_EQ(database_.outsider().execute(left).only().int8(0), 0);
}

INSTANTIATE_TEST_SUITE_P(Groups, FifoLoadTest, ::testing::Values(1, 7, 500));

}  // namespace
}  // namespace howdah::testing
