#include "api/http_request_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>

namespace howdah::api {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// Content-Length is a promise that costs the client nothing, so memory is not taken on its word beyond this.
constexpr std::size_t kReservedBody = 256 * 1024;

// Beast's parser asserts on fewer bytes at the last chunk; whatever chunked body is unfinished has more to come.
constexpr std::size_t kShortestChunkedEnd = 5;

// obs-fold (RFC 9112 5.2), which Beast's parser takes for a blank.
bool hasFold(std::string_view lines) {
  return lines.find("\n ") != std::string_view::npos || lines.find("\n\t") != std::string_view::npos;
}

bool isControl(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

// What a server is asked by its clients (RFC 9112 3.2): not what a proxy is, and nothing whose authority is not the
// Host.
bool isServedTarget(const HttpRequest& request) {
  std::string_view target = request.target;
  if (target == "*") return request.method == "OPTIONS";
  if (target.starts_with('/')) return true;
  const auto scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!beast::iequals({scheme.data(), scheme.size()}, "http") &&
      !beast::iequals({scheme.data(), scheme.size()}, "https"))
    return false;
  target.remove_prefix(scheme_end + 3);
  target = target.substr(0, target.find_first_of("/?#"));
  const std::string_view host = request.header("Host");
  return beast::iequals({target.data(), target.size()}, {host.data(), host.size()});
}

}  // namespace

HttpRequestParser::HttpRequestParser(const HttpLimits& limits) : limits_(limits) {
  // One more, since our own count over request line and fields together is the one that decides.
  header_limit(static_cast<std::uint32_t>(limits.header_bytes + 1));
  body_limit(limits.body_bytes);
}

HttpRequestParser::Progress HttpRequestParser::refuse(int status, std::string_view text) {
  refusal_status_ = status;
  refusal_text_ = text;
  return Progress::Refused;
}

void HttpRequestParser::refuse(int status, std::string_view text, ErrorCode& ec) {
  refuse(status, text);
  ec = http::error::bad_field;
}

HttpRequestParser::Progress HttpRequestParser::parse(std::string_view& bytes) {
  while (!bytes.empty()) {
    const bool was_in_headers = !is_header_done();
    chunk_line_ = false;
    if (!was_in_headers && chunked() && bytes.size() < kShortestChunkedEnd) return Progress::NeedsMore;
    ErrorCode ec;
    const std::size_t taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    const std::string_view lines = was_in_headers || chunk_line_ ? bytes.substr(0, taken) : std::string_view();
    bytes.remove_prefix(taken);
    if (was_in_headers) {
      header_bytes_ += taken;
      const std::size_t pending = ec == http::error::need_more ? bytes.size() : 0;
      if (ec == http::error::header_limit || header_bytes_ + pending > limits_.header_bytes)
        return refuse(431, "The headers are too long.");
    }
    if (ec == http::error::need_more) {
      if (hasFold(lines)) return refuse(400, "The request is malformed.");
      if (bytes.size() > limits_.header_bytes) return refuse(431, "Chunk extensions or trailers are too long.");
      return Progress::NeedsMore;
    }
    if (refusal_status_ != 0) return Progress::Refused;
    if (ec == http::error::body_limit) return refuse(413, "The body is too long.");
    if (ec || hasFold(lines)) return refuse(400, "The request is malformed.");
    // These have no limit in Beast's parser.
    if (chunk_line_ && taken > limits_.header_bytes) return refuse(431, "Chunk extensions or trailers are too long.");
    if (is_done()) return Progress::Complete;
    if (was_in_headers) return Progress::HeadersDone;
  }
  return Progress::NeedsMore;
}

void HttpRequestParser::on_request_impl(http::verb, View method, View target, int version, ErrorCode&) {
  request_.method.assign(method.data(), method.size());
  std::ranges::transform(request_.method, request_.method.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; });
  request_.target.assign(target.data(), target.size());
  version_ = version;
}

void HttpRequestParser::on_field_impl(http::field field, View name, View value, ErrorCode& ec) {
  if (in_trailers_) return;  // nothing of ours may come there
  if (request_.headers.size() >= limits_.header_count) return refuse(431, "There are too many headers.", ec);
  switch (field) {
    case http::field::host:
      ++hosts_;
      break;
    case http::field::content_length:
      if (has_content_length_ || value.find(',') != View::npos)
        return refuse(400, "There is more than one Content-Length.", ec);
      has_content_length_ = true;
      break;
    case http::field::transfer_encoding:
      has_transfer_encoding_ = true;
      if (!beast::iequals(value, "chunked")) return refuse(501, "Of transfer encodings only chunked is spoken.", ec);
      break;
    case http::field::expect:
      if (!beast::iequals(value, "100-continue")) return refuse(417, "Only 100-continue can be expected.", ec);
      expects_continue_ = version_ == 11;
      break;
    default:
      break;
  }
  request_.headers.emplace_back(std::string(name), std::string(value));
}

void HttpRequestParser::on_header_impl(ErrorCode& ec) {
  if (version_ == 11 && hosts_ == 0) return refuse(400, "The Host header is missing.", ec);
  if (hosts_ > 1) return refuse(400, "There is more than one Host header.", ec);
  if (version_ == 10 && has_transfer_encoding_) return refuse(400, "HTTP/1.0 has no Transfer-Encoding.", ec);
  if (!isServedTarget(request_)) return refuse(400, "The request target is not one of this server.", ec);
}

void HttpRequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& content_length, ErrorCode&) {
  if (content_length) request_.body.reserve(std::min<std::size_t>(*content_length, kReservedBody));
}

std::size_t HttpRequestParser::on_body_impl(View body, ErrorCode&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void HttpRequestParser::on_chunk_header_impl(std::uint64_t size, View extensions, ErrorCode& ec) {
  chunk_line_ = true;
  in_trailers_ = size == 0;
  if (std::ranges::any_of(extensions, isControl)) ec = http::error::bad_chunk_extension;
}

std::size_t HttpRequestParser::on_chunk_body_impl(std::uint64_t, View body, ErrorCode&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void HttpRequestParser::on_response_impl(int, View, int, ErrorCode&) {}
void HttpRequestParser::on_finish_impl(ErrorCode&) {}

}  // namespace howdah::api
