#include "commands/metrics_text.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

namespace howdah {
namespace {

// A place in one line; each step answers false, or nothing, if something else is there.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view name() {
    const auto isPart = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
    };
    return take(static_cast<std::size_t>(std::ranges::find_if_not(rest_, isPart) - rest_.begin()));
  }

  std::optional<std::string> quoted() {
    if (!skip('"')) return std::nullopt;
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      if (skip('\\')) {
        if (rest_.empty()) return std::nullopt;
        const char c = take(1).front();
        if (c != 'n' && c != '\\' && c != '"') return std::nullopt;
        value += c == 'n' ? '\n' : c;
      } else {
        value += take(1);
      }
    }
    if (!skip('"')) return std::nullopt;
    return value;
  }

  // To the end of the line.
  std::optional<double> number() {
    if (rest_ == "+Inf" || rest_ == "Inf") return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || end != rest_.data() + rest_.size()) return std::nullopt;  // NaN is read as well
    return value;
  }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

std::optional<MetricSample> readSample(std::string_view text) {
  Line line(text);
  MetricSample sample;
  sample.name = line.name();
  if (sample.name.empty()) return std::nullopt;
  if (line.skip('{')) {
    while (!line.skip('}')) {
      std::string name(line.name());
      if (name.empty() || !line.skip('=')) return std::nullopt;
      auto value = line.quoted();
      if (!value) return std::nullopt;
      sample.labels.emplace(std::move(name), *std::move(value));
      if (line.skip(',')) continue;
      if (!line.skip('}')) return std::nullopt;
      break;
    }
  }
  if (!line.skip(' ')) return std::nullopt;
  const auto value = line.number();
  if (!value) return std::nullopt;
  sample.value = *value;
  return sample;
}

}  // namespace

const std::string& MetricSample::label(const std::string& wanted) const {
  static const std::string kNone;
  const auto found = labels.find(wanted);
  return found == labels.end() ? kNone : found->second;
}

std::vector<MetricSample> readMetrics(std::string_view text) {
  std::vector<MetricSample> samples;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    auto sample = readSample(line);
    if (!sample)
      throw std::runtime_error(fmt::format("line {} is not of Prometheus' text format: {:.80}", number, line));
    samples.push_back(*std::move(sample));
  }
  return samples;
}

}  // namespace howdah
