// A whole server in this process, on PostgreSQL, as a C++ client over HTTP meets it: cpprestsdk's client speaks AWS
// JSON to either engine.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include <cpprest/http_client.h>

#include "api/dispatcher.h"
#include "api/http_server.h"
#include "tests/support/service_process.h"
#include "tests/support/test_database.h"

namespace howdah {
namespace {

using web::json::value;

struct Answer {
  int status = 0;
  value body;
  std::string query_error;
};

class AwsJson : public ::testing::TestWithParam<const char*> {
 protected:
  AwsJson() : process_(database_.options()) {
    api::HttpServerOptions options;
    options.listen = {"127.0.0.1:0"};
    server_ = std::string(GetParam()) == "beast" ? api::makeBeastServer(options, process_.recorder())
                                                 : api::makeCpprestServer(options);
    api::ApiOptions api;
    api.loopback_only = true;
    server_->start(api::makeApiHandler(process_.service(), process_.recorder(), api));
    client_ = std::make_unique<web::http::client::http_client>("http://" + server_->addresses().front());
  }
  ~AwsJson() override {
    client_.reset();
    server_->drain();
    process_.service().drain();
    server_->stop(std::chrono::seconds(5));
  }

  pplx::task<Answer> begin(const std::string& action, const std::map<std::string, value>& fields) {
    value body = value::object();
    for (const auto& [name, field] : fields) body[name] = field;
    web::http::http_request request(web::http::methods::POST);
    request.headers().add("X-Amz-Target", "AmazonSQS." + action);
    request.set_body(body.serialize(), "application/x-amz-json-1.0");
    return client_->request(request).then([](web::http::http_response response) {
      Answer answer{response.status_code(), {}, response.headers()["x-amzn-query-error"]};
      const std::string text = response.extract_utf8string(true).get();
      if (!text.empty()) answer.body = value::parse(text);
      return answer;
    });
  }
  value call(const std::string& action, const std::map<std::string, value>& fields) {
    const Answer answer = begin(action, fields).get();
    EXPECT_EQ(answer.status, 200) << action << ": " << answer.body.serialize();
    return answer.body;
  }
  value createQueue(const std::string& name, const value& attributes = value::object()) {
    return call("CreateQueue", {{"QueueName", value(name)}, {"Attributes", attributes}}).at("QueueUrl");
  }
  static std::string bodies(const value& received) {
    std::string all;
    if (!received.has_field("Messages")) return all;
    for (const value& message : received.at("Messages").as_array())
      all += (all.empty() ? "" : " ") + message.at("Body").as_string();
    return all;
  }

