#include "service/queue_policy.h"

#include <gtest/gtest.h>

namespace howdah::service {
namespace {

const std::string kArn = "arn:aws:sqs:us-east-1:000000000000:q";
const std::string kHead =
    R"({"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy","Statement":[)";

AddPermissionInput permission(std::string label, std::vector<std::string> accounts, std::vector<std::string> actions) {
  return {{}, std::move(label), std::move(accounts), std::move(actions)};
}

std::string statement(const std::string& label) {
  return R"({"Sid":")" + label +
         R"(","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:SendMessage",)"
         R"("Resource":"arn:aws:sqs:us-east-1:000000000000:q"})";
}

template <class T>
void expectError(const Result<T>& result, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(result.ok()) << message;
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().message, message);
}

TEST(AddPermission, OneAccountAndOneActionArePlainStrings_37) {
  const auto input = permission("l", {"111111111111"}, {"SendMessage"});
  ASSERT_TRUE(checkAddPermission(input).ok());
  EXPECT_EQ(addPermission("", kArn, input).value(), kHead + statement("l") + "]}");
}

TEST(AddPermission, SeveralBecomeArraysAndAStarKeepsItsPrefix) {
  EXPECT_EQ(
      addPermission("", kArn, permission("l", {"111111111111", "222222222222"}, {"*", "GetQueueUrl", "*"})).value(),
      kHead + R"({"Sid":"l","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root",)"
              R"("arn:aws:iam::222222222222:root"]},"Action":["SQS:*","SQS:GetQueueUrl"],)"
              R"("Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]})");
}

TEST(AddPermission, AppendsToWhatIsThere) {
  const auto first = addPermission("", kArn, permission("a", {"111111111111"}, {"SendMessage"})).value();
  EXPECT_EQ(addPermission(first, kArn, permission("b", {"111111111111"}, {"SendMessage"})).value(),
            kHead + statement("a") + "," + statement("b") + "]}");
  const std::string single = R"({"Version":"2012-10-17","Statement":)" + statement("x") + "}";
  EXPECT_EQ(addPermission(single, kArn, permission("b", {"111111111111"}, {"SendMessage"})).value(),
            R"({"Version":"2012-10-17","Statement":[)" + statement("x") + "," + statement("b") + "]}");
}

TEST(AddPermission, PartitionIsTheQueues) {
  const auto policy =
      addPermission("", "arn:aws-cn:sqs:cn-north-1:000000000000:q", permission("l", {"111111111111"}, {"SendMessage"}));
  EXPECT_NE(policy.value().find(R"("AWS":"arn:aws-cn:iam::111111111111:root")"), std::string::npos);
}

TEST(AddPermission, EachRefusalHasItsText) {
  const std::vector<std::string> account{"111111111111"};
  const auto invalid = ErrorCode::InvalidParameterValueException;
  const auto missing = ErrorCode::MissingRequiredParameterException;
  expectError(checkAddPermission({{}, {}, account, {{"*"}}}), missing, "The request must contain the parameter Label.");
  expectError(checkAddPermission(permission("", account, {"*"})), missing,
              "The request must contain the parameter Label.");
  expectError(checkAddPermission({{}, "l", {}, {{"*"}}}), invalid,
              "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.");
  expectError(checkAddPermission(permission("l", {"111111111111", "12"}, {"*"})), invalid,
              "Value [111111111111, 12] for parameter PrincipalId is invalid. Reason: Unable to verify.");
  expectError(checkAddPermission(permission("l", account, {})), missing,
              "The request must contain the parameter ActionName.");
  for (const std::string& label : {std::string("a b"), std::string(81, 'x')}) {
    expectError(checkAddPermission(permission(label, account, {"*"})), invalid,
                "Value " + label +
                    " for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or "
                    "underscores. 1 to 80 in length.");
  }
  expectError(checkAddPermission(permission("l", account, {"SendMessage", "Fly"})), invalid,
              "Value SQS:Fly for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a "
              "list of valid actions. ");
  expectError(checkAddPermission(permission("l", account, {"CreateQueue"})), invalid,
              "Value SQS:CreateQueue for parameter ActionName is invalid. Reason: Only the queue owner is allowed to "
              "invoke this action.");
  EXPECT_TRUE(checkAddPermission(permission("l", account, std::vector<std::string>(7, "*"))).ok());
  expectError(checkAddPermission(permission("l", account, std::vector<std::string>(8, "*"))), ErrorCode::OverLimit,
              "8 Actions were found, maximum allowed is 7.");
}

TEST(AddPermission, ALabelIsUsedOnceAndThereAreTwentyStatements) {
  std::string policy;
  for (int i = 1; i <= 20; ++i) {
    policy = addPermission(policy, kArn, permission("l" + std::to_string(i), {"111111111111"}, {"*"})).value();
  }
  expectError(addPermission(policy, kArn, permission("l7", {"111111111111"}, {"*"})),
              ErrorCode::InvalidParameterValueException,
              "Value l7 for parameter Label is invalid. Reason: Already exists.");
  expectError(addPermission(policy, kArn, permission("l21", {"111111111111"}, {"*"})), ErrorCode::OverLimit,
              "21 Statements were found, maximum allowed is 20.");
}

