#include "service/redrive_policy.h"

#include <gtest/gtest.h>

#include <string>

namespace howdah::service {
namespace {

using persistence::QueueName;
using persistence::QueueRecord;

constexpr const char* kRegion = "us-east-1";
const QueueName kSource{"000000000000", "source"};
const QueueName kDeadLetters{"000000000000", "dlq"};

std::string policy(const std::string& count, const std::string& arn = "arn:aws:sqs:us-east-1:000000000000:dlq") {
  return R"({"deadLetterTargetArn":")" + arn + R"(","maxReceiveCount":)" + count + "}";
}

template <class T>
void expectReason(const Result<T>& result, const std::string& json, const std::string& reason) {
  ASSERT_FALSE(result.ok()) << json;
  EXPECT_EQ(result.error().code, ErrorCode::InvalidParameterValueException);
  EXPECT_EQ(result.error().message, "Value " + json + " for parameter RedrivePolicy is invalid. Reason: " + reason);
}

TEST(RedrivePolicy, EachRefusalHasItsText) {
  struct Case {
    std::string json, reason;
  };
  const std::string not_a_map = "Redrive policy is not a valid JSON map.";
  const std::string no_count = "Redrive policy does not contain mandatory attribute: maxReceiveCount.";
  const std::string no_target = "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.";
  const std::string not_qualified = "Dead-letter target ARN should be fully qualified ARN.";
  const auto range = [](const std::string& count) {
    return "Invalid value for maxReceiveCount: " + count + ", valid values are from 1 to 1000 both inclusive.";
  };
  const std::string extra = "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].";
  for (const Case& c : std::vector<Case>{
           {"x", not_a_map},
           {"[]", not_a_map},
           {"{}x", not_a_map},
           {std::string(5000, '['), not_a_map},
           {"{}", no_count},
           {R"({"maxReceiveCount":null,"deadLetterTargetArn":"x"})", no_count},
           {R"({"deadLetterTargetArn":"x"})", no_count},
           {R"({"maxReceiveCount":0})", no_target},
           {policy("0"), range("0")},
           {policy("1001"), range("1001")},
           {policy("-1"), range("-1")},
           {policy("1.5"), range("1.5")},
           {policy("99999999999999999999"), range("100000000000000000000.0")},
           {policy("true"), range("true")},
           {policy(R"("5 ")"), range("5 ")},
           {policy(R"("")"), range("")},
           {policy("0", "x"), range("0")},
           {policy("1", "dlq"), not_qualified},
           {policy("1", "arn:aws:sqs:us-east-1:dlq"), not_qualified},
           {policy("1", "arn:aws:sqs::000000000000:dlq"), not_qualified},
           {policy("1", "arn:aws:sqs:us-east-1:000000000000:"), not_qualified},
           {R"({"deadLetterTargetArn":5,"maxReceiveCount":1})", not_qualified},
           {R"({"deadLetterTargetArn":"arn:aws:sns:r:0:x","maxReceiveCount":1,"a":1})", extra},
           {policy("1", "arn:aws:sns:us-east-1:000000000000:topic"),
            "Only SQS queues are valid resources for deadLetterTargetArn."},
       }) {
    expectReason(checkRedrivePolicy(c.json), c.json, c.reason);
  }
}

TEST(RedrivePolicy, CountIsANumberOrADecimalString) {
  for (const char* count : {"5", R"("5")", "005.0"}) {
    const auto read = checkRedrivePolicy(policy(count));
    EXPECT_EQ(read.ok(), std::string(count) != "005.0") << count;
    if (read) {
      EXPECT_EQ(read->max_receive_count, 5);
    }
  }
  EXPECT_EQ(checkRedrivePolicy(policy("1")).value().max_receive_count, 1);
  EXPECT_EQ(checkRedrivePolicy(policy("1000")).value().max_receive_count, 1000);
}

TEST(RedrivePolicy, IsStoredInCanonicalForm_38) {
  const RedrivePolicy policy_read{kDeadLetters, 5};
  const std::string stored = storedRedrivePolicy(kRegion, policy_read);
  EXPECT_EQ(stored, R"({"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":5})");
  EXPECT_EQ(readRedrivePolicy(stored), policy_read);
}

QueueRecord queue(const QueueName& name, const std::string& allow_policy = "") {
  QueueRecord record;
  record.queue_name = name;
  if (!allow_policy.empty()) record.attributes["RedriveAllowPolicy"] = allow_policy;
  return record;
}

TEST(RedrivePolicy, TheTargetMustFit) {
  const std::string json = policy("5");
  const auto check = [&](const QueueName& target, const std::optional<QueueRecord>& found) {
    return checkDeadLetterTarget(json, kRegion, kSource, target, found);
  };
  EXPECT_TRUE(check(kDeadLetters, queue(kDeadLetters)).ok());
  EXPECT_TRUE(check(kSource, queue(kSource)).ok()) << "a queue may name itself";
  const QueueName foreign{"111111111111", "dlq"};
  expectReason(check(foreign, queue(foreign)), json, "Dead letter target owner should be same as the source.");
  expectReason(check(kDeadLetters, std::nullopt), json, "Dead letter target does not exist.");
  const QueueName fifo{"000000000000", "dlq.fifo"};
  expectReason(check(fifo, queue(fifo)), json, "Dead-letter queue must be same type of queue as the source..");
  EXPECT_TRUE(checkDeadLetterTarget(json, kRegion, {"000000000000", "s.fifo"}, fifo, queue(fifo)).ok());
}

TEST(RedrivePolicy, TheTargetsAllowPolicyDecides) {
  const auto permitted = [&](const std::string& allow_policy) {
    return checkDeadLetterTarget("{}", kRegion, kSource, kDeadLetters, queue(kDeadLetters, allow_policy)).ok();
  };
  EXPECT_TRUE(permitted(R"({"redrivePermission":"allowAll"})"));
  EXPECT_FALSE(permitted(R"({"redrivePermission":"denyAll"})"));
  const std::string by_queue =
      R"({"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:)";
  EXPECT_TRUE(permitted(by_queue + R"(other","arn:aws:sqs:us-east-1:000000000000:source"]})"));
  EXPECT_FALSE(permitted(by_queue + R"(source2"]})"));
}

