// The parameters of an AWS Query request, body and query string together, and the parts of their dotted names:
// SendMessageBatchRequestEntry.1.MessageAttribute.2.Name. Knows nothing of shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/result.h"

namespace howdah::api {

struct QueryParam {
  std::string_view name;
  std::string_view value;
};

// Of one request, empty ones counted: more are refused. The largest request that means something has some hundreds.
constexpr std::size_t kMaxParams = 100'000;

// Whether one of the first kMaxParams of name=value&name=value... has that name, which is written as it is.
bool namesParam(std::string_view encoded, std::string_view name);

// Some of the parameters, of names that begin alike. A view: the QueryParams outlives it.
class QueryScope {
 public:
  QueryScope(const QueryParam* first, const QueryParam* last, std::size_t prefix_size)
      : first_(first), last_(last), prefix_size_(prefix_size) {}

  bool empty() const { return first_ == last_; }
  // What the names begin with, with its dot. REQUIRES: !empty()
  std::string_view prefix() const { return first_->name.substr(0, prefix_size_); }

  // The parameter whose name goes on with exactly `name`; the last one given, if there are several.
  std::optional<std::string_view> value(std::string_view name) const;
  // Those whose names go on with `name` and a dot.
  QueryScope under(std::string_view name) const;

  // The numbers that the names go on with, ascending, each once.
  std::vector<std::uint32_t> indexes() const;

 private:
  std::string_view rest(const QueryParam& param) const { return param.name.substr(prefix_size_); }

  const QueryParam* first_;
  const QueryParam* last_;
  std::size_t prefix_size_;
};

class QueryParams {
 public:
  // Adds name=value&name=value..., which is decoded in place: `encoded` outlives this and is not changed meanwhile.
  service::Result<service::Nothing> add(std::string& encoded);

  // All of them. REQUIRES: no add() while the scope is in use.
  QueryScope all();

 private:
  std::vector<QueryParam> params_;
};

}  // namespace howdah::api
