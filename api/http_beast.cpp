// The default HTTP engine, on Boost.Asio's sockets and Boost.Beast's parser: listens, accepts and ends. Each I/O thread
// runs an io_context of its own and keeps a connection for life.
#include <sys/resource.h>

#include <utility>  // Asio 1.74 uses std::exchange and leaves the include to us

#include <algorithm>
#include <boost/asio.hpp>
#include <thread>

#include "api/http_connection.h"
#include "api/http_listen.h"
#include "api/http_server.h"
#include "api/http_tls.h"
#include "metrics/log.h"

namespace howdah::api {
namespace {

namespace asio = boost::asio;
using beast::Connection;
using beast::IoLoop;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{100};

struct Listener {
  explicit Listener(tcp::acceptor bound) : acceptor(std::move(bound)), pause(acceptor.get_executor()) {}
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  bool paused = false;
};

// 0.0.0.0 where the client has gone already.
asio::ip::address peerOf(const tcp::socket& socket) {
  error_code error;
  auto address = socket.remote_endpoint(error).address();
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

class BeastServer : public HttpServer {
 public:
  BeastServer(HttpServerOptions options, metrics::Recorder& recorder)
      : options_(std::move(options)), shared_(std::make_shared<beast::Shared>(options_.limits, recorder)) {}
  ~BeastServer() override { stop(std::chrono::milliseconds(0)); }

  void bind() override;
  void start(HttpHandler handler) override;
  std::vector<std::string> addresses() const override { return addresses_; }
  void endKeepAlive() override { shared_->keep_alive_ended = true; }
  void drain() override;
  void stop(std::chrono::milliseconds timeout) override;

 private:
  using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

  void accept(Listener& listener);
  void acceptThoseWaiting(Listener& listener);
  void onAccepted(Listener& listener, error_code error, tcp::socket socket, const std::shared_ptr<IoLoop>& loop);
  void take(tcp::socket socket, const std::shared_ptr<IoLoop>& loop);

  const HttpServerOptions options_;
  const std::shared_ptr<beast::Shared> shared_;
  std::vector<std::string> addresses_;
  std::vector<std::shared_ptr<IoLoop>> loops_;  // listeners live on the first
  std::vector<WorkGuard> work_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::size_t next_loop_ = 0;
};

// Each connection is a descriptor, and the usual soft limit is 1,024.
void raiseDescriptorLimit(std::size_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_max < connections)
    metrics::logWarn("the limit on open files is below the limit on connections",
                     {{"open_files", limit.rlim_max}, {"connections", connections}});
}

void BeastServer::bind() {
  raiseDescriptorLimit(options_.limits.connections);
  if (!options_.tls_cert_file.empty())
    shared_->tls = std::make_unique<TlsIdentity>(options_.tls_cert_file, options_.tls_key_file, shared_->recorder);
  std::vector<std::shared_ptr<IoLoop>> loops;
  for (int i = 0; i < std::max(1, options_.threads); ++i) loops.push_back(std::make_shared<IoLoop>());
  for (auto& acceptor : bindListeners(loops.front()->context, options_)) {
    addresses_.push_back(addressText(acceptor.local_endpoint()));
    listeners_.push_back(std::make_unique<Listener>(std::move(acceptor)));
  }
  loops_ = std::move(loops);
}

void BeastServer::start(HttpHandler handler) {
  if (loops_.empty()) bind();
  shared_->handler = std::move(handler);
  for (const auto& listener : listeners_) {
    error_code error;
    listener->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) continue;
    const std::string address = addressText(listener->acceptor.local_endpoint());
    listeners_.clear();
    failToListen(address, error, options_);
  }
  for (const auto& listener : listeners_) accept(*listener);
  for (const auto& loop : loops_) {
    work_.emplace_back(loop->context.get_executor());
    loop->thread = std::thread([loop] { loop->context.run(); });
  }
}

void BeastServer::accept(Listener& listener) {
  const auto loop = loops_[next_loop_++ % loops_.size()];
  listener.acceptor.async_accept(loop->context, [this, &listener, loop](error_code error, tcp::socket socket) {
    onAccepted(listener, error, std::move(socket), loop);
  });
}

// Closing a listener resets the connections that nobody has accepted yet.
void BeastServer::acceptThoseWaiting(Listener& listener) {
  error_code error;
  listener.acceptor.non_blocking(true, error);
  while (!error) {
    const auto loop = loops_[next_loop_++ % loops_.size()];
    tcp::socket socket(loop->context);
    listener.acceptor.accept(socket, error);
    if (!error) take(std::move(socket), loop);
  }
}

void BeastServer::onAccepted(Listener& listener, error_code error, tcp::socket socket,
                             const std::shared_ptr<IoLoop>& loop) {
  if (!error) take(std::move(socket), loop);
  if (!listener.acceptor.is_open()) return;
  if (error && error != asio::error::connection_aborted) {
    // Out of descriptors or memory: the connection stays in the backlog, and asking again at once would spin.
    if (!std::exchange(listener.paused, true))
      metrics::logWarn("connections cannot be accepted for now", {{"error", error.message()}});
    listener.pause.expires_after(kAcceptPause);
    listener.pause.async_wait([this, &listener](error_code wait_error) {
      if (!wait_error && listener.acceptor.is_open()) accept(listener);
    });
    return;
  }
  listener.paused = false;
  accept(listener);
}

void BeastServer::take(tcp::socket socket, const std::shared_ptr<IoLoop>& loop) {
  if (shared_->connections >= options_.limits.connections) return shared_->recorder.connectionRejected("limit");
  const asio::ip::address peer = peerOf(socket);
  if (!shared_->per_address.enter(peer)) return shared_->recorder.connectionRejected("address");
  ++shared_->connections;
  auto connection = std::make_shared<Connection>(shared_, loop, std::move(socket), peer);
  shared_->exchangeOpened();
  asio::dispatch(loop->context, [connection, shared = shared_] {
    connection->start();
    shared->exchangeClosed();
  });
}

void BeastServer::drain() {
  if (work_.empty()) return;
  endKeepAlive();
  shared_->draining = true;
  const auto postCounted = [this](const std::shared_ptr<IoLoop>& loop, auto work) {
    shared_->exchangeOpened();
    loop->post([shared = shared_, work] {
      work();
      shared->exchangeClosed();
    });
  };
  postCounted(loops_.front(), [this] {
    for (const auto& listener : listeners_) {
      if (listener->acceptor.is_open()) acceptThoseWaiting(*listener);
      error_code ignored;
      listener->acceptor.close(ignored);
      listener->pause.cancel();
    }
  });
  for (const auto& loop : loops_)
    postCounted(loop, [loop] {
      for (auto next = loop->connections.begin(); next != loop->connections.end();)
        (next++)->shared_from_this()->drain();
    });
}

void BeastServer::stop(std::chrono::milliseconds timeout) {
  if (!work_.empty()) {
    drain();
    shared_->waitForExchanges(timeout);
    work_.clear();
    for (const auto& loop : loops_)
      loop->post([loop] {
        while (!loop->connections.empty()) loop->connections.front().shared_from_this()->close();
      });
    for (const auto& loop : loops_) loop->thread.join();
    for (const auto& loop : loops_) loop->end();
  }
  listeners_.clear();
  loops_.clear();
}

}  // namespace

std::unique_ptr<HttpServer> makeBeastServer(HttpServerOptions options, metrics::Recorder& recorder) {
  return std::make_unique<BeastServer>(std::move(options), recorder);
}

}  // namespace howdah::api
