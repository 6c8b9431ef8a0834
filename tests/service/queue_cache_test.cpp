#include "service/queue_cache.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/support/null_recorder.h"

namespace howdah::service {
namespace {

using persistence::QueueName;
using persistence::QueueRecord;

class QueueCacheTest : public ::testing::Test {
 protected:
  QueueCacheTest()
      : cache_(
            3,
            [this](WorkerPool::Task task) {
              if (stopped_) return false;
              tasks_.push_back(std::move(task));
              return true;
            },
            [this](const QueueName& queue_name) -> std::optional<QueueRecord> {
              ++lookups_;
              if (unavailable_) throw persistence::StoreUnavailable("no connection");
              if (!versions_.contains(queue_name.name)) return std::nullopt;
              QueueRecord record;
              record.queue_name = queue_name;
              record.version = versions_[queue_name.name];
              record.attributes = {{"DelaySeconds", "7"}};
              return record;
            },
            recorder_) {}

  struct Answer {
    std::optional<Result<QueuePtr>> result;
    std::int64_t version() const { return result->value()->record.version; }
  };
  std::shared_ptr<Answer> find(const std::string& name) {
    auto answer = std::make_shared<Answer>();
    cache_.find({"1", name}, [answer](Result<QueuePtr> result) { answer->result = std::move(result); });
    return answer;
  }
  void runTasks() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  QueuePtr known(const std::string& name) {
    auto answer = find(name);
    runTasks();
    return answer->result->value();
  }

  std::deque<WorkerPool::Task> tasks_;
  bool stopped_ = false;
  bool unavailable_ = false;
  int lookups_ = 0;
  std::map<std::string, std::int64_t> versions_{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
  testing::NullRecorder recorder_;
  QueueCache cache_;
};

TEST_F(QueueCacheTest, AQueueIsLookedUpOnceAndThenKnown) {
  auto first = find("a");
  EXPECT_FALSE(first->result);
  runTasks();
  EXPECT_EQ(first->version(), 1);
  EXPECT_EQ(first->result->value()->settings.delay, std::chrono::seconds(7));
  EXPECT_EQ(find("a")->version(), 1) << "answered at once";
  EXPECT_EQ(lookups_, 1);
}

TEST_F(QueueCacheTest, ThoseWhoMissTheSameNameShareOneLookup) {
  auto first = find("a");
  auto second = find("a");
  runTasks();
  EXPECT_EQ(first->version(), 1);
  EXPECT_EQ(second->version(), 1);
  EXPECT_EQ(lookups_, 1);
}

TEST_F(QueueCacheTest, AnAbsentQueueIsNotRemembered) {
  auto absent = find("new");
  runTasks();
  EXPECT_EQ(absent->result->error().code, ErrorCode::QueueDoesNotExist);
  versions_["new"] = 1;
  EXPECT_EQ(known("new")->record.version, 1);
}

TEST_F(QueueCacheTest, WhatProvedToBeOldIsLookedUpAgain) {
  auto old = known("a");
  versions_["a"] = 2;
  cache_.drop(old);
  auto fresh = known("a");
  EXPECT_EQ(fresh->record.version, 2);
  cache_.drop(old);  // by another request of the same time
  EXPECT_EQ(known("a"), fresh);
  EXPECT_EQ(lookups_, 2);
}

TEST_F(QueueCacheTest, ALookupThatBeganBeforeAChangeIsNotKept) {
  auto before = find("a");
  cache_.forget({"1", "a"});
  auto after = find("a");
  ASSERT_EQ(tasks_.size(), 2u);
  auto read_late = std::move(tasks_.front());  // the store is read in the order of the versions, answered in the other
  tasks_.pop_front();
  versions_["a"] = 2;
  runTasks();
  EXPECT_EQ(after->version(), 2);
  versions_["a"] = 1;
  read_late();
  EXPECT_EQ(before->version(), 1);
  EXPECT_EQ(known("a")->record.version, 2);
}

TEST_F(QueueCacheTest, TheLeastRecentlyUsedQueueMakesRoom) {
  known("a");
  known("b");
  known("c");
  known("a");
  known("d");
  EXPECT_EQ(lookups_, 4);
  known("a");
  known("c");
  EXPECT_EQ(lookups_, 4);
  known("b");
  EXPECT_EQ(lookups_, 5);
}

TEST_F(QueueCacheTest, AFailedLookupIsToldToAllAndTriedAgainByTheNext) {
  unavailable_ = true;
  auto first = find("a");
  auto second = find("a");
  runTasks();
  EXPECT_EQ(first->result->error().code, ErrorCode::ServiceUnavailable);
  EXPECT_EQ(second->result->error().code, ErrorCode::ServiceUnavailable);
  unavailable_ = false;
  EXPECT_EQ(known("a")->record.version, 1);
}

TEST_F(QueueCacheTest, AfterTheWorkersHaveStoppedAMissIsRefused) {
  stopped_ = true;
  EXPECT_EQ(find("a")->result->error().code, ErrorCode::ServiceUnavailable);
}

}  // namespace
}  // namespace howdah::service
