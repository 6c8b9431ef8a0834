#include "tests/fuzz/codec_rules.h"

#include <vector>

#include <rapidjson/document.h>

#include "api/codec/aws_json_codec.h"
#include "api/codec/text.h"
#include "api/error_table.h"
#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

constexpr const char* kAccount = "000000000000";

service::QueueRef* queueOf(const api::Action& action, void* input) {
  const api::Member* member = action.input->find("QueueUrl");
  return member ? static_cast<service::QueueRef*>(member->address(input)) : nullptr;
}

}  // namespace

std::shared_ptr<void> makeInput(const api::Action& action) {
  const std::shared_ptr<void> input = action.make_input();
  if (service::QueueRef* queue = queueOf(action, input.get())) *queue = {kAccount, "path"};
  return input;
}

std::string asJson(const api::Action& action, void* input) {
  if (service::QueueRef* queue = queueOf(action, input); queue && queue->account.empty() && !queue->name.empty())
    queue->account = kAccount;
  const std::string body =
      api::AwsJsonCodec().encode(action.input, input, {action.name, "request-id", "http://host:1"}).body;
  requireJson(body);
  return body;
}

void requireRefusal(const api::Codec& codec, const service::Error& error) {
  require(error.code == service::ErrorCode::SerializationException ||
              error.code == service::ErrorCode::MissingRequiredParameterException,
          "a codec refuses what cannot be read or is not there, nothing else");
  requireClientError(codec, error);
}

void requireClientError(const api::Codec& codec, const service::Error& error) {
  require(api::isValidUtf8(error.message), "the text of an error is UTF-8");
  const api::HttpResponse response = codec.encodeError(error, "request-id");
  require(response.status >= 400 && response.status < 500, "what a client did wrong is answered with 4xx");
  if (response.body.starts_with('{')) {
    requireJson(response.body);
  } else {
    requireXml(response.body);
  }
}

void requireJson(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  require(!document.HasParseError() && document.IsObject(), "what is written as JSON is a JSON object");
}

void requireXml(const std::string& text) {
  require(api::isValidUtf8(text), "what is written as XML is UTF-8");
  require(text.find("\xEF\xBF\xBE") == std::string::npos && text.find("\xEF\xBF\xBF") == std::string::npos,
          "XML has no U+FFFE and no U+FFFF");
  std::vector<std::string_view> open;
  std::string_view rest = text;
  if (rest.starts_with("<?xml")) rest.remove_prefix(rest.find("?>") + 2);
  while (!rest.empty()) {
    const unsigned char c = static_cast<unsigned char>(rest.front());
    require(c >= ' ' || c == '\n' || c == '\t', "XML has no control character as it is");
    require(c != '>', "an angle bracket in a text is escaped");
    if (c == '&') {
      const std::string_view reference = rest.substr(1, rest.find(';') - 1);
      require(reference == "amp" || reference == "lt" || reference == "gt" || reference == "quot" ||
                  reference == "apos" || reference.starts_with('#'),
              "an ampersand begins a reference");
    }
    if (c != '<') {
      rest.remove_prefix(1);
      continue;
    }
    const auto end = rest.find('>');
    require(end != std::string_view::npos, "a tag ends");
    std::string_view tag = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (tag.starts_with('/')) {
      require(!open.empty() && open.back() == tag.substr(1), "elements close in the order they opened");
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  require(open.empty(), "every element closes");
}

}  // namespace howdah::fuzz
