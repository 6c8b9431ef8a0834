// What each protocol does with the shapes: reads an action's name and input from a request, writes its output or an
// Error as a response. Codecs have no state; any thread.
#pragma once

#include <string_view>

#include "api/codec/shape.h"
#include "api/http_message.h"
#include "service/error.h"
#include "service/result.h"

namespace howdah::api {

// What a response says beside its output.
struct ReplyContext {
  std::string_view action;
  std::string_view request_id;
  std::string_view queue_url_base;
};

class Codec {
 public:
  virtual ~Codec() = default;

  // As metrics have it: "json" or "query".
  virtual std::string_view protocol() const = 0;

  // The action asked for, or empty where the request names none in the way of this protocol.
  virtual std::string_view actionName(const HttpRequest& request) const = 0;

  // Fills `input`, a fresh object of `structure`, and may use up request.body. Members the shape does not have are
  // ignored.
  virtual service::Result<service::Nothing> decode(HttpRequest& request, const Structure& structure,
                                                   void* input) const = 0;

  // `structure` and `output` are null for an action that answers nothing.
  virtual HttpResponse encode(const Structure* structure, const void* output, const ReplyContext& context) const = 0;

  virtual HttpResponse encodeError(const service::Error& error, std::string_view request_id) const = 0;
};

}  // namespace howdah::api
