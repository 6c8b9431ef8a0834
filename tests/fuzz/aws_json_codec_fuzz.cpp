// An action's name on the first line, the body of its request after it.
#include "api/codec/aws_json_codec.h"

#include "tests/fuzz/codec_rules.h"
#include "tests/fuzz/fuzzer.h"

namespace howdah::fuzz {
namespace {

void fuzzAwsJsonCodec(std::string_view text) {
  const api::AwsJsonCodec codec;
  api::HttpRequest request;
  request.headers = {{"X-Amz-Target", std::string("AmazonSQS.").append(takeLine(text))}};
  const api::Action* action = api::findAction(codec.actionName(request));
  if (!action) return;

  request.body = text;
  const auto input = makeInput(*action);
  if (const auto decoded = codec.decode(request, *action->input, input.get()); !decoded)
    return requireRefusal(codec, decoded.error());

  const std::string written = asJson(*action, input.get());
  request.body = written;
  const auto again = makeInput(*action);
  require(codec.decode(request, *action->input, again.get()).ok(), "what was written can be read");
  require(asJson(*action, again.get()) == written, "what was written is read as what it was");
}

}  // namespace
}  // namespace howdah::fuzz

FUZZER(AwsJsonCodecKeepsItsRules, "aws_json_codec", howdah::fuzz::fuzzAwsJsonCodec)
