#include "api/codec/text.h"

#include <gtest/gtest.h>

namespace howdah::api {
namespace {

using namespace std::string_literals;

TEST(Text, ValidUtf8IsTold) {
  for (const std::string& text :
       {""s, "plain"s, "eight by"s, "caf\xc3\xa9 \xf0\x9f\x98\x80"s, "\0"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s,
        "\xf4\x8f\xbf\xbf"s, "\xef\xbf\xbf"s, "padding to a word, then \xe2\x82\xac"s})
    EXPECT_TRUE(isValidUtf8(text)) << testing::PrintToString(text);
}

TEST(Text, MalformedUtf8IsTold) {
  for (const std::string& text :
       {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s, "\xed\xbf\xbf"s,
        "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s, "\xc3"s, "\xe2\x82"s, "\xf0\x9f\x98"s,
        "\xe2\x28\xa1"s, "12345678\xc3"s, "1234567\xc3(2345678"s})
    EXPECT_FALSE(isValidUtf8(text)) << testing::PrintToString(text);
}

TEST(Text, Base64OfEachLengthComesBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decodeBase64(encodeBase64(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Text, Base64IsThatOfRfc4648) {
  EXPECT_EQ(encodeBase64(""), "");
  EXPECT_EQ(encodeBase64("f"), "Zg==");
  EXPECT_EQ(encodeBase64("fo"), "Zm8=");
  EXPECT_EQ(encodeBase64("foo"), "Zm9v");
  EXPECT_EQ(encodeBase64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encodeBase64("\xfb\xff\xbf"), "+/+/");
}

TEST(Text, WhatIsNotBase64IsRefused) {
  for (const std::string& text : {"Z"s, "Zg"s, "Zg="s, "===="s, "Z==="s, "Zg==Zg=="s, "Zm9v\n"s, "Zm9 "s, "Zm-_"s,
                                  "=Zg="s, "Z=g="s, "Zm8=\0\0\0\0"s})
    EXPECT_EQ(decodeBase64(text), std::nullopt) << testing::PrintToString(text);
}

}  // namespace
}  // namespace howdah::api
