#include "api/admin_routes.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <thread>

#include "metrics/log_level.h"
#include "tests/support/scratch_file.h"

namespace howdah::api {
namespace {

using namespace std::chrono_literals;

class FakeExchange : public HttpExchange {
 public:
  FakeExchange(std::string method, std::string target, std::string body, HttpHeaders headers) {
    request_.headers = std::move(headers);
    request_.method = std::move(method);
    request_.target = std::move(target);
    request_.body = std::move(body);
  }
  HttpRequest& request() override { return request_; }
  const std::shared_ptr<service::ClientPresence>& client() override { return client_; }
  void reply(HttpResponse response, std::function<void(bool)>) override { response_.set_value(std::move(response)); }

  std::future<HttpResponse> response() { return response_.get_future(); }

 private:
  HttpRequest request_;
  std::shared_ptr<service::ClientPresence> client_ = std::make_shared<service::ClientPresence>();
  std::promise<HttpResponse> response_;
};

class AdminPort : public ::testing::Test {
 protected:
  AdminPort() {
    hooks_.readiness = [this] { return checks_; };
    hooks_.metrics = [] { return std::string("howdah_up 1\n"); };
    hooks_.queue_metrics = [](std::string_view pattern) -> std::optional<std::string> {
      if (pattern == "(") return std::nullopt;
      return "of " + std::string(pattern) + "\n";
    };
    hooks_.version_json = R"({"version":"1.2.3"})";
  }

  HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = "",
                   HttpHeaders headers = {}) {
    if (!handler_) handler_ = makeAdminHandler(hooks_, options_, names_);
    const auto exchange = std::make_shared<FakeExchange>(method, target, body, std::move(headers));
    auto response = exchange->response();
    handler_(exchange);
    if (response.wait_for(10s) != std::future_status::ready) throw std::runtime_error("no answer");
    return response.get();
  }

  void enableTestClock() {
    hooks_.test_clock_offset = [this] { return offset_; };
    hooks_.set_test_clock_offset = [this](double seconds) { offset_ = seconds; };
  }

  HttpResponse askWith(const std::string& authorization, const std::string& target) {
    return ask("GET", target, "", {{"Authorization", authorization}});
  }

  AdminHooks hooks_;
  AdminOptions options_ = [] {
    AdminOptions made;
    made.loopback_only = true;
    return made;
  }();
  ApiOptions names_;
  std::vector<ReadinessCheck> checks_ = {{"migrated", true, "version 3", true}};
  double offset_ = 0;
  HttpHandler handler_;
};

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

TEST_F(AdminPort, IsHealthyWheneverItAnswers) {
  checks_[0].ok = false;
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("HEAD", "/healthz").status, 200);
}

TEST_F(AdminPort, IsReadyWhenEveryRequiredCheckIs) {
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  checks_.push_back({"database", false, "connection \"refused\"", false});
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  checks_.push_back({"draining", false, "", true});
  EXPECT_EQ(ask("GET", "/readyz").status, 503);
}

TEST_F(AdminPort, TellsItsChecksWhenAskedTo) {
  checks_.push_back({"database", false, "connection \"refused\"", true});
  const auto response = ask("GET", "/readyz?verbose");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header(response, "Content-Type"), "application/json");
  EXPECT_EQ(response.body,
            R"({"ready":false,"checks":[{"name":"migrated","ok":true,"required":true,"detail":"version 3"},)"
            R"({"name":"database","ok":false,"required":true,"detail":"connection \"refused\""}]})"
            "\n");
}

