// The default HTTP engine, on Boost.Asio's sockets and Boost.Beast's parser. Each I/O thread runs an io_context of its
// own and keeps a connection for life, so a connection needs no lock. A connection holds memory only while bytes pass:
// parser and buffers are gone while its request waits for a reply, which is what a parked long poll mostly does.
#include <sys/resource.h>

#include <utility>  // Asio 1.74 uses std::exchange and leaves the include to us

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/intrusive/list.hpp>
#include <condition_variable>
#include <ctime>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "api/http_admission.h"
#include "api/http_listen.h"
#include "api/http_request_parser.h"
#include "api/http_server.h"
#include "api/http_tls.h"
#include "metrics/log.h"

namespace howdah::api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;  // one read; shared by all connections of a thread
constexpr std::size_t kHeldBytes = 64 * 1024;  // pipelined bytes kept for later; beyond, the client has to wait
constexpr std::size_t kTlsRecord = 16 * 1024;
constexpr std::chrono::milliseconds kLinger{2000};    // for a client to read an error while it still sends
constexpr std::chrono::milliseconds kLastCall{2000};  // while draining, for a request that is on its way
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::string_view kMemory = "memory";  // why a connection was rejected, as metrics tell

class Connection;

using ConnectionHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One I/O thread. Everything but `post` belongs to that thread.
struct IoLoop {
  asio::io_context context{1};
  std::thread thread;
  std::vector<char> read_buffer = std::vector<char>(kReadBytes);
  boost::intrusive::list<Connection, boost::intrusive::base_hook<ConnectionHook>,
                         boost::intrusive::constant_time_size<false>>
      connections;

  bool isCurrent() { return context.get_executor().running_in_this_thread(); }

  // Any thread. False if the thread has ended and `work` will never run.
  template <typename Work>
  bool post(Work&& work) {
    std::lock_guard lock(mutex_);
    if (ended_) return false;
    asio::post(context, std::forward<Work>(work));
    return true;
  }

  // After the thread was joined: runs what was posted until now, and refuses the rest.
  void end() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    context.restart();
    context.poll();
  }

  // The value of the Date header; formatted once a second.
  std::string_view date() {
    const std::time_t now = std::time(nullptr);
    if (now != date_at_) {
      std::tm utc{};
      gmtime_r(&now, &utc);
      date_size_ = std::strftime(date_.data(), date_.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
      date_at_ = now;
    }
    return {date_.data(), date_size_};
  }

 private:
  std::mutex mutex_;
  bool ended_ = false;
  std::time_t date_at_ = 0;
  std::array<char, 40> date_{};
  std::size_t date_size_ = 0;
};

// What connections share with the server. Outlives it as long as an exchange is held somewhere.
struct Shared {
  Shared(HttpLimits l, metrics::Recorder& r)
      : limits(l), recorder(r), per_address(l.connections_per_address), bytes(l.bytes_in_flight) {}

  std::unique_ptr<TlsIdentity> tls;  // null: plain HTTP

  const HttpLimits limits;
  metrics::Recorder& recorder;  // used only by I/O threads, which end before the server does
  HttpHandler handler;
  std::atomic<bool> keep_alive_ended = false;
  std::atomic<bool> draining = false;
  std::atomic<std::size_t> connections = 0;
  ConnectionsPerAddress per_address;
  BytesInFlight bytes;

  // An exchange is what stop() waits for: a request under way, or while draining the chance to send one.
  void exchangeOpened() { ++open_exchanges_; }
  void exchangeClosed() {
    if (--open_exchanges_ > 0 || !draining) return;
    std::lock_guard lock(mutex_);
    all_closed_.notify_all();
  }
  void waitForExchanges(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    all_closed_.wait_for(lock, timeout, [this] { return open_exchanges_ == 0; });
  }

 private:
  std::atomic<std::size_t> open_exchanges_ = 0;
  std::mutex mutex_;
  std::condition_variable all_closed_;
};

using OnWritten = std::function<void(bool written)>;

