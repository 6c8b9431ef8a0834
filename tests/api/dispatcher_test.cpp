#include "api/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "api/action_table.h"
#include "api/error_table.h"
#include "tests/support/null_recorder.h"
#include "tests/support/recording_queue_service.h"

namespace howdah::api {
namespace {

using namespace std::chrono_literals;
using service::Error;
using service::ErrorCode;

class FakeExchange : public HttpExchange {
 public:
  explicit FakeExchange(HttpRequest request) : request_(std::move(request)) {}

  HttpRequest& request() override { return request_; }
  const std::shared_ptr<service::ClientPresence>& client() override { return client_; }
  bool keepRoomFor(std::size_t body_bytes) override { return body_bytes <= room; }
  void reply(HttpResponse made, std::function<void(bool)> callback) override {
    ASSERT_FALSE(response) << "answered twice";
    response = std::move(made);
    on_written = std::move(callback);
  }

  std::size_t room = 64 * 1024;
  std::optional<HttpResponse> response;
  std::function<void(bool)> on_written;

 private:
  HttpRequest request_;
  std::shared_ptr<service::ClientPresence> client_ = std::make_shared<service::ClientPresence>();
};

struct Finished {
  std::string action, protocol;
  int code;
  std::string error;
  metrics::Seconds duration;
  std::size_t request_bytes, response_bytes;
};

class FinishedRecorder : public testing::NullRecorder {
 public:
  void requestFinished(std::string_view action, std::string_view protocol, int code, std::string_view error,
                       metrics::Seconds duration, std::size_t request_bytes, std::size_t response_bytes) override {
    finished.push_back({std::string(action), std::string(protocol), code, std::string(error), duration, request_bytes,
                        response_bytes});
  }
  std::vector<Finished> finished;
};

HttpRequest jsonRequest(std::string_view action, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.headers = {{"Host", "localhost:9324"},
                     {"X-Amz-Target", "AmazonSQS." + std::string(action)},
                     {"Content-Type", "application/x-amz-json-1.0"}};
  request.body = std::move(body);
  request.peer_address = "127.0.0.1";
  return request;
}

HttpRequest get(std::string target, HttpHeaders headers = {{"Host", "localhost:9324"}}) {
  HttpRequest request;
  request.method = "GET";
  request.target = std::move(target);
  request.headers = std::move(headers);
  return request;
}

std::string headerOf(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

class Dispatcher : public ::testing::Test {
 protected:
  std::shared_ptr<FakeExchange> start(HttpRequest request) {
    auto exchange = std::make_shared<FakeExchange>(std::move(request));
    makeApiHandler(service_, recorder_, options_)(exchange);
    return exchange;
  }

  HttpResponse answerTo(HttpRequest request) {
    const auto exchange = start(std::move(request));
    EXPECT_TRUE(exchange->response);
    EXPECT_EQ(recorder_.finished.size(), ++requests_);
    const HttpResponse response = exchange->response.value_or(HttpResponse{});
    EXPECT_EQ(recorder_.finished.back().code, response.status);
    EXPECT_EQ(recorder_.finished.back().response_bytes, response.body.size());
    EXPECT_EQ(headerOf(response, "x-amzn-RequestId").size(), 36u);
    return response;
  }

  // The request was refused before it came to the service.
  void expectRefused(HttpRequest request, int status, std::string_view code) {
    const std::size_t calls = service_.calls.size();
    const HttpResponse response = answerTo(std::move(request));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(headerOf(response, "x-amzn-query-error"), code.empty() ? "" : std::string(code) + ";Sender");
    EXPECT_EQ(service_.calls.size(), calls);
  }

  testing::RecordingQueueService service_;
  FinishedRecorder recorder_;
  ApiOptions options_ = [] {
    ApiOptions made;
    made.loopback_only = true;
    return made;
  }();
  std::size_t requests_ = 0;
};

TEST_F(Dispatcher, ARequestReachesItsActionAndItsOutputComesBack) {
  service::SendMessageOutput output;
  output.message_id = "the-message";
  output.md5_of_message_body = "digest";
  service_.answer = output;
  const std::string body = R"({"QueueUrl":"http://localhost:9324/000000000000/q","MessageBody":"hello"})";
  const HttpResponse response = answerTo(jsonRequest("SendMessage", body));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"MessageId":"the-message","MD5OfMessageBody":"digest"})");
  EXPECT_EQ(headerOf(response, "Content-Type"), "application/x-amz-json-1.0");
  ASSERT_EQ(service_.calls.size(), 1u);
  const auto& input = service_.input<service::SendMessageInput>();
  EXPECT_EQ(input.queue_url, (service::QueueRef{"000000000000", "q"}));
  EXPECT_EQ(input.message_body, "hello");
  const Finished& finished = recorder_.finished.back();
  EXPECT_EQ(finished.action, "SendMessage");
  EXPECT_EQ(finished.protocol, "json");
  EXPECT_EQ(finished.error, "");
  EXPECT_EQ(finished.request_bytes, body.size());
}

TEST_F(Dispatcher, TheServiceLearnsWhoAsks) {
  HttpRequest request = jsonRequest("ListQueues", "{}");
  request.headers.emplace_back("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793");
  request.peer_address = "127.0.0.7";
  request.secure = true;
  const HttpResponse response = answerTo(std::move(request));
  const service::RequestContext& context = service_.calls.back().context;
  EXPECT_EQ(context.caller.account, "000000000000");
  EXPECT_EQ(context.caller.principal, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(context.caller.source_ip, "127.0.0.7");
  EXPECT_TRUE(context.caller.secure);
  EXPECT_EQ(context.trace_header, "Root=1-5759e988-bd862e3fe1be46a994272793");
  EXPECT_EQ(context.request_id, headerOf(response, "x-amzn-RequestId"));
}

TEST_F(Dispatcher, WhatIsNoTraceHeaderIsLeftOut) {
  for (const std::string& trace : {std::string(300, 'x'), std::string("\xff"), std::string("a\tb")}) {
    HttpRequest request = jsonRequest("ListQueues", "{}");
    request.headers.emplace_back("X-Amzn-Trace-Id", trace);
    EXPECT_EQ(answerTo(std::move(request)).status, 200);
    EXPECT_EQ(service_.calls.back().context.trace_header, "");
  }
}

TEST_F(Dispatcher, AnErrorOfTheServiceIsToldInSqssForm) {
  service_.answer = Error{ErrorCode::QueueDoesNotExist, "The specified queue does not exist."};
  const HttpResponse response = answerTo(jsonRequest("DeleteQueue", R"({"QueueUrl":"http://h/1/q"})"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(headerOf(response, "x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  EXPECT_EQ(response.body,
            R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  EXPECT_EQ(recorder_.finished.back().error, "AWS.SimpleQueueService.NonExistentQueue");
}

TEST_F(Dispatcher, AnActionWithoutOutputAnswersNoBody) {
  const HttpResponse response = answerTo(jsonRequest("DeleteQueue", R"({"QueueUrl":"http://h/1/q"})"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(headerOf(response, "Content-Type"), "application/x-amz-json-1.0");
}

TEST_F(Dispatcher, QueueUrlsComeFromTheHostOfTheRequestOrThePublicUrl) {
  service_.answer = service::GetQueueUrlOutput{{"000000000000", "q"}};
  HttpRequest request = jsonRequest("GetQueueUrl", R"({"QueueName":"q"})");
  request.headers[0].second = "sqs.localhost:1234";
  EXPECT_EQ(answerTo(std::move(request)).body, R"({"QueueUrl":"http://sqs.localhost:1234/000000000000/q"})");
  options_.public_url = "https://sqs.example.com";
  EXPECT_EQ(answerTo(jsonRequest("GetQueueUrl", R"({"QueueName":"q"})")).body,
            R"({"QueueUrl":"https://sqs.example.com/000000000000/q"})");
}

TEST_F(Dispatcher, TheQueueComesFromThePathUnlessTheMemberNamesOne) {
  HttpRequest request = jsonRequest("PurgeQueue", "{}");
  request.target = "/123456789/from-path?x=y";
  answerTo(request);
  EXPECT_EQ(service_.input<service::PurgeQueueInput>().queue_url, (service::QueueRef{"123456789", "from-path"}));
  request.body = R"({"QueueUrl":null})";
  answerTo(request);
  EXPECT_EQ(service_.input<service::PurgeQueueInput>().queue_url.name, "from-path");
  request.body = R"({"QueueUrl":"http://h/1/from-member"})";
  answerTo(request);
  EXPECT_EQ(service_.input<service::PurgeQueueInput>().queue_url, (service::QueueRef{"1", "from-member"}));
  request.body = R"({"QueueUrl":"http://whatever"})";
  answerTo(request);
  EXPECT_EQ(service_.input<service::PurgeQueueInput>().queue_url, service::QueueRef{});
  request.target = "http://localhost:9324/1/absolute-form";
  request.body = "";
  answerTo(request);
  EXPECT_EQ(service_.input<service::PurgeQueueInput>().queue_url, (service::QueueRef{"1", "absolute-form"}));
}

TEST_F(Dispatcher, AccountLevelActionsAreNotValidOnAQueuesPath) {
  for (const std::string action : {"CreateQueue", "ListQueues", "FooBar"}) {
    HttpRequest request = jsonRequest(action, "{}");
    request.target = "/000000000000/q";
    const HttpResponse response = answerTo(request);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body,
              R"({"__type":"com.amazon.coral.service#UnknownOperationException","message":"The action )" + action +
                  R"( is not valid for this endpoint."})");
  }
  HttpRequest request = jsonRequest("GetQueueUrl", R"({"QueueName":"other"})");
  request.target = "/000000000000/q";
  EXPECT_EQ(answerTo(request).status, 200);
  request = jsonRequest("ListQueues", "");
  request.target = "/somewhere";
  EXPECT_EQ(answerTo(request).status, 200);
}

TEST_F(Dispatcher, UnknownActionsAreRefused) {
  for (const char* action : {"sendmessage", "", "FooBar"})
    expectRefused(jsonRequest(action, "{}"), 400, "InvalidAction");
  EXPECT_EQ(recorder_.finished.back().action, "unknown");
  HttpRequest request = jsonRequest("", "{}");
  request.headers[1].second = "DynamoDB_20120810.ListTables";
  expectRefused(request, 400, "InvalidAction");
  request.headers.erase(request.headers.begin() + 1);
  expectRefused(request, 400, "InvalidAction");
  request.headers.pop_back();
  expectRefused(request, 400, "InvalidAction");
}

TEST_F(Dispatcher, NothingOddInATargetIsToldBack) {
  const HttpResponse response = answerTo(jsonRequest("<script>\xff\"", "{}"));
  EXPECT_EQ(response.body, R"({"__type":"com.amazon.coral.service#UnknownOperationException",)"
                           R"("message":"The action or operation requested is invalid."})");
}

TEST_F(Dispatcher, ContentTypeMustBeThatOfJson) {
  HttpRequest request = jsonRequest("ListQueues", "{}");
  for (const char* accepted : {"application/x-amz-json-1.0", "application/x-amz-json-1.0; charset=utf-8",
                               "Application/X-Amz-Json-1.0", "application/json", ""}) {
    request.headers[2].second = accepted;
    EXPECT_EQ(answerTo(request).status, 200) << accepted;
  }
  for (const char* refused : {"text/plain", "application/x-www-form-urlencoded", "text/xml", "x"}) {
    request.headers[2].second = refused;
    expectRefused(request, 400, "InvalidAction");
  }
}

TEST_F(Dispatcher, BodiesThatCannotBeReadAreRefused) {
  for (const char* body : {"{", "[]", R"({"MessageBody":1})", "\xff", R"({"QueueUrl":{}})"})
    expectRefused(jsonRequest("SendMessage", body), 400, "MalformedInput");
  EXPECT_EQ(recorder_.finished.back().action, "SendMessage");
}

TEST_F(Dispatcher, JsonIsPosted) {
  HttpRequest request = jsonRequest("ListQueues", "");
  request.method = "GET";
  expectRefused(request, 400, "InvalidAction");
}

TEST_F(Dispatcher, AwsQueryIsServedByPostAndByGet) {
  service::GetQueueUrlOutput output{{"000000000000", "q"}};
  service_.answer = output;
  HttpRequest form = get("/");
  form.method = "POST";
  form.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  form.body = "Action=GetQueueUrl&Version=2012-11-05&QueueName=q";
  HttpRequest post = get("/?Action=GetQueueUrl&QueueName=q");
  post.method = "POST";
  post.headers.emplace_back("Content-Type", "text/plain");
  post.body = "Action=DeleteQueue&QueueName=other";
  HttpRequest split = form;
  split.target = "/0/x?QueueName=q";
  split.body = "Action=GetQueueUrl";
  for (const HttpRequest& request : {form, get("/?Action=GetQueueUrl&QueueName=q"), post, split}) {
    const HttpResponse response = answerTo(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(headerOf(response, "Content-Type"), "text/xml");
    EXPECT_EQ(response.body,
              "<?xml version=\"1.0\"?><GetQueueUrlResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
              "<GetQueueUrlResult><QueueUrl>http://localhost:9324/000000000000/q</QueueUrl></GetQueueUrlResult>"
              "<ResponseMetadata><RequestId>" +
                  headerOf(response, "x-amzn-RequestId") + "</RequestId></ResponseMetadata></GetQueueUrlResponse>");
    EXPECT_EQ(service_.input<service::GetQueueUrlInput>().queue_name, "q");
    EXPECT_EQ(recorder_.finished.back().protocol, "query");
    EXPECT_EQ(recorder_.finished.back().action, "GetQueueUrl");
  }
}

TEST_F(Dispatcher, AwsQueryErrorsAreXml) {
  service_.answer = Error{ErrorCode::QueueDoesNotExist, ""};
  const HttpResponse response = answerTo(get("/0/q?Action=SendMessage"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(headerOf(response, "Content-Type"), "text/xml");
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>"
            "Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not "
            "exist for this wsdl version.</Message><Detail/></Error><RequestId>" +
                headerOf(response, "x-amzn-RequestId") + "</RequestId></ErrorResponse>");
  EXPECT_EQ(recorder_.finished.back().error, "AWS.SimpleQueueService.NonExistentQueue");
  EXPECT_EQ(service_.input<service::SendMessageInput>().queue_url, (service::QueueRef{"0", "q"}));
  answerTo(get("/0/q?Action=SendMessage&QueueUrl=http%3A%2F%2Fh%2F1%2Fother"));
  EXPECT_EQ(service_.input<service::SendMessageInput>().queue_url, (service::QueueRef{"1", "other"}));
}

TEST_F(Dispatcher, AwsQueryAnswersJsonToWhoAcceptsIt) {
  HttpRequest request = get("/?Action=ListQueues");
  request.headers.emplace_back("Accept", "application/json");
  const HttpResponse response = answerTo(request);
  EXPECT_EQ(headerOf(response, "Content-Type"), "application/json");
  EXPECT_TRUE(response.body.starts_with(R"({"ListQueuesResponse":{"ListQueuesResult":{},)")) << response.body;
  request.target = "/?Action=Nothing";
  EXPECT_TRUE(answerTo(request).body.starts_with(R"({"Error":{"Code":"InvalidAction",)"));
}

TEST_F(Dispatcher, AwsQueryNeedsAnActionOfItsEndpoint) {
  const auto refusal = [&](HttpRequest request) {
    const std::size_t calls = service_.calls.size();
    const HttpResponse response = answerTo(std::move(request));
    EXPECT_EQ(service_.calls.size(), calls);
    EXPECT_EQ(response.status, 400);
    const auto from = response.body.find("<Code>");
    return response.body.substr(from, response.body.find("<Detail/>") - from);
  };
  HttpRequest form = get("/");
  form.method = "POST";
  form.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(refusal(form),
            "<Code>MissingParameter</Code><Message>The request must contain the parameter Action.</Message>");
  EXPECT_EQ(refusal(get("/?Action=FooBar")),
            "<Code>InvalidAction</Code><Message>The action FooBar is not valid for this endpoint.</Message>");
  EXPECT_EQ(refusal(get("/0/q?Action=CreateQueue&QueueName=q")),
            "<Code>InvalidAction</Code><Message>The action CreateQueue is not valid for this endpoint.</Message>");
  EXPECT_EQ(refusal(get("/0/q?Action=ListQueues")),
            "<Code>InvalidAction</Code><Message>The action ListQueues is not valid for this endpoint.</Message>");
  EXPECT_EQ(refusal(get("/?Action=%3Cb%3E")),
            "<Code>InvalidAction</Code><Message>The action or operation requested is invalid.</Message>");
  EXPECT_EQ(refusal(get("/?Action=ListQueues&x=%")),
            "<Code>MalformedInput</Code><Message>A parameter has a percent sign without two hexadecimal "
            "digits.</Message>");
}

TEST_F(Dispatcher, HeadDoesNothing) {
  HttpRequest request = get("/0/q?Action=PurgeQueue");
  request.method = "HEAD";
  EXPECT_EQ(answerTo(request).status, 404);
  EXPECT_TRUE(service_.calls.empty());
}

// Every error of every action, on the wire of both protocols.
TEST_F(Dispatcher, EachErrorOfEachActionIsItsRowInBothProtocols) {
  for (const Action& action : actionTable()) {
    for (int i = 0; i < static_cast<int>(ErrorCode::kCount); ++i) {
      const ErrorRow& row = errorRow(static_cast<ErrorCode>(i));
      SCOPED_TRACE(std::string(action.name).append(" ").append(row.shape));
      const std::string code(row.query_code), fault = row.status >= 500 ? "Receiver" : "Sender";
      for (const std::string message : {"", "own text"}) {
        service_.answer = Error{row.code, message};
        const HttpResponse json = answerTo(jsonRequest(action.name, "{}"));
        EXPECT_EQ(json.status, row.status);
        EXPECT_EQ(headerOf(json, "x-amzn-query-error"), code + ";" + fault);
        EXPECT_EQ(json.body, "{\"__type\":\"" + std::string(row.shape_namespace) + std::string(row.shape) + "\",\"" +
                                 (row.code == ErrorCode::AccessDeniedException ? "Message" : "message") + "\":\"" +
                                 (message.empty() ? std::string(row.default_text) : message) + "\"}");

        const HttpResponse xml = answerTo(get("/?Action=" + std::string(action.name)));
        EXPECT_EQ(xml.status, row.status);
        EXPECT_NE(
            xml.body.find("<Error><Type>" + fault + "</Type><Code>" + code + "</Code><Message>" +
                          (message.empty() ? std::string(row.queryText()) : message) + "</Message><Detail/></Error>"),
            std::string::npos)
            << xml.body;
      }
    }
  }
}

TEST_F(Dispatcher, AGetWithoutActionIsAnUnknownOperation) {
  for (const char* target : {"/", "/000000000000/q", "/favicon.ico", "/?x=y"}) {
    const HttpResponse response = answerTo(get(target));
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(headerOf(response, "Content-Type"), "text/xml");
    EXPECT_EQ(response.body, "<UnknownOperationException/>");
  }
}

TEST_F(Dispatcher, HealthHeadAndOptionsAreAnswered) {
  EXPECT_EQ(answerTo(get("/health")).status, 200);
  EXPECT_EQ(answerTo(get("/health")).body, "ok\n");
  HttpRequest request = get("/health");
  request.method = "HEAD";
  EXPECT_EQ(answerTo(request).status, 200);
  EXPECT_EQ(answerTo(request).body, "");
  request.target = "/000000000000/q";
  EXPECT_EQ(answerTo(request).status, 404);
  request.method = "OPTIONS";
  for (const char* target : {"/", "*", "/000000000000/q"}) {
    request.target = target;
    const HttpResponse response = answerTo(request);
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(headerOf(response, "Allow"), "GET, HEAD, OPTIONS, POST");
    EXPECT_EQ(headerOf(response, "Access-Control-Allow-Origin"), "");
  }
}

TEST_F(Dispatcher, OtherMethodsTargetsAndHostsAreRefused) {
  HttpRequest request = jsonRequest("ListQueues", "{}");
  for (const char* method : {"PUT", "DELETE", "PATCH", "CONNECT", "TRACE", "post", "FOO"}) {
    request.method = method;
    expectRefused(request, 405, "");
  }
  request.method = "POST";
  for (const char* target : {"", "*", "x", "?Action=ListQueues", "ftp://h/", "http:/", "http://h"}) {
    request.target = target;
    expectRefused(request, 400, "");
  }
  request.target = "/";
  for (const char* host : {"a b", "h/\"", "\xff"}) {
    request.headers[0].second = host;
    expectRefused(request, 400, "");
  }
  request.headers.erase(request.headers.begin());
  EXPECT_EQ(answerTo(request).status, 200) << "HTTP/1.0 needs no Host";
}

TEST_F(Dispatcher, PagesOfOtherSitesAreRefused) {
  const HttpHeaders foreign[] = {{{"Origin", "https://evil.example"}},  {{"Origin", "null"}},
                                 {{"Origin", "http://localhost:3000"}}, {{"Origin", "localhost:9324"}},
                                 {{"Sec-Fetch-Site", "cross-site"}},    {{"Sec-Fetch-Site", "same-site"}}};
  for (const HttpHeaders& headers : foreign) {
    HttpRequest request = jsonRequest("ListQueues", "{}");
    request.headers.push_back(headers[0]);
    expectRefused(request, 403, "AccessDenied");
    request.method = "OPTIONS";
    expectRefused(request, 403, "AccessDenied");
    HttpRequest query = get("/?Action=PurgeQueue");
    query.headers.push_back(headers[0]);
    EXPECT_EQ(answerTo(query).status, 403);
    EXPECT_TRUE(service_.calls.empty());
  }
  for (const HttpHeaders::value_type& own : HttpHeaders{
           {"Origin", "http://LOCALHOST:9324"}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}}) {
    HttpRequest request = jsonRequest("ListQueues", "{}");
    request.headers.push_back(own);
    EXPECT_EQ(answerTo(request).status, 200);
  }
}

TEST_F(Dispatcher, PagesOfNamedOriginsAreServed) {
  options_.cors_origins = {"https://app.example", "http://localhost:3000"};
  HttpRequest request = jsonRequest("ListQueues", "{}");
  request.headers.emplace_back("Origin", "https://app.example");
  request.headers.emplace_back("Sec-Fetch-Site", "cross-site");
  HttpResponse response = answerTo(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(headerOf(response, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(headerOf(response, "Access-Control-Expose-Headers"), "Date, x-amzn-RequestId, x-amzn-query-error");
  EXPECT_EQ(headerOf(response, "Vary"), "Origin");
  request.headers[1].second = "AmazonSQS.Nothing";
  response = answerTo(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(headerOf(response, "Access-Control-Allow-Origin"), "https://app.example") << "errors can be read too";

  request.method = "OPTIONS";
  request.headers.erase(request.headers.begin() + 1, request.headers.begin() + 3);
  request.headers.emplace_back("Access-Control-Request-Headers", "amz-sdk-request,x-amz-target");
  response = answerTo(request);
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(headerOf(response, "Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(headerOf(response, "Access-Control-Allow-Headers"), "amz-sdk-request,x-amz-target");
  EXPECT_EQ(headerOf(response, "Access-Control-Allow-Origin"), "https://app.example");

  for (const char* other : {"https://evil.example", "http://app.example", "https://app.example.evil.example", "null"}) {
    request = jsonRequest("ListQueues", "{}");
    request.headers.emplace_back("Origin", other);
    response = answerTo(request);
    EXPECT_EQ(response.status, 403) << other;
    EXPECT_EQ(headerOf(response, "Access-Control-Allow-Origin"), "");
  }
  options_.cors_origins = {"*"};
  EXPECT_EQ(answerTo(request).status, 200);
  request.headers[0].second = "evil.example";
  EXPECT_EQ(answerTo(request).status, 403) << "a rebound name stays refused";
}

TEST_F(Dispatcher, WithoutTheSettingNoPageIsTold) {
  const HttpResponse response = answerTo(jsonRequest("ListQueues", "{}"));
  EXPECT_EQ(headerOf(response, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(headerOf(response, "Vary"), "");
}

TEST_F(Dispatcher, OnLoopbackOnlyKnownHostsAreServed) {
  options_.trusted_host_names = {"queues.test"};
  options_.public_url = "https://sqs.example.com:8443/base";
  HttpRequest request = jsonRequest("ListQueues", "{}");
  for (const char* host : {"localhost", "LocalHost:1", "127.0.0.1:9324", "127.9.9.9", "[::1]:9324", "[::1]",
                           "sqs.us-east-1.localhost:4", "queues.test:9324", "QUEUES.test", "sqs.example.com"}) {
    request.headers[0].second = host;
    EXPECT_EQ(answerTo(request).status, 200) << host;
  }
  for (const char* host : {"evil.example", "evil.example:9324", "localhost.evil.example", "127.0.0.1.evil.example",
                           "notlocalhost", "192.168.1.1", "[::2]", "queues.test.evil.example", ".localhost", ":9324"}) {
    request.headers[0].second = host;
    expectRefused(request, 403, "AccessDenied");
  }
  options_.public_url.clear();
  expectRefused(request, 403, "AccessDenied");
  options_.loopback_only = false;
  request.headers[0].second = "anything.example";
  EXPECT_EQ(answerTo(request).status, 200);
}

TEST_F(Dispatcher, AnExceptionIsAnInternalFailureAndAnsweredOnce) {
  service_.before_answer = [] { throw std::runtime_error("secret detail"); };
  const HttpResponse response = answerTo(jsonRequest("ListQueues", "{}"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(headerOf(response, "x-amzn-query-error"), "InternalFailure;Receiver");
  EXPECT_EQ(response.body.find("secret"), std::string::npos);
  EXPECT_EQ(recorder_.finished.back().error, "InternalFailure");
}

TEST_F(Dispatcher, MessagesOfAnUnwrittenResponseAreGivenBack) {
  service::ReceiveMessageOutput output;
  output.messages.emplace_back().receipt_handle = "handle";
  service_.answer = output;
  const auto exchange = start(jsonRequest("ReceiveMessage", R"({"QueueUrl":"q"})"));
  ASSERT_TRUE(exchange->on_written);
  EXPECT_TRUE(service_.returned.empty());
  exchange->on_written(false);
  ASSERT_EQ(service_.returned.size(), 1u);
  EXPECT_EQ(service_.returned[0].messages.at(0).receipt_handle, "handle");
}

TEST_F(Dispatcher, AResponseThatThereIsNoMemoryForIsServiceUnavailableAndItsMessagesAreGivenBack) {
  service::ReceiveMessageOutput output;
  output.messages.emplace_back().body = std::string(100'000, 'x');
  service_.answer = output;
  HttpResponse response = answerTo(jsonRequest("ReceiveMessage", R"({"QueueUrl":"q"})"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(headerOf(response, "Retry-After"), "1");
  EXPECT_EQ(headerOf(response, "x-amzn-query-error"), "ServiceUnavailable;Receiver");
  EXPECT_THAT(response.body, ::testing::HasSubstr(R"("com.amazon.coral.service#ServiceUnavailable")"));
  EXPECT_EQ(recorder_.finished.back().action, "ReceiveMessage");
  EXPECT_EQ(recorder_.finished.back().error, "ServiceUnavailable");
  EXPECT_EQ(service_.returned.size(), 1u);

  HttpRequest query = jsonRequest("", "Action=ReceiveMessage&QueueUrl=q");
  query.headers = {{"Host", "localhost:9324"}, {"Content-Type", "application/x-www-form-urlencoded"}};
  response = answerTo(query);
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, ::testing::HasSubstr("<Code>ServiceUnavailable</Code>"));
  EXPECT_EQ(recorder_.finished.back().error, "ServiceUnavailable");
  EXPECT_EQ(service_.returned.size(), 2u);
}

TEST_F(Dispatcher, NothingIsGivenBackWhenWrittenOrEmpty) {
  auto exchange = start(jsonRequest("ReceiveMessage", R"({"QueueUrl":"q"})"));
  if (exchange->on_written) exchange->on_written(false);
  service::ReceiveMessageOutput output;
  output.messages.emplace_back().receipt_handle = "handle";
  service_.answer = output;
  exchange = start(jsonRequest("ReceiveMessage", R"({"QueueUrl":"q"})"));
  exchange->on_written(true);
  EXPECT_TRUE(service_.returned.empty());
}

TEST_F(Dispatcher, AnAnsweredExchangeIsLetGo) {
  service_.park = true;
  auto exchange = start(jsonRequest("ReceiveMessage", R"({"QueueUrl":"q"})"));
  const std::weak_ptr<FakeExchange> weak = exchange;
  service::ReceiveMessageOutput output;
  output.messages.emplace_back();
  std::exchange(service_.parked, nullptr)(output);
  ASSERT_TRUE(exchange->response);
  exchange.reset();
  EXPECT_TRUE(weak.expired());
}

TEST_F(Dispatcher, AParkedReceiveIsAnsweredLaterAndItsParkedTimeLeftOut) {
  service_.park = true;
  const auto exchange = start(jsonRequest("ReceiveMessage", R"({"QueueUrl":"q","WaitTimeSeconds":20})"));
  EXPECT_FALSE(exchange->response);
  EXPECT_TRUE(recorder_.finished.empty());
  EXPECT_EQ(service_.calls.back().context.client, exchange->client());
  ASSERT_TRUE(service_.calls.back().context.parked);
  *service_.calls.back().context.parked = 19s;
  std::exchange(service_.parked, nullptr)(service::ReceiveMessageOutput{});
  ASSERT_TRUE(exchange->response);
  EXPECT_EQ(exchange->response->body, "{}");
  ASSERT_EQ(recorder_.finished.size(), 1u);
  EXPECT_LT(recorder_.finished[0].duration, -10s);
}

TEST_F(Dispatcher, EachRequestHasItsOwnId) {
  const auto first = headerOf(answerTo(jsonRequest("ListQueues", "")), "x-amzn-RequestId");
  EXPECT_NE(first, headerOf(answerTo(jsonRequest("ListQueues", "")), "x-amzn-RequestId"));
}

}  // namespace
}  // namespace howdah::api
