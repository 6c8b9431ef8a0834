// What both protocols need of text: UTF-8 checked, base64 made and read, quotations.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace howdah::api {

// Well-formed by Unicode 3.9: no overlong form, no surrogate, nothing above U+10FFFF.
bool isValidUtf8(std::string_view text);

std::string encodeBase64(std::string_view bytes);
// Empty unless `text` is base64 with its padding and nothing else.
std::optional<std::string> decodeBase64(std::string_view text);

// What a client sent as it may be told back in an answer: in quotes, at most 128 characters, and only printable ones.
std::string quoted(std::string_view text);

}  // namespace howdah::api
