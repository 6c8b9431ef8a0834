#include "service/message_digest.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "service/receive_attributes.h"
#include "tests/support/attribute_values.h"

namespace howdah::service {
namespace {

using namespace std::string_literals;

std::string digestOf(const MessageAttributeMap& attributes) {
  return md5OfAttributes(encodeMessageAttributes(attributes)).value_or("none");
}

TEST(MessageDigest, OfABodyIsTheMd5OfItsBytes) {
  EXPECT_EQ(md5Hex("hello"), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(md5Hex("message"), "78e731027d8fd50ed642340b7c9a63b3");
  EXPECT_EQ(md5Hex("caf\u00e9 \U0001F600"), "77363a4752ff4d95e47ec96c6b215330");
  EXPECT_EQ(md5Hex("hello"), "5d41402abc4b2a76b9719d911017c592");  // nothing is left over from the one before
}

TEST(MessageDigest, EncodesLengthsTypesAndTransport) {
  EXPECT_EQ(encodeMessageAttributes({{"Foo", textValue("String", "Bar")}}), "\0\0\0\3Foo\0\0\0\6String\1\0\0\0\3Bar"s);
  EXPECT_EQ(encodeMessageAttributes({{"color", textValue("String", "blue")},
                                     {"count", textValue("Number", "3")},
                                     {"blob", binaryValue("Binary", "\1\2\3")}}),
            "\0\0\0\4blob\0\0\0\6Binary\2\0\0\0\3\1\2\3"
            "\0\0\0\5color\0\0\0\6String\1\0\0\0\4blue"
            "\0\0\0\5count\0\0\0\6Number\1\0\0\0\1"
            "3"s);
}

TEST(MessageDigest, OfAttributesMatchesThePublishedAndRecordedOnes) {
  struct Case {
    const char* name;
    MessageAttributeMap attributes;
    const char* md5;
  };
  const std::vector<Case> cases = {
      {"worked example A", {{"Foo", textValue("String", "Bar")}}, "ae7155c6026991b6d54b11589678bf9c"},
      {"worked example B",
       {{"color", textValue("String", "blue")},
        {"count", textValue("Number", "3")},
        {"blob", binaryValue("Binary", "\1\2\3")}},
       "d838729972a4b70e2d2acd9d59ac847c"},
      {"one letter", {{"k", textValue("String", "x")}}, "a45daa70926828a2f0a1db3418e6feb4"},
      {"subset of example B", {{"color", textValue("String", "blue")}}, "da1b33cc3cbfe8b1630921e78e6b9880"},
      {"number", {{"timestamp", textValue("Number", "1493147359900")}}, "235c5c510d26fb653d073faed50ae77c"},
      {"number with a label",
       {{"timestamp", textValue("Number.java.lang.Long", "1")}},
       "6735a2d7fe7f0e962a51db579c2d92cb"},
      {"number without it", {{"timestamp", textValue("Number", "1")}}, "b6ba7933bdd4077bb2cc8686b0146cfa"},
      {"long decimal",
       {{"customNumberTypeAttrib", textValue("Number.float", "4563442423554324324264524243.32543234")}},
       "9fe1b90bbd9965bdf77bac517c7d2495"},
      {"three names",
       {{"Hello", textValue("String", "There")},
        {"General", textValue("String", "Kenobi")},
        {"Help.Me", textValue("String", "Me")}},
       "4c360f3fdafd970e05fae2f149d997f5"},
      {"system attribute",
       {{"AWSTraceHeader",
         textValue("String", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")}},
       "5ae4d5d7636402d80f4eb6d213245a88"},
      {"none", {}, "none"},
  };
  for (const Case& c : cases) EXPECT_EQ(digestOf(c.attributes), c.md5) << c.name;
}

TEST(MessageDigest, OfASelectionCoversOnlyWhatIsHandedOut) {
  const std::string encoded = encodeMessageAttributes({{"Hello", textValue("String", "There")},
                                                       {"General", textValue("String", "Kenobi")},
                                                       {"Help.Me", textValue("String", "Me")}});
  struct Case {
    std::vector<std::string> names;
    const char* md5;
  };
  const std::vector<Case> cases = {
      {{"Hello", "General"}, "fca026605781cb4126a1e9044df24232"},
      {{"Hel.*"}, "83fee93c1bcd8b9a5a923ffacdc636c7"},
      {{"Help.Me", "Hello"}, "83fee93c1bcd8b9a5a923ffacdc636c7"},
      {{"All"}, "4c360f3fdafd970e05fae2f149d997f5"},
      {{".*"}, "4c360f3fdafd970e05fae2f149d997f5"},
      {{"*"}, "4c360f3fdafd970e05fae2f149d997f5"},
      {{"Gen.*", "Hel.*"}, "4c360f3fdafd970e05fae2f149d997f5"},
  };
  for (const Case& c : cases) {
    Message message;
    showMessageAttributes(MessageAttributeSelection(c.names), encoded, message);
    EXPECT_EQ(message.md5_of_message_attributes, c.md5) << c.names[0];
  }
}

TEST(MessageAttributeEncoding, GivesBackWhatWasEncoded) {
  const MessageAttributeMap attributes = {{"b", binaryValue("Binary.png", "\0\xff\r\n"s)},
                                          {"n", textValue("Number.int", "007")},
                                          {"s", textValue("String", "caf\u00e9\r\n")},
                                          {"\u00f8", textValue("String.x.y", std::string(70'000, 'x'))}};
  EXPECT_EQ(decodeMessageAttributes(encodeMessageAttributes(attributes)), attributes);
  EXPECT_EQ(decodeMessageAttributes(""), MessageAttributeMap{});
}

TEST(MessageAttributeEncoding, CutOffBytesAreNoEncoding) {
  const std::string encoded = encodeMessageAttributes({{"Foo", textValue("String", "Bar")}});
  for (std::size_t length = 1; length < encoded.size(); ++length) {
    EXPECT_THROW(decodeMessageAttributes(encoded.substr(0, length)), std::runtime_error) << length;
  }
  EXPECT_THROW(decodeMessageAttributes("\xff\xff\xff\xffx"), std::runtime_error);
}

}  // namespace
}  // namespace howdah::service
