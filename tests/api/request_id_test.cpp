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

std::string traceOf(HttpHeaders headers) {
  HttpRequest request;
  request.headers = std::move(headers);
  return traceIdOf(request);
}

TEST(TraceId, IsThatOfTheW3CHeaderElseAmazonsRoot) {
  const std::string parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const std::string amazon = "Parent=53995c3f42cd8ad8;Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
  EXPECT_EQ(traceOf({{"traceparent", parent}, {"X-Amzn-Trace-Id", amazon}}), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(traceOf({{"Traceparent", parent + "-later"}}), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(traceOf({{"x-amzn-trace-id", amazon}}), "1-5759e988-bd862e3fe1be46a994272793");
  EXPECT_EQ(traceOf({{"traceparent", "nonsense"}, {"X-Amzn-Trace-Id", amazon}}), "1-5759e988-bd862e3fe1be46a994272793");
}

TEST(TraceId, WhatHasNotItsFormIsNone) {
  for (const char* parent : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
                             "00-4bf92f3577b34da6a3ce929d0e0e473G-00f067aa0ba902b7-01",
                             "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                             "00 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                             "xx-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    EXPECT_EQ(traceOf({{"traceparent", parent}}), "") << parent;
  for (const char* amazon :
       {"", "Root=", "Root=1-5759e988-bd862e3fe1be46a99427279", "Root=1-5759e988-bd862e3fe1be46a99427279x",
        "root=1-5759e988-bd862e3fe1be46a994272793", "1-5759e988-bd862e3fe1be46a994272793"})
    EXPECT_EQ(traceOf({{"X-Amzn-Trace-Id", amazon}}), "") << amazon;
}

}  // namespace
}  // namespace howdah::api
