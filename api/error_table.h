// What an ErrorCode looks like on the wire: one row each. A code added to service/error.h without a row here does not
// compile.
#pragma once

#include <string_view>

#include "service/error.h"

namespace howdah::api {

struct ErrorRow {
  service::ErrorCode code;
  std::string_view shape_namespace;  // com.amazonaws.sqs# for SQS's own model, com.amazon.coral.service# for the rest
  std::string_view shape;            // the modelled name, in JSON's __type
  std::string_view query_code;       // in XML's <Code>, x-amzn-query-error and a batch's Failed entries
  int status;                        // a Receiver fault from 500 on, else a Sender fault
  std::string_view default_text;     // when the Error says nothing
  std::string_view query_text = {};  // the same in XML, where that differs

  std::string_view queryText() const { return query_text.empty() ? default_text : query_text; }
  std::string_view fault() const { return status >= 500 ? "Receiver" : "Sender"; }
};

// REQUIRES: code < ErrorCode::kCount.
const ErrorRow& errorRow(service::ErrorCode code);

}  // namespace howdah::api
