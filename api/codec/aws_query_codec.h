// AWS Query: a form in, XML out (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html), or JSON out for clients
// that accept only that.
#pragma once

#include "api/codec/codec.h"

namespace howdah::api {

class AwsQueryCodec : public Codec {
 public:
  enum class Rendering { Xml, Json };

  explicit AwsQueryCodec(Rendering rendering) : rendering_(rendering) {}

  std::string_view protocol() const override { return "query"; }
  std::string_view actionName(const HttpRequest& request) const override;
  service::Result<service::Nothing> decode(HttpRequest& request, const Structure& structure,
                                           void* input) const override;
  HttpResponse encode(const Structure* structure, const void* output, const ReplyContext& context) const override;
  HttpResponse encodeError(const service::Error& error, std::string_view request_id) const override;

 private:
  const Rendering rendering_;
};

}  // namespace howdah::api