TEST(AddPermission, APolicyStaysWithinItsBytes) {
  const std::string long_id(8192 - 60, 'i');
  const std::string policy = R"({"Id":")" + long_id + R"(","Statement":[]})";
  ASSERT_TRUE(checkPolicy(policy));
  const auto added = addPermission(policy, kArn, permission("l", {"111111111111"}, {"*"}));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::OverLimit);
  EXPECT_TRUE(added.error().message.ends_with(" Bytes were found, maximum allowed is 8192."));
}

TEST(RemovePermission, TheLastStatementTakesThePolicyWithIt) {
  const std::string two = kHead + statement("a") + "," + statement("b") + "]}";
  const auto one = removePermission(two, {{}, "a"}).value();
  EXPECT_EQ(one, kHead + statement("b") + "]}");
  EXPECT_EQ(removePermission(one, {{}, "b"}).value(), "");
}

TEST(RemovePermission, EachRefusalHasItsText) {
  expectError(removePermission("", {{}, {}}), ErrorCode::MissingRequiredParameterException,
              "The request must contain the parameter Label.");
  for (const std::string& policy : {std::string(), kHead + statement("a") + "]}"}) {
    expectError(removePermission(policy, {{}, "b"}), ErrorCode::InvalidParameterValueException,
                "Value b for parameter Label is invalid. Reason: can't find label.");
  }
}

std::string policyWith(const std::string& members) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*",)" + members + "}]}";
}

TEST(Policy, PrincipalsAreAccountsArnsOrEverybody) {
  for (const char* principal :
       {R"("*")", R"({"AWS":"*"})", R"({"AWS":"111111111111"})", R"({"AWS":["arn:aws:iam::111111111111:user/u","*"]})",
        R"({"Service":"sns.amazonaws.com"})"}) {
    EXPECT_TRUE(checkPolicy(policyWith(std::string(R"("Principal":)") + principal)).ok()) << principal;
  }
  for (const char* principal :
       {R"("111111111111")", R"({"AWS":"bob"})", R"({"AWS":["*","12"]})", R"({"AWS":5})", "5", "[]"}) {
    expectError(checkPolicy(policyWith(std::string(R"("Principal":)") + principal)), ErrorCode::InvalidAttributeValue,
                "Invalid value for the parameter Policy.");
  }
}

TEST(Policy, WhatIsNoPolicyIsRefused) {
  for (const std::string& policy :
       {std::string("{}"), std::string(R"({"Version":"2020-01-01","Statement":[]})"),
        std::string(R"({"Version":8,"Statement":[]})"), std::string(R"({"Statement":[1]})"),
        std::string(R"({"Statement":[{"Action":"sqs:*","Principal":"*"}]})"),
        std::string(R"({"Statement":[{"Effect":"Maybe","Action":"sqs:*","Principal":"*"}]})"),
        std::string(R"({"Statement":[{"Effect":"Allow","Principal":"*"}]})"),
        std::string(R"({"Statement":[{"Effect":"Allow","Action":"sqs:*"}]})"),
        policyWith(R"("Principal":"*","Sid":"\udc00")"), policyWith(R"("Principal":"*","Condition":[])")}) {
    expectError(checkPolicy(policy), ErrorCode::InvalidAttributeValue, "Invalid value for the parameter Policy.");
  }
}

TEST(Policy, LimitsAreCountedOverTheWholePolicy) {
  const auto many = [](const std::string& item, int count) {
    std::string list;
    for (int i = 0; i < count; ++i) list += (i ? "," : "") + item;
    return list;
  };
  const auto statements = [&](int count) { return kHead + many(statement("s"), count) + "]}"; };
  EXPECT_TRUE(checkPolicy(statements(20)).ok());
  expectError(checkPolicy(statements(21)), ErrorCode::OverLimit, "21 Statements were found, maximum allowed is 20.");
  const auto principals = [&](int count) {
    return checkPolicy(policyWith(R"("Principal":{"AWS":[)" + many(R"("111111111111")", count) + "]}"));
  };
  EXPECT_TRUE(principals(50).ok());
  expectError(principals(51), ErrorCode::OverLimit, "51 Principals were found, maximum allowed is 50.");
  const auto conditions = [&](int count) {
    std::string keys;
    for (int i = 0; i < count; ++i) keys += (i ? ",\"k" : "\"k") + std::to_string(i) + R"(":"v")";
    return checkPolicy(policyWith(R"("Principal":"*","Condition":{"StringEquals":{)" + keys + "}}"));
  };
  EXPECT_TRUE(conditions(10).ok());
  expectError(conditions(11), ErrorCode::OverLimit, "11 Conditions were found, maximum allowed is 10.");
  expectError(
      checkPolicy(R"({"Statement":{"Effect":"Allow","Principal":"*","Action":[)" + many(R"("sqs:x")", 8) + "]}}"),
      ErrorCode::OverLimit, "8 Actions were found, maximum allowed is 7.");
}

}  // namespace
}  // namespace howdah::service
