#include "metrics/repeat_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace howdah::metrics {
namespace {

using namespace std::chrono_literals;

struct Told {
  std::string line;
  std::uint64_t repeated;
  bool operator==(const Told&) const = default;
};
void PrintTo(const Told& told, std::ostream* out) { *out << '"' << told.line << "\" x" << told.repeated; }

// What a folder tells until it ends.
std::vector<Told> toldBy(std::size_t most_keys, const auto& work) {
  std::vector<Told> told;
  {
    RepeatFolder folder(most_keys, [&](const std::string& line, std::uint64_t repeated) {
      told.push_back({line, repeated});
    });
    work(folder);
  }
  return told;
}

TEST(RepeatFolder, TheFirstIsTheCallersToTellAndTheOthersAreCounted) {
  const auto told = toldBy(10, [](RepeatFolder& folder) {
    EXPECT_TRUE(folder.add("a", "first of a", 1h));
    EXPECT_TRUE(folder.add("b", "first of b", 1h));
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(folder.add("a", "another", 1h));
  });
  EXPECT_EQ(told, (std::vector<Told>{{"first of a", 5}}));
}

TEST(RepeatFolder, TheCountIsToldWhenTheWindowEndsWithoutAnotherLine) {
  std::promise<Told> told;
  RepeatFolder folder(10, [&](const std::string& line, std::uint64_t repeated) { told.set_value({line, repeated}); });
  EXPECT_TRUE(folder.add("a", "line", 50ms));
  EXPECT_FALSE(folder.add("a", "line", 50ms));
  auto future = told.get_future();
  ASSERT_EQ(future.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(future.get(), (Told{"line", 1}));
  EXPECT_TRUE(folder.add("a", "line", 1h));  // a window of its own
}

TEST(RepeatFolder, KeysBeyondTheMostAreCountedAsOne) {
  const auto told = toldBy(2, [](RepeatFolder& folder) {
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(folder.add(std::to_string(i), "line", 1h), i < 2);
    EXPECT_FALSE(folder.add("0", "line", 1h));
  });
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(std::count(told.begin(), told.end(), Told{"line", 1}), 1);
  EXPECT_EQ(std::count(told.begin(), told.end(), Told{"", 998}), 1);
}

TEST(RepeatFolder, ManyThreadsLoseNoCount) {
  constexpr int kThreads = 8, kLines = 20'000;
  std::atomic<std::uint64_t> firsts = 0, counted = 0;
  {
    RepeatFolder folder(10, [&](const std::string&, std::uint64_t repeated) { counted += repeated; });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kLines; ++i) firsts += folder.add(std::to_string(i % 5), "line", 1ms) ? 1 : 0;
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(firsts + counted, static_cast<std::uint64_t>(kThreads * kLines));
}

}  // namespace
}  // namespace howdah::metrics
