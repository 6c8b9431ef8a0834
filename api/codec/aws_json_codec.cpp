// Reading is event driven (RapidJSON's SAX form, in place): values go straight to their C++ members, and what no shape
// names costs no memory. The measurement behind it is in docs/decisions/json.md.
#include "api/codec/aws_json_codec.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Aligned 16-byte loads pass the end of the buffer, which is harmless but not to AddressSanitizer.
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RAPIDJSON_SSE2
#elif defined(__ARM_NEON) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RAPIDJSON_NEON
#endif
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "api/codec/text.h"
#include "api/error_table.h"
#include "api/queue_url.h"

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;

constexpr std::string_view kTargetPrefix = "AmazonSQS.";
constexpr std::string_view kContentType = "application/x-amz-json-1.0";

// The deepest shape is a batch entry's list value, six levels down; the rest is for members we do not know.
constexpr std::size_t kMaxDepth = 100;
// Of all lists and maps of a request together. The largest request that means something has some hundreds; a batch of
// ten thousand entries is still read, for SQS's error names their number.
constexpr std::size_t kMaxElements = 100'000;

// Receives RapidJSON's events and writes the values into the input.
class InputHandler {
 public:
  InputHandler(const Structure& structure, void* input)
      : root_{ShapeType::Structure, readThere, resetThere, &structure} {
    slot_ = {&root_, input};
  }

  const std::optional<std::string>& refusal() const { return refusal_; }

  bool Null() { return true; }  // as if absent

  bool Bool(bool value) {
    if (ignored()) return true;
    const Slot slot = next();
    if (!slot.shape) return false;
    if (slot.shape->type != ShapeType::Boolean) return mismatch(value ? "TRUE_VALUE" : "FALSE_VALUE", slot);
    *static_cast<bool*>(slot.shape->reset(slot.storage)) = value;
    return true;
  }

  bool Int(int value) { return Int64(value); }
  bool Uint(unsigned value) { return Int64(value); }
  bool Int64(std::int64_t value) {
    if (ignored()) return true;
    const Slot slot = next();
    if (!slot.shape) return false;
    if (slot.shape->type == ShapeType::Long) {
      *static_cast<std::int64_t*>(slot.shape->reset(slot.storage)) = value;
      return true;
    }
    if (slot.shape->type == ShapeType::Integer && value >= std::numeric_limits<std::int32_t>::min() &&
        value <= std::numeric_limits<std::int32_t>::max()) {
      *static_cast<std::int32_t*>(slot.shape->reset(slot.storage)) = static_cast<std::int32_t>(value);
      return true;
    }
    return mismatch("NUMBER_VALUE", slot);
  }
  bool Uint64(std::uint64_t) { return noInteger(); }
  bool Double(double) { return noInteger(); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return noInteger(); }

  bool String(const char* data, rapidjson::SizeType size, bool) {
    const std::string_view text(data, size);
    if (!isValidUtf8(text)) return refuse("The request body is not valid UTF-8.");
    if (ignored()) return true;
    const Slot slot = next();
    if (!slot.shape) return false;
    switch (slot.shape->type) {
      case ShapeType::String:
        static_cast<std::string*>(slot.shape->reset(slot.storage))->assign(text);
        return true;
      case ShapeType::QueueUrl:
        *static_cast<service::QueueRef*>(slot.shape->reset(slot.storage)) = parseQueueUrl(text);
        return true;
      case ShapeType::Blob: {
        auto bytes = decodeBase64(text);
        if (!bytes) return refuse("A binary value is not valid base64.");
        *static_cast<std::string*>(slot.shape->reset(slot.storage)) = std::move(*bytes);
        return true;
      }
      default:
        return mismatch("STRING_VALUE", slot);
    }
  }

  bool Key(const char* data, rapidjson::SizeType size, bool) {
    const std::string_view name(data, size);
    if (!isValidUtf8(name)) return refuse("The request body is not valid UTF-8.");
    if (ignored_depth_ > 0) return true;
    if (top()->shape->type == ShapeType::Map) {
      map_key_ = name;
      return true;
    }
    const Member* member = top()->shape->structure->find(name);
    slot_ = member ? Slot{member->shape, member->address(top()->value)} : Slot{};
    return true;
  }

