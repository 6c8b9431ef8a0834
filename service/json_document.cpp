#include "service/json_document.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace howdah::service {
namespace {

// The parser takes half a surrogate pair, as in "\udc00", for a character, which it is not.
bool isUtf8(const rapidjson::Document& document) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                    rapidjson::kWriteValidateEncodingFlag>
      writer(buffer);
  return document.Accept(writer);
}

}  // namespace

std::optional<rapidjson::Document> parseJsonObject(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // the parser takes it for the end
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Document document;
  document.ParseStream<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream);
  if (document.HasParseError() || !document.IsObject() || !isUtf8(document)) return std::nullopt;
  return document;
}

std::string writeJson(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string_view textOf(const rapidjson::Value& string) { return {string.GetString(), string.GetStringLength()}; }

}  // namespace howdah::service
