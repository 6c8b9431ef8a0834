#include "api/codec/aws_json_codec.h"

#include <gtest/gtest.h>

#include "api/codec/shapes.h"

namespace howdah::api {
namespace {

using namespace std::string_literals;
using service::Error;
using service::ErrorCode;

const AwsJsonCodec kCodec;

template <class Input>
service::Result<Input> decode(std::string body) {
  HttpRequest request;
  request.body = std::move(body);
  Input input;
  auto decoded = kCodec.decode(request, structureOf<Input>(), &input);
  if (!decoded) return std::move(decoded).error();
  return input;
}

template <class Input>
std::string refusalOf(std::string body) {
  const auto decoded = decode<Input>(std::move(body));
  if (decoded) return "decoded";
  EXPECT_EQ(decoded.error().code, ErrorCode::SerializationException);
  return decoded.error().message;
}

// The text of errors that have none of their own: the table's.
constexpr const char* kMalformed = "";

template <class Output>
std::string encode(const Output& output) {
  const HttpResponse response = kCodec.encode(&structureOf<Output>(), &output, {"Action", "id", "http://h:1"});
  EXPECT_EQ(response.status, 200);
  return response.body;
}

TEST(AwsJsonDecode, EveryKindOfMemberArrives) {
  const auto input = decode<service::SendMessageBatchInput>(R"({
    "QueueUrl": "http://localhost:9324/000000000000/orders",
    "Entries": [
      {"Id": "a", "MessageBody": "caf\u00e9 \ud83d\ude00 \"\\\/\b\f\n\r\t", "DelaySeconds": -7,
       "MessageAttributes": {
         "s": {"DataType": "String", "StringValue": "x"},
         "b": {"DataType": "Binary", "BinaryValue": "AQID"},
         "l": {"DataType": "Binary", "StringListValues": ["p", "q"], "BinaryListValues": ["AA==", ""]}},
       "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
       "MessageGroupId": "g", "MessageDeduplicationId": "d"},
      {}
    ]})");
  ASSERT_TRUE(input.ok()) << input.error().message;
  EXPECT_EQ(input->queue_url, (service::QueueRef{"000000000000", "orders"}));
  ASSERT_EQ(input->entries->size(), 2u);
  const auto& entry = input->entries->front();
  EXPECT_EQ(entry.id, "a");
  EXPECT_EQ(entry.message_body, "caf\xc3\xa9 \xf0\x9f\x98\x80 \"\\/\b\f\n\r\t");
  EXPECT_EQ(entry.delay_seconds, -7);
  EXPECT_EQ(entry.message_attributes.size(), 3u);
  EXPECT_EQ(entry.message_attributes.at("s").string_value, "x");
  EXPECT_EQ(entry.message_attributes.at("s").data_type, "String");
  EXPECT_EQ(entry.message_attributes.at("s").binary_value, std::nullopt);
  EXPECT_EQ(entry.message_attributes.at("b").binary_value, "\1\2\3");
  EXPECT_EQ(entry.message_attributes.at("l").string_list_values, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(entry.message_attributes.at("l").binary_list_values, (std::vector<std::string>{"\0"s, ""}));
  EXPECT_EQ(entry.message_system_attributes.at("AWSTraceHeader").string_value, "Root=1");
  EXPECT_EQ(entry.message_group_id, "g");
  EXPECT_EQ(entry.message_deduplication_id, "d");
  EXPECT_EQ(input->entries->back().id, std::nullopt);
}

TEST(AwsJsonDecode, MapsOfStringsArrive) {
  const auto input = decode<service::CreateQueueInput>(
      R"({"QueueName":"q","Attributes":{"VisibilityTimeout":"30","DelaySeconds":""},"tags":{"k":"v"}})");
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->attributes, (service::AttributeMap{{"VisibilityTimeout", "30"}, {"DelaySeconds", ""}}));
  EXPECT_EQ(input->tags, (service::TagMap{{"k", "v"}}));
}

TEST(AwsJsonDecode, AbsentAndEmptyAreTold) {
  auto input = decode<service::GetQueueAttributesInput>(R"({"QueueUrl":"q"})");
  EXPECT_EQ(input->queue_url, (service::QueueRef{"", "q"}));
  EXPECT_EQ(input->attribute_names, std::nullopt);
  input = decode<service::GetQueueAttributesInput>(R"({"AttributeNames":[]})");
  EXPECT_EQ(input->attribute_names, std::vector<std::string>{});
  EXPECT_EQ(decode<service::SendMessageInput>(R"({"MessageBody":""})")->message_body, "");
}

TEST(AwsJsonDecode, EmptyBodyIsAnEmptyObject) {
  EXPECT_TRUE(decode<service::ListQueuesInput>("").ok());
  EXPECT_TRUE(decode<service::ListQueuesInput>("{}").ok());
  EXPECT_TRUE(decode<service::ListQueuesInput>(" \r\n\t{ } \n").ok());
}

TEST(AwsJsonDecode, NullIsAsIfAbsent) {
  const auto input = decode<service::SendMessageBatchInput>(
      R"({"QueueUrl":null,"Entries":[null,{"Id":null,"DelaySeconds":null,"MessageAttributes":null},null]})");
  ASSERT_TRUE(input.ok());
  ASSERT_EQ(input->entries->size(), 1u);
  EXPECT_EQ(input->entries->front().id, std::nullopt);
  EXPECT_EQ(decode<service::CreateQueueInput>(R"({"Attributes":{"a":null,"b":"1"}})")->attributes,
            (service::AttributeMap{{"b", "1"}}));
}

TEST(AwsJsonDecode, UnknownMembersAreIgnoredWhateverTheyHold) {
  const auto input = decode<service::SendMessageInput>(
      R"({"Foo":{"MessageBody":[{"MessageBody":"no"},1,-2.5e3,null,true,"s"]},"messagebody":"no","MessageBody":"yes",)"
      R"("Bar":[[],{}],"Baz":18446744073709551615,"DelaySeconds":1,"Qux":[{"DelaySeconds":2}]})");
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->message_body, "yes");
  EXPECT_EQ(input->delay_seconds, 1);
}

