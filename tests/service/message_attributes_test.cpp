#include "service/message_attributes.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "service/characters.h"
#include "tests/support/attribute_values.h"

namespace howdah::service {
namespace {

using namespace std::string_literals;

void expectRefused(const Result<Nothing>& result, const std::string& text, const std::string& name,
                   ErrorCode code = ErrorCode::InvalidParameterValueException) {
  ASSERT_FALSE(result.ok()) << name;
  EXPECT_EQ(result.error().code, code) << name;
  EXPECT_EQ(result.error().message, text) << name;
}

TEST(MessageAttributes, AtMostTen) {
  MessageAttributeMap attributes;
  for (int i = 0; i < 10; ++i) attributes["a" + std::to_string(i)] = textValue("String", "x");
  EXPECT_TRUE(checkMessageAttributes(attributes).ok());
  attributes["b"] = textValue("String", "x");
  expectRefused(checkMessageAttributes(attributes),
                "Number of message attributes [11] exceeds the allowed maximum [10].", "11");
}

TEST(MessageAttributes, NamesThatAreAccepted) {
  for (const std::string& name : {"a"s, "A-b_c.9"s, "aws"s, "AWSx"s, "Amazon"s, "amazonx.y"s, "my.AWS.name"s, "-"s,
                                  "_"s, "\u00f8\u00df\u00e4"s, std::string(256, 'n')}) {
    EXPECT_TRUE(checkMessageAttributes({{name, textValue("String", "x")}}).ok()) << name;
  }
}

TEST(MessageAttributes, NamesThatAreRefused) {
  const std::string characters =
      "Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and "
      "underscores. ";
  const std::string reserved =
      "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for "
      "internal use. Additionally, they cannot start or end with '.'.";
  struct Case {
    std::string name, text;
  };
  for (const Case& c :
       std::vector<Case>{{"", "The request must contain non-empty message (user) attribute names."},
                         {std::string(257, 'n'), "Message (user) attribute names must be shorter than 256 Bytes"},
                         {"a b", characters},
                         {"a:b", characters},
                         {"a\n", characters},
                         {"a\0"s, characters},
                         {"\U0001F600", characters},
                         {"\xff", characters},
                         {"\u00d7", characters},
                         {"AWS.x", reserved},
                         {"aws.x", reserved},
                         {"aWs.", reserved},
                         {"Amazon.x", reserved},
                         {"AMAZON.x", reserved},
                         {"a..b", "Message (user) attribute name must not have successive '.' characters."},
                         {".a", "Message (user) attribute name must not begin with character '.'."},
                         {".", "Message (user) attribute name must not begin with character '.'."},
                         {"a.", "Message (user) attribute name must not end with character '.'."}}) {
    expectRefused(checkMessageAttributes({{c.name, textValue("String", "x")}}), c.text, c.name);
  }
}

TEST(MessageAttributes, TypesMayCarryAnyLabel) {
  for (const std::string& type :
       {"String"s, "String.a"s, "String.a.b c\u00e9"s, "String."s, "String." + std::string(249, 'l')}) {
    EXPECT_TRUE(checkMessageAttributes({{"X", textValue(type, "x")}}).ok()) << type;
  }
  EXPECT_TRUE(checkMessageAttributes({{"X", textValue("Number.java.lang.Long", "1")}}).ok());
  EXPECT_TRUE(checkMessageAttributes({{"X", binaryValue("Binary.png", "\0\xff"s)}}).ok());
}

TEST(MessageAttributes, TypesThatAreRefused) {
  for (const std::string& type : {"Bogus"s, "string"s, "Strings"s, " String"s, "String "s, "NUMBER"s, "Stringx.y"s,
                                  ".String"s, "String.\x01"s, "String.\xff"s}) {
    expectRefused(checkMessageAttributes({{"X", textValue(type, "x")}}),
                  "The type of message (user) attribute 'X' is invalid. You must use only the following supported type "
                  "prefixes: Binary, Number, String.",
                  type);
  }
  expectRefused(checkMessageAttributes({{"X", textValue("String." + std::string(250, 'l'), "x")}}),
                "Message (user) attribute types must be shorter than 256 Bytes", "too long");
  const std::string no_type = "The message (user) attribute 'X' must contain a non-empty message attribute type.";
  expectRefused(checkMessageAttributes({{"X", textValue("", "x")}}), no_type, "empty");
  MessageAttributeValue untyped = textValue("", "x");
  untyped.data_type.reset();
  expectRefused(checkMessageAttributes({{"X", untyped}}), no_type, "absent");
}

TEST(MessageAttributes, ExactlyOneNonEmptyValueOfTheRightKind) {
  MessageAttributeValue none;
  none.data_type = "String";
  MessageAttributeValue both = textValue("String", "x");
  both.binary_value = "y";
  struct Case {
    const char* name;
    MessageAttributeValue value;
    std::string text;
  };
  for (const Case& c : std::vector<Case>{
           {"none", none, "The message (user) attribute 'X' must contain a non-empty message attribute value."},
           {"both", both, "Message (user) attribute 'X' must have a single value."},
           {"empty string", textValue("String", ""),
            "Message (user) attribute 'X' must contain a non-empty value of type 'String'."},
           {"empty with a label", textValue("String.l", ""),
            "Message (user) attribute 'X' must contain a non-empty value of type 'String'."},
           {"empty number", textValue("Number", ""),
            "Message (user) attribute 'X' must contain a non-empty value of type 'Number'."},
           {"empty binary", binaryValue("Binary", ""),
            "Message (user) attribute 'X' must contain a non-empty value of type 'Binary'."},
           {"binary for a string", binaryValue("String", "x"),
            "The message attribute 'X' with type 'String' must use field 'String'."},
           {"binary for a number", binaryValue("Number", "1"),
            "The message attribute 'X' with type 'Number' must use field 'String'."},
           {"string for a binary", textValue("Binary", "x"),
            "The message attribute 'X' with type 'Binary' must use field 'Binary'."},
           {"control character", textValue("String", "a\x01"), kInvalidCharacters},
           {"NUL", textValue("String", "a\0b"s), kInvalidCharacters},
           {"not UTF-8", textValue("String", "\xc3("), kInvalidCharacters}}) {
    expectRefused(checkMessageAttributes({{"X", c.value}}), c.text, c.name);
  }
}

TEST(MessageAttributes, ListValuesAreUnsupportedAndEmptyListsAreNothing) {
  const std::string text = "Message attribute list values in SendMessage operation are not supported.";
  MessageAttributeValue strings = textValue("String", "x");
  strings.string_list_values = {"a"};
  expectRefused(checkMessageAttributes({{"X", strings}}), text, "strings", ErrorCode::UnsupportedOperation);
  MessageAttributeValue binaries = textValue("String", "x");
  binaries.binary_list_values = {"a"};
  expectRefused(checkMessageAttributes({{"X", binaries}}), text, "binaries", ErrorCode::UnsupportedOperation);
  MessageAttributeValue empty = textValue("String", "x");
  empty.string_list_values.emplace();
  empty.binary_list_values.emplace();
  EXPECT_TRUE(checkMessageAttributes({{"X", empty}}).ok());
}

TEST(MessageAttributes, NumbersThatAreAccepted) {
  for (const std::string& number : {"0"s,
                                    "-0"s,
                                    "1"s,
                                    "+1"s,
                                    "-1"s,
                                    "007"s,
                                    "3.14"s,
                                    ".5"s,
                                    "5."s,
                                    "1e5"s,
                                    "1E+5"s,
                                    "1e-5"s,
                                    "4563442423554324324264524243.32543234"s,
                                    std::string(38, '9'),
                                    "0." + std::string(38, '9'),
                                    std::string(100, '0') + std::string(38, '9'),
                                    "1" + std::string(126, '0'),
                                    "-1" + std::string(126, '0'),
                                    "1e126"s,
                                    "0.1e127"s,
                                    "9.9e125"s,
                                    "1e-128"s,
                                    "0." + std::string(127, '0') + "1",
                                    "0e999"s,
                                    "0.000"s}) {
    EXPECT_TRUE(checkMessageAttributes({{"X", textValue("Number", number)}}).ok()) << number;
  }
}

TEST(MessageAttributes, WhatIsNoNumberIsRefused) {
  for (const std::string& number : {"abc"s,
                                    " 1"s,
                                    "1 "s,
                                    "1,5"s,
                                    "1.2.3"s,
                                    "."s,
                                    "-"s,
                                    "+"s,
                                    "--1"s,
                                    "e5"s,
                                    "1e"s,
                                    "1e+"s,
                                    "1e1.5"s,
                                    "0x10"s,
                                    "NaN"s,
                                    "Infinity"s,
                                    "1\0"s,
                                    "\u0661"s,
                                    std::string(39, '9'),
                                    "1." + std::string(37, '0') + "1",
                                    "1.1e126"s,
                                    "2e126"s,
                                    "1e127"s,
                                    "1" + std::string(127, '0'),
                                    "1e-129"s,
                                    "9.9e-129"s,
                                    "1e999999999"s,
                                    "1e99999999999999999999"s}) {
    expectRefused(checkMessageAttributes({{"X", textValue("Number", number)}}),
                  "Can't cast the value of message (user) attribute 'X' to a number.", number);
  }
}

TEST(MessageSystemAttributes, OnlyAWSTraceHeaderAsAString) {
  EXPECT_TRUE(checkMessageSystemAttributes({}).ok());
  EXPECT_TRUE(checkMessageSystemAttributes({{"AWSTraceHeader", textValue("String", "Root=1")}}).ok());
  EXPECT_TRUE(checkMessageSystemAttributes({{"AWSTraceHeader", textValue("String", std::string(4096, 'x'))}}).ok());
  const std::string bad_type =
      "The type of message system attribute 'AWSTraceHeader' is invalid. You must use only the following supported "
      "type "
      "prefixes: String.";
  MessageAttributeValue untyped = textValue("String", "x");
  untyped.data_type.reset();
  struct Case {
    const char* name;
    MessageAttributeValue value;
    std::string text;
  };
  for (const Case& c : std::vector<Case>{
           {"Other", textValue("String", "x"), "Message system attribute name 'Other' is invalid."},
           {"", textValue("String", "x"), "Message system attribute name '' is invalid."},
           {"awstraceheader", textValue("String", "x"), "Message system attribute name 'awstraceheader' is invalid."},
           {"AWSTraceHeader", textValue("Number", "1"), bad_type},
           {"AWSTraceHeader", textValue("String.x", "1"), bad_type},
           {"AWSTraceHeader", untyped,
            "The message system attribute 'AWSTraceHeader' must contain a non-empty message attribute type."},
           {"AWSTraceHeader", textValue("String", ""),
            "Message system attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'."},
           {"AWSTraceHeader", binaryValue("String", "x"),
            "The message attribute 'AWSTraceHeader' with type 'String' must use field 'String'."},
           {"AWSTraceHeader", textValue("String", "\x01"), kInvalidCharacters},
           {"AWSTraceHeader", textValue("String", std::string(4097, 'x')),
            "Message system attribute 'AWSTraceHeader' must be shorter than 4096 bytes."}}) {
    expectRefused(checkMessageSystemAttributes({{c.name, c.value}}), c.text, c.name);
  }
}

TEST(MessageSystemAttributes, TraceHeaderIsTheMessagesOwnElseTheRequests) {
  const MessageAttributeMap own = {{"AWSTraceHeader", textValue("String", "Root=own")}};
  EXPECT_EQ(traceHeader(own, "Root=request"), "Root=own");
  EXPECT_EQ(traceHeader({}, "Root=request"), "Root=request");
  EXPECT_EQ(traceHeader({}, ""), std::nullopt);
  EXPECT_EQ(traceHeader({}, "\x01"), std::nullopt);
  EXPECT_EQ(traceHeader({}, "\xff"), std::nullopt);
  EXPECT_EQ(traceHeader({}, std::string(4097, 'x')), std::nullopt);
}

}  // namespace
}  // namespace howdah::service
