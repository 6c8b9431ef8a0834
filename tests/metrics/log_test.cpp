#include "metrics/log.h"

#include <functional>
#include <limits>
#include <memory>
#include <regex>
#include <thread>

#include <gtest/gtest.h>

#include "metrics/audit.h"
#include "metrics/log_level.h"
#include "metrics/request_trace.h"

namespace howdah::metrics {
namespace {

std::string captured(LogLevel threshold, LogFormat format, const auto& body) {
  testing::internal::CaptureStdout();
  configureLog(threshold, format);
  body();
  return testing::internal::GetCapturedStdout();
}

std::string jsonOf(std::initializer_list<LogField> fields, std::string_view message = "m") {
  const std::string line = captured(LogLevel::Debug, LogFormat::Json, [&] { logInfo(message, fields); });
  static const std::regex head(R"re(^\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"info",)re");
  EXPECT_TRUE(std::regex_search(line, head)) << line;
  return std::regex_replace(line, head, "{");
}

TEST(Log, JsonLineCarriesMessageAndTypedFieldsInOrder) {
  EXPECT_EQ(jsonOf({{"queue", "q"}, {"count", 3}, {"ratio", 0.5}, {"ok", true}}),
            "{\"msg\":\"m\",\"queue\":\"q\",\"count\":3,\"ratio\":0.5,\"ok\":true}\n");
}

TEST(Log, JsonStringsAreEscapedSoThatNoValueEndsItsLine) {
  EXPECT_EQ(jsonOf({{"v", "a\"b\\c\nd\te\x01\x7f"}}, "x\ny"),
            "{\"msg\":\"x\\ny\",\"v\":\"a\\\"b\\\\c\\nd\\te\\u0001\\u007f\"}\n");
}

TEST(Log, InvalidUtf8BecomesReplacementCharacters) {
  const struct {
    const char* name;
    std::string_view in;
    std::string_view out;
  } cases[] = {
      {"two bytes", "\xC3\xA4", "\xC3\xA4"},
      {"three bytes", "\xE2\x82\xAC", "\xE2\x82\xAC"},
      {"four bytes", "\xF0\x9F\x90\x98", "\xF0\x9F\x90\x98"},
      {"lone continuation", "a\x80z", "a\xEF\xBF\xBDz"},
      {"cut short", "a\xE2\x82", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"overlong", "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"surrogate", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"beyond Unicode", "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(jsonOf({{"v", c.in}}), "{\"msg\":\"m\",\"v\":\"" + std::string(c.out) + "\"}\n") << c.name;
  }
}

TEST(Log, NumbersThatJsonLacksAreNull) {
  EXPECT_EQ(jsonOf({{"v", std::numeric_limits<double>::infinity()}}), "{\"msg\":\"m\",\"v\":null}\n");
}

TEST(Log, TextLineQuotesWhatHoldsSpacesAndKeepsOneLine) {
  const std::string line = captured(LogLevel::Info, LogFormat::Text, [] {
    logWarn("port\nclosed", {{"address", "::1"}, {"why", "no\nroute to host"}});
  });
  EXPECT_TRUE(line.ends_with("Z warn  port\\nclosed address=::1 why=\"no\\nroute to host\"\n")) << line;
}

TEST(Log, WhatIsBelowTheLevelIsNotWritten) {
  EXPECT_EQ(captured(LogLevel::Warn, LogFormat::Json,
                     [] {
                       logInfo("quiet");
                       EXPECT_FALSE(logEnabled(LogLevel::Info));
                       EXPECT_TRUE(logEnabled(LogLevel::Warn));
                     }),
            "");
}

TEST(Log, ItsLevelChangesWhileLinesAreWritten) {
  const std::string lines = captured(LogLevel::Warn, LogFormat::Json, [] {
    logInfo("before");
    setLogLevel(LogLevel::Debug);
    EXPECT_EQ(logLevel(), LogLevel::Debug);
    logDebug("between");
    setLogLevel(LogLevel::Error);
    logWarn("after");
  });
  EXPECT_EQ(lines.find("before"), lines.npos);
  EXPECT_NE(lines.find("between"), lines.npos);
  EXPECT_EQ(lines.find("after"), lines.npos);
}

TEST(Log, LevelsHaveTheirNames) {
  for (const LogLevel level : {LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error})
    EXPECT_EQ(logLevelOf(nameOf(level)), level);
  for (const char* none : {"", "Debug", "trace", "warning"}) EXPECT_EQ(logLevelOf(none), std::nullopt) << none;
}

TEST(Log, LinesOfARequestCarryItsNames) {
  const auto request = std::make_shared<RequestTrace>();
  request->request_id = "the-request";
  {
    const RequestScope scope(request);
    EXPECT_EQ(jsonOf({{"a", 1}}), R"({"msg":"m","a":1,"request_id":"the-request"})"
                                  "\n");
    request->trace_id = "the-trace";
    EXPECT_EQ(jsonOf({}), R"({"msg":"m","request_id":"the-request","trace_id":"the-trace"})"
                          "\n");
    const RequestScope of_nobody(nullptr);
    EXPECT_EQ(jsonOf({}), "{\"msg\":\"m\"}\n");
  }
  EXPECT_EQ(currentRequest(), nullptr);
}

TEST(Log, WorkForARequestStaysItsOwnOnOtherThreads) {
  const auto request = std::make_shared<RequestTrace>();
  std::function<int(int)> work;
  {
    const RequestScope scope(request);
    work = forThisRequest([&](int number) {
      EXPECT_EQ(currentRequest(), request);
      return number + 1;
    });
  }
  std::thread([&] {
    EXPECT_EQ(work(1), 2);
    EXPECT_EQ(currentRequest(), nullptr);
  }).join();
}

TEST(Log, WarningsThatSayTheSameAreWrittenOnceASecond) {
  const std::string lines = captured(LogLevel::Info, LogFormat::Json, [] {
    for (int i = 0; i < 100; ++i) {
      const auto request = std::make_shared<RequestTrace>();
      request->request_id = std::to_string(i);
      const RequestScope scope(request);
      logWarn("folded by this test", {{"kind", i % 2 == 0 ? "even" : "odd"}, {"number", i}});
      logInfo("not folded");
    }
  });
  const auto count = [&](std::string_view text) {
    int found = 0;
    for (auto at = lines.find(text); at != lines.npos; at = lines.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count(R"("msg":"folded by this test")"), 2) << lines;
  EXPECT_EQ(count(R"("kind":"even","number":0,"request_id":"0"})"), 1) << lines;
  EXPECT_EQ(count("not folded"), 100);
}

TEST(Log, AuditLinesAreWrittenWhateverTheLevel) {
  const std::string lines = captured(LogLevel::Error, LogFormat::Json, [] {
    const LogField fields[] = {{"audit", true}, {"action", "TagQueue"}};
    audit("management call", fields);
    for (int i = 0; i < 3; ++i) auditFolded("denied call", fields, "the same");
    auditFolded("denied call", fields, "another");
  });
  const auto count = [&](std::string_view text) {
    int found = 0;
    for (auto at = lines.find(text); at != lines.npos; at = lines.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count(R"("level":"info","msg":"management call","audit":true,"action":"TagQueue"})"), 1) << lines;
  EXPECT_EQ(count(R"("level":"info","msg":"denied call","audit":true,"action":"TagQueue"})"), 2) << lines;
}

TEST(Log, AutoIsJsonWhereNoTerminalReads) {
  EXPECT_EQ(captured(LogLevel::Info, LogFormat::Auto, [] { logInfo("m"); }).front(), '{');
}

}  // namespace
}  // namespace howdah::metrics
