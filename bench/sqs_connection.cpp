#include "bench/sqs_connection.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <stdexcept>

namespace howdah::bench {

namespace asio = boost::asio;
using boost::system::error_code;

Endpoint::Endpoint(const std::string& url, const Options& options)
    : access_key(options.access_key), secret_key(options.secret_key) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) throw std::runtime_error("give the endpoint as http://HOST:PORT");
  host_header = url.substr(kScheme.size(), url.find('/', kScheme.size()) - kScheme.size());
  const auto colon = host_header.rfind(':');
  const bool has_port = colon != std::string::npos && host_header.find(']', colon) == std::string::npos;
  std::string host = host_header.substr(0, has_port ? colon : std::string::npos);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  error_code error;
  const auto found = resolver.resolve(host, has_port ? host_header.substr(colon + 1) : "80", error);
  if (error) throw std::runtime_error("cannot resolve " + host_header + ": " + error.message());
  address = found.begin()->endpoint();
  // Of several addresses (localhost is two), the first that somebody listens on.
  for (const auto& entry : found) {
    asio::ip::tcp::socket probe(context);
    probe.connect(entry.endpoint(), error);
    if (error) continue;
    address = entry.endpoint();
    return;
  }
  throw std::runtime_error("nobody listens on " + host_header);
}

std::string Answer::error() const {
  if (status == 200) return "";
  if (status == 0) return "connection: " + body;
  rapidjson::Document document;
  document.Parse(body.data(), body.size());
  if (!document.HasParseError() && document.IsObject() && document.HasMember("__type") && document["__type"].IsString())
    return document["__type"].GetString();
  return fmt::format("HTTP {}", status);
}

SqsConnection::SqsConnection(asio::io_context& context, const Endpoint& endpoint)
    : socket_(context), endpoint_(endpoint) {
  if (!endpoint.secret_key.empty()) signer_.emplace(endpoint.access_key, api::Secret(endpoint.secret_key));
}

void SqsConnection::call(std::string_view action, std::string_view json, Handler handler) {
  static const std::string unsigned_authorization =
      "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/sqs/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" +
      std::string(64, '0');
  handler_ = std::move(handler);
  request_.clear();
  const auto headers = signer_ ? signer_->headersOf(endpoint_.host_header, action, json)
                               : api::HttpHeaders{{"Content-Type", "application/x-amz-json-1.0"},
                                                  {"X-Amz-Date", "20260101T000000Z"},
                                                  {"X-Amz-Target", "AmazonSQS." + std::string(action)},
                                                  {"Authorization", unsigned_authorization}};
  const auto out = std::back_inserter(request_);
  fmt::format_to(out, "POST / HTTP/1.1\r\nHost: {}\r\n", endpoint_.host_header);
  for (const auto& [name, value] : headers) fmt::format_to(out, "{}: {}\r\n", name, value);
  fmt::format_to(out, "Content-Length: {}\r\n\r\n{}", json.size(), json);
  asked_ = Clock::now();
  open_ ? write() : connect();
}

void SqsConnection::close() {
  open_ = false;
  error_code ignored;
  socket_.close(ignored);
}

void SqsConnection::connect() {
  buffer_.clear();
  socket_.async_connect(endpoint_.address, [this](error_code error) {
    if (error) return finish(0, error.message());
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    open_ = true;
    write();
  });
}

void SqsConnection::write() {
  asio::async_write(socket_, asio::buffer(request_), [this](error_code error, std::size_t) {
    if (error) return finish(0, error.message());
    read();
  });
}

void SqsConnection::read() {
  parser_.emplace();
  parser_->body_limit(64 * 1024 * 1024);
  boost::beast::http::async_read(socket_, buffer_, *parser_, [this](error_code error, std::size_t) {
    if (error) return finish(0, error.message());
    const int status = static_cast<int>(parser_->get().result_int());
    const bool keep = parser_->keep_alive();
    std::string body = std::move(parser_->get().body());
    if (!keep) close();
    finish(status, std::move(body));
  });
}

void SqsConnection::finish(int status, std::string body) {
  if (status == 0) close();
  Answer answer{status, std::move(body), asked_, Clock::now()};
  std::exchange(handler_, nullptr)(answer);
}

}  // namespace howdah::bench
