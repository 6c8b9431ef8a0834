// The HTTP engine on cpprestsdk's http_listener; pplx stays in here. What the listener does (a test holds each, see
// tests/api/http_contract_test.cpp) is why Beast's engine is the default:
// - A handler runs on a thread of the process-wide pool, under the listener's lock, before the body is complete: it
//   must return at once. Nothing is answered before the body has come, so an endless body is never answered.
// - It looks at neither size nor time: headers and a single chunk are held whatever their length, and nothing times
//   out. What it has read beyond a request (pipelining) is thrown away.
// - It tells nothing of connections: a client that goes while its request waits shows at the reply, or not at all.
// - close() ends every connection and then waits for them, so that exchanges have to be answered before. Closing is not
//   safe beside requests that are on their way (docs/decisions/libraries.md): now and then it hangs or breaks the heap.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>

#include <cpprest/http_listener.h>
#include <pplx/threadpool.h>

#include "api/http_listen.h"
#include "api/http_server.h"
#include "metrics/log.h"

namespace howdah::api {
namespace {

namespace asio = boost::asio;
namespace http = web::http;
using http::experimental::listener::http_listener;

constexpr std::size_t kReadBytes = 64 * 1024;
// close() holds a thread of the pool while it waits for others to finish.
constexpr int kFewestThreads = 4;

using OnWritten = std::function<void(bool written)>;
using ClientPtr = std::shared_ptr<service::ClientPresence>;

// What exchanges share with the server. Outlives it as long as an exchange is held somewhere.
class Shared {
 public:
  Shared(HttpLimits l, HttpHandler h) : limits(l), handler(std::move(h)) {}

  const HttpLimits limits;
  const HttpHandler handler;
  std::atomic<bool> keep_alive_ended = false;

  // False once the server has stopped: the request is then nobody's.
  bool open(const ClientPtr& client) {
    std::lock_guard lock(mutex_);
    if (stopped_) return false;
    clients_.insert(client);
    return true;
  }
  void close(const ClientPtr& client) {
    std::lock_guard lock(mutex_);
    clients_.erase(client);
    if (clients_.empty()) all_closed_.notify_all();
  }
  bool isStopped() const {
    std::lock_guard lock(mutex_);
    return stopped_;
  }
  // Waits for open exchanges; gives up on those left after `timeout`.
  void stop(std::chrono::milliseconds timeout) {
    std::set<ClientPtr> left;
    {
      std::unique_lock lock(mutex_);
      all_closed_.wait_for(lock, timeout, [this] { return clients_.empty(); });
      stopped_ = true;
      left = clients_;
    }
    for (const auto& client : left) client->markGone();
  }

 private:
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::set<ClientPtr> clients_;  // of open exchanges
  std::condition_variable all_closed_;
};

std::string date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

http::http_response toCpprest(HttpResponse response) {
  http::http_response converted(static_cast<http::status_code>(response.status));
  converted.headers().add("Date", date());
  for (const auto& [name, value] : response.headers) converted.headers().add(name, value);
  if (!response.body.empty()) converted.set_body(std::move(response.body), "");
  return converted;
}

class CpprestExchange : public HttpExchange {
 public:
  CpprestExchange(std::shared_ptr<Shared> shared, const http::http_request& cpprest, HttpRequest request,
                  ClientPtr client)
      : shared_(std::move(shared)), cpprest_(cpprest), request_(std::move(request)), client_(std::move(client)) {}

  ~CpprestExchange() override {
    if (!replied_)
      reply({.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "The request was not answered.\n"},
            nullptr);
  }

  HttpRequest& request() override { return request_; }
  const ClientPtr& client() override { return client_; }

  void reply(HttpResponse response, OnWritten on_written) override {
    if (replied_.exchange(true)) throw std::logic_error("an HTTP exchange was answered twice");
    // The listener writes as many bytes as Content-Length says, and knows no HEAD.
    if (request_.method == "HEAD") response.body.clear();
    auto done = [shared = shared_, client = client_, on_written = std::move(on_written)](bool written) {
      if (on_written) on_written(written);
      shared->close(client);
    };
    if (shared_->isStopped()) return done(false);  // cpprestsdk's server is gone, and would be called all the same
    auto converted = toCpprest(std::move(response));
    const bool http10 = cpprest_.http_version() == http::http_versions::HTTP_1_0;
    const auto connection = request_.header("Connection");
    if (shared_->keep_alive_ended) {
      converted.headers().add("Connection", "close");
    } else if (http10 || !connection.empty()) {
      converted.headers().add("Connection", std::string(connection.empty() ? "close" : connection));
    }
    try {
      cpprest_.reply(converted).then([done](const pplx::task<void>& written) {
        bool whole = true;
        try {
          written.get();
        } catch (const std::exception&) {
          whole = false;
        }
        done(whole);
      });
    } catch (const http::http_exception&) {  // the listener has answered in our place, since it was closed
      done(false);
    }
  }

