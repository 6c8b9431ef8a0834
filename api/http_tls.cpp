#include "api/http_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <new>
#include <stdexcept>

#include <fmt/format.h>

#include "metrics/log.h"

namespace howdah::api {
namespace {

namespace asio = boost::asio;

// Forward secret and authenticated; those of TLS 1.3 are OpenSSL's.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::chrono::seconds kLookInterval{1};

// OpenSSL's own socket BIO raises SIGPIPE.
int sendBytes(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), bytes,
                           static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int receiveBytes(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), buffer,
                          static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long controlSocket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socketMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, sendBytes);
    BIO_meth_set_read(made, receiveBytes);
    BIO_meth_set_ctrl(made, controlSocket);
    return made;
  }();
  return method;
}

// The newest reason OpenSSL gives.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const text = ERR_reason_error_string(code);
  return text == nullptr ? "it is no PEM file of the kind" : text;
}

int chooseProtocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                   unsigned int offered_length, void*) {
  for (unsigned int at = 0; at < offered_length; at += 1U + offered[at]) {
    if (at + sizeof kHttp11 > offered_length || std::memcmp(offered + at, kHttp11, sizeof kHttp11) != 0) continue;
    *chosen = offered + at + 1;
    *length = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

TlsIdentity::TlsIdentity(std::string cert_file, std::string key_file, metrics::Recorder& recorder)
    : cert_file_(std::move(cert_file)),
      key_file_(std::move(key_file)),
      recorder_(recorder),
      stamp_(stamp()),
      looked_at_(std::chrono::steady_clock::now()),
      context_(load()) {
  tellEnd();
}

std::shared_ptr<SSL_CTX> TlsIdentity::current() {
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_ < kLookInterval) return context_;
  looked_at_ = now;
  std::string stamp_now = stamp();
  if (stamp_now == stamp_) return context_;
  stamp_ = std::move(stamp_now);
  try {
    context_ = load();
    tellEnd();
    recorder_.reloaded("certificate", true);
    metrics::logInfo("the TLS certificate was read again", {{"file", cert_file_}});
  } catch (const std::exception& error) {
    recorder_.reloaded("certificate", false);
    metrics::logError("the TLS certificate was not read again, the old one stays in use", {{"error", error.what()}});
  }
  return context_;
}

std::string TlsIdentity::stamp() const {
  std::string text;
  for (const std::string& file : {cert_file_, key_file_}) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
      text += "missing;";
    } else {
      text += fmt::format("{} {} {}.{};", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    }
  }
  return text;
}

void TlsIdentity::tellEnd() const {
  std::tm utc{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context_.get())), &utc) != 1) return;
  recorder_.certificateEnds(std::chrono::sys_seconds(std::chrono::seconds(timegm(&utc))));
}

std::shared_ptr<SSL_CTX> TlsIdentity::load() const {
  for (const auto& [file, setting] : {std::pair(&cert_file_, "--tls-cert-file"), {&key_file_, "--tls-key-file"}}) {
    std::FILE* const opened = std::fopen(file->c_str(), "re");
    if (opened == nullptr)
      throw std::runtime_error(fmt::format("Cannot read {} of {}: {}.", *file, setting, std::strerror(errno)));
    std::fclose(opened);
  }
  std::shared_ptr<SSL_CTX> made(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!made) throw std::bad_alloc();
  SSL_CTX* const context = made.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kTls12Ciphers);
  // No tickets: one stolen key would open the sessions of all.
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nullptr);
  // Never asks a terminal for a passphrase.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, cert_file_.c_str()) != 1)
    throw std::runtime_error(fmt::format(
        "{} of --tls-cert-file holds no usable certificate: {}. Give a PEM file, the server's certificate first.",
        cert_file_, reason()));
  if (SSL_CTX_use_PrivateKey_file(context, key_file_.c_str(), SSL_FILETYPE_PEM) != 1)
    throw std::runtime_error(fmt::format(
        "{} of --tls-key-file holds no usable key of that certificate: {}. Give its PEM file, without a passphrase.",
        key_file_, reason()));
  struct stat status {};
  if (::stat(key_file_.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0)
    metrics::logWarn("every user of this machine can read the TLS key; chmod o= it", {{"file", key_file_}});
  return made;
}

TlsSession::TlsSession(std::shared_ptr<SSL_CTX> context, int socket)
    : context_(std::move(context)), ssl_(SSL_new(context_.get())) {
  BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(socketMethod());
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): OpenSSL keeps a pointer for us; it is only cast back
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

TlsSession::Handshake TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Handshake::Done;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Handshake::NeedsRead;
    case SSL_ERROR_WANT_WRITE:
      return Handshake::NeedsWrite;
    default:
      failed_ = true;
      return Handshake::Failed;
  }
}

std::size_t TlsSession::read(char* buffer, std::size_t size, boost::system::error_code& error) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_, buffer, size, &count);
  error = {};
  if (result == 1) return count;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      error = asio::error::would_block;
      break;
    case SSL_ERROR_ZERO_RETURN:
      error = asio::error::eof;
      break;
    default:
      failed_ = true;
      error = asio::error::connection_aborted;
  }
  return 0;
}

std::size_t TlsSession::write(std::string_view bytes, boost::system::error_code& error) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count);
  error = {};
  if (result == 1) return count;
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_WRITE) {
    error = asio::error::would_block;
  } else {
    failed_ = true;
    error = asio::error::connection_aborted;
  }
  return 0;
}

void TlsSession::end() {
  if (failed_ || SSL_is_init_finished(ssl_) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

}  // namespace howdah::api
