#include "commands/metrics_text.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace howdah {
namespace {

TEST(MetricsText, SamplesAreReadWithTheirLabels) {
  const auto samples = readMetrics(
      "# HELP a b\n# TYPE a counter\na 1\n\nb{} 2.5e3\nc{x=\"1\",y=\"q\\\"\\\\\\n}\"} +Inf\nd{x=\"1\",} -4\ne NaN\n");
  ASSERT_EQ(samples.size(), 5U);
  EXPECT_EQ(samples[0].name, "a");
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[1].value, 2500);
  EXPECT_EQ(samples[2].label("y"), "q\"\\\n}");
  EXPECT_EQ(samples[2].label("z"), "");
  EXPECT_GT(samples[2].value, 1e300);
  EXPECT_EQ(samples[3].label("x"), "1");
  EXPECT_NE(samples[4].value, samples[4].value);
}

TEST(MetricsText, WhatIsNotOfTheFormatIsToldByItsLine) {
  for (const char* line : {"<html>", "a", "a ", "a x", "a 1 2", "a{ 1", "a{b} 1", "a{b=c} 1", "a{b=\"c} 1",
                           "a{b=\"\\x\"} 1", "a{b=\"c\" d=\"e\"} 1", "a{b=\"c\\", "{b=\"c\"} 1", " a 1"}) {
    try {
      readMetrics(std::string("ok 1\n") + line + "\nok 2\n");
      ADD_FAILURE() << line;
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(std::string_view(error.what()).starts_with("line 2 is not of")) << error.what();
    }
  }
}

}  // namespace
}  // namespace howdah