TEST(AwsJsonDecode, TheLastOfRepeatedKeysCounts) {
  const auto input = decode<service::SendMessageBatchInput>(
      R"({"QueueUrl":"a","QueueUrl":"b","Entries":[{"Id":"1"},{"Id":"2"}],"Entries":[{"Id":"3","Id":"4"}]})");
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->queue_url.name, "b");
  ASSERT_EQ(input->entries->size(), 1u);
  EXPECT_EQ(input->entries->front().id, "4");
  const auto attributes = decode<service::SendMessageInput>(
      R"({"MessageAttributes":{"x":{"StringValue":"1","DataType":"String"},"x":{"StringValue":"2"}}})");
  ASSERT_EQ(attributes->message_attributes.size(), 1u);
  EXPECT_EQ(attributes->message_attributes.at("x").string_value, "2");
  EXPECT_EQ(attributes->message_attributes.at("x").data_type, std::nullopt);
}

TEST(AwsJsonDecode, WrongTypesAreRefusedInSqssWords) {
  struct Case {
    std::string body;
    std::string message;
  };
  const Case cases[] = {
      {R"({"MessageBody":[]})", "Start of list found where not expected"},
      {R"({"MessageBody":{}})", "Start of structure or map found where not expected."},
      {R"({"MessageBody":1})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"MessageBody":1.5})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"MessageBody":99999999999999999999})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"MessageBody":true})", "TRUE_VALUE can not be converted to a String"},
      {R"({"QueueUrl":false})", "FALSE_VALUE can not be converted to a String"},
      {R"({"DelaySeconds":"5"})", "STRING_VALUE can not be converted to an Integer"},
      {R"({"DelaySeconds":true})", "TRUE_VALUE can not be converted to an Integer"},
      {R"({"DelaySeconds":[]})", "Start of list found where not expected"},
      {R"({"DelaySeconds":2147483648})", "NUMBER_VALUE can not be converted to an Integer"},
      {R"({"DelaySeconds":-2147483649})", "NUMBER_VALUE can not be converted to an Integer"},
      {R"({"DelaySeconds":9223372036854775808})", "NUMBER_VALUE can not be converted to an Integer"},
      {R"({"DelaySeconds":5.0})", "NUMBER_VALUE can not be converted to an Integer"},
      {R"({"DelaySeconds":1e2})", "NUMBER_VALUE can not be converted to an Integer"},
      {R"({"MessageAttributes":"x"})", "Expected map or null"},
      {R"({"MessageAttributes":[]})", "Start of list found where not expected"},
      {R"({"MessageAttributes":{"a":"x"}})", "Expected map or null"},
      {R"({"MessageAttributes":{"a":[]}})", "Start of list found where not expected"},
      {R"({"MessageAttributes":{"a":{"StringValue":1}}})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"MessageAttributes":{"a":{"BinaryValue":1}}})", "NUMBER_VALUE can not be converted to a String"},
      {R"({"MessageAttributes":{"a":{"BinaryValue":"?"}}})", "A binary value is not valid base64."},
      {R"({"MessageAttributes":{"a":{"StringListValues":"x"}}})", "Expected list or null"},
      {R"({"MessageAttributes":{"a":{"StringListValues":{}}}})", "Start of structure or map found where not expected."},
      {R"({"MessageAttributes":{"a":{"StringListValues":[["x"]]}}})", "Start of list found where not expected"},
      {"[]", "Start of list found where not expected"},
      {"\"x\"", "Expected map or null"},
      {"7", "Expected map or null"},
      {"false", "Expected map or null"},
  };
  for (const Case& c : cases) EXPECT_EQ(refusalOf<service::SendMessageInput>(c.body), c.message) << c.body;
}

