// What all connections of a server may come to: how many from one address, and how many bytes they hold. Any thread.
#pragma once

#include <utility>  // Asio 1.74 uses std::exchange and leaves the include to us

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace howdah::api {

// Counts connections by the address they come from. An IPv6 client is usually given a /64 whole (RFC 6177), so that
// counts as one address.
class ConnectionsPerAddress {
 public:
  // 0: nobody is counted or refused.
  explicit ConnectionsPerAddress(std::size_t limit) : limit_(limit) {}

  // False where the address has as many as it may; otherwise leave() must follow.
  bool enter(const boost::asio::ip::address& address);
  void leave(const boost::asio::ip::address& address);

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> open_;
};

// The memory that requests and responses may hold at once. A share is counted by a Held, for as long as that lives.
class BytesInFlight {
 public:
  // Shares up to this size may use up the limit; larger ones leave them an eighth of it, so that a few clients with
  // huge bodies do not shut out all others.
  static constexpr std::size_t kSmall = 64 * 1024;

  explicit BytesInFlight(std::size_t limit) : limit_(limit) {}

  // Whether a share of `bytes` would find room beside what is held now. It is not held by that.
  bool haveRoomFor(std::size_t bytes) const { return used_ + bytes <= limitOf(bytes); }

  class Held {
   public:
    // REQUIRES: `all` outlives this.
    explicit Held(BytesInFlight& all) : all_(&all) {}
    Held(Held&& from) noexcept : all_(from.all_), bytes_(std::exchange(from.bytes_, 0)) {}
    Held& operator=(Held&& from) noexcept {
      std::swap(all_, from.all_);
      std::swap(bytes_, from.bytes_);
      return *this;
    }
    ~Held() {
      if (bytes_ > 0) resize(0);  // what was moved from may outlive all
    }

    // False, and nothing changes, where it would grow and there is no room. Shrinking always succeeds.
    bool resize(std::size_t bytes);
    std::size_t bytes() const { return bytes_; }

   private:
    BytesInFlight* all_;
    std::size_t bytes_ = 0;
  };

 private:
  std::size_t limitOf(std::size_t share) const { return share > kSmall ? limit_ - limit_ / 8 : limit_; }

  const std::size_t limit_;
  std::atomic<std::size_t> used_ = 0;
};

}  // namespace howdah::api
