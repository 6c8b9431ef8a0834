// The texts that settings are written in: durations, sizes and addresses; and which known name a mistyped one meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace howdah {

// "500ms", "30s", "5m", "1h", "14d"; "0" needs no unit. Empty if it is none of these or too large for its type.
std::optional<std::chrono::milliseconds> parseDuration(std::string_view text);
std::string formatDuration(std::chrono::milliseconds duration);

// "64KiB", "1MiB", "2GiB", "100B"; "0" needs no unit.
std::optional<std::int64_t> parseSize(std::string_view text);
std::string formatSize(std::int64_t bytes);

struct ListenAddress {
  std::string host;  // as written, without brackets
  int port = 0;
  bool is_v6 = false;
  bool is_loopback = false;

  std::string text() const;
};
// "127.0.0.1:9324", "[::1]:9324", "localhost:9324" (which is 127.0.0.1). No other names: a listener is an address.
std::optional<ListenAddress> parseListenAddress(std::string_view text);

// The one of `names` that `wrong` most likely meant; empty if none is near.
std::string_view nearestName(std::string_view wrong, const std::vector<std::string_view>& names);

}  // namespace howdah