 private:
  const std::shared_ptr<Shared> shared_;
  const http::http_request cpprest_;
  HttpRequest request_;
  const ClientPtr client_;
  std::atomic<bool> replied_ = false;
};

struct Refusal {
  int status;
  const char* text;
};

// What the listener lets through although a proxy in front may read it otherwise (request smuggling), and what is over
// the limits by the time it is seen.
std::optional<Refusal> refusalOf(const http::http_request& request, const std::string& target,
                                 const HttpLimits& limits) {
  const auto& headers = request.headers();
  std::size_t bytes = request.method().size() + target.size() + std::string_view("  HTTP/1.1\r\n\r\n").size();
  for (const auto& [name, value] : headers) bytes += name.size() + value.size() + std::string_view(": \r\n").size();
  if (bytes > limits.header_bytes) return Refusal{431, "The headers are too long."};
  if (headers.size() > limits.header_count) return Refusal{431, "There are too many headers."};

  const auto value = [&](const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  };
  const bool http10 = request.http_version() == http::http_versions::HTTP_1_0;
  if (!http10 && request.http_version() != http::http_version{1, 1}) return Refusal{400, "The version is unknown."};
  const std::string host = value("Host");  // several are joined by the listener
  if (!http10 && host.empty()) return Refusal{400, "The Host header is missing."};
  if (host.find(',') != std::string::npos) return Refusal{400, "There is more than one Host header."};
  if (headers.has("Transfer-Encoding")) {
    if (http10) return Refusal{400, "HTTP/1.0 has no Transfer-Encoding."};
    if (headers.has("Content-Length")) return Refusal{400, "There is a Content-Length beside Transfer-Encoding."};
    if (!utility::details::str_iequal(value("Transfer-Encoding"), "chunked"))
      return Refusal{501, "Of transfer encodings only chunked is spoken."};
  }
  if (const auto length = value("Content-Length"); !length.empty()) {
    if (length.size() > 18 || !std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; }))
      return Refusal{400, "The request is malformed."};
    if (std::stoull(length) > limits.body_bytes) return Refusal{413, "The body is too long."};
  }
  if (headers.has("Expect") && !utility::details::str_iequal(value("Expect"), "100-continue"))
    return Refusal{417, "Only 100-continue can be expected."};
  return std::nullopt;
}

// A request while its body arrives; keeps itself until it has gone to the handler.
class IncomingRequest : public std::enable_shared_from_this<IncomingRequest> {
 public:
  IncomingRequest(std::shared_ptr<Shared> shared, const http::http_request& cpprest)
      : shared_(std::move(shared)), cpprest_(cpprest), piece_(kReadBytes) {}

  void start() {
    request_.method = cpprest_.method();
    request_.target = cpprest_.request_uri().to_string();
    for (const auto& [name, value] : cpprest_.headers()) request_.headers.emplace_back(name, value);
    request_.peer_address = cpprest_.remote_address();
    if (const auto refusal = refusalOf(cpprest_, request_.target, shared_->limits)) return refuse(*refusal);
    readMore();
  }

 private:
  // A continuation. It must not wait: the tasks it would wait for may need its thread.
  template <typename T, typename Work>
  std::function<void(const pplx::task<T>&)> guarded(Work work) {
    return [self = shared_from_this(), work](const pplx::task<T>& done) {
      try {
        work(*self, done.get());
      } catch (const std::exception& error) {  // the client went away in the middle
        metrics::logDebug("an HTTP request was given up", {{"error", error.what()}});
      }
    };
  }

  void readMore() {
    body_ = cpprest_.body().streambuf();
    body_.getn(piece_.data(), piece_.size()).then(guarded<std::size_t>([](auto& self, std::size_t count) {
      self.onRead(count);
    }));
  }

  // The body is awaited even where it is refused, since the listener answers no sooner.
  void onRead(std::size_t count) {
    if (request_.body.size() + count > shared_->limits.body_bytes) {
      too_long_ = true;
      request_.body = {};
    }
    if (!too_long_) request_.body.append(reinterpret_cast<const char*>(piece_.data()), count);
    if (count == piece_.size()) return readMore();
    if (too_long_) return refuse({413, "The body is too long."});
    // All has come, or will not: that throws.
    cpprest_.content_ready().then(
        guarded<http::http_request>([](auto& self, const http::http_request&) { self.handOver(); }));
  }

