// The addresses to listen on, for every engine: read, resolved and bound, with errors that say what to change.
#pragma once

#include <utility>  // Asio 1.74 uses std::exchange and leaves the include to us

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <vector>

#include "api/http_server.h"

namespace howdah::api {

// Bound, not listening yet. Throws as HttpServer::start does.
std::vector<boost::asio::ip::tcp::acceptor> bindListeners(boost::asio::io_context& context,
                                                          const HttpServerOptions& options);

std::string addressText(const boost::asio::ip::tcp::endpoint& endpoint);

[[noreturn]] void failToListen(const std::string& address, const boost::system::error_code& error,
                               const HttpServerOptions& options);

}  // namespace howdah::api
