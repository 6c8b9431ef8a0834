// One keep-alive connection that speaks AWS JSON 1.0 to an SQS endpoint, one call at a time. Cheap on purpose: it
// shares the machine with the server. Without a key, the signature has the right form and a wrong value.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/auth/request_signer.h"
#include "bench/options.h"

namespace howdah::bench {

struct Endpoint {
  Endpoint(const std::string& url, const Options& options);  // http://HOST:PORT; throws std::runtime_error

  const std::string access_key, secret_key;
  std::string host_header;
  boost::asio::ip::tcp::endpoint address;
};

struct Answer {
  int status = 0;  // 0: the connection failed, `body` says why
  std::string body;
  Clock::time_point asked;
  Clock::time_point answered;

  std::string error() const;  // SQS's error code, empty on success
};

class SqsConnection {
 public:
  using Handler = std::function<void(Answer&)>;

  SqsConnection(boost::asio::io_context& context, const Endpoint& endpoint);

  // REQUIRES: no call is under way. Connects first if needed. The connection outlives the call.
  void call(std::string_view action, std::string_view json, Handler handler);
  void close();

 private:
  void connect();
  void write();
  void read();
  void finish(int status, std::string body);

  boost::asio::ip::tcp::socket socket_;
  const Endpoint& endpoint_;
  std::optional<api::RequestSigner> signer_;  // if there is a key
  bool open_ = false;
  std::string request_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::string_body>> parser_;
  Handler handler_;
  Clock::time_point asked_;
};

}  // namespace howdah::bench
