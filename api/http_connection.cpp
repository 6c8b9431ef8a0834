#include "api/http_connection.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <exception>
#include <stdexcept>

#include "metrics/log.h"

namespace howdah::api::beast {
namespace {

constexpr std::size_t kHeldBytes = 64 * 1024;  // pipelined bytes kept for later; beyond, the client has to wait
constexpr std::size_t kTlsRecord = 16 * 1024;
constexpr std::chrono::milliseconds kLinger{2000};    // for a client to read an error while it still sends
constexpr std::chrono::milliseconds kLastCall{2000};  // while draining, for a request that is on its way
constexpr std::string_view kMemory = "memory";        // why a connection was rejected, as metrics tell

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

}  // namespace

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

}  // namespace howdah::api::beast
