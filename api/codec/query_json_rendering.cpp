#include "api/codec/query_json_rendering.h"

#include <cstdint>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "api/codec/text.h"
#include "api/queue_url.h"

namespace howdah::api {
namespace {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

void writeString(JsonWriter& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void writeKey(JsonWriter& writer, std::string_view name) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

// SQS's lists Messages and QueueUrls begin with a small letter here, those of batches do not.
std::string keyOf(const Member& member) {
  std::string key(member.name);
  if (member.shape->type == ShapeType::List && key == std::string(member.query.name) + "s")
    key[0] = static_cast<char>(key[0] - 'A' + 'a');
  return key;
}

class Renderer {
 public:
  Renderer(JsonWriter& writer, std::string_view url_base) : writer_(writer), url_base_(url_base) {}

  void writeStructure(const Structure& structure, const void* value) {
    writer_.StartObject();
    for (const Member& member : structure.members) {
      const void* held = member.read(value);
      if (!held) continue;
      writeKey(writer_, keyOf(member));
      writeValue(*member.shape, held, member.query);
    }
    writer_.EndObject();
  }

 private:
  void writeValue(const Shape& shape, const void* value, const QueryLocation& location) {
    switch (shape.type) {
      case ShapeType::String:
        return writeString(writer_, *static_cast<const std::string*>(value));
      case ShapeType::Blob:
        return writeString(writer_, encodeBase64(*static_cast<const std::string*>(value)));
      case ShapeType::Integer:
        writer_.Int(*static_cast<const std::int32_t*>(value));
        return;
      case ShapeType::Long:
        writer_.Int64(*static_cast<const std::int64_t*>(value));
        return;
      case ShapeType::Boolean:
        writer_.Bool(*static_cast<const bool*>(value));
        return;
      case ShapeType::QueueUrl:
        return writeString(writer_, makeQueueUrl(url_base_, *static_cast<const service::QueueRef*>(value)));
      case ShapeType::ErrorCode:
        return writeString(writer_, errorRow(*static_cast<const service::ErrorCode*>(value)).query_code);
      case ShapeType::Structure:
        return writeStructure(*shape.structure, value);
      case ShapeType::List:
        writer_.StartArray();
        shape.each(value, [&](const std::string&, const void* element) {
          if (const void* held = shape.element->read(element)) writeValue(*shape.element, held, {});
        });
        writer_.EndArray();
        return;
      case ShapeType::Map:
        writer_.StartArray();
        shape.each(value, [&](const std::string& key, const void* element) {
          const void* held = shape.element->read(element);
          if (!held) return;
          writer_.StartObject();
          writeKey(writer_, location.map_key);
          writeString(writer_, key);
          writeKey(writer_, location.map_value);
          writeValue(*shape.element, held, {});
          writer_.EndObject();
        });
        writer_.EndArray();
        return;
    }
  }

  JsonWriter& writer_;
  const std::string_view url_base_;
};

}  // namespace

std::string renderQueryJson(const Structure* structure, const void* output, const ReplyContext& context) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  writeKey(writer, std::string(context.action).append("Response"));
  writer.StartObject();
  if (structure) {
    writeKey(writer, std::string(context.action).append("Result"));
    Renderer(writer, context.queue_url_base).writeStructure(*structure, output);
  }
  writeKey(writer, "ResponseMetadata");
  writer.StartObject();
  writeKey(writer, "RequestId");
  writeString(writer, context.request_id);
  writer.EndObject();
  writer.EndObject();
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string renderQueryJsonError(const ErrorRow& row, std::string_view message, std::string_view request_id) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  writeKey(writer, "Error");
  writer.StartObject();
  writeKey(writer, "Code");
  writeString(writer, row.query_code);
  writeKey(writer, "Message");
  writeString(writer, message);
  writeKey(writer, "Type");
  writeString(writer, row.fault());
  writer.EndObject();
  writeKey(writer, "RequestId");
  writeString(writer, request_id);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace howdah::api
