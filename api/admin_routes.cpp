#include "api/admin_routes.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "service/worker_pool.h"

namespace howdah::api {
namespace {

constexpr double kLongestOffset = 10.0 * 365 * 24 * 3600;  // retention is 14 days; beyond this lie overflows

HttpResponse text(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::move(body) + "\n"};
}

HttpResponse json(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body) + "\n"};
}

std::string readinessJson(const std::vector<ReadinessCheck>& checks, bool ready) {
  rapidjson::StringBuffer out;
  rapidjson::Writer writer(out);
  const auto string = [&](const std::string& value) {
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  writer.StartObject();
  writer.Key("ready");
  writer.Bool(ready);
  writer.Key("checks");
  writer.StartArray();
  for (const auto& check : checks) {
    writer.StartObject();
    writer.Key("name");
    string(check.name);
    writer.Key("ok");
    writer.Bool(check.ok);
    writer.Key("required");
    writer.Bool(check.required);
    writer.Key("detail");
    string(check.detail);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return out.GetString();
}

std::string offsetJson(double seconds) {
  rapidjson::StringBuffer out;
  rapidjson::Writer writer(out);
  writer.StartObject();
  writer.Key("offset_seconds");
  writer.Double(seconds);
  writer.EndObject();
  return out.GetString();
}

std::optional<double> readOffset(const std::string& body) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  if (document.MemberCount() != 1 || !document.HasMember("offset_seconds")) return std::nullopt;
  const auto& offset = document["offset_seconds"];
  if (!offset.IsNumber()) return std::nullopt;
  const double seconds = offset.GetDouble();
  if (!(std::abs(seconds) <= kLongestOffset)) return std::nullopt;
  return seconds;
}

class AdminRoutes {
 public:
  explicit AdminRoutes(AdminHooks hooks) : hooks_(std::move(hooks)) {
    if (hooks_.test_clock_offset) worker_.start();
  }

  void handle(std::shared_ptr<HttpExchange> exchange) {
    const std::string_view target = exchange->request().target;
    const std::string_view path = target.substr(0, target.find('?'));
    const std::string_view query = path.size() < target.size() ? target.substr(path.size() + 1) : "";

    if (path == "/healthz") {
      if (isRead(*exchange)) exchange->reply(text(200, "ok"));
    } else if (path == "/readyz") {
      if (isRead(*exchange)) exchange->reply(readiness(query == "verbose" || query.starts_with("verbose=")));
    } else if (path == "/metrics") {
      if (isRead(*exchange))
        exchange->reply(
            {.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, .body = hooks_.metrics()});
    } else if (path == "/version") {
      if (isRead(*exchange)) exchange->reply(json(200, hooks_.version_json));
    } else if (path == "/admin/v1/test-clock" && hooks_.test_clock_offset) {
      testClock(std::move(exchange));
    } else {
      exchange->reply(text(404, "There is nothing here. Try /healthz, /readyz, /metrics or /version."));
    }
  }

 private:
  static void refuseMethod(HttpExchange& exchange, std::string allowed) {
    HttpResponse response = text(405, "The method is not allowed here.");
    response.headers.emplace_back("Allow", std::move(allowed));
    exchange.reply(std::move(response));
  }

  // Answers 405 itself if not.
  static bool isRead(HttpExchange& exchange) {
    const auto& method = exchange.request().method;
    if (method == "GET" || method == "HEAD") return true;
    refuseMethod(exchange, "GET, HEAD");
    return false;
  }

  HttpResponse readiness(bool verbose) const {
    const auto checks = hooks_.readiness();
    const bool ready = std::ranges::all_of(checks, [](const auto& check) { return check.ok || !check.required; });
    const int status = ready ? 200 : 503;
    if (verbose) return json(status, readinessJson(checks, ready));
    return text(status, ready ? "ok" : "not ready; see /readyz?verbose");
  }

  void testClock(std::shared_ptr<HttpExchange> exchange) {
    const auto& request = exchange->request();
    std::optional<double> wanted;
    if (request.method == "PUT") {
      wanted = readOffset(request.body);
      if (!wanted)
        return exchange->reply(
            text(400, "Send {\"offset_seconds\": N}, a number of seconds that is at most ten years either way."));
    } else if (request.method != "GET" && request.method != "HEAD") {
      return refuseMethod(*exchange, "GET, HEAD, PUT");
    }
    const bool posted = worker_.post([this, exchange, wanted] {
      try {
        if (wanted) hooks_.set_test_clock_offset(*wanted);
        exchange->reply(json(200, offsetJson(hooks_.test_clock_offset())));
      } catch (const std::exception&) {
        const auto error = service::failureOf(std::current_exception(), "test-clock");
        exchange->reply(text(error.code == service::ErrorCode::ServiceUnavailable ? 503 : 500, error.message));
      }
    });
    if (!posted) exchange->reply(text(503, "The server is stopping."));
  }

  const AdminHooks hooks_;
  service::WorkerPool worker_{1};  // test clock hooks ask the database, which an I/O thread must not wait for
};

}  // namespace

HttpHandler makeAdminHandler(AdminHooks hooks) {
  auto routes = std::make_shared<AdminRoutes>(std::move(hooks));
  return [routes](std::shared_ptr<HttpExchange> exchange) { routes->handle(std::move(exchange)); };
}

}  // namespace howdah::api
