#include "api/request_id.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <thread>

namespace howdah::api {
namespace {

TEST(RequestId, IsARandomUuid) {
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(std::regex_match(newRequestId(), uuid));
}

TEST(RequestId, NeverComesTwiceOnWhateverThread) {
  std::set<std::string> ids, others;
  const auto draw = [](std::set<std::string>& into) {
    for (int i = 0; i < 10'000; ++i) into.insert(newRequestId());
  };
  std::thread thread(draw, std::ref(others));
  draw(ids);
  thread.join();
  ids.merge(others);
  EXPECT_EQ(ids.size(), 20'000u);
}

}  // namespace
}  // namespace howdah::api
