#include "api/admin_routes.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "api/audit.h"
#include "api/auth/admin_token.h"
#include "api/codec/query_params.h"
#include "api/cross_site.h"
#include "metrics/log_level.h"
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

// The one member of a JSON object that has no other; null if it is something else.
const rapidjson::Value* onlyMember(rapidjson::Document& document, const std::string& body, const char* name) {
  document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (document.HasParseError() || !document.IsObject()) return nullptr;
  return document.MemberCount() == 1 && document.HasMember(name) ? &document[name] : nullptr;
}

std::optional<double> readOffset(const std::string& body) {
  rapidjson::Document document;
  const auto* offset = onlyMember(document, body, "offset_seconds");
  if (offset == nullptr || !offset->IsNumber()) return std::nullopt;
  const double seconds = offset->GetDouble();
  if (!(std::abs(seconds) <= kLongestOffset)) return std::nullopt;
  return seconds;
}

std::optional<metrics::LogLevel> readLogLevel(const std::string& body) {
  rapidjson::Document document;
  const auto* level = onlyMember(document, body, "level");
  if (level == nullptr || !level->IsString()) return std::nullopt;
  return metrics::logLevelOf({level->GetString(), level->GetStringLength()});
}

enum class Guard {
  Open,    // for everybody
  Shown,   // shows what is no secret: asks for the token if there is one
  Manages  // also wants a token where others than this machine's users can ask
};

class AdminRoutes {
 public:
  AdminRoutes(AdminHooks hooks, AdminOptions options, ApiOptions names)
      : hooks_(std::move(hooks)), options_(std::move(options)), names_(std::move(names)) {
    if (!options_.token_file.empty()) token_.emplace(options_.token_file);
    if (hooks_.test_clock_offset) worker_.start();
  }

  void handle(std::shared_ptr<HttpExchange> exchange) {
    HttpRequest& request = exchange->request();
    if (const char* foreign = crossSite(request, names_, options_.loopback_only, false))
      return exchange->reply(text(403, foreign));
    const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
    const auto* route = std::ranges::find(kRoutes, path, &Route::path);
    const bool there = route != kRoutes.end() && (route->serve != &AdminRoutes::testClock || hooks_.test_clock_offset);
    if (auto refusal = refuse(request, there ? route->guard : Guard::Shown, path)) {
      AuditedCall call = callOf(request, there ? route->path : "unknown path");
      call.decision = "denied";
      call.error = refusal->status == 401 ? "Unauthorized" : "Forbidden";
      audit(call);
      return exchange->reply(*std::move(refusal));
    }
    if (!there)
      return exchange->reply(text(404, "There is nothing here. Try /healthz, /readyz, /metrics or /version."));
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (!reads && !(route->writable && request.method == "PUT")) {
      HttpResponse response = text(405, "The method is not allowed here.");
      response.headers.emplace_back("Allow", route->writable ? "GET, HEAD, PUT" : "GET, HEAD");
      return exchange->reply(std::move(response));
    }
    (this->*route->serve)(std::move(exchange));
  }

 private:
  struct Route {
    std::string_view path;
    Guard guard;
    bool writable;  // takes PUT
    void (AdminRoutes::*serve)(std::shared_ptr<HttpExchange>);
  };
  static const std::array<Route, 7> kRoutes;

  std::optional<HttpResponse> refuse(const HttpRequest& request, Guard guard, std::string_view path) {
    if (guard == Guard::Open) return std::nullopt;
    if (!token_) {
      if (guard == Guard::Shown || options_.loopback_only) return std::nullopt;
      return text(403, "Off loopback this is served only with a token; the setting admin-token-file names its file.");
    }
    if (options_.metrics_open && (path == "/metrics" || path == "/metrics/per-queue")) return std::nullopt;
    const std::string_view given = request.header("Authorization");
    if (token_->isIn(given)) return std::nullopt;
    HttpResponse response = text(401, "This asks for the token of admin-token-file, as Authorization: Bearer TOKEN.");
    response.headers.emplace_back("WWW-Authenticate", given.empty() ? "Bearer" : "Bearer error=\"invalid_token\"");
    return response;
  }

