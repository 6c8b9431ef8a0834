// Bytes of a connection become one HttpRequest, within limits. Stands on Beast's parser and refuses what that lets
// through although a proxy in front may read it otherwise (request smuggling). Knows no socket and no clock.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <string_view>

#include "api/http_message.h"
#include "api/http_server.h"

namespace howdah::api {

class HttpRequestParser : private boost::beast::http::basic_parser<true> {
 public:
  enum class Progress { NeedsMore, HeadersDone, Complete, Refused };

  // REQUIRES: `limits` outlives the parser.
  explicit HttpRequestParser(const HttpLimits& limits);

  // Takes what it can from the front of `bytes`. Answers HeadersDone once, when a body is still to come; call again.
  Progress parse(std::string_view& bytes);

  // Valid from HeadersDone on.
  bool headersDone() const { return is_header_done(); }
  bool keepAlive() const { return keep_alive(); }
  bool isHttp10() const { return version_ == 10; }
  bool expectsContinue() const { return expects_continue_; }
  // As Content-Length tells.
  std::size_t bodyToCome() const { return content_length_remaining().value_or(0); }

  HttpRequest& request() { return request_; }
  // The memory that the request takes so far.
  std::size_t bytesHeld() const { return header_bytes_ + request_.body.capacity(); }

  // Valid after Refused.
  int refusalStatus() const { return refusal_status_; }
  std::string_view refusalText() const { return refusal_text_; }

 private:
  using Base = boost::beast::http::basic_parser<true>;
  using ErrorCode = boost::system::error_code;
  using View = boost::beast::string_view;

  Progress refuse(int status, std::string_view text);
  void refuse(int status, std::string_view text, ErrorCode& ec);

  void on_request_impl(boost::beast::http::verb verb, View method, View target, int version, ErrorCode& ec) override;
  void on_response_impl(int code, View reason, int version, ErrorCode& ec) override;
  void on_field_impl(boost::beast::http::field field, View name, View value, ErrorCode& ec) override;
  void on_header_impl(ErrorCode& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& content_length, ErrorCode& ec) override;
  std::size_t on_body_impl(View body, ErrorCode& ec) override;
  void on_chunk_header_impl(std::uint64_t size, View extensions, ErrorCode& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remaining, View body, ErrorCode& ec) override;
  void on_finish_impl(ErrorCode& ec) override;

  const HttpLimits& limits_;
  HttpRequest request_;
  std::size_t header_bytes_ = 0;
  int version_ = 11;
  int hosts_ = 0;
  bool has_content_length_ = false;
  bool has_transfer_encoding_ = false;
  bool expects_continue_ = false;
  bool chunk_line_ = false;  // put() has just taken the line of a chunk
  bool in_trailers_ = false;
  int refusal_status_ = 0;
  std::string_view refusal_text_;
};

}  // namespace howdah::api
