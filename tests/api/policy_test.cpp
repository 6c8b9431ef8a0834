// Policies: what is read and what is refused, and a table of who may do what. The examples that AWS publishes are from
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html
// and the pages beside it.
#include "api/auth/policy.h"

#include <gtest/gtest.h>

#include "api/auth/sigv4.h"

namespace howdah::api {
namespace {

using Kind = Policy::Kind;
using Effect = Policy::Effect;

std::shared_ptr<const Policy> parsed(const std::string& json, Kind kind = Kind::Queue) {
  auto read = Policy::parse(json, kind);
  if (const auto* why = std::get_if<std::string>(&read)) ADD_FAILURE() << *why << "\n" << json;
  return read.index() == 0 ? std::get<0>(read) : nullptr;
}

std::string refusal(const std::string& json, Kind kind = Kind::Queue) {
  const auto read = Policy::parse(json, kind);
  const auto* why = std::get_if<std::string>(&read);
  return why == nullptr ? "" : *why;
}

std::string statement(std::string_view members) {
  return R"({"Version":"2012-10-17","Statement":[{)" + std::string(members) + "}]}";
}

// Alice of account 2, who asks account 1's queue.
PolicyRequest request(std::string action = "SendMessage") {
  return {"222222222222",
          "arn:aws:iam::222222222222:user/alice",
          std::move(action),
          "111111111111",
          "arn:aws:sqs:us-east-1:111111111111:orders",
          "203.0.113.7",
          false,
          *parseAmzDate("20260701T120000Z")};
}

PolicyRequest from(std::string account, std::string principal, std::string action = "SendMessage") {
  PolicyRequest made = request(std::move(action));
  made.account = std::move(account);
  made.principal = std::move(principal);
  return made;
}

PolicyRequest anonymous(std::string action = "SendMessage") { return from("", "*", std::move(action)); }
PolicyRequest owner(std::string action = "SendMessage") {
  return from("111111111111", "arn:aws:iam::111111111111:root", std::move(action));
}

constexpr const char* kAll = R"("Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*")";

// --- conditions

struct ConditionCase {
  const char* op;
  const char* key;
  const char* value;  // JSON
  bool met;
};

TEST(PolicyConditions, AreMetOrNot) {
  const ConditionCase cases[] = {
      {"StringEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/alice")", true},
      {"StringEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/Alice")", false},
      {"StringEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/*")", false},
      {"StringEquals", "aws:PrincipalArn", R"(["x","arn:aws:iam::222222222222:user/alice"])", true},
      {"StringEquals", "aws:principalarn", R"("arn:aws:iam::222222222222:user/alice")", true},
      {"StringEquals", "AWS:PrincipalARN", R"(["x","y"])", false},
      {"StringEquals", "aws:PrincipalAccount", R"("222222222222")", true},
      {"StringEquals", "aws:PrincipalAccount", R"("333333333333")", false},
      {"StringEquals", "aws:SourceIp", R"("203.0.113.7")", true},
      {"StringEquals", "aws:SecureTransport", R"("false")", true},
      {"StringEquals", "aws:CurrentTime", R"("2026-07-01T12:00:00Z")", true},
      {"StringNotEquals", "aws:PrincipalAccount", R"("222222222222")", false},
      {"StringNotEquals", "aws:PrincipalAccount", R"("333333333333")", true},
      {"StringNotEquals", "aws:PrincipalAccount", R"(["333333333333","222222222222"])", false},
      {"StringNotEquals", "aws:PrincipalAccount", R"(["333333333333","444444444444"])", true},
      {"StringEqualsIgnoreCase", "aws:PrincipalArn", R"("ARN:aws:iam::222222222222:USER/alice")", true},
      {"StringEqualsIgnoreCase", "aws:PrincipalArn", R"("ARN:aws:iam::222222222222:USER/bob")", false},
      {"StringNotEqualsIgnoreCase", "aws:PrincipalArn", R"("ARN:aws:iam::222222222222:USER/alice")", false},
      {"StringNotEqualsIgnoreCase", "aws:PrincipalArn", R"("bob")", true},
      {"StringLike", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/*")", true},
      {"StringLike", "aws:PrincipalArn", R"("arn:*alice")", true},
      {"StringLike", "aws:PrincipalArn", R"("*a?ice")", true},
      {"StringLike", "aws:PrincipalArn", R"("*a?lice")", false},
      {"StringLike", "aws:PrincipalArn", R"("*")", true},
      {"StringLike", "aws:PrincipalArn", R"("alice")", false},
      {"StringLike", "aws:PrincipalArn", R"("")", false},
      {"StringLike", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/alice*")", true},
      {"StringLike", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/alice?")", false},
      {"StringNotLike", "aws:PrincipalArn", R"("*alice")", false},
      {"StringNotLike", "aws:PrincipalArn", R"("*bob")", true},
      {"StringNotLike", "aws:PrincipalArn", R"(["*bob","*alice"])", false},
      {"NumericEquals", "aws:EpochTime", "1782907200", true},
      {"NumericEquals", "aws:EpochTime", R"("1782907200")", true},
      {"NumericEquals", "aws:EpochTime", "1782907201", false},
      {"NumericNotEquals", "aws:EpochTime", "1782907200", false},
      {"NumericNotEquals", "aws:EpochTime", "1782907201", true},
      {"NumericLessThan", "aws:EpochTime", "1782907201", true},
      {"NumericLessThan", "aws:EpochTime", "1782907200", false},
      {"NumericLessThanEquals", "aws:EpochTime", "1782907200", true},
      {"NumericLessThanEquals", "aws:EpochTime", "1782907199", false},
      {"NumericGreaterThan", "aws:EpochTime", "1782907199", true},
      {"NumericGreaterThan", "aws:EpochTime", "1782907200", false},
      {"NumericGreaterThanEquals", "aws:EpochTime", "1782907200", true},
      {"NumericGreaterThanEquals", "aws:EpochTime", "1782907200.5", false},
      {"NumericEquals", "aws:SourceIp", "203", false},
      {"NumericNotEquals", "aws:SourceIp", "203", true},
      {"DateEquals", "aws:CurrentTime", R"("2026-07-01T12:00:00Z")", true},
      {"DateEquals", "aws:CurrentTime", R"("2026-07-01T14:00:00+02:00")", true},
      {"DateEquals", "aws:CurrentTime", R"("2026-07-01T07:30-04:30")", true},
      {"DateEquals", "aws:CurrentTime", R"("2026-07-01T12:00:01Z")", false},
      {"DateEquals", "aws:CurrentTime", R"("1782907200")", true},
      {"DateEquals", "aws:EpochTime", R"("2026-07-01T12:00:00Z")", true},
      {"DateNotEquals", "aws:CurrentTime", R"("2026-07-01T12:00:00Z")", false},
      {"DateNotEquals", "aws:CurrentTime", R"("2026-07-01")", true},
      {"DateLessThan", "aws:CurrentTime", R"("2026-07-01T12:00:00Z")", false},
      {"DateLessThan", "aws:CurrentTime", R"("2026-07-01T12:00:00.5Z")", true},
      {"DateLessThan", "aws:CurrentTime", R"("2026-07-02")", true},
      {"DateLessThanEquals", "aws:CurrentTime", R"("2026-07-01T12:00Z")", true},
      {"DateLessThanEquals", "aws:CurrentTime", R"("2026-07-01")", false},
      {"DateGreaterThan", "aws:CurrentTime", R"("2026-07-01")", true},
      {"DateGreaterThan", "aws:CurrentTime", R"("2026-07-01T12:00:00Z")", false},
      {"DateGreaterThanEquals", "aws:CurrentTime", R"("2026-07-01T12:00:00Z")", true},
      {"DateGreaterThanEquals", "aws:CurrentTime", R"("2027-01-01")", false},
      {"Bool", "aws:SecureTransport", "false", true},
      {"Bool", "aws:SecureTransport", R"("false")", true},
      {"Bool", "aws:SecureTransport", R"("False")", true},
      {"Bool", "aws:SecureTransport", "true", false},
      {"Bool", "aws:SecureTransport", R"(["true","false"])", true},
      {"IpAddress", "aws:SourceIp", R"("203.0.113.0/24")", true},
      {"IpAddress", "aws:SourceIp", R"("203.0.113.7")", true},
      {"IpAddress", "aws:SourceIp", R"("203.0.113.7/32")", true},
      {"IpAddress", "aws:SourceIp", R"("203.0.113.6/31")", true},
      {"IpAddress", "aws:SourceIp", R"("203.0.113.8/29")", false},
      {"IpAddress", "aws:SourceIp", R"("0.0.0.0/0")", true},
      {"IpAddress", "aws:SourceIp", R"("2001:db8::/32")", false},
      {"IpAddress", "aws:SourceIp", R"(["10.0.0.0/8","203.0.113.0/24"])", true},
      {"NotIpAddress", "aws:SourceIp", R"("203.0.113.0/24")", false},
      {"NotIpAddress", "aws:SourceIp", R"("10.0.0.0/8")", true},
      {"NotIpAddress", "aws:SourceIp", R"(["10.0.0.0/8","203.0.113.0/24"])", false},
      {"ArnEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/alice")", true},
      {"ArnEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/*")", true},
      {"ArnLike", "aws:PrincipalArn", R"("arn:aws:iam::*:user/alice")", true},
      {"ArnLike", "aws:PrincipalArn", R"("arn:*:iam::222222222222:*")", true},
      {"ArnLike", "aws:PrincipalArn", R"("arn:aws:*:user/alice:x:y:z")", false},
      {"ArnLike", "aws:PrincipalArn", R"("arn:aws:iam::333333333333:user/*")", false},
      {"ArnLike", "aws:PrincipalArn", R"("*")", true},
      {"ArnNotEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/alice")", false},
      {"ArnNotEquals", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/bob")", true},
      {"ArnNotLike", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:user/*")", false},
      {"ArnNotLike", "aws:PrincipalArn", R"("arn:aws:iam::222222222222:role/*")", true},
      // Of a key that the request does not have.
      {"StringEquals", "aws:SourceAccount", R"("111111111111")", false},
      {"StringEqualsIfExists", "aws:SourceAccount", R"("111111111111")", true},
      {"StringNotEquals", "aws:SourceAccount", R"("111111111111")", true},
      {"StringNotEqualsIfExists", "aws:SourceAccount", R"("111111111111")", true},
      {"StringLike", "aws:SourceAccount", R"("*")", false},
      {"StringLikeIfExists", "aws:SourceAccount", R"("1*")", true},
      {"StringNotLike", "aws:SourceAccount", R"("*")", true},
      {"ArnEquals", "aws:SourceArn", R"("arn:aws:sns:us-east-1:111111111111:topic")", false},
      {"ArnLike", "aws:SourceArn", R"("*")", false},
      {"ArnLikeIfExists", "aws:SourceArn", R"("arn:aws:sns:*:*:*")", true},
      {"ArnNotLike", "aws:SourceArn", R"("arn:aws:sns:*:*:*")", true},
      {"NumericEqualsIfExists", "aws:SourceAccount", "1", true},
      {"NumericNotEquals", "aws:SourceAccount", "1", true},
      {"NumericLessThan", "aws:SourceAccount", "1", false},
      {"DateLessThanIfExists", "aws:SourceAccount", R"("2026-01-01")", true},
      {"BoolIfExists", "aws:SourceAccount", "true", true},
      {"Bool", "aws:SourceAccount", "false", false},
      {"NotIpAddress", "aws:SourceAccount", R"("10.0.0.0/8")", true},
      {"IpAddressIfExists", "aws:SourceAccount", R"("10.0.0.0/8")", true},
      // IfExists of a key that it has.
      {"StringEqualsIfExists", "aws:PrincipalAccount", R"("333333333333")", false},
      {"StringEqualsIfExists", "aws:PrincipalAccount", R"("222222222222")", true},
      {"BoolIfExists", "aws:SecureTransport", "true", false},
      {"IpAddressIfExists", "aws:SourceIp", R"("10.0.0.0/8")", false},
      {"Null", "aws:SourceArn", "true", true},
      {"Null", "aws:SourceArn", R"("true")", true},
      {"Null", "aws:SourceArn", "false", false},
      {"Null", "aws:PrincipalArn", "true", false},
      {"Null", "aws:PrincipalArn", R"("false")", true},
  };
  for (const auto& [op, key, value, met] : cases) {
    const std::string condition = std::string(R"(,"Condition":{")") + op + R"(":{")" + key + R"(":)" + value + "}}";
    const auto policy = parsed(statement(kAll + condition));
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->evaluate(request()), met ? Effect::Allow : Effect::None) << condition;
  }
}

TEST(PolicyConditions, MustAllBeMet) {
  const auto decide = [](std::string_view condition) {
    return parsed(statement(std::string(kAll) + R"(,"Condition":)" + std::string(condition)))->evaluate(request());
  };
  constexpr auto kAllow = Effect::Allow, kNone = Effect::None;
  EXPECT_EQ(decide(R"({"Bool":{"aws:SecureTransport":"false"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}})"),
            kAllow);
  EXPECT_EQ(decide(R"({"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}})"), kNone);
  EXPECT_EQ(decide(R"({"Bool":{"aws:SecureTransport":"false"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"), kNone);
  EXPECT_EQ(decide(R"({"StringEquals":{"aws:PrincipalAccount":"222222222222","aws:SourceIp":"203.0.113.7"}})"), kAllow);
  EXPECT_EQ(decide(R"({"StringEquals":{"aws:PrincipalAccount":"222222222222","aws:SourceIp":"1.1.1.1"}})"), kNone);
  EXPECT_EQ(decide("{}"), kAllow);
}

TEST(PolicyConditions, AnonymousCallersHaveNoPrincipal) {
  const auto policy = parsed(statement(std::string(kAll) + R"(,"Condition":{"Null":{"aws:PrincipalArn":"true"}})"));
  EXPECT_EQ(policy->evaluate(anonymous()), Effect::Allow);
  EXPECT_EQ(policy->evaluate(request()), Effect::None);
}

// --- principals

TEST(PolicyPrincipals, NameCallers) {
  struct Case {
    const char* principal;
    bool alice, bob, root2, other, nobody;
  };
  const Case cases[] = {
      {R"("*")", true, true, true, true, true},
      {R"({"AWS":"*"})", true, true, true, true, true},
      {R"({"AWS":["*"]})", true, true, true, true, true},
      {R"({"AWS":"222222222222"})", true, true, true, false, false},
      {R"({"AWS":"arn:aws:iam::222222222222:root"})", true, true, true, false, false},
      {R"({"AWS":["arn:aws:iam::222222222222:root"]})", true, true, true, false, false},
      {R"({"AWS":"arn:aws:iam::222222222222:user/alice"})", true, false, false, false, false},
      {R"({"AWS":["arn:aws:iam::222222222222:user/alice","arn:aws:iam::222222222222:user/bob"]})", true, true, false,
       false, false},
      {R"({"AWS":["333333333333","arn:aws:iam::222222222222:user/bob"]})", false, true, false, true, false},
      {R"({"AWS":"arn:aws:iam::333333333333:role/worker"})", false, false, false, false, false},
      {R"({"AWS":"arn:aws:sts::222222222222:assumed-role/worker/session"})", false, false, false, false, false},
      {R"({"AWS":"arn:aws-cn:iam::333333333333:root"})", false, false, false, true, false},
      {R"({"Service":"sns.amazonaws.com"})", false, false, false, false, false},
      {R"({"Service":["sns.amazonaws.com","events.amazonaws.com"],"AWS":"333333333333"})", false, false, false, true,
       false},
  };
  for (const auto& [principal, alice, bob, root2, other, nobody] : cases) {
    const auto policy = parsed(statement(
        std::string(R"("Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Principal":)") + principal));
    ASSERT_TRUE(policy);
    const auto allows = [&](const PolicyRequest& one) { return policy->evaluate(one) == Effect::Allow; };
    EXPECT_EQ(allows(request()), alice) << principal;
    EXPECT_EQ(allows(from("222222222222", "arn:aws:iam::222222222222:user/bob")), bob) << principal;
    EXPECT_EQ(allows(from("222222222222", "arn:aws:iam::222222222222:root")), root2) << principal;
    EXPECT_EQ(allows(from("333333333333", "arn:aws:iam::333333333333:root")), other) << principal;
    EXPECT_EQ(allows(anonymous()), nobody) << principal;
  }
}

// --- actions and resources

TEST(PolicyActions, NameActions) {
  struct Case {
    const char* actions;
    bool send, receive, remove, purge;
  };
  const Case cases[] = {
      {R"("Action":"sqs:SendMessage")", true, false, false, false},
      {R"("Action":"SQS:SendMessage")", true, false, false, false},
      {R"("Action":"sqs:sendmessage")", true, false, false, false},
      {R"("Action":["sqs:SendMessage"])", true, false, false, false},
      {R"("Action":["sqs:SendMessage","sqs:ReceiveMessage"])", true, true, false, false},
      {R"("Action":"*")", true, true, true, true},
      {R"("Action":"sqs:*")", true, true, true, true},
      {R"("Action":"sqs:*Message")", true, true, true, false},
      {R"("Action":"sqs:Send*")", true, false, false, false},
      {R"("Action":"sqs:?e*Message")", true, true, true, false},
      {R"("Action":"sqs:PurgeQueu?")", false, false, false, true},
      {R"("NotAction":"sqs:SendMessage")", false, true, true, true},
      {R"("NotAction":["sqs:Purge*","sqs:Delete*"])", true, true, false, false},
      {R"("NotAction":"sqs:*")", false, false, false, false},
  };
  for (const auto& [actions, send, receive, remove, purge] : cases) {
    const auto policy = parsed(statement(std::string(R"("Effect":"Allow","Principal":"*","Resource":"*",)") + actions));
    ASSERT_TRUE(policy);
    const auto allows = [&](const char* action) { return policy->evaluate(request(action)) == Effect::Allow; };
    EXPECT_EQ(allows("SendMessage"), send) << actions;
    EXPECT_EQ(allows("ReceiveMessage"), receive) << actions;
    EXPECT_EQ(allows("DeleteMessage"), remove) << actions;
    EXPECT_EQ(allows("PurgeQueue"), purge) << actions;
  }
}

TEST(PolicyResources, NameQueues) {
  struct Case {
    const char* resources;
    bool orders, invoices, others;  // the last of another account
  };
  const Case cases[] = {
      {R"("Resource":"*")", true, true, true},
      {R"("Resource":"arn:aws:sqs:us-east-1:111111111111:orders")", true, false, false},
      {R"("Resource":["arn:aws:sqs:us-east-1:111111111111:orders"])", true, false, false},
      {R"("Resource":"arn:aws:sqs:*:111111111111:orders")", true, false, false},
      {R"("Resource":"arn:aws:sqs:*:*:orders")", true, false, true},
      {R"("Resource":"arn:aws:sqs:us-east-1:111111111111:*")", true, true, false},
      {R"("Resource":"arn:aws:sqs:us-east-1:111111111111:o*")", true, false, false},
      {R"("Resource":"arn:aws:sqs:us-east-1:111111111111:?rders")", true, false, false},
      {R"("Resource":"arn:*:*:*:*:*")", true, true, true},
      {R"("Resource":"arn:aws:sqs:us-east-1:1*:orders")", true, false, false},
      {R"("Resource":"arn:aws:sqs:us-west-2:111111111111:orders")", false, false, false},
      {R"("Resource":"arn:aws:sqs:us-east-1:111111111111:Orders")", false, false, false},
      {R"("Resource":"arn:aws:s3:::orders")", false, false, false},
      {R"("NotResource":"arn:aws:sqs:us-east-1:111111111111:orders")", false, true, true},
      {R"("NotResource":["arn:aws:sqs:*:111111111111:*"])", false, false, true},
  };
  for (const auto& [resources, orders, invoices, others] : cases) {
    const auto policy =
        parsed(statement(std::string(R"("Effect":"Allow","Principal":"*","Action":"sqs:*",)") + resources));
    ASSERT_TRUE(policy);
    const auto allows = [&](const char* arn) {
      PolicyRequest one = request();
      one.resource = arn;
      return policy->evaluate(one) == Effect::Allow;
    };
    EXPECT_EQ(allows("arn:aws:sqs:us-east-1:111111111111:orders"), orders) << resources;
    EXPECT_EQ(allows("arn:aws:sqs:us-east-1:111111111111:invoices"), invoices) << resources;
    EXPECT_EQ(allows("arn:aws:sqs:us-east-1:222222222222:orders"), others) << resources;
  }
}

TEST(Policy, ADenialCountsMoreThanAnyAllowanceWhateverTheirOrder) {
  const std::string allow = std::string("{") + kAll + "}";
  const std::string deny =
      R"({"Effect":"Deny","Principal":{"AWS":"222222222222"},"Action":"sqs:SendMessage","Resource":"*"})";
  for (const std::string& both : {allow + "," + deny, deny + "," + allow, allow + "," + deny + "," + allow}) {
    const auto policy = parsed(R"({"Statement":[)" + both + "]}");
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->evaluate(request()), Effect::Deny);
    EXPECT_EQ(policy->evaluate(request("ReceiveMessage")), Effect::Allow);
    EXPECT_EQ(policy->evaluate(from("333333333333", "arn:aws:iam::333333333333:root")), Effect::Allow);
  }
}

// --- what is refused

TEST(Policy, WhatIsNotSupportedIsRefused) {
  const std::string ok = kAll;
  const auto with = [&](const std::string& from_text, const std::string& to_text) {
    std::string changed = ok;
    changed.replace(changed.find(from_text), from_text.size(), to_text);
    return statement(changed);
  };
  const std::string refused[] = {
      "",
      "[]",
      "null",
      "{",
      "{}",
      R"({"Statement":[]})",
      R"({"Statement":"x"})",
      R"({"Statement":[1]})",
      R"({"Version":"2012-10-18","Statement":[{)" + ok + "}]}",
      R"({"Version":2012,"Statement":[{)" + ok + "}]}",
      R"({"Foo":"x","Statement":[{)" + ok + "}]}",
      R"({"Statement":[{)" + ok + R"(}],"Statement":[]})",
      R"({"Id":1,"Statement":[{)" + ok + "}]}",
      with(R"("Effect":"Allow",)", ""),
      with(R"("Allow")", R"("allow")"),
      with(R"("Principal":"*",)", ""),
      with(R"("Action":"sqs:*",)", ""),
      with(R"(,"Resource":"*")", ""),
      with(R"("Principal":"*")", R"("NotPrincipal":{"AWS":"111111111111"})"),
      with(R"("Principal":"*")", R"("Principal":"111111111111")"),
      with(R"("Principal":"*")", R"("Principal":{})"),
      with(R"("Principal":"*")", R"("Principal":[])"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":[]})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":"11111111111"})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":"arn:aws:iam::111111111111:user/*"})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":"arn:aws:iam::*:root"})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":"arn:aws:s3:::bucket"})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":"arn:aws:iam::111111111111:"})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":"alice"})"),
      with(R"("Principal":"*")", R"("Principal":{"AWS":7})"),
      with(R"("Principal":"*")", R"("Principal":{"Federated":"cognito-identity.amazonaws.com"})"),
      with(R"("Principal":"*")", R"("Principal":{"CanonicalUser":"x"})"),
      with(R"("Principal":"*")", R"("Principal":{"Service":"example.com"})"),
      with(R"("sqs:*")", R"("s3:GetObject")"),
      with(R"("sqs:*")", R"("sqs:SendMessages")"),
      with(R"("sqs:*")", R"("sqs:SendMessageBatch")"),
      with(R"("sqs:*")", R"("SendMessage")"),
      with(R"("sqs:*")", R"("sqs:")"),
      with(R"("sqs:*")", "[]"),
      with(R"("sqs:*")", "7"),
      with(R"("sqs:*")", R"(["sqs:SendMessage",["sqs:SendMessage"]])"),
      with(R"("sqs:*")", R"(["sqs:a*","sqs:b*","sqs:c*","sqs:d*","sqs:g*","sqs:l*","sqs:p*","sqs:r*"])"),
      with(R"("sqs:*")", R"("sqs:*","NotAction":"sqs:SendMessage")"),
      with(R"("Resource":"*")", R"("Resource":"orders")"),
      with(R"("Resource":"*")", R"("Resource":"arn:aws:sqs:*")"),
      with(R"("Resource":"*")", R"("Resource":[])"),
      with(R"("Resource":"*")", R"("Resource":"*","NotResource":"*")"),
      with(R"("Resource":"*")", R"("Resource":"arn:aws:sqs:*:*:${aws:username}")"),
      with(R"("Resource":"*")", R"("Resource":"*","Sid":7)"),
      with(R"("Resource":"*")", R"("Resource":"*","Foo":"x")"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":[])"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"Bool":"x"})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"maybe"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"Bool":{"aws:SecureTransport":[]}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"StringEquals":{"aws:sourceVpce":"vpce-1"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":null}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"StringMatches":{"aws:SourceIp":"x"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"stringequals":{"aws:SourceIp":"x"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"NullIfExists":{"aws:SourceIp":"true"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"BinaryEquals":{"aws:SourceIp":"eA=="}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:SourceIp":"x"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:SourceIp":"x"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/33"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"localhost"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"NumericEquals":{"aws:EpochTime":"many"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"tomorrow"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-13-01"}})"),
      with(R"("Resource":"*")",
           R"("Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-01T12:00"}})"),
      with(R"("Resource":"*")",
           R"("Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-01T12:00:00ZZ"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"topic"}})"),
      with(R"("Resource":"*")", R"("Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"*${aws:username}"}})"),
      with(R"("Resource":"*")",
           R"("Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true","aws:securetransport":"x"}})"),
      statement(ok).insert(statement(ok).size() - 1, 1, '\0'),
  };
  for (const std::string& json : refused) EXPECT_NE(refusal(json), "") << json;
  EXPECT_EQ(refusal(statement(ok)), "");
  // Before there were variables, ${ was text.
  EXPECT_EQ(refusal(R"({"Statement":[{"Sid":"${x}",)" + ok + "}]}"), "");
}

TEST(Policy, HasSqssLimits) {
  const std::string one = std::string("{") + kAll + "}";
  const auto repeated = [](const std::string& what, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += (i ? "," : "") + what;
    return all;
  };
  EXPECT_EQ(refusal(R"({"Statement":[)" + repeated(one, 20) + "]}"), "");
  EXPECT_NE(refusal(R"({"Statement":[)" + repeated(one, 21) + "]}"), "");
  const auto principals = [&](int times) {
    return statement(R"("Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":[)" +
                     repeated(R"("111111111111")", times) + "]}");
  };
  EXPECT_EQ(refusal(principals(50)), "");
  EXPECT_NE(refusal(principals(51)), "");
  const auto conditions = [&](int times) {
    const std::string with = std::string("{") + kAll + R"(,"Condition":{"Bool":{"aws:SecureTransport":"true"}}})";
    return R"({"Statement":[)" + repeated(with, times) + "]}";
  };
  EXPECT_EQ(refusal(conditions(10)), "");
  EXPECT_NE(refusal(conditions(11)), "");
  EXPECT_EQ(refusal(statement(R"("Effect":"Allow","Resource":"*","Action":[)" + repeated(R"("sqs:*")", 8) + "]"),
                    Kind::Identity),
            "");
}

TEST(Policy, DeepNestingAndLongPatternsDoNoHarm) {
  const std::string deep(100'000, '[');
  EXPECT_NE(refusal(deep), "");
  EXPECT_NE(refusal(R"({"Statement":)" + deep), "");
  std::string stars;
  for (int i = 0; i < 1000; ++i) stars += "*a";
  const auto policy =
      parsed(statement(std::string(kAll) + R"(,"Condition":{"StringLike":{"aws:PrincipalArn":")" + stars + R"("}})"));
  PolicyRequest one = request();
  one.principal = std::string(2000, 'a') + "b";
  EXPECT_EQ(policy->evaluate(one), Effect::None);
}

TEST(Policy, OfAKeyNamesNoPrincipal) {
  EXPECT_NE(refusal(statement(kAll), Kind::Identity), "");
  const auto policy =
      parsed(statement(R"("Effect":"Allow","Action":"sqs:SendMessage","Resource":"*")"), Kind::Identity);
  EXPECT_EQ(policy->evaluate(request()), Effect::Allow);
}

// --- decisions

Decision decided(const PolicyRequest& one, const char* queue_policy, const char* key_policy = nullptr) {
  const auto of_queue = queue_policy ? parsed(queue_policy) : nullptr;
  const auto of_caller = key_policy ? parsed(key_policy, Kind::Identity) : nullptr;
  return decide(one, {of_queue.get(), of_caller.get(), false});
}

constexpr const char* kKeyMaySend = R"({"Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]})";
constexpr const char* kKeyMayNotSend =
    R"({"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Action":"sqs:SendMessage","Resource":"*"}]})";
constexpr const char* kQueueAllowsAll =
    R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]})";
constexpr const char* kQueueDeniesAll =
    R"({"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}]})";

TEST(Decisions, FollowBothPolicies) {
  enum Who { kOwner, kOther, kNobody };
  struct Case {
    Who who;
    const char* action;
    const char* queue_policy;
    const char* key_policy;
    bool allowed;
  };
  const Case cases[] = {
      {kOwner, "SendMessage", nullptr, nullptr, true},
      {kOwner, "CreateQueue", nullptr, nullptr, true},
      {kOwner, "SendMessage", nullptr, kKeyMaySend, true},
      {kOwner, "ReceiveMessage", nullptr, kKeyMaySend, false},
      {kOwner, "ReceiveMessage", kQueueAllowsAll, kKeyMaySend, true},
      {kOwner, "CreateQueue", nullptr, kKeyMaySend, false},
      {kOwner, "SendMessage", nullptr, kKeyMayNotSend, false},
      {kOwner, "SendMessage", kQueueAllowsAll, kKeyMayNotSend, false},
      {kOwner, "ReceiveMessage", nullptr, kKeyMayNotSend, true},
      {kOwner, "SendMessage", kQueueDeniesAll, nullptr, false},
      {kOwner, "SendMessage", kQueueDeniesAll, kKeyMaySend, false},
      {kOwner, "SetQueueAttributes", kQueueDeniesAll, nullptr, true},
      {kOwner, "GetQueueAttributes", kQueueDeniesAll, nullptr, true},
      {kOwner, "DeleteQueue", kQueueDeniesAll, nullptr, true},
      {kOwner, "RemovePermission", kQueueDeniesAll, nullptr, true},
      {kOwner, "SetQueueAttributes", kQueueDeniesAll, kKeyMayNotSend, false},
      {kOther, "SendMessage", nullptr, nullptr, false},
      {kOther, "SendMessage", kQueueAllowsAll, nullptr, true},
      {kOther, "SendMessage", kQueueAllowsAll, kKeyMaySend, true},
      {kOther, "ReceiveMessage", kQueueAllowsAll, kKeyMaySend, false},
      {kOther, "SendMessage", nullptr, kKeyMaySend, false},
      {kOther, "SendMessage", kQueueAllowsAll, kKeyMayNotSend, false},
      {kOther, "SendMessage", kQueueDeniesAll, nullptr, false},
      {kNobody, "SendMessage", nullptr, nullptr, false},
      {kNobody, "SendMessage", kQueueAllowsAll, nullptr, true},
      {kNobody, "SendMessage", kQueueDeniesAll, nullptr, false},
      {kNobody, "SetQueueAttributes", kQueueAllowsAll, nullptr, false},
      {kNobody, "NoSuchAction", kQueueAllowsAll, nullptr, false},
  };
  for (const auto& [who, action, queue_policy, key_policy, allowed] : cases) {
    const auto one = who == kOwner ? owner(action) : who == kOther ? request(action) : anonymous(action);
    EXPECT_EQ(decided(one, queue_policy, key_policy).allowed, allowed)
        << who << " " << action << " " << (queue_policy ? queue_policy : "") << " " << (key_policy ? key_policy : "");
  }
}

// As AWS decides: naming an account delegates to it, naming a user of the own account grants.
TEST(Decisions, AQueueThatNamesItsOwnAccountLeavesItToThePoliciesOfTheKeys) {
  const auto bob = from("111111111111", "arn:aws:iam::111111111111:user/bob");
  const auto naming = [](const char* effect, const char* principal) {
    return statement(std::string(R"("Effect":")") + effect + R"(","Principal":)" + principal +
                     R"(,"Action":"sqs:*","Resource":"*")");
  };
  constexpr const char* kAccount = R"({"AWS":"111111111111"})";
  constexpr const char* kRoot = R"({"AWS":"arn:aws:iam::111111111111:root"})";
  constexpr const char* kBob = R"({"AWS":["111111111111","arn:aws:iam::111111111111:user/bob"]})";
  const std::string no_sending = statement(R"("Effect":"Allow","Action":"sqs:ReceiveMessage","Resource":"*")");
  for (const char* account : {kAccount, kRoot}) {
    EXPECT_FALSE(decided(bob, naming("Allow", account).c_str(), no_sending.c_str()).allowed) << account;
    EXPECT_TRUE(decided(bob, naming("Allow", account).c_str(), kKeyMaySend).allowed) << account;
    EXPECT_TRUE(decided(bob, naming("Allow", account).c_str()).allowed) << account;
    EXPECT_TRUE(decided(owner(), naming("Allow", account).c_str(), no_sending.c_str()).allowed) << account;
    EXPECT_FALSE(decided(bob, naming("Deny", account).c_str(), kKeyMaySend).allowed) << account;
    EXPECT_FALSE(decided(owner(), naming("Deny", account).c_str()).allowed) << account;
  }
  for (const char* user : {kBob, R"("*")"})
    EXPECT_TRUE(decided(bob, naming("Allow", user).c_str(), no_sending.c_str()).allowed) << user;
}

TEST(Decisions, NoPolicyGivesAnotherAccountWhatOnlyOwnersDo) {
  for (const char* action :
       {"AddPermission", "CancelMessageMoveTask", "CreateQueue", "DeleteQueue", "ListMessageMoveTasks", "ListQueues",
        "ListQueueTags", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue"}) {
    EXPECT_FALSE(decided(request(action), kQueueAllowsAll).allowed) << action;
    EXPECT_TRUE(decided(owner(action), nullptr).allowed) << action;
  }
  for (const char* action : {"ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
                             "ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage"}) {
    EXPECT_TRUE(decided(request(action), kQueueAllowsAll).allowed) << action;
  }
}

TEST(Decisions, SayWhy) {
  EXPECT_EQ(decided(owner("ReceiveMessage"), nullptr, kKeyMaySend).reason,
            "because no identity-based policy allows the sqs:receivemessage action");
  EXPECT_EQ(decided(owner(), nullptr, kKeyMayNotSend).reason, "with an explicit deny in an identity-based policy");
  EXPECT_EQ(decided(request(), kQueueDeniesAll).reason, "with an explicit deny in a resource-based policy");
  EXPECT_EQ(decided(request(), nullptr).reason, "because no resource-based policy allows the sqs:sendmessage action");
}

TEST(Decisions, NameTheStatementThatDecided) {
  constexpr const char* kKey = R"({"Statement":[
    {"Sid":"Send","Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"},
    {"Effect":"Allow","Action":["sqs:SendMessage","sqs:DeleteMessage"],"Resource":"*"},
    {"Sid":"NoPurge","Effect":"Deny","Action":"sqs:PurgeQueue","Resource":"*"}]})";
  constexpr const char* kQueue = R"({"Statement":[
    {"Sid":"Lent","Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sqs:*","Resource":"*"},
    {"Effect":"Deny","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"},
    {"Sid":"","Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"},
    {"Sid":"Late","Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*",
     "Condition":{"Bool":{"aws:SecureTransport":"true"}}}]})";
  PolicyRequest secure = request("SendMessage");
  secure.secure = true;
  const struct {
    PolicyRequest request;
    const char* queue_policy;
    const char* key_policy;
    bool allowed;
    const char* by;
    const char* statement;
  } cases[] = {
      {owner(), nullptr, nullptr, true, "owner", ""},
      {owner(), kQueue, nullptr, true, "owner", ""},
      {owner("ReceiveMessage"), kQueue, nullptr, false, "queue policy", "#2"},
      {owner("DeleteQueue"), kQueueDeniesAll, nullptr, true, "owner", ""},
      {owner(), nullptr, kKey, true, "identity policy", "Send"},
      {owner("DeleteMessage"), nullptr, kKey, true, "identity policy", "#2"},
      {owner("DeleteMessage"), kQueueAllowsAll, kKey, true, "identity policy", "#2"},
      {owner("PurgeQueue"), kQueueAllowsAll, kKey, false, "identity policy", "NoPurge"},
      {owner("ReceiveMessage"), kQueueAllowsAll, kKey, true, "queue policy", "#1"},
      {owner("CreateQueue"), nullptr, kKey, false, "no statement", ""},
      {request(), kQueue, nullptr, true, "queue policy", "Lent"},
      {request(), kQueue, kKey, true, "queue policy", "Lent"},
      {secure, kQueue, nullptr, false, "queue policy", "Late"},
      {request("PurgeQueue"), kQueue, kKey, false, "identity policy", "NoPurge"},
      {request("ReceiveMessage"), kQueue, nullptr, false, "queue policy", "#2"},
      {request("CreateQueue"), kQueue, nullptr, false, "no statement", ""},
      {request(), nullptr, nullptr, false, "no statement", ""},
      {anonymous(), kQueue, nullptr, true, "queue policy", "#3"},
      {anonymous("DeleteMessage"), kQueue, nullptr, false, "no statement", ""},
  };
  for (const auto& c : cases) {
    const Decision decision = decided(c.request, c.queue_policy, c.key_policy);
    const std::string what = c.request.principal + " " + c.request.action;
    EXPECT_EQ(decision.allowed, c.allowed) << what;
    EXPECT_EQ(decision.by, c.by) << what;
    EXPECT_EQ(decision.statement, c.statement) << what;
  }
  EXPECT_EQ(decide(owner(), {nullptr, nullptr, true}).by, "owner");
  EXPECT_EQ(decide(request(), {nullptr, nullptr, true}).by, "broken queue policy");
}

TEST(Decisions, ABrokenPolicyLetsInTheOwnerAlone) {
  EXPECT_TRUE(decide(owner(), {nullptr, nullptr, true}).allowed);
  EXPECT_FALSE(decide(request(), {nullptr, nullptr, true}).allowed);
  EXPECT_FALSE(decide(anonymous(), {nullptr, nullptr, true}).allowed);
  const auto restricted = parsed(kKeyMaySend, Kind::Identity);
  EXPECT_FALSE(decide(owner(), {nullptr, restricted.get(), true}).allowed);
}

// --- AWS's published examples; account 444455556666 has queue1, as there

PolicyRequest example(std::string account, std::string principal, std::string action) {
  return {std::move(account),
          std::move(principal),
          std::move(action),
          "444455556666",
          "arn:aws:sqs:us-east-2:444455556666:queue1",
          "203.0.113.7",
          false,
          *parseAmzDate("20090131T130000Z")};
}
PolicyRequest example(const char* account, const char* action) {
  return example(account, std::string("arn:aws:iam::") + account + ":root", action);
}

TEST(PublishedPolicies, GrantOnePermissionToOneAccount) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_SendMessage","Effect":"Allow","Principal":{"AWS":["111122223333"]},"Action":"sqs:SendMessage",
    "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1"}]})";
  EXPECT_TRUE(decided(example("111122223333", "SendMessage"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("111122223333", "ReceiveMessage"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("222233334444", "SendMessage"), kPolicy).allowed);
}

TEST(PublishedPolicies, GrantTwoPermissionsToOneAccount) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_Send_Receive","Effect":"Allow","Principal":{"AWS":["111122223333"]},
    "Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"arn:aws:sqs:*:444455556666:queue1"}]})";
  EXPECT_TRUE(decided(example("111122223333", "SendMessage"), kPolicy).allowed);
  EXPECT_TRUE(decided(example("111122223333", "ReceiveMessage"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("111122223333", "DeleteMessage"), kPolicy).allowed);
}

TEST(PublishedPolicies, GrantAllPermissionsToTwoAccounts) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_AllActions","Effect":"Allow","Principal":{"AWS":["111122223333","222233334444"]},"Action":"sqs:*",
    "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1"}]})";
  for (const char* account : {"111122223333", "222233334444"}) {
    EXPECT_TRUE(decided(example(account, "PurgeQueue"), kPolicy).allowed);
    EXPECT_TRUE(decided(example(account, "ChangeMessageVisibility"), kPolicy).allowed);
    EXPECT_FALSE(decided(example(account, "DeleteQueue"), kPolicy).allowed);
  }
  EXPECT_FALSE(decided(example("333344445555", "PurgeQueue"), kPolicy).allowed);
}

TEST(PublishedPolicies, GrantCrossAccountPermissionsToARoleAndAUser) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_AllActions","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/role1",
    "arn:aws:iam::111122223333:user/username1"]},"Action":"sqs:*",
    "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1"}]})";
  EXPECT_TRUE(
      decided(example("111122223333", "arn:aws:iam::111122223333:user/username1", "PurgeQueue"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("111122223333", "arn:aws:iam::111122223333:user/other", "PurgeQueue"), kPolicy).allowed);
  EXPECT_FALSE(
      decided(example("111122223333", "arn:aws:iam::111122223333:user/username1", "DeleteQueue"), kPolicy).allowed);
}

TEST(PublishedPolicies, GrantAPermissionToAllUsers) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_AnonymousAccess_ReceiveMessage","Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage",
    "Resource":"arn:aws:sqs:*:111122223333:queue1"}]})";
  PolicyRequest one = example("", "*", "ReceiveMessage");
  EXPECT_FALSE(decided(one, kPolicy).allowed);  // of another account's queue1
  one.owner = "111122223333";
  one.resource = "arn:aws:sqs:us-east-2:111122223333:queue1";
  EXPECT_TRUE(decided(one, kPolicy).allowed);
}

TEST(PublishedPolicies, GrantATimeLimitedPermissionToAllUsers) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_AnonymousAccess_ReceiveMessage_TimeLimit","Effect":"Allow","Principal":"*",
    "Action":"sqs:ReceiveMessage","Resource":"arn:aws:sqs:*:444455556666:queue1",
    "Condition":{"DateGreaterThan":{"aws:CurrentTime":"2009-01-31T12:00Z"},
                 "DateLessThan":{"aws:CurrentTime":"2009-01-31T15:00Z"}}}]})";
  PolicyRequest one = example("", "*", "ReceiveMessage");
  EXPECT_TRUE(decided(one, kPolicy).allowed);
  one.now = *parseAmzDate("20090131T120000Z");
  EXPECT_FALSE(decided(one, kPolicy).allowed);
  one.now = *parseAmzDate("20090131T150000Z");
  EXPECT_FALSE(decided(one, kPolicy).allowed);
}

TEST(PublishedPolicies, GrantAllPermissionsToUsersInACidrRange) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_AnonymousAccess_AllActions_AllowlistIP","Effect":"Allow","Principal":"*","Action":"sqs:*",
    "Resource":"arn:aws:sqs:*:444455556666:queue1","Condition":{"IpAddress":{"aws:SourceIp":"192.168.143.0/24"}}}]})";
  PolicyRequest one = example("", "*", "SendMessage");
  EXPECT_FALSE(decided(one, kPolicy).allowed);
  one.source_ip = "192.168.143.200";
  EXPECT_TRUE(decided(one, kPolicy).allowed);
}

TEST(PublishedPolicies, AllowAndBlockListOfAddresses) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"Queue1_Policy_UUID","Statement":[{
    "Sid":"Queue1_AnonymousAccess_AllActions_IPLimit_Allow","Effect":"Allow","Principal":"*","Action":"sqs:*",
    "Resource":"arn:aws:sqs:*:444455556666:queue1","Condition":{"IpAddress":{"aws:SourceIp":"192.168.143.0/24"}}},{
    "Sid":"Queue1_AnonymousAccess_AllActions_IPLimit_Deny","Effect":"Deny","Principal":"*","Action":"sqs:*",
    "Resource":"arn:aws:sqs:*:444455556666:queue1","Condition":{"IpAddress":{"aws:SourceIp":"192.168.143.188/32"}}}]})";
  PolicyRequest one = example("", "*", "SendMessage");
  one.source_ip = "192.168.143.187";
  EXPECT_TRUE(decided(one, kPolicy).allowed);
  one.source_ip = "192.168.143.188";
  EXPECT_FALSE(decided(one, kPolicy).allowed);
}

TEST(PublishedPolicies, OfServicesGrantNobodyElse) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage",
    "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1",
    "Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-2:444455556666:topic"}}}]})";
  EXPECT_FALSE(decided(example("111122223333", "SendMessage"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("", "*", "SendMessage"), kPolicy).allowed);
  EXPECT_TRUE(decided(example("444455556666", "SendMessage"), kPolicy).allowed);
}

TEST(PublishedPolicies, ServicesActForOneAccountAlone) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"s3.amazonaws.com"},"Action":["sqs:SendMessage"],
    "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1",
    "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:amzn-s3-demo-bucket"},
                 "StringEquals":{"aws:SourceAccount":"444455556666"}}}]})";
  EXPECT_FALSE(decided(example("111122223333", "SendMessage"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("", "*", "SendMessage"), kPolicy).allowed);
}

TEST(PublishedPolicies, DenyASpecificAccount) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Id":"UseCase4","Statement":[
    {"Sid":"1","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sqs:SendMessage","Resource":"*"},
    {"Sid":"2","Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"sqs:SendMessage",
     "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1"}]})";
  EXPECT_FALSE(decided(example("111122223333", "SendMessage"), kPolicy).allowed);
  EXPECT_TRUE(decided(example("222233334444", "SendMessage"), kPolicy).allowed);
  EXPECT_TRUE(decided(example("", "*", "SendMessage"), kPolicy).allowed);
}

TEST(PublishedPolicies, OfNetworksAndOrganisationsThatHowdahDoesNotKnowAreRefused) {
  EXPECT_NE(refusal(R"({"Version":"2012-10-17","Id":"VPCSourceVpce","Statement":[{"Sid":"1","Effect":"Deny",
    "Principal":"*","Action":["sqs:SendMessage","sqs:ReceiveMessage"],
    "Resource":"arn:aws:sqs:us-east-2:444455556666:queue1",
    "Condition":{"StringNotEquals":{"aws:sourceVpce":"vpce-1a2b3c4d"}}}]})"),
            "");
  EXPECT_NE(refusal(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
    "Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}}}]})"),
            "");
}

TEST(PublishedPolicies, TransportMustBeEncrypted) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Statement":[{"Sid":"AllowOverTLS","Effect":"Deny",
    "Principal":"*","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-2:444455556666:queue1",
    "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]})";
  PolicyRequest one = example("444455556666", "SendMessage");
  EXPECT_FALSE(decided(one, kPolicy).allowed);
  one.secure = true;
  EXPECT_TRUE(decided(one, kPolicy).allowed);
}

TEST(PublishedPolicies, AddPermissionsOwnForm) {
  constexpr const char* kPolicy =
      R"({"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-2:444455556666:queue1/SQSDefaultPolicy",
    "Statement":[{"Sid":"label","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},
    "Action":"SQS:ReceiveMessage","Resource":"arn:aws:sqs:us-east-2:444455556666:queue1"}]})";
  EXPECT_TRUE(
      decided(example("111122223333", "arn:aws:iam::111122223333:user/any", "ReceiveMessage"), kPolicy).allowed);
  EXPECT_FALSE(decided(example("111122223333", "SendMessage"), kPolicy).allowed);
}

TEST(PublishedPolicies, OfUsersRestrictWhatTheirKeysDo) {
  constexpr const char* kPolicy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"arn:aws:sqs:*:444455556666:bob_queue*"}]})";
  PolicyRequest one = example("444455556666", "arn:aws:iam::444455556666:user/bob", "SendMessage");
  EXPECT_FALSE(decided(one, nullptr, kPolicy).allowed);
  one.resource = "arn:aws:sqs:us-east-2:444455556666:bob_queue7";
  EXPECT_TRUE(decided(one, nullptr, kPolicy).allowed);
  one.action = "CreateQueue";
  EXPECT_FALSE(decided(one, nullptr, kPolicy).allowed);
}

}  // namespace
}  // namespace howdah::api