struct Reply {
  HttpResponse response;
  OnWritten on_written;
  BytesInFlight::Held held;
  bool no_room = false;  // the response stands for one that there was no memory for
};

class Connection : public ConnectionHook, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Shared> shared, std::shared_ptr<IoLoop> loop, tcp::socket socket, asio::ip::address peer)
      : shared_(std::move(shared)),
        loop_(std::move(loop)),
        socket_(std::move(socket)),
        peer_(std::move(peer)),
        timer_(loop_->context) {}

  // On the loop's thread.
  void start();
  void drain();
  void close();

  // Any thread. Answers the exchange under way.
  void reply(Reply reply);

 private:
  enum class Phase {
    Greeting,   // a TLS handshake is under way
    Idle,       // no byte of a next request yet
    Reading,    // in the middle of a request
    Handling,   // the handler has it
    Writing,    // a response is on its way
    Lingering,  // all is written; what still comes is thrown away so that the client can read our last word
    Closed,
  };

  std::size_t readSome(char* buffer, std::size_t size, error_code& error);
  std::size_t writeSome(std::string_view first, std::string_view second, error_code& error);

  void openExchange();
  void closeExchange();
  void greet();
  void waitReadable();
  void onReadable();
  void onEndOfInput();
  void consume(std::string_view bytes);
  void parse(std::string_view bytes);
  void postHeld();
  void consumeHeld();
  bool countInput();
  void handOver();
  void refuse(int status, std::string_view text);
  void refuse(HttpResponse response);
  void refuseForMemory();
  void closeForMemory();
  bool sendContinue();

  void takeReply(Reply reply);
  void write(Reply reply);
  void continueWriting();
  void finishWriting(bool written);
  void linger();

  enum class Deadline { None, Greeting, Idle, Headers, Body, LastCall, Write, Linger };

  void setDeadline(Deadline deadline);
  void armTimer(Clock::time_point at);
  void onDeadline();

  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<IoLoop> loop_;
  tcp::socket socket_;
  std::unique_ptr<TlsSession> tls_;  // null: plain HTTP; ends before the socket
  const asio::ip::address peer_;
  asio::steady_timer timer_;
  Deadline deadline_ = Deadline::None;
  Clock::time_point deadline_at_ = Clock::time_point::max();
  Clock::time_point timer_at_ = Clock::time_point::max();
  Phase phase_ = Phase::Idle;
  bool read_waiting_ = false;
  bool input_ended_ = false;
  bool was_used_ = false;  // a request has come on it
  bool in_handler_ = false;
  bool head_request_ = false;
  bool http10_request_ = false;
  bool keep_alive_ = true;
  bool exchange_open_ = false;
  std::unique_ptr<HttpRequestParser> parser_;
  std::string held_;                                   // bytes that came before their turn
  BytesInFlight::Held input_counted_{shared_->bytes};  // what parser and held_ hold
  std::shared_ptr<service::ClientPresence> client_;
  std::optional<Reply> early_reply_;  // given while the handler was still running
  std::string out_head_;
  std::string out_body_;
  std::size_t out_done_ = 0;
  BytesInFlight::Held out_counted_{shared_->bytes};
  OnWritten on_written_;
};

class BeastExchange : public HttpExchange {
 public:
  BeastExchange(std::shared_ptr<Connection> connection, HttpRequest request, BytesInFlight::Held counted,
                std::shared_ptr<service::ClientPresence> client, BytesInFlight& bytes)
      : connection_(std::move(connection)),
        counted_(std::move(counted)),
        room_(bytes),
        request_(std::move(request)),
        client_(std::move(client)) {}

  ~BeastExchange() override {
    if (!replied_)
      reply({.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "The request was not answered.\n"},
            nullptr);
  }

  HttpRequest& request() override { return request_; }
  const std::shared_ptr<service::ClientPresence>& client() override { return client_; }

  // Most small ones never wait for their client, and some tell of what cannot be undone.
  bool keepRoomFor(std::size_t body_bytes) override {
    has_room_ = room_.resize(body_bytes) || body_bytes <= BytesInFlight::kSmall;
    return has_room_;
  }

