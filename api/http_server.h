// The seam between Howdah and an HTTP engine. An engine reads requests within limits, hands each to the handler, and
// writes the response whenever it comes, from whatever thread. Two engines stand behind it and pass one contract test.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/http_message.h"
#include "metrics/recorder.h"
#include "service/caller.h"

namespace howdah::api {

struct HttpLimits {
  std::size_t header_bytes = 32 * 1024;              // request line and headers; more: 431
  std::size_t header_count = 100;                    // more: 431
  std::size_t body_bytes = 16 * 1024 * 1024;         // more: 413, before it is read where Content-Length tells
  std::size_t connections = 20000;                   // more: closed at once
  std::size_t connections_per_address = 0;           // more: closed at once; 0: as many as there may be in all.
                                                     // An IPv6 /64 counts as one address
  std::size_t bytes_in_flight = 512 * 1024 * 1024;   // of requests, pipelined bytes and responses held at once; more:
                                                     // 503 with Retry-After, before a body is read where Content-Length
                                                     // tells; a reader that is slow by then is disconnected
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte to the end of the headers; more: 408.
                                                     // As long may a TLS handshake take; more: closed
  std::chrono::milliseconds body_timeout{60'000};    // from the end of the headers to the end of the body; more: 408
  std::chrono::milliseconds idle_timeout{75'000};    // between requests; longer than any long poll
  std::chrono::milliseconds write_timeout{60'000};   // a reader slower than this is disconnected
};

struct HttpServerOptions {
  std::vector<std::string> listen;  // "127.0.0.1:9324", "[::1]:9324"; port 0 takes a free one
  HttpLimits limits;
  int threads = 1;
  std::string tls_cert_file, tls_key_file;  // PEM; read again when they change. Empty: plain HTTP. The Beast engine's
  std::string listen_setting = "--listen";  // named when an address cannot be had
};

// One request and the way to answer it. Exactly one reply, from any thread; dropping it unanswered answers 500.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual HttpRequest& request() = 0;
  // Marked gone as soon as the engine sees the connection closed while the request waits for its reply.
  virtual const std::shared_ptr<service::ClientPresence>& client() = 0;
  // False where limits.bytes_in_flight leaves no room for a response with a body of that size; a small one always has
  // it. Then reply with an error, and the engine closes the connection after it. Room that was not asked for is found
  // as long as the client reads fast; otherwise its connection is closed.
  virtual bool keepRoomFor(std::size_t /*body_bytes*/) { return true; }
  // `on_written(false)` if the response could not be handed to the client's connection in full. Called once, may be
  // null.
  virtual void reply(HttpResponse response, std::function<void(bool written)> on_written = nullptr) = 0;
};

// Runs on an I/O thread and must not block.
using HttpHandler = std::function<void(std::shared_ptr<HttpExchange>)>;

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  // Takes the addresses, where connections are refused until start(): a proxy then tries another server. Throws
  // std::runtime_error with a sentence that names the address and says what to change.
  virtual void bind() = 0;
  // Serves; binds first if that was not done, and throws as bind() does.
  virtual void start(HttpHandler handler) = 0;
  // The addresses really bound, with their ports. REQUIRES: started.
  virtual std::vector<std::string> addresses() const = 0;
  // Serves on, but each reply is its connection's last, so that clients and proxies leave in their own time: closing a
  // connection that they keep for later could cross a request on its way. REQUIRES: started.
  virtual void endKeepAlive() = 0;
  // endKeepAlive(), and stops accepting. What has connected, or has begun a request, may finish it within two seconds;
  // other idle connections close at once.
  virtual void drain() = 0;
  // Waits until no exchange is open or `timeout` has passed, then closes everything and joins. Safe twice, unstarted.
  virtual void stop(std::chrono::milliseconds timeout) = 0;
};

std::unique_ptr<HttpServer> makeBeastServer(HttpServerOptions options, metrics::Recorder& recorder);
// One a process. It tells the recorder nothing, since it hears nothing of connections.
std::unique_ptr<HttpServer> makeCpprestServer(HttpServerOptions options);

}  // namespace howdah::api
