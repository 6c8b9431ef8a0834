#include "api/codec/query_params.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace howdah::api {
namespace {

using service::Error;
using service::ErrorCode;

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Undoes %XX and + in place, where nothing grows. Empty if a % is not followed by two hexadecimal digits.
std::optional<std::string_view> decode(char* text, std::size_t size) {
  char* out = text;
  for (std::size_t i = 0; i < size; ++i) {
    if (text[i] == '+') {
      *out++ = ' ';
    } else if (text[i] != '%') {
      *out++ = text[i];
    } else {
      if (size - i < 3) return std::nullopt;
      const int high = hexDigit(text[i + 1]), low = hexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      *out++ = static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return std::string_view(text, static_cast<std::size_t>(out - text));
}

// The index that `rest` begins with, up to its end or a dot. One way to write each number.
std::optional<std::uint32_t> indexOf(std::string_view rest) {
  constexpr std::size_t kMaxDigits = 9;
  const std::string_view digits = rest.substr(0, rest.find('.'));
  if (digits.empty() || digits.size() > kMaxDigits || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  std::uint32_t index = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (problem != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return index;
}

}  // namespace

bool namesParam(std::string_view encoded, std::string_view name) {
  for (std::size_t left = kMaxParams; left > 0; --left) {
    if (encoded.starts_with(name) && encoded.substr(name.size()).starts_with('=')) return true;
    const auto stop = encoded.find('&');
    if (stop == std::string_view::npos) return false;
    encoded.remove_prefix(stop + 1);
  }
  return false;
}

std::optional<std::string_view> QueryScope::value(std::string_view name) const {
  const auto after = std::ranges::upper_bound(first_, last_, name, {}, [&](const QueryParam& p) { return rest(p); });
  if (after == first_ || rest(after[-1]) != name) return std::nullopt;
  return after[-1].value;
}

QueryScope QueryScope::under(std::string_view name) const {
  // -1, 0 or 1, as the name lies before, among or after those that go on with `name` and a dot.
  const auto place = [&](const QueryParam& param) {
    const std::string_view text = rest(param);
    if (const int order = text.substr(0, name.size()).compare(name); order != 0) return order;
    if (text.size() == name.size()) return -1;
    const auto next = static_cast<unsigned char>(text[name.size()]);
    return next == '.' ? 0 : next < '.' ? -1 : 1;
  };
  const auto first = std::partition_point(first_, last_, [&](const QueryParam& param) { return place(param) < 0; });
  const auto last = std::partition_point(first, last_, [&](const QueryParam& param) { return place(param) == 0; });
  return {first, last, prefix_size_ + name.size() + 1};
}

std::vector<std::uint32_t> QueryScope::indexes() const {
  std::vector<std::uint32_t> found;
  for (const QueryParam* param = first_; param != last_; ++param) {
    const auto index = indexOf(rest(*param));
    if (index && (found.empty() || found.back() != *index)) found.push_back(*index);
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());  // clang 14 cannot compile the range form
  return found;
}

service::Result<service::Nothing> QueryParams::add(std::string& encoded) {
  char* at = encoded.data();
  char* const end = at + encoded.size();
  std::size_t left = kMaxParams - params_.size();
  while (at != end) {
    if (left-- == 0) return Error{ErrorCode::SerializationException, "The request has too many parameters."};
    auto* stop = static_cast<char*>(std::memchr(at, '&', static_cast<std::size_t>(end - at)));
    if (!stop) stop = end;
    if (stop != at) {
      auto* equals = static_cast<char*>(std::memchr(at, '=', static_cast<std::size_t>(stop - at)));
      if (!equals) equals = stop;
      char* const value = equals == stop ? stop : equals + 1;
      const auto name = decode(at, static_cast<std::size_t>(equals - at));
      const auto text = decode(value, static_cast<std::size_t>(stop - value));
      if (!name || !text)
        return Error{ErrorCode::SerializationException,
                     "A parameter has a percent sign without two hexadecimal digits."};
      params_.push_back({*name, *text});
    }
    at = stop == end ? end : stop + 1;
  }
  return service::Nothing{};
}

QueryScope QueryParams::all() {
  std::ranges::stable_sort(params_, {}, &QueryParam::name);
  return {params_.data(), params_.data() + params_.size(), 0};
}

}  // namespace howdah::api
