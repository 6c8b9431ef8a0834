// Networks of addresses in CIDR form, as settings name them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace howdah::api {

struct Network {
  std::array<std::uint8_t, 16> address{};  // IPv4 is mapped into IPv6
  int bits = 128;

  // False for what is no address.
  bool contains(const std::string& peer_address) const;
};

// "10.0.0.0/8", "::1", "fd00::/8". Empty if it is none of these.
std::optional<Network> parseNetwork(std::string_view text);

}  // namespace howdah::api