TEST(RedriveAllowPolicy, EachRefusalHasItsText) {
  const std::string unsupported =
      "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, "
      "as "
      "it’s in an unsupported format.";
  const std::string arn = R"("arn:aws:sqs:us-east-1:000000000000:q")";
  for (const std::string& json :
       {std::string("x"), std::string("{}"), std::string("[]"), std::string(R"({"redrivePermission":"allow"})"),
        std::string(R"({"redrivePermission":1})"), std::string(R"({"redrivePermission":"allowAll","a":1})"),
        std::string(R"({"redrivePermission":"byQueue","sourceQueueArns":"x"})"),
        std::string(R"({"redrivePermission":"byQueue","sourceQueueArns":["x"]})"),
        R"({"redrivePermission":"denyAll")" + std::string(9000, ' ') + "}"}) {
    const auto checked = checkRedriveAllowPolicy(json);
    ASSERT_FALSE(checked.ok()) << json;
    EXPECT_EQ(checked.error().code, ErrorCode::InvalidParameterValueException);
    EXPECT_EQ(checked.error().message, unsupported);
  }
  std::string eleven = arn;
  for (int i = 0; i < 10; ++i) eleven += "," + arn;
  struct Case {
    std::string json, reason;
  };
  for (const Case& c : std::vector<Case>{
           {R"({"redrivePermission":"denyAll","sourceQueueArns":[)" + arn + "]}",
            "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."},
           {R"({"redrivePermission":"byQueue"})",
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."},
           {R"({"redrivePermission":"byQueue","sourceQueueArns":[]})",
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."},
           {R"({"redrivePermission":"byQueue","sourceQueueArns":[)" + eleven + "]}",
            "The maximum number of source queue ARNs you can specify is 10."},
       }) {
    const auto checked = checkRedriveAllowPolicy(c.json);
    ASSERT_FALSE(checked.ok()) << c.json;
    EXPECT_EQ(checked.error().message,
              "Value " + c.json +
                  " for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive allow "
                  "policy. " +
                  c.reason);
  }
}

}  // namespace
}  // namespace howdah::service
