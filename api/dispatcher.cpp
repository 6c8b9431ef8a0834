#include "api/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/action_table.h"
#include "api/audit.h"
#include "api/auth/permissions.h"
#include "api/auth/request_rate.h"
#include "api/codec/aws_json_codec.h"
#include "api/codec/aws_query_codec.h"
#include "api/codec/query_params.h"
#include "api/cross_site.h"
#include "api/error_table.h"
#include "api/queue_url.h"
#include "api/request_id.h"
#include "metrics/log.h"
#include "metrics/request_trace.h"
#include "service/queue_arn.h"

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kMethods = "GET, HEAD, OPTIONS, POST";
constexpr std::string_view kFormContentType = "application/x-www-form-urlencoded";
constexpr std::size_t kMaxTraceHeader = 256;
constexpr std::size_t kLongestName = 80;  // of a queue, and so in the audit log

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool startsWithIgnoringCase(std::string_view text, std::string_view prefix) {
  return equalsIgnoringCase(text.substr(0, prefix.size()), prefix);
}

struct Target {
  std::string_view path;
  std::string_view query;
};

// Empty path: not a target that can be served.
Target parseTarget(std::string_view target) {
  if (startsWithIgnoringCase(target, "http://") || startsWithIgnoringCase(target, "https://")) {
    target.remove_prefix(target.find("://") + 3);
    target.remove_prefix(std::min(target.find('/'), target.size()));
  }
  if (!target.starts_with('/')) return {};
  const auto query_at = target.find('?');
  if (query_at == std::string_view::npos) return {target, {}};
  return {target.substr(0, query_at), target.substr(query_at + 1)};
}

HttpResponse textResponse(int status, std::string_view content_type, std::string_view body,
                          std::string_view request_id) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"x-amzn-RequestId", std::string(request_id)}, {"Content-Type", std::string(content_type)}};
  response.body = body;
  return response;
}

struct Api {
  service::QueueService& service;
  metrics::Recorder& recorder;
  ApiOptions options;
  std::shared_ptr<const Authenticator> authenticator;  // null: nobody is asked who they are
  std::shared_ptr<RequestRate> request_rate;           // null: no limit
  std::shared_ptr<ParsedPolicies> policies = std::make_shared<ParsedPolicies>();
  AwsJsonCodec json{};
  AwsQueryCodec query{AwsQueryCodec::Rendering::Xml};
  AwsQueryCodec query_as_json{AwsQueryCodec::Rendering::Json};
};

