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
    if (!was_in_headers && chunked() && bytes.size() < kShortestChunkedEnd) return Progress::NeedsMore;
    ErrorCode ec;
    const std::size_t taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    bytes.remove_prefix(taken);
    if (was_in_headers) {
      header_bytes_ += taken;
      const std::size_t pending = ec == http::error::need_more ? bytes.size() : 0;
      if (ec == http::error::header_limit || header_bytes_ + pending > limits_.header_bytes)
        return refuse(431, "The headers are too long.");
    }
    if (ec == http::error::need_more) {
      // Chunk extensions and trailers have no limit in Beast's parser.
      if (bytes.size() > limits_.header_bytes) return refuse(431, "Chunk extensions or trailers are too long.");
      return Progress::NeedsMore;
    }
    if (refusal_status_ != 0) return Progress::Refused;
    if (ec == http::error::body_limit) return refuse(413, "The body is too long.");
    if (ec) return refuse(400, "The request is malformed.");
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
}

void HttpRequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& content_length, ErrorCode&) {
  if (content_length) request_.body.reserve(std::min<std::size_t>(*content_length, kReservedBody));
}

std::size_t HttpRequestParser::on_body_impl(View body, ErrorCode&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void HttpRequestParser::on_chunk_header_impl(std::uint64_t size, View, ErrorCode&) { in_trailers_ = size == 0; }

std::size_t HttpRequestParser::on_chunk_body_impl(std::uint64_t, View body, ErrorCode&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void HttpRequestParser::on_response_impl(int, View, int, ErrorCode&) {}
void HttpRequestParser::on_finish_impl(ErrorCode&) {}

}  // namespace howdah::api