  void refuse(const Refusal& refusal) {
    auto response = toCpprest({.status = refusal.status,
                               .headers = {{"Content-Type", "text/plain"}, {"Connection", "close"}},
                               .body = std::string(refusal.text) + "\n"});
    cpprest_.reply(response).then([](const pplx::task<void>& written) {
      try {
        written.get();
      } catch (const std::exception&) {  // nobody is there to read it
      }
    });
  }

  void handOver() {
    auto client = std::make_shared<service::ClientPresence>();
    if (!shared_->open(client)) return;
    auto exchange = std::make_shared<CpprestExchange>(shared_, cpprest_, std::move(request_), std::move(client));
    try {
      shared_->handler(std::move(exchange));
    } catch (const std::exception& error) {  // dropping the exchange has answered 500
      metrics::logError("an HTTP handler failed", {{"error", error.what()}});
    }
  }

  const std::shared_ptr<Shared> shared_;
  http::http_request cpprest_;
  HttpRequest request_;
  concurrency::streams::streambuf<std::uint8_t> body_;
  std::vector<std::uint8_t> piece_;
  bool too_long_ = false;
};

class CpprestServer : public HttpServer {
 public:
  explicit CpprestServer(HttpServerOptions options) : options_(std::move(options)) {}
  ~CpprestServer() override { stop(std::chrono::milliseconds(0)); }

  // The listener tells neither why an address cannot be had nor which port it took: both are found out before.
  void bind() override {
    {
      asio::io_context context;
      for (const auto& acceptor : bindListeners(context, options_)) endpoints_.push_back(acceptor.local_endpoint());
    }
    std::erase_if(endpoints_, [](const auto& endpoint) {
      if (endpoint.address().is_v6())
        metrics::logWarn("cpprestsdk cannot listen on IPv6", {{"address", addressText(endpoint)}});
      return endpoint.address().is_v6();
    });
    if (endpoints_.empty())
      throw std::runtime_error("Cannot listen on " + options_.listen.front() +
                               ": cpprestsdk has no IPv6. Choose another address with " + options_.listen_setting +
                               ".");
  }

  void start(HttpHandler handler) override {
    if (endpoints_.empty()) bind();
    initializePool();
    shared_ = std::make_shared<Shared>(options_.limits, std::move(handler));
    for (const auto& endpoint : endpoints_) listen(endpoint);
  }

  std::vector<std::string> addresses() const override { return addresses_; }

  void endKeepAlive() override { shared_->keep_alive_ended = true; }

  void drain() override {
    if (shared_) endKeepAlive();
  }

  void stop(std::chrono::milliseconds timeout) override {
    if (!shared_) return;
    drain();
    shared_->stop(timeout);
    for (const auto& listener : listeners_) try {
        listener->close().get();
      } catch (const std::exception& error) {
        metrics::logWarn("a listener did not close well", {{"error", error.what()}});
      }
    listeners_.clear();
    shared_.reset();
  }

 private:
  void initializePool() const {
    try {
      crossplat::threadpool::initialize_with_threads(
          static_cast<std::size_t>(std::max(kFewestThreads, options_.threads)));
    } catch (const std::exception&) {  // there already; the process has one
    }
  }

  void listen(const asio::ip::tcp::endpoint& endpoint) {
    const std::string address = addressText(endpoint);
    auto listener = std::make_unique<http_listener>("http://" + address + "/");
    listener->support([shared = shared_](const http::http_request& request) {
      std::make_shared<IncomingRequest>(shared, request)->start();
    });
    try {
      listener->open().get();
    } catch (const boost::system::system_error& error) {
      failToListen(address, error.code(), options_);
    }
    listeners_.push_back(std::move(listener));
    addresses_.push_back(address);
  }

  const HttpServerOptions options_;
  std::vector<asio::ip::tcp::endpoint> endpoints_;
  std::shared_ptr<Shared> shared_;
  std::vector<std::unique_ptr<http_listener>> listeners_;
  std::vector<std::string> addresses_;
};

}  // namespace

std::unique_ptr<HttpServer> makeCpprestServer(HttpServerOptions options) {
  return std::make_unique<CpprestServer>(std::move(options));
}

}  // namespace howdah::api