TEST(AwsJsonDecode, TheLimitsOfAnIntegerAreRead) {
  EXPECT_EQ(decode<service::SendMessageInput>(R"({"DelaySeconds":2147483647})")->delay_seconds, 2147483647);
  EXPECT_EQ(decode<service::SendMessageInput>(R"({"DelaySeconds":-2147483648})")->delay_seconds, -2147483647 - 1);
}

TEST(AwsJsonDecode, WhatIsNotJsonIsRefused) {
  const std::string cases[] = {
      "{",
      "{\"MessageBody\":\"x\"",
      "{\"MessageBody\":\"x",
      "{\"MessageBody\"}",
      "{MessageBody:\"x\"}",
      "{'MessageBody':'x'}",
      "{}{}",
      "{} x",
      "{},",
      " ",
      "nul",
      "{\"MessageBody\":\"x\",}",
      "{\"MessageBody\":NaN}",
      "{\"Foo\":1e999}",
      "{\"MessageBody\":\"\\x\"}",
      "{\"MessageBody\":\"\\u12g4\"}",
      "{\"MessageBody\":\"a\nb\"}",
      "{\"MessageBody\":\"a\0b\"}"s,
      "{}\0{}"s,
      "{}\0"s,
      "\0{}"s,
      "\xef\xbb\xbf{}",
      "Action=SendMessage",
  };
  for (const std::string& body : cases)
    EXPECT_EQ(refusalOf<service::SendMessageInput>(body), kMalformed) << testing::PrintToString(body);
}

TEST(AwsJsonDecode, InvalidUtf8IsRefusedEverywhere) {
  const std::string text = "The request body is not valid UTF-8.";
  for (const std::string& bad : {"\xff"s, "\xc3"s, "\xed\xa0\x80"s, "\xc0\x80"s, "\xf4\x90\x80\x80"s}) {
    EXPECT_EQ(refusalOf<service::SendMessageInput>("{\"MessageBody\":\"" + bad + "\"}"), text);
    EXPECT_EQ(refusalOf<service::SendMessageInput>("{\"Foo\":[\"" + bad + "\"]}"), text);
    EXPECT_EQ(refusalOf<service::SendMessageInput>("{\"" + bad + "\":1}"), text);
    EXPECT_EQ(refusalOf<service::SendMessageInput>("{\"Foo\":{\"" + bad + "\":1}}"), text);
    EXPECT_EQ(refusalOf<service::CreateQueueInput>("{\"tags\":{\"" + bad + "\":\"\"}}"), text);
    EXPECT_NE(refusalOf<service::SendMessageInput>("{} " + bad), "decoded");
  }
}

TEST(AwsJsonDecode, LoneSurrogatesAreRefused) {
  for (const char* bad :
       {R"(\ud800)", R"(\ud800x)", R"(\ud800\u0041)", R"(\udc00)", R"(\udfff\ud800)", R"(\ud800\ud800)"})
    EXPECT_NE(refusalOf<service::SendMessageInput>("{\"MessageBody\":\""s + bad + "\"}"), "decoded") << bad;
  EXPECT_EQ(decode<service::SendMessageInput>(R"({"MessageBody":"\uD834\uDD1E\u0000"})")->message_body,
            "\xf0\x9d\x84\x9e\0"s);
}

