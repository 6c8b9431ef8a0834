// What AWS Query answers a client that asks for application/json, as API Gateway's integrations do: the XML's elements
// as JSON, with lists and maps as arrays.
#pragma once

#include <string>
#include <string_view>

#include "api/codec/codec.h"
#include "api/error_table.h"

namespace howdah::api {

// `structure` and `output` are null for an action that answers nothing.
std::string renderQueryJson(const Structure* structure, const void* output, const ReplyContext& context);
std::string renderQueryJsonError(const ErrorRow& row, std::string_view message, std::string_view request_id);

}  // namespace howdah::api
