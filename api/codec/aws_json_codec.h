// AWS JSON 1.0 with the query-compatible error header
// (https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html).
#pragma once

#include "api/codec/codec.h"

namespace howdah::api {

class AwsJsonCodec : public Codec {
 public:
  std::string_view protocol() const override { return "json"; }
  std::string_view actionName(const HttpRequest& request) const override;
  service::Result<service::Nothing> decode(HttpRequest& request, const Structure& structure,
                                           void* input) const override;
  HttpResponse encode(const Structure* structure, const void* output, const ReplyContext& context) const override;
  HttpResponse encodeError(const service::Error& error, std::string_view request_id) const override;
};

}  // namespace howdah::api
