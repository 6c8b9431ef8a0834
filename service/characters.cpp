#include "service/characters.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace howdah::service {
namespace {

// Takes the next code point off `text`; nothing if it is not valid UTF-8 (overlong, surrogate, cut off, ...).
// REQUIRES: text is not empty.
std::optional<char32_t> takeCodePoint(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  std::size_t length = 1;
  char32_t code_point = lead;
  char32_t lowest = 0;
  if (lead >= 0x80) {
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2, code_point = lead & 0x1f, lowest = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3, code_point = lead & 0x0f, lowest = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4, code_point = lead & 0x07, lowest = 0x10000;
    } else {
      return std::nullopt;
    }
    if (text.size() < length) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[i]);
      if ((next & 0xc0) != 0x80) return std::nullopt;
      code_point = (code_point << 6) | (next & 0x3f);
    }
    if (code_point < lowest || code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
      return std::nullopt;
    }
  }
  text.remove_prefix(length);
  return code_point;
}

bool isAllowed(char32_t code_point) {
  if (code_point < 0x20) return code_point == 0x09 || code_point == 0x0a || code_point == 0x0d;
  return code_point != 0xfffe && code_point != 0xffff;
}

// Unicode's classes, whatever locale the process has.
locale_t unicodeLocale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (!locale) throw std::runtime_error("the C.UTF-8 locale is missing");
  return locale;
}

}  // namespace

bool hasOnlyAllowedCharacters(std::string_view text) {
  constexpr std::uint64_t kEachByte = 0x0101010101010101;
  while (!text.empty()) {
    // Eight bytes at a time, as long as all are printable ASCII: no high bit, and none borrows when 0x20 is taken away.
    std::uint64_t word = 0;
    while (text.size() >= sizeof(word)) {
      std::memcpy(&word, text.data(), sizeof(word));
      if (((word | (word - 0x20 * kEachByte)) & (0x80 * kEachByte)) != 0) break;
      text.remove_prefix(sizeof(word));
    }
    for (std::size_t i = 0; i < sizeof(word) && !text.empty(); ++i) {
      const auto code_point = takeCodePoint(text);
      if (!code_point || !isAllowed(*code_point)) return false;
    }
  }
  return true;
}

bool isLetterOrDigit(char32_t c) { return iswalnum_l(static_cast<wint_t>(c), unicodeLocale()) != 0; }
bool isSpace(char32_t c) { return iswspace_l(static_cast<wint_t>(c), unicodeLocale()) != 0; }

std::optional<std::size_t> countCharacters(std::string_view text, bool (*accepts)(char32_t)) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const auto code_point = takeCodePoint(text);
    if (!code_point || !isAllowed(*code_point) || !accepts(*code_point)) return std::nullopt;
  }
  return count;
}

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool startsWithIgnoringCase(std::string_view text, std::string_view lower_case_prefix) {
  return text.size() >= lower_case_prefix.size() &&
         std::equal(lower_case_prefix.begin(), lower_case_prefix.end(), text.begin(),
                    [](char lower, char c) { return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == lower; });
}

}  // namespace howdah::service