  void reply(HttpResponse response, OnWritten on_written) override {
    if (replied_.exchange(true)) throw std::logic_error("an HTTP exchange was answered twice");
    connection_->reply({std::move(response), std::move(on_written), std::move(room_), !has_room_});
  }

 private:
  const std::shared_ptr<Connection> connection_;
  const BytesInFlight::Held counted_;  // what the request holds, whether or not its client is still there
  BytesInFlight::Held room_;           // for the body of the reply
  bool has_room_ = true;
  HttpRequest request_;
  const std::shared_ptr<service::ClientPresence> client_;
  std::atomic<bool> replied_ = false;
};

void Connection::start() {
  loop_->connections.push_back(*this);
  shared_->recorder.connectionOpened();
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  if (shared_->draining) openExchange();
  if (shared_->tls) {
    phase_ = Phase::Greeting;
    setDeadline(Deadline::Greeting);
  } else {
    setDeadline(Deadline::Idle);
  }
  waitReadable();
}

// A request that has begun, or that a new connection was surely made for, is worth waiting for. One that crosses the
// close of a connection kept for later cannot be told from none; a look into the socket makes that unlikely.
void Connection::drain() {
  if (phase_ == Phase::Idle && was_used_ && held_.empty()) {
    onReadable();
    if (phase_ == Phase::Idle) return close();
  }
  if (phase_ != Phase::Greeting && phase_ != Phase::Idle && phase_ != Phase::Reading) return;
  openExchange();
  setDeadline(Deadline::LastCall);
}

void Connection::openExchange() {
  if (!std::exchange(exchange_open_, true)) shared_->exchangeOpened();
}

void Connection::closeExchange() {
  if (std::exchange(exchange_open_, false)) shared_->exchangeClosed();
}

void Connection::close() {
  if (phase_ == Phase::Closed) return;
  const Phase before = std::exchange(phase_, Phase::Closed);
  unlink();
  if (tls_) tls_->end();
  tls_.reset();
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  parser_.reset();
  held_ = {};
  input_counted_.resize(0);
  shared_->recorder.connectionClosed();
  --shared_->connections;
  shared_->per_address.leave(peer_);
  if (before == Phase::Handling)
    return std::exchange(client_, nullptr)->markGone();  // its exchange ends with the reply
  if (before == Phase::Writing) return finishWriting(false);
  closeExchange();
}

std::size_t Connection::readSome(char* buffer, std::size_t size, error_code& error) {
  if (tls_) return tls_->read(buffer, size, error);
  return socket_.read_some(asio::buffer(buffer, size), error);
}

std::size_t Connection::writeSome(std::string_view first, std::string_view second, error_code& error) {
  if (tls_) return tls_->write(first.empty() ? second : first, error);
  const std::array<asio::const_buffer, 2> both{asio::buffer(first), asio::buffer(second)};
  return socket_.write_some(both, error);
}

// ---- the TLS handshake

void Connection::greet() {
  if (!tls_) {
    char first = 0;
    error_code error;
    const std::size_t count = socket_.receive(asio::buffer(&first, 1), tcp::socket::message_peek, error);
    if (error == asio::error::would_block || error == asio::error::interrupted) return waitReadable();
    if (error || count == 0) return close();
    if (first >= 'A' && first <= 'z') {  // TLS begins with a control character
      refuse(400, "This port speaks TLS: use https.");
      return waitReadable();
    }
    tls_ = std::make_unique<TlsSession>(shared_->tls->current(), socket_.native_handle());
  }
  switch (tls_->handshake()) {
    case TlsSession::Handshake::Done:
      phase_ = Phase::Idle;
      setDeadline(Deadline::Idle);
      return waitReadable();
    case TlsSession::Handshake::NeedsRead:
      return waitReadable();
    case TlsSession::Handshake::NeedsWrite:
      socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code error) {
        if (self->phase_ != Phase::Greeting) return;
        if (error) return self->close();
        self->greet();
      });
      return;
    case TlsSession::Handshake::Failed:  // the client has an alert to read
      shared_->recorder.connectionRejected("tls");
      return linger();
  }
}