  AuditedCall callOf(const HttpRequest& request, std::string_view action) const {
    AuditedCall call;
    call.action = action;
    call.source_ip = request.peer_address;
    call.decision = "allowed";
    call.by = token_ ? "admin token" : options_.loopback_only ? "loopback" : "no admin token";
    return call;
  }

  void health(std::shared_ptr<HttpExchange> exchange) { exchange->reply(text(200, "ok")); }

  void ready(std::shared_ptr<HttpExchange> exchange) {
    const std::string_view target = exchange->request().target;
    const std::string_view query = target.substr(std::min(target.find('?'), target.size() - 1) + 1);
    exchange->reply(readiness(query == "verbose" || query.starts_with("verbose=")));
  }

  static HttpResponse metricsText(std::string body) {
    return {.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, .body = std::move(body)};
  }

  void metrics(std::shared_ptr<HttpExchange> exchange) { exchange->reply(metricsText(hooks_.metrics())); }

  void queueMetrics(std::shared_ptr<HttpExchange> exchange) {
    const std::string_view target = exchange->request().target;
    std::string query(target.substr(std::min(target.find('?'), target.size() - 1) + 1));
    QueryParams params;
    if (!params.add(query)) return exchange->reply(text(400, "The query string is not readable."));
    auto series = hooks_.queue_metrics(params.all().value("queue").value_or(".*"));
    if (!series)
      return exchange->reply(text(400, "queue is no regular expression; https://github.com/google/re2/wiki/Syntax"));
    exchange->reply(metricsText(*std::move(series)));
  }

  void version(std::shared_ptr<HttpExchange> exchange) { exchange->reply(json(200, hooks_.version_json)); }

  void logLevel(std::shared_ptr<HttpExchange> exchange) {
    const HttpRequest& request = exchange->request();
    if (request.method == "PUT") {
      const auto wanted = readLogLevel(request.body);
      if (!wanted) return exchange->reply(text(400, R"(Send {"level": "debug"}, or info, warn, error.)"));
      metrics::setLogLevel(*wanted);
      AuditedCall call = callOf(request, "/admin/v1/log-level");
      call.details = {{"to", std::string(metrics::nameOf(*wanted))}};
      audit(call);
    }
    exchange->reply(json(200, fmt::format(R"({{"level":"{}"}})", metrics::nameOf(metrics::logLevel()))));
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
    }
    const bool posted = worker_.post([this, exchange, wanted] {
      try {
        if (wanted) {
          hooks_.set_test_clock_offset(*wanted);
          AuditedCall call = callOf(exchange->request(), "/admin/v1/test-clock");
          call.details = {{"offset_seconds", fmt::format("{}", *wanted)}};
          audit(call);
        }
        exchange->reply(json(200, offsetJson(hooks_.test_clock_offset())));
      } catch (const std::exception&) {
        const auto error = service::failureOf(std::current_exception(), "test-clock");
        exchange->reply(text(error.code == service::ErrorCode::ServiceUnavailable ? 503 : 500, error.message));
      }
    });
    if (!posted) exchange->reply(text(503, "The server is stopping."));
  }

  const AdminHooks hooks_;
  const AdminOptions options_;
  const ApiOptions names_;
  std::optional<AdminToken> token_;
  service::WorkerPool worker_{1};  // test clock hooks ask the database, which an I/O thread must not wait for
};

const std::array<AdminRoutes::Route, 7> AdminRoutes::kRoutes{{
    {"/healthz", Guard::Open, false, &AdminRoutes::health},
    {"/readyz", Guard::Open, false, &AdminRoutes::ready},
    {"/metrics", Guard::Shown, false, &AdminRoutes::metrics},
    {"/metrics/per-queue", Guard::Shown, false, &AdminRoutes::queueMetrics},
    {"/version", Guard::Shown, false, &AdminRoutes::version},
    {"/admin/v1/log-level", Guard::Manages, true, &AdminRoutes::logLevel},
    {"/admin/v1/test-clock", Guard::Manages, true, &AdminRoutes::testClock},
}};

}  // namespace

HttpHandler makeAdminHandler(AdminHooks hooks, AdminOptions options, ApiOptions names) {
  auto routes = std::make_shared<AdminRoutes>(std::move(hooks), std::move(options), std::move(names));
  return [routes](std::shared_ptr<HttpExchange> exchange) { routes->handle(std::move(exchange)); };
}

}  // namespace howdah::api