// One request from its arrival to its answer.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(std::shared_ptr<const Api> api, std::shared_ptr<HttpExchange> exchange)
      : api_(std::move(api)), exchange_(std::move(exchange)), request_bytes_(exchange_->request().body.size()) {
    context_.request_id = trace_->request_id = newRequestId();
    trace_->trace_id = traceIdOf(exchange_->request());
  }

  // Cheap refusals first.
  void run() try {
    const metrics::RequestScope scope(trace_);
    HttpRequest& request = exchange_->request();
    is_head_ = request.method == "HEAD";
    const bool reads = is_head_ || request.method == "GET";
    if (!reads && request.method != "POST" && request.method != "OPTIONS") {
      HttpResponse response =
          textResponse(405, "text/plain", "Only GET, HEAD, OPTIONS and POST are served.\n", context_.request_id);
      response.headers.emplace_back("Allow", kMethods);
      return answer(std::move(response));
    }
    const Target target = parseTarget(request.target);
    if (target.path.empty() && !(request.method == "OPTIONS" && request.target == "*"))
      return answer(textResponse(400, "text/plain", "The request target is not a path.\n", context_.request_id));
    const std::string_view host = request.header("Host");
    if (!host.empty() && !isValidHost(host))
      return answer(textResponse(400, "text/plain", "The Host header is not a host name.\n", context_.request_id));

    const bool json = !request.header("X-Amz-Target").empty() ||
                      startsWithIgnoringCase(request.header("Content-Type"), "application/x-amz-json-1.0");
    const bool query = !json && !is_head_ && (namesParam(target.query, "Action") || (isForm(request) && !reads));
    protocol_ = json ? "json" : query ? "query" : "rest";
    if (query) {
      const bool wants_json = request.header("Accept").find("application/json") != std::string_view::npos;
      codec_ = wants_json ? &api_->query_as_json : &api_->query;
    }

    cors_origin_ = corsOrigin(request);
    // A page has no key to sign with; where signatures are asked for, they are what protects.
    const char* foreign = api_->authenticator
                              ? nullptr
                              : crossSite(request, api_->options, api_->options.loopback_only, !cors_origin_.empty());
    if (foreign != nullptr) {
      denied_by_ = "cross-site request";
      return refuse({ErrorCode::AccessDeniedException, foreign});
    }
    if (request.method == "OPTIONS") {
      HttpResponse response;
      response.status = 204;
      response.headers = {{"x-amzn-RequestId", context_.request_id}, {"Allow", std::string(kMethods)}};
      allowPreflight(request, response);
      return answer(std::move(response));
    }
    if (json) return runJson(request, target);
    if (query) return runAction(request, target);
    if (reads && target.path == "/health") return answer(textResponse(200, "text/plain", "ok\n", context_.request_id));
    if (reads)
      return answer(textResponse(404, "text/xml", "<UnknownOperationException/>", context_.request_id),
                    errorRow(ErrorCode::UnknownOperationException).query_code);
    refuse({ErrorCode::UnknownOperationException, "The header X-Amz-Target must name an action of AmazonSQS."});
  } catch (const std::exception& failure) {
    fail(failure);
  }

 private:
  void runJson(HttpRequest& request, const Target& target) {
    if (request.method != "POST")
      return refuse({ErrorCode::UnknownOperationException, "AWS JSON 1.0 requests are sent with POST."});
    const std::string_view content_type = request.header("Content-Type");
    if (!content_type.empty() && !startsWithIgnoringCase(content_type, "application/x-amz-json-1.0") &&
        !startsWithIgnoringCase(content_type, "application/json"))
      return refuse({ErrorCode::UnknownOperationException, "The Content-Type must be application/x-amz-json-1.0."});
    runAction(request, target);
  }

  void runAction(HttpRequest& request, const Target& target) {
    std::optional<Identity> identity;
    if (api_->authenticator) {
      const SignedParts parts{request.method,  target.path, target.query, clientHost(request, api_->options),
                              request.headers, request.body};
      auto authenticated = api_->authenticator->authenticate(parts);
      if (!authenticated) {
        denied_by_ = "signature";
        access_key_id_ = api_->authenticator->namedKey(parts);
        return refuse(authenticated.error());
      }
      identity = std::move(authenticated).value();
      access_key_id_ = identity->access_key_id;
      if (api_->request_rate && !api_->request_rate->take(access_key_id_)) {
        api_->recorder.throttled("requests-per-second-per-key");
        return refuse({ErrorCode::RequestThrottled, {}});
      }
    }
    if (codec_ != &api_->json && !isForm(request)) request.body.clear();  // whatever it is, it is no parameters
    const std::string_view name = codec_->actionName(request);
    if (name.empty()) {
      if (codec_ != &api_->json)
        return refuse({ErrorCode::MissingRequiredParameterException, "The request must contain the parameter Action."});
      return refuse(
          {ErrorCode::UnknownOperationException, "The header X-Amz-Target must name an action of AmazonSQS."});
    }
    action_ = findAction(name);
    const service::QueueRef addressed = parseQueueUrl(target.path);
    if (!action_ || (action_->account_level && !addressed.name.empty()))
      return refuse({ErrorCode::UnknownOperationException, notValid(name)});

    url_base_ = queueUrlBase(request, api_->options);
    fillContext(request, std::move(identity));
    if (action_->describe != nullptr) change_.emplace().queue = addressed;
    const std::shared_ptr<void> input = action_->make_input();
    // The queue of the path, unless the member names one.
    if (const Member* member = action_->input->find("QueueUrl"))
      *static_cast<service::QueueRef*>(member->address(input.get())) = addressed;
    if (auto decoded = codec_->decode(request, *action_->input, input.get()); !decoded)
      return refuse(std::move(decoded).error());
    if (change_) action_->describe(input.get(), *change_);
    action_->call(api_->service, context_, input.get(),
                  [self = shared_from_this()](service::Result<std::shared_ptr<const void>> result) {
                    self->finish(std::move(result));
                  });
  }

  // The origin of the page that asks, if the settings allow it.
  std::string corsOrigin(const HttpRequest& request) const {
    const std::string_view origin = request.header("Origin");
    const bool allowed =
        !origin.empty() && std::ranges::any_of(api_->options.cors_origins, [&](const std::string& one) {
          return one == "*" || equalsIgnoringCase(one, origin);
        });
    return allowed ? std::string(origin) : std::string();
  }

  // Whatever headers the SDK in the page wants to send.
  void allowPreflight(const HttpRequest& request, HttpResponse& response) const {
    if (cors_origin_.empty()) return;
    response.headers.emplace_back("Access-Control-Allow-Methods", kMethods);
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
    if (const std::string_view wanted = request.header("Access-Control-Request-Headers"); !wanted.empty())
      response.headers.emplace_back("Access-Control-Allow-Headers", wanted);
  }

  // A name that could be one of SQS is told back.
  static std::string notValid(std::string_view action) {
    const bool is_name =
        action.size() <= 64 && std::ranges::all_of(action, [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; });
    return is_name ? "The action " + std::string(action) + " is not valid for this endpoint." : "";
  }

  static bool isForm(const HttpRequest& request) {
    return startsWithIgnoringCase(request.header("Content-Type"), kFormContentType);
  }

  void fillContext(const HttpRequest& request, std::optional<Identity> identity) {
    context_.caller.source_ip = request.peer_address;
    context_.caller.secure = isSecure(request, api_->options);
    if (identity) {
      context_.caller.account = identity->account;
      context_.caller.principal = identity->principal;
      context_.caller.access_key_id = identity->access_key_id;
      context_.caller.accounts_matter = true;
      permissions_ = std::make_shared<const RequestPermissions>(api_->policies, *std::move(identity), context_.caller,
                                                                api_->authenticator->now(), action_->permission,
                                                                api_->options.region, url_base_);
      context_.permissions = permissions_;
    } else {
      context_.caller.account = api_->options.account;
      context_.caller.principal = "arn:aws:iam::" + api_->options.account + ":root";
    }
    context_.client = exchange_->client();
    context_.parked = std::make_shared<Clock::duration>(0);
    // It would be stored with the message: what is no trace header is left out.
    const std::string_view trace = request.header("X-Amzn-Trace-Id");
    if (trace.size() <= kMaxTraceHeader && std::ranges::all_of(trace, [](char c) { return c >= ' ' && c <= '~'; }))
      context_.trace_header = trace;
  }

  void finish(service::Result<std::shared_ptr<const void>> result) {
    const metrics::RequestScope scope(trace_);
    std::shared_ptr<const void> output;
    try {
      if (!result) return refuse(result.error());
      output = std::move(result).value();
      const auto began = Clock::now();
      HttpResponse response =
          codec_->encode(action_->output, output.get(), {action_->name, context_.request_id, url_base_});
      encode_ = Clock::now() - began;
      answer(std::move(response), {}, output);
    } catch (const std::exception& failure) {
      fail(failure);
      giveBack(output);
    }
  }

  void refuse(const Error& error) {
    if (isAuthFailure(error.code)) api_->recorder.authenticationFailed(errorRow(error.code).query_code);
    answer(codec_->encodeError(error, context_.request_id), errorRow(error.code).query_code);
  }

  static bool isAuthFailure(ErrorCode code) {
    using enum ErrorCode;
    constexpr ErrorCode kAuthFailures[]{AccessDeniedException,      ExpiredTokenException, IncompleteSignatureException,
                                        InvalidSignatureException,  InvalidSecurity,       RequestExpired,
                                        UnrecognizedClientException};
    return std::ranges::find(kAuthFailures, code) != std::end(kAuthFailures);
  }

  // On whatever thread the exception came out.
  void fail(const std::exception& failure) {
    const metrics::RequestScope scope(trace_);
    metrics::logError("request failed", {{"action", actionLabel()}, {"reason", failure.what()}});
    refuse({ErrorCode::InternalFailure, {}});
  }

  void answer(HttpResponse response, std::string_view error = {}, std::shared_ptr<const void> output = nullptr) {
    if (answered_.exchange(true)) return;  // it threw after it had answered
    if (!exchange_->keepRoomFor(response.body.size())) {
      trace_->failedBecause("no memory for the response: http-bytes-in-flight");
      giveBack(std::exchange(output, nullptr));
      error = errorRow(ErrorCode::ServiceUnavailable).query_code;
      response = codec_->encodeError({ErrorCode::ServiceUnavailable, {}}, context_.request_id);
      response.headers.emplace_back("Retry-After", "1");
    }
    if (is_head_) response.body.clear();
    if (!cors_origin_.empty()) {
      response.headers.emplace_back("Access-Control-Allow-Origin", cors_origin_);
      response.headers.emplace_back("Access-Control-Expose-Headers", "Date, x-amzn-RequestId, x-amzn-query-error");
      response.headers.emplace_back("Vary", "Origin");
    }

    const Clock::duration parked = context_.parked ? *context_.parked : Clock::duration(0);
    const Clock::duration duration = Clock::now() - started_ - parked;
    api_->recorder.requestFinished(actionLabel(), protocol_, response.status, error, duration, request_bytes_,
                                   response.body.size());
    logCall(response.status, error, duration, parked);
    auditCall(error);

    // Let go of the exchange: it holds the callback, which holds this.
    const auto exchange = std::move(exchange_);
    if (!action_ || !action_->undelivered || !output) return exchange->reply(std::move(response));
    exchange->reply(std::move(response), [self = shared_from_this(), output = std::move(output)](bool written) {
      if (!written) self->giveBack(output);
    });
  }

  void logCall(int status, std::string_view error, Clock::duration duration, Clock::duration parked) const {
    using metrics::LogLevel;
    const bool fails = status >= 400;
    const std::string cause = fails ? trace_->cause() : "";
    const auto tell = [&](LogLevel level, std::string_view message) {
      const auto ms = [](auto ticks) {
        return std::chrono::duration<double, std::milli>(Clock::duration(ticks)).count();
      };
      metrics::log(level, message,
                   {{"action", actionLabel()},
                    {"protocol", protocol_},
                    {"code", status},
                    {"error", error},
                    {"cause", cause},
                    {"duration_ms", ms(duration)},
                    {"queued_ms", ms(trace_->queued.load())},
                    {"database_ms", ms(trace_->database.load())},
                    {"encode_ms", ms(encode_)},
                    {"parked_ms", ms(parked)},
                    {"client", exchange_->request().peer_address}});
    };
    const LogLevel level = status >= 500                  ? LogLevel::Error
                           : fails && samples()           ? LogLevel::Warn
                           : samples() && isInTheSample() ? LogLevel::Info
                                                          : LogLevel::Debug;
    if (metrics::logEnabled(level)) tell(level, "request");
    if (duration >= api_->options.slow_request) tell(LogLevel::Warn, "slow request");
  }

  bool samples() const { return api_->options.access_log_sample > 0; }

  // By the request's id, which is random.
  bool isInTheSample() const {
    std::uint32_t drawn = 0;
    std::from_chars(context_.request_id.data(), context_.request_id.data() + 8, drawn, 16);
    return drawn < api_->options.access_log_sample * 4294967296.0;
  }

  void auditCall(std::string_view error) const {
    const auto verdict = permissions_ ? permissions_->verdict() : std::nullopt;
    const bool is_denied = !denied_by_.empty() || (verdict && !verdict->decision.allowed);
    if (!is_denied && !change_) return;
    const HttpRequest& request = exchange_->request();
    const service::Caller& caller = context_.caller;
    AuditedCall call;
    call.action = actionLabel();
    // Refused before its name counted.
    if (const Action* named = action_ ? action_ : findAction(codec_->actionName(request))) call.action = named->name;
    call.account = caller.account;
    call.principal = caller.principal;
    call.access_key_id = access_key_id_;
    call.source_ip = request.peer_address;
    std::string queue = verdict ? verdict->resource : change_ ? change_->queue_arn : "";
    if (queue.empty() && change_ && !change_->queue.name.empty()) {
      const std::string& account = change_->queue.account;
      queue = service::queueArn(api_->options.region,
                                {account.empty() || !caller.accounts_matter ? caller.account : account,
                                 change_->queue.name.substr(0, kLongestName)});
    }
    call.queue = queue;
    const bool decided = verdict || !api_->authenticator;
    call.decision = is_denied ? "denied" : decided ? "allowed" : "none";
    call.by = !denied_by_.empty() ? denied_by_ : verdict ? verdict->decision.by : decided ? "auth=none" : "";
    if (verdict) call.statement = verdict->decision.statement;
    call.error = error;
    if (change_) call.details = change_->details;
    audit(call);
  }

  void giveBack(const std::shared_ptr<const void>& output) try {
    const metrics::RequestScope scope(trace_);
    if (output && action_->undelivered) action_->undelivered(api_->service, context_, output.get());
  } catch (const std::exception& failure) {
    metrics::logError("undelivered messages were not given back",
                      {{"request_id", context_.request_id}, {"reason", failure.what()}});
  }

  std::string_view actionLabel() const { return action_ ? action_->name : "unknown"; }

  const std::shared_ptr<const Api> api_;
  std::shared_ptr<HttpExchange> exchange_;  // until it is answered
  const Clock::time_point started_ = Clock::now();
  const std::size_t request_bytes_;
  const metrics::RequestTracePtr trace_ = std::make_shared<metrics::RequestTrace>();
  Clock::duration encode_{0};
  service::RequestContext context_;
  const Action* action_ = nullptr;
  const Codec* codec_ = &api_->json;
  std::string_view protocol_ = "json";
  std::string url_base_;
  std::string cors_origin_;  // of the page that asks; empty: no page, or one that may not
  bool is_head_ = false;
  // For the audit log.
  std::string_view denied_by_;  // before policies were asked; empty: it was not
  std::string access_key_id_;
  std::shared_ptr<const RequestPermissions> permissions_;
  std::optional<ManagedChange> change_;
  std::atomic<bool> answered_ = false;
};

}  // namespace

HttpHandler makeApiHandler(service::QueueService& service, metrics::Recorder& recorder, ApiOptions options,
                           std::shared_ptr<const Authenticator> authenticator) {
  static const service::SteadyClock steady_clock;
  const int rate = options.requests_per_second_per_key;
  auto api = std::make_shared<const Api>(Api{service, recorder, std::move(options), std::move(authenticator),
                                             rate > 0 ? std::make_shared<RequestRate>(steady_clock, rate) : nullptr});
  return [api = std::move(api)](std::shared_ptr<HttpExchange> exchange) {
    try {
      std::make_shared<Call>(api, std::move(exchange))->run();
    } catch (const std::exception& failure) {  // not even a request id; the engine answers what is dropped
      metrics::logError("request dropped", {{"reason", failure.what()}});
    }
  };
}

}  // namespace howdah::api
