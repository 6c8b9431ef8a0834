// The target of a request on the first line, its body after it.
#include "api/codec/aws_query_codec.h"

#include "api/codec/aws_json_codec.h"
#include "api/codec/text.h"
#include "tests/fuzz/codec_rules.h"
#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

using api::ShapeType;

// Writes an input as the parameters that a client would send.
class FormWriter {
 public:
  void writeStructure(const api::Structure& structure, const void* value, const std::string& prefix) {
    for (const api::Member& member : structure.members)
      if (const void* held = member.read(value)) write(*member.shape, held, prefix, member.query);
  }

  std::string take() { return std::move(form_); }

 private:
  void write(const api::Shape& shape, const void* value, const std::string& prefix,
             const api::QueryLocation& location) {
    const std::string name = prefix + std::string(location.name);
    int index = 0;
    switch (shape.type) {
      case ShapeType::String:
        return param(name, *static_cast<const std::string*>(value));
      case ShapeType::Blob:
        return param(name, api::encodeBase64(*static_cast<const std::string*>(value)));
      case ShapeType::Integer:
        return param(name, std::to_string(*static_cast<const std::int32_t*>(value)));
      case ShapeType::Long:
        return param(name, std::to_string(*static_cast<const std::int64_t*>(value)));
      case ShapeType::Boolean:
        return param(name, *static_cast<const bool*>(value) ? "true" : "false");
      case ShapeType::QueueUrl: {
        const auto& queue = *static_cast<const service::QueueRef*>(value);
        return param(name, "http://host:1/" + queue.account + "/" + queue.name);
      }
      case ShapeType::Structure:
        param(name + ".Unknown", "");  // so that one without members is there at all
        return writeStructure(*shape.structure, value, name + ".");
      case ShapeType::List:
        return shape.each(value, [&](const std::string&, const void* element) {
          const std::string number = std::to_string(++index);
          if (const void* held = shape.element->read(element))
            write(*shape.element, held, name + ".", {number, {}, {}});
        });
      case ShapeType::Map:
        return shape.each(value, [&](const std::string& key, const void* element) {
          const std::string entry = name + "." + std::to_string(++index) + ".";
          param(entry + std::string(location.map_key), key);
          if (const void* held = shape.element->read(element))
            write(*shape.element, held, entry, {location.map_value, {}, {}});
        });
      case ShapeType::ErrorCode:  // in no input
        return;
    }
  }

  void param(const std::string& name, std::string_view value) {
    constexpr char kHex[] = "0123456789ABCDEF";
    form_ += '&';
    form_ += name;
    form_ += '=';
    for (const unsigned char byte : value) {
      form_ += '%';
      form_ += kHex[byte >> 4];
      form_ += kHex[byte & 15];
    }
  }

  std::string form_;
};

void fuzzAwsQueryCodec(std::string_view text) {
  const api::AwsQueryCodec codec(api::AwsQueryCodec::Rendering::Xml);
  const api::AwsQueryCodec codec_as_json(api::AwsQueryCodec::Rendering::Json);
  api::HttpRequest request;
  request.target = takeLine(text);
  request.body = text;
  const api::Action* action = api::findAction(codec.actionName(request));
  if (!action) return;

  const auto input = makeInput(*action);
  if (const auto decoded = codec.decode(request, *action->input, input.get()); !decoded) {
    requireRefusal(codec, decoded.error());
    return requireRefusal(codec_as_json, decoded.error());
  }
  const std::string json = asJson(*action, input.get());

  FormWriter form;
  form.writeStructure(*action->input, input.get(), "");
  api::HttpRequest written;
  written.body = form.take();
  const auto from_form = makeInput(*action);
  require(codec.decode(written, *action->input, from_form.get()).ok(), "what was written as a form can be read");
  require(asJson(*action, from_form.get()) == json, "what was written as a form is read as what it was");

  written.body = json;
  const auto from_json = makeInput(*action);
  require(api::AwsJsonCodec().decode(written, *action->input, from_json.get()).ok(),
          "both codecs allow the same texts");
  require(asJson(*action, from_json.get()) == json, "both codecs read the same values");

  const api::ReplyContext context{action->name, "request-id", "http://host:1"};
  requireXml(codec.encode(action->input, input.get(), context).body);
  requireJson(codec_as_json.encode(action->input, input.get(), context).body);
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(AwsQueryCodecKeepsItsRules, "aws_query_codec", howdah::fuzz::fuzzAwsQueryCodec)
