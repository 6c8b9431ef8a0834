#include "api/codec/aws_query_codec.h"

#include <gtest/gtest.h>

#include "api/codec/query_params.h"
#include "api/codec/shapes.h"

namespace howdah::api {
namespace {

using namespace std::string_literals;
using service::ErrorCode;

const AwsQueryCodec kCodec(AwsQueryCodec::Rendering::Xml);
const AwsQueryCodec kJsonCodec(AwsQueryCodec::Rendering::Json);

template <class Input>
service::Result<Input> decode(std::string body, std::string target = "/") {
  HttpRequest request;
  request.target = std::move(target);
  request.body = std::move(body);
  Input input;
  auto decoded = kCodec.decode(request, structureOf<Input>(), &input);
  if (!decoded) return std::move(decoded).error();
  return input;
}

template <class Input>
std::string refusalOf(std::string body, ErrorCode code = ErrorCode::SerializationException) {
  const auto decoded = decode<Input>(std::move(body));
  if (decoded) return "decoded";
  EXPECT_EQ(decoded.error().code, code);
  return decoded.error().message;
}

std::vector<std::string> namesOf(std::string body) {
  const auto input = decode<service::GetQueueAttributesInput>(std::move(body));
  EXPECT_TRUE(input.ok());
  return input->attribute_names.value_or(std::vector<std::string>{"none"});
}

service::AttributeMap attributesOf(std::string body) {
  const auto input = decode<service::SetQueueAttributesInput>(std::move(body));
  EXPECT_TRUE(input.ok());
  return input->attributes.value_or(service::AttributeMap{{"none", ""}});
}

template <class Output>
std::string encode(const Output& output, const AwsQueryCodec& codec = kCodec) {
  const HttpResponse response = codec.encode(&structureOf<Output>(), &output, {"Do", "id-1", "http://h:1"});
  EXPECT_EQ(response.status, 200);
  return response.body;
}

std::string result(std::string_view inside) {
  return "<?xml version=\"1.0\"?><DoResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">" +
         std::string(inside) + "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DoResponse>";
}

TEST(AwsQueryAction, StandsInTheBodyOrInTheQueryString) {
  HttpRequest request;
  const auto action = [&](std::string target, std::string body) {
    request.target = std::move(target);
    request.body = std::move(body);
    return kCodec.actionName(request);
  };
  EXPECT_EQ(action("/", "Action=SendMessage"), "SendMessage");
  EXPECT_EQ(action("/", "Version=1&Action=SendMessage&MessageBody=Action%3DNo"), "SendMessage");
  EXPECT_EQ(action("/0/q?Action=SendMessage&a=b", ""), "SendMessage");
  EXPECT_EQ(action("/?Action=SendMessage", "MessageBody=x"), "SendMessage");
  EXPECT_EQ(action("/?Action=SendMessage", "Action=DeleteQueue"), "DeleteQueue");
  EXPECT_EQ(action("/", "Action="), "");
  EXPECT_EQ(action("/", "MyAction=SendMessage&action=SendMessage"), "");
  EXPECT_EQ(action("/Action=SendMessage", ""), "");
}

TEST(AwsQueryDecode, EveryKindOfMemberArrives) {
  const auto input = decode<service::SendMessageBatchInput>(
      "Action=SendMessageBatch&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F000000000000%2Forders"
      "&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=caf%c3%A9+%F0%9F%98%80%0D%0A%2B"
      "&SendMessageBatchRequestEntry.1.DelaySeconds=-7"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=s"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=x"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.2.Name=b"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.DataType=Binary"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.2.Value.BinaryValue=AQID"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.3.Name=l"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.3.Value.StringListValue.1=p"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.3.Value.StringListValue.2=q"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.3.Value.BinaryListValue.1=AA%3D%3D"
      "&SendMessageBatchRequestEntry.1.MessageSystemAttribute.1.Name=AWSTraceHeader"
      "&SendMessageBatchRequestEntry.1.MessageSystemAttribute.1.Value.StringValue=Root=1"
      "&SendMessageBatchRequestEntry.1.MessageGroupId=g&SendMessageBatchRequestEntry.1.MessageDeduplicationId=d"
      "&SendMessageBatchRequestEntry.2.Id=b");
  ASSERT_TRUE(input.ok()) << input.error().message;
  EXPECT_EQ(input->queue_url, (service::QueueRef{"000000000000", "orders"}));
  ASSERT_EQ(input->entries->size(), 2u);
  const auto& entry = input->entries->front();
  EXPECT_EQ(entry.id, "a");
  EXPECT_EQ(entry.message_body, "caf\xc3\xa9 \xf0\x9f\x98\x80\r\n+");
  EXPECT_EQ(entry.delay_seconds, -7);
  EXPECT_EQ(entry.message_attributes.size(), 3u);
  EXPECT_EQ(entry.message_attributes.at("s").string_value, "x");
  EXPECT_EQ(entry.message_attributes.at("s").data_type, "String");
  EXPECT_EQ(entry.message_attributes.at("s").binary_value, std::nullopt);
  EXPECT_EQ(entry.message_attributes.at("b").binary_value, "\1\2\3");
  EXPECT_EQ(entry.message_attributes.at("l").string_list_values, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(entry.message_attributes.at("l").binary_list_values, (std::vector<std::string>{"\0"s}));
  EXPECT_EQ(entry.message_system_attributes.at("AWSTraceHeader").string_value, "Root=1");
  EXPECT_EQ(entry.message_group_id, "g");
  EXPECT_EQ(entry.message_deduplication_id, "d");
  EXPECT_EQ(input->entries->back().id, "b");
  EXPECT_EQ(input->entries->back().message_body, std::nullopt);
}

TEST(AwsQueryDecode, BodyAndQueryStringAreReadTogetherAndTheBodyWins) {
  const auto input =
      decode<service::SendMessageInput>("MessageBody=body&DelaySeconds=5", "/0/q?DelaySeconds=1&MessageGroupId=g+%31");
  EXPECT_EQ(input->message_body, "body");
  EXPECT_EQ(input->delay_seconds, 5);
  EXPECT_EQ(input->message_group_id, "g 1");
}

TEST(AwsQueryDecode, ListsAreOrderedByNumberWhateverTheGaps) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(namesOf("AttributeName.10=c&AttributeName.2=b&AttributeName.1=a&AttributeName.999999999=d"),
            (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(namesOf("AttributeName.0=z&AttributeName.7=a"), (Names{"z", "a"}));
  EXPECT_EQ(namesOf("AttributeName.1=a&AttributeName.1=b&AttributeName.2=c"), (Names{"b", "c"})) << "the last counts";
  EXPECT_EQ(namesOf("AttributeName.1="), (Names{""}));
}

TEST(AwsQueryDecode, AListMayLackItsNumbers) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(namesOf("AttributeName=All"), (Names{"All"}));
  EXPECT_EQ(namesOf("AttributeName.1=b&AttributeName=a"), (Names{"a", "b"}));
  EXPECT_EQ(namesOf("AttributeName="), (Names{}));
  EXPECT_EQ(namesOf(""), (Names{}));
  EXPECT_EQ(decode<service::SendMessageBatchInput>("SendMessageBatchRequestEntry=")->entries->size(), 0u);
}

TEST(AwsQueryDecode, WhatIsNoNumberIsNoIndex) {
  for (const char* name : {"AttributeName.", "AttributeName.x", "AttributeName.01", "AttributeName.1000000000",
                           "AttributeName.-1", "AttributeName.1x", "AttributeName..1", "attributename.1",
                           "AttributeNames.1", "AttributeName-.1", "AttributeName.99999999999999999999"})
    EXPECT_EQ(namesOf(name + "=a"s), (std::vector<std::string>{})) << name;
}

TEST(AwsQueryDecode, BothListsOfAttributeNamesAreRead) {
  const auto input = decode<service::ReceiveMessageInput>(
      "AttributeName.1=SenderId&MessageSystemAttributeName.1=SentTimestamp&MessageAttributeName.1=foo.*");
  EXPECT_EQ(input->attribute_names, std::vector<std::string>{"SenderId"});
  EXPECT_EQ(input->message_system_attribute_names, std::vector<std::string>{"SentTimestamp"});
  EXPECT_EQ(input->message_attribute_names, std::vector<std::string>{"foo.*"});
}

TEST(AwsQueryDecode, MapsOfStringsArriveInEachForm) {
  using Map = service::AttributeMap;
  EXPECT_EQ(attributesOf("Attribute.3.Value=30&Attribute.1.Name=DelaySeconds&Attribute.3.Name=VisibilityTimeout"
                         "&Attribute.1.Value="),
            (Map{{"DelaySeconds", ""}, {"VisibilityTimeout", "30"}}));
  EXPECT_EQ(attributesOf("Attribute.Name=DelaySeconds&Attribute.Value=5"), (Map{{"DelaySeconds", "5"}}));
  EXPECT_EQ(attributesOf("Attribute.Name=a&Attribute.Value=1&Attribute.1.Name=b&Attribute.1.Value=2"),
            (Map{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(attributesOf("Attribute.1.Name=a&Attribute.1.Value=1&Attribute.2.Name=a&Attribute.2.Value=2"),
            (Map{{"a", "2"}}));
  EXPECT_EQ(attributesOf("Attribute.1.Name=a&Attribute.1.Value=1&Attribute.2.Name=a"), (Map{{"a", ""}}));
  EXPECT_EQ(attributesOf("Attribute="), (Map{}));
  EXPECT_EQ(attributesOf("Attribute.1=a&Attribute.x.Name=a&Attribute.1.name=b&Attributes.1.Name=c&Attribute.1=d"
                         "&Attribute.1.Name=e"),
            (Map{{"e", ""}}));
  const auto input = decode<service::CreateQueueInput>("QueueName=q&Tag.1.Key=k&Tag.1.Value=v&Tag.2.Key=only");
  EXPECT_EQ(input->tags, (service::TagMap{{"k", "v"}, {"only", ""}}));
  EXPECT_EQ(decode<service::SendMessageInput>("MessageAttribute.Name=a&MessageAttribute.Value.DataType=String")
                ->message_attributes.at("a")
                .data_type,
            "String");
}

TEST(AwsQueryDecode, AMapEntryNeedsItsName) {
  const auto code = ErrorCode::MissingRequiredParameterException;
  EXPECT_EQ(refusalOf<service::SetQueueAttributesInput>("Attribute.2.Value=1", code),
            "The request must contain the parameter Attribute.2.Name.");
  EXPECT_EQ(refusalOf<service::SetQueueAttributesInput>("Attribute.Value=1", code),
            "The request must contain the parameter Attribute.Name.");
  EXPECT_EQ(refusalOf<service::SendMessageBatchInput>(
                "SendMessageBatchRequestEntry.7.MessageAttribute.3.Value.StringValue=x", code),
            "The request must contain the parameter SendMessageBatchRequestEntry.7.MessageAttribute.3.Name.");
  EXPECT_EQ(refusalOf<service::CreateQueueInput>("Tag.1.Value=1", code),
            "The request must contain the parameter Tag.1.Key.");
}

TEST(AwsQueryDecode, AbsentAndEmptyAreTold) {
  EXPECT_EQ(decode<service::SendMessageInput>("MessageBody=")->message_body, "");
  EXPECT_EQ(decode<service::SendMessageInput>("MessageBody")->message_body, "");
  EXPECT_EQ(decode<service::SendMessageInput>("")->message_body, std::nullopt);
  EXPECT_EQ(decode<service::SendMessageInput>("&&=&==&=x&")->message_body, std::nullopt);
  EXPECT_EQ(decode<service::SendMessageInput>("DelaySeconds=")->delay_seconds, std::nullopt);
  EXPECT_EQ(decode<service::SendMessageInput>("MessageBody=a=b==")->message_body, "a=b==");
}

TEST(AwsQueryDecode, NumbersAreWholeAndInRange) {
  EXPECT_EQ(decode<service::SendMessageInput>("DelaySeconds=2147483647")->delay_seconds, 2147483647);
  for (const char* value : {"x", "1.0", "1e3", "2147483648", "-2147483649", "%201", "1+", "+1", "0x1", "--1", "1%00",
                            "99999999999999999999999", "-", "true"})
    EXPECT_EQ(refusalOf<service::SendMessageInput>("DelaySeconds="s + value),
              "STRING_VALUE can not be converted to an Integer")
        << value;
}

TEST(AwsQueryDecode, BrokenEncodingsAreRefused) {
  for (const char* text : {"MessageBody=%", "MessageBody=%4", "MessageBody=%4g", "MessageBody=%g4", "MessageBody=%%41",
                           "%=1", "Other=%zz&MessageBody=x", "MessageBody=x&Other=a%"})
    EXPECT_EQ(refusalOf<service::SendMessageInput>(text),
              "A parameter has a percent sign without two hexadecimal digits.")
        << text;
  const auto decoded = decode<service::SendMessageInput>("MessageBody=x", "/?a=%");
  EXPECT_FALSE(decoded.ok());
  for (const char* text : {"MessageBody=%ff", "MessageBody=%c3", "MessageBody=%ed%a0%80", "MessageBody=\xff",
                           "MessageAttribute.1.Name=%ff"})
    EXPECT_EQ(refusalOf<service::SendMessageInput>(text), "A parameter is not valid UTF-8.") << text;
  EXPECT_EQ(refusalOf<service::SendMessageInput>(
                "MessageAttribute.1.%ff=1&MessageAttribute.1.Name=a&MessageAttribute.1.Value.BinaryValue=a"),
            "A binary value is not valid base64.");
  EXPECT_EQ(decode<service::SendMessageInput>("%ff=%ff&MessageBody=x")->message_body, "x") << "no member of the shape";
}

TEST(AwsQueryDecode, TenThousandParametersAreRead) {
  std::string body;
  for (int i = 10'000; i > 0; --i) body += "SendMessageBatchRequestEntry." + std::to_string(i) + ".Id=x&";
  EXPECT_EQ(decode<service::SendMessageBatchInput>(body)->entries->size(), 10'000u);
}

TEST(AwsQueryDecode, ParametersBeyondAllMeasureAreRefused) {
  std::string body;
  for (std::size_t i = 0; i < kMaxParams; ++i) body += "a&";
  EXPECT_TRUE(decode<service::ListQueuesInput>(body).ok());
  EXPECT_EQ(refusalOf<service::ListQueuesInput>(body + "a"), "The request has too many parameters.");
  EXPECT_EQ(refusalOf<service::ListQueuesInput>(std::string(kMaxParams + 1, '&')),
            "The request has too many parameters.");
  EXPECT_TRUE(decode<service::SendMessageBatchInput>(std::string(1'000'000, '.')).ok());
}

TEST(AwsQueryEncode, OutputsAreElements) {
  service::SendMessageOutput sent;
  sent.message_id = "m";
  sent.md5_of_message_body = "d";
  EXPECT_EQ(encode(sent),
            result("<DoResult><MessageId>m</MessageId><MD5OfMessageBody>d</MD5OfMessageBody></DoResult>"));
  EXPECT_EQ(encode(service::GetQueueUrlOutput{{"1", "q"}}),
            result("<DoResult><QueueUrl>http://h:1/1/q</QueueUrl></DoResult>"));
}

TEST(AwsQueryEncode, ListsAndMapsAreFlat) {
  EXPECT_EQ(encode(service::ListQueuesOutput{{{"1", "a"}, {"1", "b"}}, "t"}),
            result("<DoResult><QueueUrl>http://h:1/1/a</QueueUrl><QueueUrl>http://h:1/1/b</QueueUrl>"
                   "<NextToken>t</NextToken></DoResult>"));
  EXPECT_EQ(encode(service::GetQueueAttributesOutput{{{"A", "1"}, {"B", "<"}}}),
            result("<DoResult><Attribute><Name>A</Name><Value>1</Value></Attribute>"
                   "<Attribute><Name>B</Name><Value>&lt;</Value></Attribute></DoResult>"));
  service::DeleteMessageBatchOutput deleted;
  deleted.successful = {{"a"}, {"b"}};
  deleted.failed = {{"c", true, ErrorCode::ReceiptHandleIsInvalid, "no \"h\""}};
  EXPECT_EQ(encode(deleted),
            result("<DoResult><DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry>"
                   "<DeleteMessageBatchResultEntry><Id>b</Id></DeleteMessageBatchResultEntry>"
                   "<BatchResultErrorEntry><Id>c</Id><SenderFault>true</SenderFault><Code>ReceiptHandleIsInvalid</Code>"
                   "<Message>no \"h\"</Message></BatchResultErrorEntry></DoResult>"));
}

service::ReceiveMessageOutput oneMessage() {
  service::ReceiveMessageOutput output;
  service::Message& message = output.messages.emplace_back();
  message.message_id = "m";
  message.receipt_handle = "r";
  message.md5_of_body = "d";
  message.body = "a\r\n<b>&\xc3\xa9";
  message.attributes = {{"SenderId", "s"}};
  message.md5_of_message_attributes = "e";
  message.message_attributes["b"].binary_value = "\1\2\3";
  message.message_attributes["b"].data_type = "Binary";
  return output;
}

TEST(AwsQueryEncode, MessagesCarryTheirAttributes) {
  EXPECT_EQ(encode(oneMessage()),
            result("<DoResult><Message><MessageId>m</MessageId><ReceiptHandle>r</ReceiptHandle><MD5OfBody>d</MD5OfBody>"
                   "<Body>a&#13;\n&lt;b&gt;&amp;\xc3\xa9</Body>"
                   "<Attribute><Name>SenderId</Name><Value>s</Value></Attribute>"
                   "<MD5OfMessageAttributes>e</MD5OfMessageAttributes><MessageAttribute><Name>b</Name><Value>"
                   "<BinaryValue>AQID</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute>"
                   "</Message></DoResult>"));
}

TEST(AwsQueryEncode, NothingToSayIsAnEmptyResultAndNoOutputIsNone) {
  EXPECT_EQ(encode(service::ReceiveMessageOutput{}), result("<DoResult/>"));
  EXPECT_EQ(encode(service::GetQueueAttributesOutput{}), result("<DoResult/>"));
  EXPECT_EQ(kCodec.encode(nullptr, nullptr, {"Do", "id-1", ""}).body, result(""));
}

TEST(AwsQueryEncode, HeadersNameTypeAndRequest) {
  const HttpResponse xml = kCodec.encode(nullptr, nullptr, {"Do", "id-1", ""});
  EXPECT_EQ(xml.headers, (HttpHeaders{{"x-amzn-RequestId", "id-1"}, {"Content-Type", "text/xml"}}));
  const HttpResponse json = kJsonCodec.encode(nullptr, nullptr, {"Do", "id-1", ""});
  EXPECT_EQ(json.headers, (HttpHeaders{{"x-amzn-RequestId", "id-1"}, {"Content-Type", "application/json"}}));
}

TEST(AwsQueryEncode, ErrorsHaveTypeCodeMessageAndDetail) {
  const HttpResponse response = kCodec.encodeError({ErrorCode::OverLimit, "a <b> & \x01 c\r"}, "id-1");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers, (HttpHeaders{{"x-amzn-RequestId", "id-1"}, {"Content-Type", "text/xml"}}));
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>"
            "<Type>Sender</Type><Code>OverLimit</Code><Message>a &lt;b&gt; &amp; \xef\xbf\xbd c&#13;</Message>"
            "<Detail/></Error><RequestId>id-1</RequestId></ErrorResponse>");
  EXPECT_NE(kCodec.encodeError({ErrorCode::ServiceUnavailable, ""}, "i").body.find("<Type>Receiver</Type>"),
            std::string::npos);
}

TEST(AwsQueryEncode, AMissingQueueHasAnOlderText) {
  EXPECT_NE(kCodec.encodeError({ErrorCode::QueueDoesNotExist, ""}, "i")
                .body.find("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"
                           "<Message>The specified queue does not exist for this wsdl version.</Message>"),
            std::string::npos);
}

TEST(AwsQueryEncode, JsonForWhoAcceptsIt) {
  EXPECT_EQ(
      encode(oneMessage(), kJsonCodec),
      "{\"DoResponse\":{\"DoResult\":{\"messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r\","
      "\"MD5OfBody\":\"d\",\"Body\":\"a\\r\\n<b>&\xc3\xa9\",\"Attributes\":[{\"Name\":\"SenderId\",\"Value\":\"s\"}],"
      "\"MD5OfMessageAttributes\":\"e\",\"MessageAttributes\":[{\"Name\":\"b\",\"Value\":"
      "{\"BinaryValue\":\"AQID\",\"DataType\":\"Binary\"}}]}]},\"ResponseMetadata\":{\"RequestId\":\"id-1\"}}}");
  EXPECT_EQ(encode(service::ListQueuesOutput{{{"1", "a"}}, {}}, kJsonCodec),
            R"({"DoResponse":{"DoResult":{"queueUrls":["http://h:1/1/a"]},"ResponseMetadata":{"RequestId":"id-1"}}})");
  service::DeleteMessageBatchOutput deleted;
  deleted.successful = {{"a"}};
  deleted.failed = {{"c", true, ErrorCode::ReceiptHandleIsInvalid, "no"}};
  EXPECT_EQ(encode(deleted, kJsonCodec),
            R"({"DoResponse":{"DoResult":{"Successful":[{"Id":"a"}],"Failed":[{"Id":"c","SenderFault":true,)"
            R"("Code":"ReceiptHandleIsInvalid","Message":"no"}]},"ResponseMetadata":{"RequestId":"id-1"}}})");
  EXPECT_EQ(encode(service::ReceiveMessageOutput{}, kJsonCodec),
            R"({"DoResponse":{"DoResult":{},"ResponseMetadata":{"RequestId":"id-1"}}})");
  EXPECT_EQ(kJsonCodec.encode(nullptr, nullptr, {"Do", "id-1", ""}).body,
            R"({"DoResponse":{"ResponseMetadata":{"RequestId":"id-1"}}})");
  const HttpResponse error = kJsonCodec.encodeError({ErrorCode::QueueDoesNotExist, ""}, "id-1");
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(
      error.body,
      R"({"Error":{"Code":"AWS.SimpleQueueService.NonExistentQueue","Message":"The specified queue does not exist )"
      R"(for this wsdl version.","Type":"Sender"},"RequestId":"id-1"})");
}

}  // namespace
}  // namespace howdah::api
