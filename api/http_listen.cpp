#include "api/http_listen.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <iterator>
#include <optional>
#include <stdexcept>

#include "metrics/log.h"

namespace howdah::api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

std::vector<tcp::endpoint> resolve(asio::io_context& context, const std::string& address,
                                   const HttpServerOptions& options) {
  const auto colon = address.rfind(':');
  std::string host = address.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    host.clear();  // an IPv6 address without brackets could end in a port or not
  }
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool is_number =
      !port.empty() && port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || !is_number || std::stoi(port) > 65535)
    throw std::runtime_error(
        "\"" + address + "\" is no address to listen on: give HOST:PORT, such as 127.0.0.1:9324 or [::1]:9324, with " +
        options.listen_setting + ".");
  error_code error;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, port, tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error) failToListen(address, error, options);
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  return endpoints;
}

std::optional<tcp::acceptor> bind(asio::io_context& context, const tcp::endpoint& endpoint, bool may_be_missing,
                                  const HttpServerOptions& options) {
  tcp::acceptor acceptor(context);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  // [::] alone serves IPv4 too; beside an IPv4 listener it must leave that its port.
  const bool v6_only =
      std::ranges::any_of(options.listen, [](const auto& address) { return !address.starts_with('['); });
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(v6_only), error);
  if (!error) acceptor.bind(endpoint, error);
  if (may_be_missing &&
      (error == boost::system::errc::address_not_available || error == asio::error::address_family_not_supported)) {
    metrics::logInfo("not listening on IPv6, which this machine does not have", {{"address", addressText(endpoint)}});
    return std::nullopt;
  }
  if (error) failToListen(addressText(endpoint), error, options);
  return acceptor;
}

}  // namespace

std::vector<tcp::acceptor> bindListeners(asio::io_context& context, const HttpServerOptions& options) {
  std::vector<tcp::endpoint> endpoints;
  for (const auto& address : options.listen)
    std::ranges::copy(resolve(context, address, options), std::back_inserter(endpoints));
  if (endpoints.empty()) throw std::runtime_error("There is no address to listen on.");
  std::vector<tcp::acceptor> bound;
  for (const auto& endpoint : endpoints) {
    // Asked for by default, but missing from many containers.
    const bool may_be_missing = endpoint.address() == asio::ip::address_v6::loopback() && endpoints.size() > 1;
    if (auto acceptor = bind(context, endpoint, may_be_missing, options)) bound.push_back(std::move(*acceptor));
  }
  return bound;
}

std::string addressText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

void failToListen(const std::string& address, const error_code& error, const HttpServerOptions& options) {
  std::string why = error.message() + ". Choose another";
  if (error == asio::error::address_in_use) {
    why = "the port is taken. Is another server running there? Choose another";
  } else if (error == asio::error::access_denied) {
    why = "ports below 1024 need a privilege. Choose a higher one";
  } else if (error == boost::system::errc::address_not_available) {
    why = "this machine has no such address. Choose another";
  }
  throw std::runtime_error("Cannot listen on " + address + ": " + why + " with " + options.listen_setting + ".");
}

}  // namespace howdah::api