// ---- reading

// Readiness is waited for, not bytes: a waiting connection then holds no buffer. It is waited for in every phase, which
// is how a client that goes away is noticed.
void Connection::waitReadable() {
  if (read_waiting_ || input_ended_ || phase_ == Phase::Closed) return;
  if (held_.size() >= kHeldBytes && (phase_ == Phase::Handling || phase_ == Phase::Writing)) return;
  read_waiting_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
    self->read_waiting_ = false;
    if (self->phase_ == Phase::Closed) return;
    if (error) return self->close();
    self->onReadable();
  });
}

void Connection::onReadable() {
  if (phase_ == Phase::Greeting) return greet();
  error_code error;
  auto& buffer = loop_->read_buffer;
  const bool is_early = phase_ == Phase::Handling || phase_ == Phase::Writing;
  const std::size_t most = is_early ? std::max(kHeldBytes - held_.size(), kTlsRecord) : buffer.size();
  const std::size_t count = readSome(buffer.data(), most, error);
  if (error == asio::error::would_block || error == asio::error::interrupted) return waitReadable();
  if (error == asio::error::eof) return onEndOfInput();
  if (error) return close();

  const std::string_view bytes(buffer.data(), count);
  if (phase_ == Phase::Idle || phase_ == Phase::Reading) {
    if (held_.empty()) {
      consume(bytes);
    } else {
      const std::string joined = std::exchange(held_, {}).append(bytes);
      consume(joined);
    }
  } else if (phase_ != Phase::Lingering) {
    held_.append(bytes);
    if (!countInput()) closeForMemory();
  }
  waitReadable();
}

// A client that only shut down its sending side looks the same as one that has closed. One that waits for a reply is
// taken to be gone, since a message must not be handed to a connection that may be dead.
void Connection::onEndOfInput() {
  input_ended_ = true;
  if (phase_ != Phase::Writing) close();
}

// `bytes` must not lie in held_, where those that are left over go.
void Connection::consume(std::string_view bytes) {
  parse(bytes);
  if (phase_ == Phase::Closed || phase_ == Phase::Lingering || countInput()) return;
  phase_ == Phase::Reading ? refuseForMemory() : closeForMemory();
}

void Connection::parse(std::string_view bytes) {
  for (;;) {
    if (!parser_) {
      // Some clients send an empty line after a body (RFC 9112 2.2).
      while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
      if (bytes.empty() || bytes == "\r") {
        held_.assign(bytes);
        return;
      }
      parser_ = std::make_unique<HttpRequestParser>(shared_->limits);
      phase_ = Phase::Reading;
    }
    switch (parser_->parse(bytes)) {
      case HttpRequestParser::Progress::Complete:
        if (!countInput()) return refuseForMemory();
        handOver();
        if (phase_ == Phase::Closed || phase_ == Phase::Lingering) return;
        // One request a turn, so that a client with many behind each other delays nobody.
        held_.assign(bytes);
        if (phase_ == Phase::Idle && !held_.empty()) postHeld();
        return;
      case HttpRequestParser::Progress::Refused:
        refuse(parser_->refusalStatus(), parser_->refusalText());
        return;
      case HttpRequestParser::Progress::HeadersDone:
        if (!shared_->bytes.haveRoomFor(parser_->bodyToCome())) return refuseForMemory();
        // A client that has sent its body already needs no leave to do so.
        if (parser_->expectsContinue() && bytes.empty() && !sendContinue()) return close();
        break;
      case HttpRequestParser::Progress::NeedsMore:
        held_.assign(bytes);
        setDeadline(parser_->headersDone() ? Deadline::Body : Deadline::Headers);
        return;
    }
  }
}

// Not at once: it would nest a handler in whoever replied.
void Connection::postHeld() {
  asio::post(loop_->context, [self = shared_from_this()] { self->consumeHeld(); });
}

void Connection::consumeHeld() {
  if (phase_ != Phase::Idle && phase_ != Phase::Reading) return;
  const std::string held = std::exchange(held_, {});
  consume(held);
  waitReadable();
}

