#include "api/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace howdah::api {
namespace {

constexpr int kMappedBits = 96;  // ::ffff:0:0/96 in front of an IPv4 address
constexpr std::array<std::uint8_t, kMappedBits / 8> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::array<std::uint8_t, 16>> parseAddress(const std::string& text, int& family_bits) {
  std::array<std::uint8_t, 16> address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) {
    family_bits = 128;
    return address;
  }
  address[10] = address[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), address.data() + 12) != 1) return std::nullopt;
  family_bits = 32;
  return address;
}

}  // namespace

bool Network::contains(const std::string& peer_address) const {
  int family_bits = 0;
  const auto peer = parseAddress(peer_address, family_bits);
  if (!peer) return false;
  // No IPv6 network holds the IPv4 addresses, though ::/0 and ::/64 hold the form they are compared in.
  if (bits < kMappedBits && std::equal(peer->begin(), peer->begin() + kMappedBits / 8, kMapped.begin())) return false;
  const auto whole_bytes = static_cast<std::size_t>(bits / 8);
  if (!std::equal(address.begin(), address.begin() + bits / 8, peer->begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || ((address[whole_bytes] ^ (*peer)[whole_bytes]) >> (8 - rest)) == 0;
}

std::optional<Network> parseNetwork(std::string_view text) {
  const auto slash = text.find('/');
  int family_bits = 0;
  const auto address = parseAddress(std::string(text.substr(0, slash)), family_bits);
  if (!address) return std::nullopt;
  int bits = family_bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    const auto [stop, problem] = std::from_chars(digits.data(), end, bits);
    if (problem != std::errc{} || stop != end || bits < 0 || bits > family_bits) return std::nullopt;
  }
  return Network{*address, family_bits == 32 ? kMappedBits + bits : bits};
}

}  // namespace howdah::api
