#include "api/http_admission.h"

namespace howdah::api {
namespace {

// IPv4 goes under the multicast prefix ffff::, which nobody connects from.
std::uint64_t keyOf(const boost::asio::ip::address& address) {
  if (address.is_v4()) return 0xffff'0000'0000'0000 | address.to_v4().to_uint();
  std::uint64_t prefix = 0;
  const auto bytes = address.to_v6().to_bytes();
  for (std::size_t i = 0; i < sizeof prefix; ++i) prefix = prefix << 8 | bytes[i];
  return prefix;
}

}  // namespace

bool ConnectionsPerAddress::enter(const boost::asio::ip::address& address) {
  if (limit_ == 0) return true;
  std::lock_guard lock(mutex_);
  const auto found = open_.find(keyOf(address));
  if (found == open_.end()) {
    open_.emplace(keyOf(address), 1);
    return true;
  }
  if (found->second >= limit_) return false;
  ++found->second;
  return true;
}

void ConnectionsPerAddress::leave(const boost::asio::ip::address& address) {
  if (limit_ == 0) return;
  std::lock_guard lock(mutex_);
  const auto found = open_.find(keyOf(address));
  if (--found->second == 0) open_.erase(found);
}

bool BytesInFlight::Held::resize(std::size_t bytes) {
  if (bytes <= bytes_) {
    all_->used_ -= bytes_ - bytes;
  } else {
    const std::size_t more = bytes - bytes_;
    if (all_->used_.fetch_add(more) + more > all_->limitOf(bytes)) {
      all_->used_ -= more;
      return false;
    }
  }
  bytes_ = bytes;
  return true;
}

}  // namespace howdah::api