// False if there is no room for what has come.
bool Connection::countInput() {
  return input_counted_.resize((parser_ ? parser_->bytesHeld() : 0) + (held_.empty() ? 0 : held_.capacity()));
}

void Connection::handOver() {
  HttpRequest request = std::move(parser_->request());
  keep_alive_ = parser_->keepAlive();
  http10_request_ = parser_->isHttp10();
  head_request_ = request.method == "HEAD";
  parser_.reset();
  request.peer_address = peer_.to_string();
  request.secure = tls_ != nullptr;

  phase_ = Phase::Handling;
  setDeadline(Deadline::None);
  client_ = std::make_shared<service::ClientPresence>();
  openExchange();
  was_used_ = true;
  in_handler_ = true;
  try {
    shared_->handler(std::make_shared<BeastExchange>(shared_from_this(), std::move(request), std::move(input_counted_),
                                                     client_, shared_->bytes));
  } catch (const std::exception& error) {  // dropping the exchange has answered 500
    metrics::logError("an HTTP handler failed", {{"error", error.what()}});
  }
  in_handler_ = false;
  if (early_reply_) {
    Reply reply = std::move(*early_reply_);
    early_reply_.reset();
    write(std::move(reply));
  }
}

// Where the next request begins is not known after this, so the connection ends with it.
void Connection::refuse(int status, std::string_view text) {
  refuse({.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::string(text) + "\n"});
}

void Connection::refuse(HttpResponse response) {
  keep_alive_ = false;
  http10_request_ = false;
  head_request_ = false;
  parser_.reset();
  input_counted_.resize(0);
  write({std::move(response), nullptr, BytesInFlight::Held(shared_->bytes)});
}

void Connection::refuseForMemory() {
  shared_->recorder.connectionRejected(kMemory);
  refuse({.status = 503, .headers = {{"Retry-After", "1"}}});  // SDKs of both protocols understand it without a body
}

// Where no answer can be put any more.
void Connection::closeForMemory() {
  shared_->recorder.connectionRejected(kMemory);
  close();
}

// False if it cannot be sent at once: nothing else is under way, so the client has not read its earlier answers.
bool Connection::sendContinue() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code error;
  return writeSome(kContinue, {}, error) == kContinue.size() && !error;
}

// ---- writing

void Connection::reply(Reply reply) {
  auto take = [self = shared_from_this(), reply = std::move(reply)]() mutable { self->takeReply(std::move(reply)); };
  // Once the thread has ended the connection is closed and nobody else touches it; what is refused was not moved.
  if (loop_->isCurrent() || !loop_->post(std::move(take))) take();  // NOLINT(bugprone-use-after-move)
}

void Connection::takeReply(Reply reply) {
  if (phase_ == Phase::Closed) {
    if (reply.on_written) reply.on_written(false);
    closeExchange();
  } else if (in_handler_) {
    early_reply_ = std::move(reply);
  } else {
    write(std::move(reply));
  }
}

void Connection::write(Reply reply) {
  phase_ = Phase::Writing;
  client_.reset();
  out_counted_ = std::move(reply.held);
  on_written_ = std::move(reply.on_written);
  if (shared_->keep_alive_ended) keep_alive_ = false;
  if (reply.no_room) {
    keep_alive_ = false;
    shared_->recorder.connectionRejected(kMemory);
  }

  HttpResponse& response = reply.response;
  const bool may_have_body = response.status >= 200 && response.status != 204 && response.status != 304;
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  out_head_.reserve(512);
  out_head_.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason.data(), reason.size());
  out_head_.append("\r\nDate: ").append(loop_->date()).append("\r\n");
  for (const auto& [name, value] : response.headers) out_head_.append(name).append(": ").append(value).append("\r\n");
  if (may_have_body) out_head_.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  if (!keep_alive_) {
    out_head_.append("Connection: close\r\n");
  } else if (http10_request_) {
    out_head_.append("Connection: keep-alive\r\n");
  }
  out_head_.append("\r\n");
  if (may_have_body && !head_request_) out_body_ = std::move(response.body);
  if (tls_ && out_head_.size() + out_body_.size() <= kTlsRecord) out_head_.append(std::exchange(out_body_, {}));
  out_done_ = 0;
  continueWriting();
}