  bool StartObject() { return open(ShapeType::Map, "Start of structure or map found where not expected."); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(ShapeType::List, "Start of list found where not expected"); }
  bool EndArray(rapidjson::SizeType) { return close(); }

 private:
  struct Slot {  // where the next value goes; no shape: nowhere
    const Shape* shape = nullptr;
    void* storage = nullptr;
  };
  struct Open {  // a structure, list or map under way
    const Shape* shape;
    void* value;
  };

  static const void* readThere(const void* storage) { return storage; }
  static void* resetThere(void* storage) { return storage; }

  const Open* top() const { return open_.empty() ? nullptr : &open_.back(); }

  // The value at hand belongs to a member that the shape does not have.
  bool ignored() const {
    return ignored_depth_ > 0 || (!slot_.shape && top() && top()->shape->type == ShapeType::Structure);
  }

  // REQUIRES: !ignored(). No shape if refused.
  Slot next() {
    const Open* container = top();
    if (!container || container->shape->type == ShapeType::Structure) return slot_;
    if (++elements_ > kMaxElements) {
      refuse("The request has too many list or map elements.");
      return {};
    }
    return {container->shape->element, container->shape->type == ShapeType::List
                                           ? container->shape->append(container->value)
                                           : container->shape->insert(container->value, std::move(map_key_))};
  }

  bool open(ShapeType type, const char* unexpected) {
    if (open_.size() + ignored_depth_ >= kMaxDepth) return refuse("The request body is nested too deeply.");
    if (ignored()) {
      ++ignored_depth_;
      return true;
    }
    const Slot slot = next();
    if (!slot.shape) return false;
    const bool fits = slot.shape->type == type || (type == ShapeType::Map && slot.shape->type == ShapeType::Structure);
    if (!fits) return refuse(unexpected);
    open_.push_back({slot.shape, slot.shape->reset(slot.storage)});
    slot_ = {};
    return true;
  }

  bool close() {
    if (ignored_depth_ > 0) {
      --ignored_depth_;
    } else {
      open_.pop_back();
    }
    return true;
  }

  bool noInteger() {
    if (ignored()) return true;
    const Slot slot = next();
    return slot.shape && mismatch("NUMBER_VALUE", slot);
  }

  bool mismatch(std::string_view found, const Slot& slot) {
    std::string_view expected;
    switch (slot.shape->type) {
      case ShapeType::List:
        return refuse("Expected list or null");
      case ShapeType::Map:
      case ShapeType::Structure:
        return refuse("Expected map or null");
      case ShapeType::Integer:
        expected = " can not be converted to an Integer";
        break;
      case ShapeType::Long:
        expected = " can not be converted to a Long";
        break;
      case ShapeType::Boolean:
        expected = " can not be converted to a Boolean";
        break;
      case ShapeType::String:
      case ShapeType::Blob:
      case ShapeType::QueueUrl:
      case ShapeType::ErrorCode:
        expected = " can not be converted to a String";
        break;
    }
    return refuse(std::string(found).append(expected));
  }

  bool refuse(std::string message) {
    refusal_ = std::move(message);
    return false;
  }

  const Shape root_;
  Slot slot_;  // of the value that follows the latest key
  std::vector<Open> open_;
  std::size_t ignored_depth_ = 0;
  std::size_t elements_ = 0;
  std::string map_key_;
  std::optional<std::string> refusal_;
};

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

