#include "api/codec/aws_query_codec.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "api/codec/query_json_rendering.h"
#include "api/codec/query_params.h"
#include "api/codec/text.h"
#include "api/codec/xml_writer.h"
#include "api/error_table.h"
#include "api/queue_url.h"

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;

constexpr std::string_view kNamespace = "http://queue.amazonaws.com/doc/2012-11-05/";

std::string_view queryString(std::string_view target) {
  const auto query_at = target.find('?');
  return query_at == std::string_view::npos ? std::string_view{} : target.substr(query_at + 1);
}

// Of the last parameter Action, as sent: there is nothing in an action's name to encode.
std::string_view actionIn(std::string_view params) {
  constexpr std::string_view kAction = "Action=", kNextAction = "&Action=";
  auto at = params.rfind(kNextAction);
  if (at != std::string_view::npos) {
    at += kNextAction.size();
  } else if (params.starts_with(kAction)) {
    at = kAction.size();
  } else {
    return {};
  }
  return params.substr(at, params.find('&', at) - at);
}

// Writes parameters into the input.
class InputReader {
 public:
  const std::optional<Error>& refusal() const { return refusal_; }

  void readStructure(const Structure& structure, void* value, const QueryScope& scope) {
    for (const Member& member : structure.members)
      readValue(*member.shape, member.address(value), scope, member.query.name, member.query);
  }

 private:
  void readValue(const Shape& shape, void* storage, const QueryScope& scope, std::string_view name,
                 const QueryLocation& location) {
    if (refusal_) return;
    switch (shape.type) {
      case ShapeType::Structure:
        if (const QueryScope inside = scope.under(name); !inside.empty())
          readStructure(*shape.structure, shape.reset(storage), inside);
        break;
      case ShapeType::List:
        readList(shape, shape.reset(storage), scope, name);
        break;
      case ShapeType::Map:
        readMap(shape, shape.reset(storage), scope.under(name), location);
        break;
      default:
        if (const auto text = scope.value(name)) readScalar(shape, storage, *text);
    }
  }

  // A list without elements cannot be told from none: both are empty. Some clients send NAME= for one, and some leave
  // out the number of the only element.
  void readList(const Shape& shape, void* list, const QueryScope& scope, std::string_view name) {
    if (const auto only = scope.value(name); only && !only->empty() && shape.element->type != ShapeType::Structure)
      readScalar(*shape.element, shape.append(list), *only);
    const QueryScope inside = scope.under(name);
    for (const std::uint32_t index : inside.indexes())
      readValue(*shape.element, shape.append(list), inside, std::to_string(index), {});
  }

  void readMap(const Shape& shape, void* map, const QueryScope& scope, const QueryLocation& location) {
    if (scope.value(location.map_key) || scope.value(location.map_value) || !scope.under(location.map_value).empty())
      readEntry(shape, map, scope, location);
    for (const std::uint32_t index : scope.indexes()) {
      const QueryScope entry = scope.under(std::to_string(index));
      if (!entry.empty()) readEntry(shape, map, entry, location);
    }
  }

  void readEntry(const Shape& shape, void* map, const QueryScope& entry, const QueryLocation& location) {
    if (refusal_) return;
    const auto key = entry.value(location.map_key);
    if (!key) {
      const std::string name = std::string(entry.prefix()).append(location.map_key);
      return refuse(ErrorCode::MissingRequiredParameterException,
                    isValidUtf8(name) ? "The request must contain the parameter " + name + "." : "");
    }
    if (!isValidUtf8(*key)) return refuse(ErrorCode::SerializationException, "A parameter is not valid UTF-8.");
    void* const storage = shape.insert(map, std::string(*key));
    shape.element->reset(storage);
    readValue(*shape.element, storage, entry, location.map_value, {});
  }

  void readScalar(const Shape& shape, void* storage, std::string_view text) {
    if (!isValidUtf8(text)) return refuse(ErrorCode::SerializationException, "A parameter is not valid UTF-8.");
    switch (shape.type) {
      case ShapeType::String:
        static_cast<std::string*>(shape.reset(storage))->assign(text);
        break;
      case ShapeType::Blob:
        if (auto bytes = decodeBase64(text)) {
          *static_cast<std::string*>(shape.reset(storage)) = std::move(*bytes);
        } else {
          refuse(ErrorCode::SerializationException, "A binary value is not valid base64.");
        }
        break;
      case ShapeType::Integer:
        readNumber<std::int32_t>(shape, storage, text, "STRING_VALUE can not be converted to an Integer");
        break;
      case ShapeType::Long:
        readNumber<std::int64_t>(shape, storage, text, "STRING_VALUE can not be converted to a Long");
        break;
      case ShapeType::Boolean:
        if (text != "true" && text != "false")
          return refuse(ErrorCode::SerializationException, "STRING_VALUE can not be converted to a Boolean");
        *static_cast<bool*>(shape.reset(storage)) = text == "true";
        break;
      case ShapeType::QueueUrl:
        *static_cast<service::QueueRef*>(shape.reset(storage)) = parseQueueUrl(text);
        break;
      case ShapeType::ErrorCode:  // in no input
      case ShapeType::Structure:
      case ShapeType::List:
      case ShapeType::Map:
        break;
    }
  }