void Connection::continueWriting() {
  while (out_done_ < out_head_.size() + out_body_.size()) {
    std::string_view head = out_head_, body = out_body_;
    body.remove_prefix(out_done_ - std::min(out_done_, head.size()));
    head.remove_prefix(std::min(out_done_, head.size()));
    error_code error;
    out_done_ += writeSome(head, body, error);
    if (error == asio::error::would_block) {
      if (out_counted_.bytes() == 0 && !out_counted_.resize(out_head_.size() + out_body_.size()))
        return closeForMemory();
      setDeadline(Deadline::Write);
      socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code wait_error) {
        if (self->phase_ != Phase::Writing) return;
        if (wait_error) return self->close();
        self->continueWriting();
      });
      return;
    }
    if (error && error != asio::error::interrupted) return close();
  }
  finishWriting(true);
}

void Connection::finishWriting(bool written) {
  out_head_ = {};
  out_body_ = {};
  out_counted_.resize(0);
  const auto on_written = std::exchange(on_written_, nullptr);
  if (phase_ == Phase::Writing) {
    phase_ = Phase::Idle;
    if (input_ended_) {
      close();
    } else if (!keep_alive_) {
      linger();
    } else {
      setDeadline(Deadline::Idle);
      if (!held_.empty()) postHeld();
    }
  }
  if (on_written) on_written(written);
  closeExchange();
}

// Closing while bytes of the client are unread resets the connection, which may take our last answer from it.
void Connection::linger() {
  phase_ = Phase::Lingering;
  held_ = {};
  input_counted_.resize(0);
  if (tls_) tls_->end();
  tls_.reset();
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  setDeadline(Deadline::Linger);
  waitReadable();
}

// ---- deadlines

// Setting the same deadline again does not move it; while draining, all that wait for a request are one. The timer is
// only touched when it would fire too late: a busy connection goes from Idle to Idle without ever arming it anew.
void Connection::setDeadline(Deadline deadline) {
  const bool is_for_request = deadline >= Deadline::Greeting && deadline <= Deadline::Body;
  if (is_for_request && shared_->draining) deadline = Deadline::LastCall;
  if (deadline == deadline_) return;
  deadline_ = deadline;
  std::chrono::milliseconds length{};
  switch (deadline) {
    case Deadline::None:
      deadline_at_ = Clock::time_point::max();
      return;
    case Deadline::Greeting:
      length = shared_->limits.header_timeout;
      break;
    case Deadline::Idle:
      length = shared_->limits.idle_timeout;
      break;
    case Deadline::Headers:
      length = shared_->limits.header_timeout;
      break;
    case Deadline::Body:
      length = shared_->limits.body_timeout;
      break;
    case Deadline::LastCall:
      length = kLastCall;
      break;
    case Deadline::Write:
      length = shared_->limits.write_timeout;
      break;
    case Deadline::Linger:
      length = kLinger;
      break;
  }
  deadline_at_ = Clock::now() + length;
  if (deadline_at_ < timer_at_) armTimer(deadline_at_);
}

void Connection::armTimer(Clock::time_point at) {
  timer_at_ = at;
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->phase_ == Phase::Closed) return;
    self->timer_at_ = Clock::time_point::max();
    if (self->deadline_ == Deadline::None) return;
    if (Clock::now() < self->deadline_at_) return self->armTimer(self->deadline_at_);
    self->onDeadline();
  });
}

void Connection::onDeadline() {
  if (deadline_ == Deadline::Headers || deadline_ == Deadline::Body) {
    refuse(408, "The request took too long to arrive.");
  } else {
    close();
  }
}

// ---- the server

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
      : options_(std::move(options)), shared_(std::make_shared<Shared>(options_.limits, recorder)) {}
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
  const std::shared_ptr<Shared> shared_;
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