void writeString(JsonWriter& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void writeKey(JsonWriter& writer, std::string_view name) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void writeStructure(JsonWriter& writer, const Structure& structure, const void* value, std::string_view url_base);

void writeValue(JsonWriter& writer, const Shape& shape, const void* value, std::string_view url_base) {
  switch (shape.type) {
    case ShapeType::String:
      writeString(writer, *static_cast<const std::string*>(value));
      break;
    case ShapeType::Blob:
      writeString(writer, encodeBase64(*static_cast<const std::string*>(value)));
      break;
    case ShapeType::Integer:
      writer.Int(*static_cast<const std::int32_t*>(value));
      break;
    case ShapeType::Long:
      writer.Int64(*static_cast<const std::int64_t*>(value));
      break;
    case ShapeType::Boolean:
      writer.Bool(*static_cast<const bool*>(value));
      break;
    case ShapeType::QueueUrl:
      writeString(writer, makeQueueUrl(url_base, *static_cast<const service::QueueRef*>(value)));
      break;
    case ShapeType::ErrorCode:
      writeString(writer, errorRow(*static_cast<const ErrorCode*>(value)).query_code);
      break;
    case ShapeType::Structure:
      writeStructure(writer, *shape.structure, value, url_base);
      break;
    case ShapeType::List:
      writer.StartArray();
      shape.each(value, [&](const std::string&, const void* element) {
        if (const void* held = shape.element->read(element)) writeValue(writer, *shape.element, held, url_base);
      });
      writer.EndArray();
      break;
    case ShapeType::Map:
      writer.StartObject();
      shape.each(value, [&](const std::string& key, const void* element) {
        const void* held = shape.element->read(element);
        if (!held) return;
        writeKey(writer, key);
        writeValue(writer, *shape.element, held, url_base);
      });
      writer.EndObject();
      break;
  }
}

void writeStructure(JsonWriter& writer, const Structure& structure, const void* value, std::string_view url_base) {
  writer.StartObject();
  for (const Member& member : structure.members) {
    if (const void* held = member.read(value)) {
      writeKey(writer, member.name);
      writeValue(writer, *member.shape, held, url_base);
    }
  }
  writer.EndObject();
}

HttpResponse response(int status, std::string_view request_id) {
  HttpResponse made;
  made.status = status;
  made.headers = {{"x-amzn-RequestId", std::string(request_id)}, {"Content-Type", std::string(kContentType)}};
  return made;
}

}  // namespace

std::string_view AwsJsonCodec::actionName(const HttpRequest& request) const {
  std::string_view target = request.header("X-Amz-Target");
  if (!target.starts_with(kTargetPrefix)) return {};
  target.remove_prefix(kTargetPrefix.size());
  return target;
}

service::Result<service::Nothing> AwsJsonCodec::decode(HttpRequest& request, const Structure& structure,
                                                       void* input) const {
  if (request.body.empty()) return service::Nothing{};
  // Iterative, so that no nesting grows the thread's stack. UTF-8 is checked on the decoded strings, which also catches
  // what escapes can make.
  InputHandler handler(structure, input);
  rapidjson::InsituStringStream stream(request.body.data());
  rapidjson::Reader reader;
  const rapidjson::ParseResult parsed =
      reader.Parse<rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag>(stream, handler);
  if (handler.refusal()) return Error{ErrorCode::SerializationException, *handler.refusal()};
  // A NUL byte ends the parser's input early.
  if (!parsed || stream.Tell() != request.body.size()) return Error{ErrorCode::SerializationException, {}};
  return service::Nothing{};
}

HttpResponse AwsJsonCodec::encode(const Structure* structure, const void* output, const ReplyContext& context) const {
  HttpResponse made = response(200, context.request_id);
  if (structure) {
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writeStructure(writer, *structure, output, context.queue_url_base);
    made.body.assign(buffer.GetString(), buffer.GetSize());
  }
  return made;
}

HttpResponse AwsJsonCodec::encodeError(const Error& error, std::string_view request_id) const {
  const ErrorRow& row = errorRow(error.code);
  HttpResponse made = response(row.status, request_id);
  // With this header an SDK reports the code that SQS had before it spoke JSON, which is what applications test for.
  made.headers.emplace_back("x-amzn-query-error", std::string(row.query_code).append(";").append(row.fault()));

  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  writeKey(writer, "__type");
  writeString(writer, std::string(row.shape_namespace).append(row.shape));
  writeKey(writer, error.code == ErrorCode::AccessDeniedException ? "Message" : "message");
  writeString(writer, error.message.empty() ? row.default_text : error.message);
  writer.EndObject();
  made.body.assign(buffer.GetString(), buffer.GetSize());
  return made;
}

}  // namespace howdah::api
