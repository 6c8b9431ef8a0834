// What the fuzzers of both codecs require of what they decoded and refused.
#pragma once

#include <memory>
#include <string>

#include "api/action_table.h"
#include "api/codec/codec.h"

namespace howdah::fuzz {

// An input with the QueueUrl filled in as the dispatcher does, so that a URL can be made of it.
std::shared_ptr<void> makeInput(const api::Action& action);

// `input` as AWS JSON. Gives a queue that was named without an account one, since no URL lacks it.
std::string asJson(const api::Action& action, void* input);

// The error is the client's mistake, is in the error table and can be written in the codec's protocol.
void requireClientError(const api::Codec& codec, const service::Error& error);
// And is one of those that codecs make.
void requireRefusal(const api::Codec& codec, const service::Error& error);

void requireJson(const std::string& text);
// Elements close in the order they opened, and every character is one of XML's.
void requireXml(const std::string& text);

}  // namespace howdah::fuzz
