#include "api/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

namespace howdah::api {
namespace {

TEST(RequestId, IsARandomUuid) {
  const std::string form = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  for (int round = 0; round < 1000; ++round) {
    const std::string id = newRequestId();
    ASSERT_EQ(id.size(), form.size());
    for (std::size_t i = 0; i < form.size(); ++i) {
      const std::string allowed = form[i] == 'x' ? "0123456789abcdef" : form[i] == 'y' ? "89ab" : form.substr(i, 1);
      EXPECT_NE(allowed.find(id[i]), std::string::npos) << id;
    }
  }
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
