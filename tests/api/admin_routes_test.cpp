#include "api/admin_routes.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <thread>

namespace howdah::api {
namespace {

using namespace std::chrono_literals;

class FakeExchange : public HttpExchange {
 public:
  FakeExchange(std::string method, std::string target, std::string body) {
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
    hooks_.version_json = R"({"version":"1.2.3"})";
  }

  HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = "") {
    if (!handler_) handler_ = makeAdminHandler(hooks_);
    const auto exchange = std::make_shared<FakeExchange>(method, target, body);
    auto response = exchange->response();
    handler_(exchange);
    if (response.wait_for(10s) != std::future_status::ready) throw std::runtime_error("no answer");
    return response.get();
  }

  void enableTestClock() {
    hooks_.test_clock_offset = [this] { return offset_; };
    hooks_.set_test_clock_offset = [this](double seconds) { offset_ = seconds; };
  }

  AdminHooks hooks_;
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

}  // namespace
}  // namespace howdah::api