  // An empty value is as if absent.
  template <class Number>
  void readNumber(const Shape& shape, void* storage, std::string_view text, const char* refusal) {
    if (text.empty()) return;
    Number number{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size())
      return refuse(ErrorCode::SerializationException, refusal);
    *static_cast<Number*>(shape.reset(storage)) = number;
  }

  void refuse(ErrorCode code, std::string message) {
    if (!refusal_) refusal_ = Error{code, std::move(message)};
  }

  std::optional<Error> refusal_;
};

class OutputWriter {
 public:
  OutputWriter(XmlWriter& xml, std::string_view url_base) : xml_(xml), url_base_(url_base) {}

  void writeStructure(const Structure& structure, const void* value) {
    for (const Member& member : structure.members)
      if (const void* held = member.read(value)) writeMember(*member.shape, held, member.query);
  }

 private:
  void writeMember(const Shape& shape, const void* value, const QueryLocation& location) {
    switch (shape.type) {
      case ShapeType::List:
        return shape.each(value, [&](const std::string&, const void* element) {
          if (const void* held = shape.element->read(element))
            writeMember(*shape.element, held, {location.name, {}, {}});
        });
      case ShapeType::Map:
        return shape.each(value, [&](const std::string& key, const void* element) {
          const void* held = shape.element->read(element);
          if (!held) return;
          xml_.open(location.name);
          xml_.text(location.map_key, key);
          writeMember(*shape.element, held, {location.map_value, {}, {}});
          xml_.close(location.name);
        });
      case ShapeType::Structure:
        xml_.open(location.name);
        writeStructure(*shape.structure, value);
        return xml_.close(location.name);
      case ShapeType::String:
        return xml_.text(location.name, *static_cast<const std::string*>(value));
      case ShapeType::Blob:
        return xml_.text(location.name, encodeBase64(*static_cast<const std::string*>(value)));
      case ShapeType::Integer:
        return xml_.text(location.name, std::to_string(*static_cast<const std::int32_t*>(value)));
      case ShapeType::Long:
        return xml_.text(location.name, std::to_string(*static_cast<const std::int64_t*>(value)));
      case ShapeType::Boolean:
        return xml_.text(location.name, *static_cast<const bool*>(value) ? "true" : "false");
      case ShapeType::QueueUrl:
        return xml_.text(location.name, makeQueueUrl(url_base_, *static_cast<const service::QueueRef*>(value)));
      case ShapeType::ErrorCode:
        return xml_.text(location.name, errorRow(*static_cast<const ErrorCode*>(value)).query_code);
    }
  }

  XmlWriter& xml_;
  const std::string_view url_base_;
};

HttpResponse response(int status, std::string_view request_id, std::string_view content_type, std::string body) {
  HttpResponse made;
  made.status = status;
  made.headers = {{"x-amzn-RequestId", std::string(request_id)}, {"Content-Type", std::string(content_type)}};
  made.body = std::move(body);
  return made;
}

}  // namespace

std::string_view AwsQueryCodec::actionName(const HttpRequest& request) const {
  const std::string_view in_body = actionIn(request.body);
  return in_body.empty() ? actionIn(queryString(request.target)) : in_body;
}

service::Result<service::Nothing> AwsQueryCodec::decode(HttpRequest& request, const Structure& structure,
                                                        void* input) const {
  // Where both have a parameter, the body's counts.
  std::string query(queryString(request.target));
  QueryParams params;
  if (auto added = params.add(query); !added) return added;
  if (auto added = params.add(request.body); !added) return added;
  InputReader reader;
  reader.readStructure(structure, input, params.all());
  if (reader.refusal()) return *reader.refusal();
  return service::Nothing{};
}

HttpResponse AwsQueryCodec::encode(const Structure* structure, const void* output, const ReplyContext& context) const {
  if (rendering_ == Rendering::Json)
    return response(200, context.request_id, "application/json", renderQueryJson(structure, output, context));
  const std::string action(context.action);
  XmlWriter xml;
  xml.open(action + "Response", kNamespace);
  if (structure) {
    const bool says_something =
        std::ranges::any_of(structure->members, [&](const Member& member) { return member.read(output) != nullptr; });
    if (says_something) {
      xml.open(action + "Result");
      OutputWriter(xml, context.queue_url_base).writeStructure(*structure, output);
      xml.close(action + "Result");
    } else {
      xml.empty(action + "Result");
    }
  }
  xml.open("ResponseMetadata");
  xml.text("RequestId", context.request_id);
  xml.close("ResponseMetadata");
  xml.close(action + "Response");
  return response(200, context.request_id, "text/xml", xml.take());
}

HttpResponse AwsQueryCodec::encodeError(const Error& error, std::string_view request_id) const {
  const ErrorRow& row = errorRow(error.code);
  const std::string_view message = error.message.empty() ? row.queryText() : std::string_view(error.message);
  if (rendering_ == Rendering::Json)
    return response(row.status, request_id, "application/json", renderQueryJsonError(row, message, request_id));
  XmlWriter xml;
  xml.open("ErrorResponse", kNamespace);
  xml.open("Error");
  xml.text("Type", row.fault());
  xml.text("Code", row.query_code);
  xml.text("Message", message);
  xml.empty("Detail");
  xml.close("Error");
  xml.text("RequestId", request_id);
  xml.close("ErrorResponse");
  return response(row.status, request_id, "text/xml", xml.take());
}

}  // namespace howdah::api
