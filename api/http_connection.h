// One connection of the Beast engine, from its accept to its close. It belongs to one I/O thread and needs no lock. It
// holds memory only while bytes pass: parser and buffers are gone while its request waits for a reply, which is what a
// parked long poll mostly does.
#pragma once

#include <utility>  // Asio 1.74 uses std::exchange and leaves the include to us

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/http_admission.h"
#include "api/http_request_parser.h"
#include "api/http_server.h"
#include "api/http_tls.h"

namespace howdah::api::beast {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;  // one read; shared by all connections of a thread

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

}  // namespace howdah::api::beast