TEST(AwsJsonDecode, DeepNestingIsRefusedWithoutDeepStack) {
  const std::string text = "The request body is nested too deeply.";
  const std::size_t deep = 100'000;
  EXPECT_EQ(refusalOf<service::SendMessageInput>("{\"Foo\":" + std::string(deep, '[')), text);
  EXPECT_EQ(refusalOf<service::SendMessageInput>("{\"Foo\":" + std::string(deep, '[') + std::string(deep, ']') + "}"),
            text);
  std::string objects;
  for (std::size_t i = 0; i < deep; ++i) objects += "{\"a\":";
  EXPECT_EQ(refusalOf<service::SendMessageInput>(objects), text);
  EXPECT_EQ(refusalOf<service::SendMessageInput>(std::string(deep, '[')), "Start of list found where not expected");
  EXPECT_TRUE(decode<service::SendMessageInput>("{\"Foo\":" + std::string(90, '[') + std::string(90, ']') + "}").ok());
}

TEST(AwsJsonDecode, TenThousandEntriesAreReadForTheServiceToRefuse) {
  std::string body = "{\"Entries\":[{}";
  for (int i = 1; i < 10'000; ++i) body += ",{}";
  EXPECT_EQ(decode<service::SendMessageBatchInput>(body + "]}")->entries->size(), 10'000u);
}

TEST(AwsJsonDecode, ElementsBeyondAllMeasureAreRefused) {
  const std::string text = "The request has too many list or map elements.";
  std::string entries = "{\"Entries\":[{}";
  std::string names = "{\"AttributeNames\":[\"\"";
  std::string attributes = "{\"MessageAttributes\":{\"x\":{}";
  for (int i = 0; i < 100'000; ++i) {
    entries += ",{}";
    names += ",\"\"";
    attributes += ",\"x\":{}";
  }
  EXPECT_EQ(refusalOf<service::SendMessageBatchInput>(entries), text);
  EXPECT_EQ(refusalOf<service::ReceiveMessageInput>(names), text);
  EXPECT_EQ(refusalOf<service::SendMessageInput>(attributes), text);
}

TEST(AwsJsonDecode, ABodyOfAMebibyteInEscapesKeepsEveryCharacter) {
  std::string body = "{\"MessageBody\":\"";
  for (int i = 0; i < 1 << 20; ++i) body += "\\u0041";
  EXPECT_EQ(decode<service::SendMessageInput>(body + "\"}")->message_body, std::string(1 << 20, 'A'));
}

TEST(AwsJsonEncode, OutputsHaveSqssBytes) {
  EXPECT_EQ(encode(service::CreateQueueOutput{{"000000000000", "q"}}), R"({"QueueUrl":"http://h:1/000000000000/q"})");
  EXPECT_EQ(encode(service::ListQueuesOutput{{{"0", "a"}, {"0", "b"}}, "t"}),
            R"({"QueueUrls":["http://h:1/0/a","http://h:1/0/b"],"NextToken":"t"})");
  EXPECT_EQ(encode(service::GetQueueAttributesOutput{{{"VisibilityTimeout", "30"}}}),
            R"({"Attributes":{"VisibilityTimeout":"30"}})");
  service::SendMessageOutput sent;
  sent.message_id = "i";
  sent.md5_of_message_body = "m";
  EXPECT_EQ(encode(sent), R"({"MessageId":"i","MD5OfMessageBody":"m"})");
}

TEST(AwsJsonEncode, BatchFailuresCarryTheQueryCode) {
  service::DeleteMessageBatchOutput output;
  output.successful = {{"a"}};
  output.failed = {{"b", true, ErrorCode::InvalidParameterValueException, "why"},
                   {"c", false, ErrorCode::InternalFailure, std::nullopt}};
  EXPECT_EQ(encode(output),
            R"({"Successful":[{"Id":"a"}],"Failed":[{"Id":"b","SenderFault":true,"Code":"InvalidParameterValue",)"
            R"("Message":"why"},{"Id":"c","SenderFault":false,"Code":"InternalFailure"}]})");
}

TEST(AwsJsonEncode, MessagesAreWrittenWithAttributes) {
  service::Message message;
  message.message_id = "i";
  message.receipt_handle = "r";
  message.md5_of_body = "m";
  message.body = "b";
  EXPECT_EQ(encode(service::ReceiveMessageOutput{{message}}),
            R"({"Messages":[{"MessageId":"i","ReceiptHandle":"r","MD5OfBody":"m","Body":"b"}]})");
  message.attributes = {{"SentTimestamp", "1"}};
  message.md5_of_message_attributes = "a";
  message.message_attributes["x"].binary_value = "\1\2\3";
  message.message_attributes["x"].data_type = "Binary";
  EXPECT_EQ(encode(service::ReceiveMessageOutput{{message}}),
            R"({"Messages":[{"MessageId":"i","ReceiptHandle":"r","MD5OfBody":"m","Body":"b",)"
            R"("Attributes":{"SentTimestamp":"1"},"MD5OfMessageAttributes":"a",)"
            R"("MessageAttributes":{"x":{"BinaryValue":"AQID","DataType":"Binary"}}}]})");
}

TEST(AwsJsonEncode, NothingToSayIsAnEmptyObjectAndNoOutputNoBody) {
  EXPECT_EQ(encode(service::ReceiveMessageOutput{}), "{}");
  EXPECT_EQ(encode(service::ListQueuesOutput{}), "{}");
  EXPECT_EQ(encode(service::GetQueueAttributesOutput{}), "{}");
  EXPECT_EQ(encode(service::SendMessageBatchOutput{}), "{}");
  const HttpResponse response = kCodec.encode(nullptr, nullptr, {"DeleteQueue", "the-id", "http://h"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers,
            (HttpHeaders{{"x-amzn-RequestId", "the-id"}, {"Content-Type", "application/x-amz-json-1.0"}}));
}

TEST(AwsJsonEncode, TextComesBackByteForByte) {
  std::string body;
  for (int c = 0; c < 128; ++c) body += static_cast<char>(c);
  body += "\x7f\xc2\x80\xc3\xa9\xe2\x80\xa8\xef\xbf\xbd\xf0\x9f\x98\x80</script>";
  service::Message message;
  message.body = body;
  const std::string json = encode(service::ReceiveMessageOutput{{message}});
  EXPECT_NE(json.find(R"(\u0000\u0001)"), std::string::npos);
  EXPECT_NE(json.find("\xf0\x9f\x98\x80</script>"), std::string::npos);
  for (const char c : json) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  const std::string from = "\"Body\":", to = "\"MessageBody\":";
  const auto at = json.find(from);
  const auto back = decode<service::SendMessageInput>(
      "{" + to + json.substr(at + from.size(), json.size() - at - from.size() - 3) + "}");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->message_body, body);
}

TEST(AwsJsonErrors, CarryTypeMessageAndTheLegacyCode) {
  const HttpResponse response =
      kCodec.encodeError({ErrorCode::QueueDoesNotExist, "The specified queue does not exist."}, "the-id");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  EXPECT_EQ(response.headers, (HttpHeaders{{"x-amzn-RequestId", "the-id"},
                                           {"Content-Type", "application/x-amz-json-1.0"},
                                           {"x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"}}));
}

TEST(AwsJsonErrors, OnlyAccessDeniedWritesMessageWithACapital) {
  EXPECT_EQ(kCodec.encodeError({ErrorCode::AccessDeniedException, "no"}, "").body,
            R"({"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"})");
}

TEST(AwsJsonErrors, WithoutATextTheTableHasOne) {
  const HttpResponse response = kCodec.encodeError({ErrorCode::InternalFailure, ""}, "");
  EXPECT_EQ(response.status, 500);
  EXPECT_NE(response.body.find("The request processing has failed"), std::string::npos);
  EXPECT_EQ(response.headers.back().second, "InternalFailure;Receiver");
}

TEST(AwsJsonActionName, ComesFromTheTarget) {
  HttpRequest request;
  EXPECT_EQ(kCodec.actionName(request), "");
  request.headers = {{"x-amz-target", "AmazonSQS.SendMessage"}};
  EXPECT_EQ(kCodec.actionName(request), "SendMessage");
  request.headers = {{"X-Amz-Target", "DynamoDB_20120810.GetItem"}};
  EXPECT_EQ(kCodec.actionName(request), "");
}

}  // namespace
}  // namespace howdah::api
