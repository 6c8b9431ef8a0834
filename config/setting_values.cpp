#include "config/setting_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <span>

#include <fmt/format.h>

namespace howdah {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr Unit kDurations[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizes[] = {{"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}};

std::optional<std::int64_t> parseWithUnit(std::string_view text, std::span<const Unit> units) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.empty()) return number == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / known.factor) return std::nullopt;
    return number * known.factor;
  }
  return std::nullopt;
}

std::string formatWithUnit(std::int64_t number, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) best = &unit;
  }
  return fmt::format("{}{}", number / best->factor, best->name);
}

std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::chrono::milliseconds> parseDuration(std::string_view text) {
  const auto milliseconds = parseWithUnit(text, kDurations);
  return milliseconds ? std::optional(std::chrono::milliseconds(*milliseconds)) : std::nullopt;
}

std::string formatDuration(std::chrono::milliseconds duration) {
  return duration.count() == 0 ? "0s" : formatWithUnit(duration.count(), kDurations);
}

std::optional<std::int64_t> parseSize(std::string_view text) { return parseWithUnit(text, kSizes); }
std::string formatSize(std::int64_t bytes) { return formatWithUnit(bytes, kSizes); }

std::string ListenAddress::text() const {
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::optional<ListenAddress> parseListenAddress(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  ListenAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  if (address.port < 0 || address.port > 65535) return std::nullopt;

  std::string_view host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  address.is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (address.is_v6) host = host.substr(1, host.size() - 2);
  address.host = host;
  unsigned char bytes[sizeof(in6_addr)] = {};
  if (inet_pton(address.is_v6 ? AF_INET6 : AF_INET, address.host.c_str(), bytes) != 1) return std::nullopt;
  if (address.is_v6) {
    address.is_loopback = std::equal(std::begin(bytes), std::end(bytes), in6addr_loopback.s6_addr);
  } else {
    address.is_loopback = bytes[0] == 127;
  }
  return address;
}

std::string_view nearestName(std::string_view wrong, const std::vector<std::string_view>& names) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string_view name : names) {
    const std::size_t distance = editDistance(wrong, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace howdah
