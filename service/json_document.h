// JSON documents that clients hand in as attribute values: read without trust, written compactly.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <rapidjson/document.h>

namespace howdah::service {

// The document, if `text` is a JSON object, valid UTF-8 and nothing else.
std::optional<rapidjson::Document> parseJsonObject(std::string_view text);

// In the order of its members, without spaces.
std::string writeJson(const rapidjson::Value& value);

std::string_view textOf(const rapidjson::Value& string);

}  // namespace howdah::service