  testing::TestDatabase database_;
  testing::ServiceProcess process_;
  std::unique_ptr<api::HttpServer> server_;
  std::unique_ptr<web::http::client::http_client> client_;
};

TEST_P(AwsJson, AMessageLivesFromSendToDelete) {
  const value url = createQueue("orders");
  const value sent = call("SendMessage", {{"QueueUrl", url}, {"MessageBody", value("hello")}});
  EXPECT_EQ(sent.at("MD5OfMessageBody").as_string(), "5d41402abc4b2a76b9719d911017c592");
  const value message = call("ReceiveMessage", {{"QueueUrl", url}}).at("Messages").at(0);
  EXPECT_EQ(message.at("Body").as_string(), "hello");
  EXPECT_EQ(message.at("MessageId"), sent.at("MessageId"));
  const value handle = message.at("ReceiptHandle");
  EXPECT_EQ(bodies(call("ReceiveMessage", {{"QueueUrl", url}})), "");
  call("ChangeMessageVisibility", {{"QueueUrl", url}, {"ReceiptHandle", handle}, {"VisibilityTimeout", value(0)}});
  const value again = call("ReceiveMessage", {{"QueueUrl", url}}).at("Messages").at(0);
  EXPECT_EQ(again.at("MessageId"), sent.at("MessageId"));
  call("DeleteMessage", {{"QueueUrl", url}, {"ReceiptHandle", again.at("ReceiptHandle")}});
  const value counted =
      call("GetQueueAttributes", {{"QueueUrl", url}, {"AttributeNames", value::array({value("All")})}})
          .at("Attributes");
  EXPECT_EQ(counted.at("ApproximateNumberOfMessages").as_string(), "0");
  EXPECT_EQ(counted.at("ApproximateNumberOfMessagesNotVisible").as_string(), "0");
  call("DeleteQueue", {{"QueueUrl", url}});
}

TEST_P(AwsJson, EntriesOfABatchFailAlone) {
  const value url = createQueue("orders");
  const auto entry = [](const std::string& id, const std::string& body) {
    return value::object({{"Id", value(id)}, {"MessageBody", value(body)}});
  };
  const value done = call("SendMessageBatch",
                          {{"QueueUrl", url}, {"Entries", value::array({entry("good", "a"), entry("bad", "\x01")})}});
  ASSERT_EQ(done.at("Successful").size(), 1u);
  EXPECT_EQ(done.at("Successful").at(0).at("Id").as_string(), "good");
  ASSERT_EQ(done.at("Failed").size(), 1u);
  EXPECT_EQ(done.at("Failed").at(0).at("Id").as_string(), "bad");
  EXPECT_TRUE(done.at("Failed").at(0).at("SenderFault").as_bool());
  EXPECT_EQ(bodies(call("ReceiveMessage", {{"QueueUrl", url}, {"MaxNumberOfMessages", value(10)}})), "a");
}

TEST_P(AwsJson, ASendWakesALongPoll) {
  const value url = createQueue("orders");
  auto waiting = begin("ReceiveMessage", {{"QueueUrl", url}, {"WaitTimeSeconds", value(20)}});
  process_.recorder().waitUntilParked(1);
  EXPECT_FALSE(waiting.is_done());
  const auto sent_at = std::chrono::steady_clock::now();
  call("SendMessage", {{"QueueUrl", url}, {"MessageBody", value("wake")}});
  EXPECT_EQ(bodies(waiting.get().body), "wake");
  EXPECT_LT(std::chrono::steady_clock::now() - sent_at, std::chrono::seconds(10));
}

TEST_P(AwsJson, AFifoQueueKeepsTheOrderOfAGroup) {
  const value url = createQueue(
      "orders.fifo", value::object({{"FifoQueue", value("true")}, {"ContentBasedDeduplication", value("true")}}));
  for (const char* body : {"1", "2", "3"}) {
    call("SendMessage", {{"QueueUrl", url}, {"MessageBody", value(body)}, {"MessageGroupId", value("g")}});
  }
  const value first = call("ReceiveMessage", {{"QueueUrl", url}});
  EXPECT_EQ(bodies(first), "1");
  EXPECT_EQ(bodies(call("ReceiveMessage", {{"QueueUrl", url}})), "") << "its group has a message in flight";
  const value handle = first.at("Messages").at(0).at("ReceiptHandle");
  call("DeleteMessage", {{"QueueUrl", url}, {"ReceiptHandle", handle}});
  EXPECT_EQ(bodies(call("ReceiveMessage", {{"QueueUrl", url}, {"MaxNumberOfMessages", value(10)}})), "2 3");
}

TEST_P(AwsJson, AnErrorHasAStatusAShapeAndTheCodeOfOldSdks) {
  const Answer answer = begin("GetQueueUrl", {{"QueueName", value("absent")}}).get();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body.at("__type").as_string(), "com.amazonaws.sqs#QueueDoesNotExist");
  EXPECT_EQ(answer.body.at("message").as_string(), "The specified queue does not exist.");
  EXPECT_EQ(answer.query_error, "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

// "cpprest": cpprestsdk comes built without sanitizers, whose runs leave these out.
INSTANTIATE_TEST_SUITE_P(cpprest, AwsJson, ::testing::Values("beast", "cpprest"),
                         [](const auto& engine) { return engine.param; });

}  // namespace
}  // namespace howdah
