// TLS of a server: the certificate and key that its files hold now, and a session over a non-blocking socket. A session
// reads and writes when the socket is ready, as a plain connection does, and keeps no buffer between records.
#pragma once

#include <openssl/ssl.h>

#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "metrics/recorder.h"

namespace howdah::api {

class TlsIdentity {
 public:
  // Throws std::runtime_error with a sentence that names the file and says what to change.
  TlsIdentity(std::string cert_file, std::string key_file, metrics::Recorder& recorder);

  // What a new session is to use. Looks once a second whether the files have changed; broken ones are told in the log,
  // and the last good ones stay in use. Any thread.
  std::shared_ptr<SSL_CTX> current();

 private:
  std::shared_ptr<SSL_CTX> load() const;
  void tellEnd() const;
  std::string stamp() const;

  const std::string cert_file_, key_file_;
  metrics::Recorder& recorder_;
  std::mutex mutex_;
  std::string stamp_;  // of the files as they were read last
  std::chrono::steady_clock::time_point looked_at_;
  std::shared_ptr<SSL_CTX> context_;
};

// The server's side of one connection. would_block: try again when the socket is ready, with the same bytes to write.
class TlsSession {
 public:
  enum class Handshake { Done, NeedsRead, NeedsWrite, Failed };

  // REQUIRES: `socket` is non-blocking and stays open while this lives.
  TlsSession(std::shared_ptr<SSL_CTX> context, int socket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Handshake handshake();
  // At most a record a call, of up to 16 KiB; a larger buffer leaves nothing behind that the socket does not show.
  std::size_t read(char* buffer, std::size_t size, boost::system::error_code& error);
  std::size_t write(std::string_view bytes, boost::system::error_code& error);
  // Says goodbye if that can be said at once.
  void end();

 private:
  const std::shared_ptr<SSL_CTX> context_;
  SSL* const ssl_;
  bool failed_ = false;
};

}  // namespace howdah::api