TEST_F(AdminPort, ShowsMetricsInPrometheusTextFormat) {
  const auto response = ask("GET", "/metrics");
  EXPECT_EQ(header(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "howdah_up 1\n");
}

TEST_F(AdminPort, TellsItsVersion) { EXPECT_EQ(ask("GET", "/version").body, "{\"version\":\"1.2.3\"}\n"); }

TEST_F(AdminPort, MetricsOfChosenQueuesAreThoseWhosePatternIsGiven) {
  EXPECT_EQ(ask("GET", "/metrics/per-queue").body, "of .*\n");
  EXPECT_EQ(ask("GET", "/metrics/per-queue?queue=a%2Bb").body, "of a+b\n");
  EXPECT_EQ(ask("GET", "/metrics/per-queue?queue=a").headers, ask("GET", "/metrics").headers);
  EXPECT_EQ(ask("GET", "/metrics/per-queue?queue=(").status, 400);
  EXPECT_EQ(ask("POST", "/metrics/per-queue").status, 405);
}

TEST_F(AdminPort, AnswersNothingElse) {
  for (const char* target : {"/", "/healthz/", "/admin/v1", "*", "/../healthz", "?verbose", "/?Action=ListQueues"})
    EXPECT_EQ(ask("GET", target).status, 404) << target;
  for (const char* target : {"/healthz", "/readyz", "/metrics", "/version"}) {
    const auto response = ask("POST", target);
    EXPECT_EQ(response.status, 405) << target;
    EXPECT_EQ(header(response, "Allow"), "GET, HEAD") << target;
  }
}

TEST_F(AdminPort, HasNoTestClockUnlessEnabled) {
  EXPECT_EQ(ask("GET", "/admin/v1/test-clock").status, 404);
  EXPECT_EQ(ask("PUT", "/admin/v1/test-clock", R"({"offset_seconds": 5})").status, 404);
}

TEST_F(AdminPort, TestClockIsReadAndSet) {
  enableTestClock();
  EXPECT_EQ(ask("GET", "/admin/v1/test-clock").body, "{\"offset_seconds\":0.0}\n");
  EXPECT_EQ(ask("PUT", "/admin/v1/test-clock", R"({"offset_seconds": 301})").body, "{\"offset_seconds\":301.0}\n");
  EXPECT_EQ(ask("PUT", "/admin/v1/test-clock", R"({"offset_seconds": -0.5})").status, 200);
  EXPECT_EQ(offset_, -0.5);
  EXPECT_EQ(ask("DELETE", "/admin/v1/test-clock").status, 405);
}

TEST_F(AdminPort, TestClockIsNotMovedByWhatIsNoOffset) {
  enableTestClock();
  for (const char* body : {"", "5", "{}", "[]", R"({"offset_seconds": "5"})", R"({"offset_seconds": null})",
                           R"({"offset_seconds": 1e300})", R"({"offset_seconds": 5, "x": 1})",
                           R"({"offset_seconds": NaN})", R"({"offset_seconds": 5)"})
    EXPECT_EQ(ask("PUT", "/admin/v1/test-clock", body).status, 400) << body;
  EXPECT_EQ(ask("PUT", "/admin/v1/test-clock", std::string(1'000'000, '[')).status, 400);
  EXPECT_EQ(offset_, 0);
}

TEST_F(AdminPort, TestClockHooksRunBesideTheCallersThread) {
  enableTestClock();
  std::thread::id ran_on;
  hooks_.test_clock_offset = [&] {
    ran_on = std::this_thread::get_id();
    return 0.0;
  };
  EXPECT_EQ(ask("GET", "/admin/v1/test-clock").status, 200);
  EXPECT_TRUE(ran_on != std::this_thread::get_id());
}

TEST_F(AdminPort, FailingTestClockIsAnswered500) {
  enableTestClock();
  hooks_.test_clock_offset = []() -> double { throw std::runtime_error("no clock"); };
  EXPECT_EQ(ask("GET", "/admin/v1/test-clock").status, 500);
}

TEST_F(AdminPort, TheLogsLevelIsReadAndSet) {
  const auto before = metrics::logLevel();
  EXPECT_EQ(ask("PUT", "/admin/v1/log-level", R"({"level": "warn"})").body, "{\"level\":\"warn\"}\n");
  EXPECT_EQ(metrics::logLevel(), metrics::LogLevel::Warn);
  for (const char* body : {"", "warn", "{}", R"({"level": 1})", R"({"level": "loud"})", R"({"level": "info", "x": 1})"})
    EXPECT_EQ(ask("PUT", "/admin/v1/log-level", body).status, 400) << body;
  EXPECT_EQ(ask("GET", "/admin/v1/log-level").body, "{\"level\":\"warn\"}\n");
  EXPECT_EQ(ask("DELETE", "/admin/v1/log-level").status, 405);
  options_.loopback_only = false;
  handler_ = nullptr;
  EXPECT_EQ(ask("PUT", "/admin/v1/log-level", R"({"level": "debug"})").status, 403);
  EXPECT_EQ(metrics::logLevel(), metrics::LogLevel::Warn);
  metrics::setLogLevel(before);
}

constexpr const char* kToken = "a-token.of_32~characters+and/more==";

TEST_F(AdminPort, OffLoopbackWithoutATokenItOnlyShows) {
  enableTestClock();
  options_.loopback_only = false;
  for (const char* target : {"/healthz", "/readyz?verbose", "/metrics", "/version"})
    EXPECT_EQ(ask("GET", target).status, 200) << target;
  for (const char* method : {"GET", "PUT", "POST"})
    EXPECT_EQ(ask(method, "/admin/v1/test-clock", R"({"offset_seconds": 5})").status, 403) << method;
  EXPECT_EQ(askWith("Bearer " + std::string(kToken), "/admin/v1/test-clock").status, 403);
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(offset_, 0);
}

TEST_F(AdminPort, WithATokenAllButHealthAsksForIt) {
  const testing::ScratchFile file(std::string(kToken) + "\n");
  enableTestClock();
  options_.token_file = file.path();
  for (const bool loopback_only : {true, false}) {
    options_.loopback_only = loopback_only;
    handler_ = nullptr;
    EXPECT_EQ(ask("GET", "/healthz").status, 200);
    EXPECT_EQ(ask("GET", "/readyz").status, 200);
    for (const char* target : {"/metrics", "/version", "/admin/v1/test-clock", "/nothing"}) {
      const auto refused = ask("GET", target);
      EXPECT_EQ(refused.status, 401) << target;
      EXPECT_EQ(header(refused, "WWW-Authenticate"), "Bearer");
      EXPECT_NE(askWith("Bearer " + std::string(kToken), target).status, 401) << target;
    }
    EXPECT_EQ(askWith("bearer  " + std::string(kToken), "/version").status, 200);
  }
  EXPECT_EQ(ask("PUT", "/admin/v1/test-clock", R"({"offset_seconds": 5})").status, 401);
  EXPECT_EQ(offset_, 0);
}

TEST_F(AdminPort, NoOtherTokenWillDo) {
  const testing::ScratchFile file(kToken);
  options_.token_file = file.path();
  const std::string token = kToken;
  const std::string others[] = {"Basic " + token,
                                token,
                                "Bearer",
                                "Bearer ",
                                "Bearer " + token + "=",
                                "Bearer " + token.substr(1),
                                "Bearer x" + token,
                                "Bearer " + token + " " + token,
                                "Bearer \n" + token,
                                "Bearer " + std::string(100'000, 'x')};
  for (const std::string& other : others) {
    const auto refused = askWith(other, "/version");
    EXPECT_EQ(refused.status, 401) << other;
    EXPECT_EQ(header(refused, "WWW-Authenticate"), "Bearer error=\"invalid_token\"");
  }
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = "Bearer " + token;
    changed[7 + i] ^= 1;
    EXPECT_EQ(askWith(changed, "/version").status, 401) << changed;
  }
}

TEST_F(AdminPort, MetricsMayBeLeftOpen) {
  const testing::ScratchFile file(kToken);
  options_.token_file = file.path();
  options_.metrics_open = true;
  EXPECT_EQ(ask("GET", "/metrics").status, 200);
  EXPECT_EQ(ask("GET", "/version").status, 401);
}

TEST_F(AdminPort, ANewTokenCountsAtOnceAndABrokenFileChangesNothing) {
  testing::ScratchFile file(kToken);
  options_.token_file = file.path();
  EXPECT_EQ(askWith("Bearer " + std::string(kToken), "/version").status, 200);
  file.write("another-token-of-30-characters\n");
  EXPECT_EQ(askWith("Bearer " + std::string(kToken), "/version").status, 401);
  EXPECT_EQ(askWith("Bearer another-token-of-30-characters", "/version").status, 200);
  for (const char* broken : {"", "short", "two words that are long enough"}) {
    file.write(broken);
    EXPECT_EQ(askWith("Bearer another-token-of-30-characters", "/version").status, 200) << broken;
    EXPECT_EQ(askWith("Bearer " + std::string(broken), "/version").status, 401) << broken;
  }
}

TEST_F(AdminPort, AUselessTokenFileIsToldAtTheStart) {
  const auto problem = [&](const std::string& path) -> std::string {
    try {
      options_.token_file = path;
      makeAdminHandler(hooks_, options_, names_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(problem("/nowhere/token"), "cannot read /nowhere/token of --admin-token-file: No such file or directory");
  EXPECT_NE(problem("/tmp").find("of --admin-token-file: Is a directory"), std::string::npos) << problem("/tmp");
  for (const std::string& useless :
       {std::string("123456789012345\n"), std::string(4097, 'x'), std::string("long-enough but with a space"),
        std::string("long-enough-but\nin-two-lines"), std::string(16, '\0')}) {
    const testing::ScratchFile file(useless);
    EXPECT_NE(problem(file.path()).find("`openssl rand -hex 32` makes a token"), std::string::npos) << useless;
    EXPECT_EQ(problem(file.path()).find("long-enough"), std::string::npos);
  }
  EXPECT_EQ(problem(testing::ScratchFile("1234567890123456 \r\n").path()), "");
}

TEST_F(AdminPort, WebPagesOfOtherSitesAreRefused) {
  EXPECT_EQ(ask("GET", "/metrics", "", {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(ask("GET", "/metrics", "", {{"Host", "localhost:9325"}, {"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(ask("GET", "/metrics", "", {{"Host", "localhost:9325"}, {"Origin", "http://localhost:9325"}}).status, 200);
  EXPECT_EQ(ask("GET", "/metrics", "", {{"Host", "evil.example"}}).status, 403);
  names_.trusted_host_names = {"evil.example"};
  handler_ = nullptr;
  EXPECT_EQ(ask("GET", "/metrics", "", {{"Host", "evil.example"}}).status, 200);
  options_.loopback_only = false;
  names_ = {};
  handler_ = nullptr;
  EXPECT_EQ(ask("GET", "/metrics", "", {{"Host", "prometheus-finds-us-by.example:9325"}}).status, 200);
}

}  // namespace
}  // namespace howdah::api
