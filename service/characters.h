// What text may be made of: SQS's characters, by their UTF-8. That a string is valid UTF-8 is checked, not assumed.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace howdah::service {

// The text of SQS's refusal.
inline constexpr const char* kInvalidCharacters =
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
    "#x10000 to #x10FFFF";

// Are these characters that SQS allows in bodies and values (kInvalidCharacters), and nothing else? Fast on ASCII.
bool hasOnlyAllowedCharacters(std::string_view text);

// The number of characters, or nothing if one of them is not allowed or not accepted.
std::optional<std::size_t> countCharacters(std::string_view text, bool (*accepts)(char32_t));

// Unicode's classes.
bool isLetterOrDigit(char32_t c);
bool isSpace(char32_t c);

// A-Z a-z 0-9 - _
bool isNameCharacter(char c);

bool startsWithIgnoringCase(std::string_view text, std::string_view lower_case_prefix);

}  // namespace howdah::service
