#include "service/characters.h"

#include <string>

#include <gtest/gtest.h>

namespace howdah::service {
namespace {

using namespace std::string_literals;

std::string utf8(char32_t c) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | (c >> 6)), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) return {byte(0xe0 | (c >> 12)), byte(0x80 | ((c >> 6) & 0x3f)), byte(0x80 | (c & 0x3f))};
  return {byte(0xf0 | (c >> 18)), byte(0x80 | ((c >> 12) & 0x3f)), byte(0x80 | ((c >> 6) & 0x3f)),
          byte(0x80 | (c & 0x3f))};
}

// As SQS states it, range by range.
bool isStatedAllowed(char32_t c) {
  return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
         (c >= 0x10000 && c <= 0x10ffff);
}

TEST(Characters, EveryCodePointIsAllowedOrNotAsStated) {
  for (char32_t c = 0; c <= 0x110010; ++c) {
    ASSERT_EQ(hasOnlyAllowedCharacters(utf8(c)), isStatedAllowed(c)) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(Characters, EveryByteIsSeenAtEveryPlaceOfARun) {
  for (std::size_t length = 1; length <= 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(length, ' ');  // the lowest printable one, beside which a borrow would show
        text[at] = static_cast<char>(byte);
        const bool allowed = byte < 0x80 && isStatedAllowed(static_cast<char32_t>(byte));
        ASSERT_EQ(hasOnlyAllowedCharacters(text), allowed) << length << " " << at << " " << byte;
      }
    }
  }
}

TEST(Characters, WhatIsNotUtf8IsRefused) {
  for (const std::string& text :
       {"\x80"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xc3("s, "\xe0\x80\x80"s, "\xe0\x9f\xbf"s, "\xe2\x82"s,
        "\xe2(\xac"s, "\xed\xa0\x80"s, "\xed\xbf\xbf"s, "\xf0\x80\x80\x80"s, "\xf0\x8f\xbf\xbf"s, "\xf0\x9f\x98"s,
        "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xfe"s, "\xff"s}) {
    EXPECT_FALSE(hasOnlyAllowedCharacters(text));
    EXPECT_FALSE(hasOnlyAllowedCharacters("12345678" + text));
    EXPECT_FALSE(hasOnlyAllowedCharacters(text + "12345678"));
  }
}

TEST(Characters, OrdinaryTextIsAllowed) {
  for (const std::string& text : {""s, "a"s, "{\"a\": 1}\r\n\t"s, "caf\u00e9 \U0001F600 \u65e5\u672c\u8a9e"s,
                                  std::string(1'048'576, 'x'), "\x7f"s, "\u0080\u0085"s}) {
    EXPECT_TRUE(hasOnlyAllowedCharacters(text)) << text.substr(0, 20);
  }
}

TEST(Characters, AreCountedAsCharactersNotBytes) {
  const auto any = [](char32_t) { return true; };
  EXPECT_EQ(countCharacters("a\u00e9\u65e5\U0001F600", any), 4u);
  EXPECT_EQ(countCharacters("", any), 0u);
  EXPECT_EQ(countCharacters("a\x01", any), std::nullopt);
  EXPECT_EQ(countCharacters("a b", isLetterOrDigit), std::nullopt);
}

TEST(Characters, LettersDigitsAndSpacesAreUnicodes) {
  for (char32_t c : {U'a', U'Z', U'0', U'\u00f8', U'\u00df', U'\u65e5', U'\u0416'}) EXPECT_TRUE(isLetterOrDigit(c));
  for (char32_t c : {U' ', U'-', U'\u00d7', U'\u2014', U'\U0001F600'}) EXPECT_FALSE(isLetterOrDigit(c));
  for (char32_t c : {U' ', U'\t', U'\u2003'}) EXPECT_TRUE(isSpace(c));
  EXPECT_FALSE(isSpace(U'a'));
}

}  // namespace
}  // namespace howdah::service
