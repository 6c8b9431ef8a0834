#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace howdah::bench {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

std::string number(std::optional<double> value) { return value ? fmt::format("{:.3f}", *value) : "null"; }

double rate(const Report& report) {
  return report.seconds > 0 ? static_cast<double>(report.messages) / report.seconds : 0;
}

}  // namespace

double Latencies::milliseconds(double quantile) const {
  if (micros_.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(quantile * static_cast<double>(micros_.size()))) - 1;
  const auto at = micros_.begin() + std::max<std::ptrdiff_t>(rank, 0);
  std::nth_element(micros_.begin(), at, micros_.end());
  return *at / 1000.0;
}

void printTable(const Options& options, const Report& report) {
  fmt::print("{}: {} connections, {} bytes, {:.1f} s, auth {}\n", options.scenario, options.connections,
             options.body_bytes, report.seconds, options.auth());
  fmt::print("  messages_per_second  {:.0f}  ({} messages)\n", rate(report), report.messages);
  if (!report.calls.empty())
    fmt::print("  {:<28} {:>9} {:>9} {:>9} {:>9}\n", "ms a call", "calls", "p50", "p95", "p99");
  for (const auto& [name, calls] : report.calls)
    fmt::print("  {:<28} {:>9} {:>9.3f} {:>9.3f} {:>9.3f}\n", name, calls.count(), calls.milliseconds(0.5),
               calls.milliseconds(0.95), calls.milliseconds(0.99));
  const auto cpu = [](const char* who, std::optional<double> value) {
    if (value) fmt::print("  {:<28} {:>9.1f}\n", fmt::format("CPU us a message, {}", who), *value);
  };
  cpu("server", report.server_cpu_us);
  cpu("PostgreSQL", report.postgres_cpu_us);
  cpu("client", report.client_cpu_us);
  for (const auto& [name, value] : report.figures) fmt::print("  {:<40} {:.6g}\n", name, value);
  for (const auto& [code, count] : report.errors) fmt::print("  ERROR {}: {} times\n", code, count);
  for (const auto& text : report.violation_texts) fmt::print("  VIOLATION {}\n", text);
  if (report.violations > report.violation_texts.size()) fmt::print("  VIOLATIONS in all: {}\n", report.violations);
}

void printJson(const Options& options, const Report& report) {
  std::string calls, figures, errors, violations;
  for (const auto& [name, times] : report.calls)
    calls += fmt::format("{}{}: {{\"count\": {}, \"p50_ms\": {:.3f}, \"p95_ms\": {:.3f}, \"p99_ms\": {:.3f}}}",
                         calls.empty() ? "" : ", ", quoted(name), times.count(), times.milliseconds(0.5),
                         times.milliseconds(0.95), times.milliseconds(0.99));
  for (const auto& [name, value] : report.figures)
    figures += fmt::format("{}{}: {:.6g}", figures.empty() ? "" : ", ", quoted(name), value);
  for (const auto& [code, count] : report.errors)
    errors += fmt::format("{}{}: {}", errors.empty() ? "" : ", ", quoted(code), count);
  for (const auto& text : report.violation_texts)
    violations += fmt::format("{}{}", violations.empty() ? "" : ", ", quoted(text));
  fmt::print(
      "{{\"scenario\": {}, \"endpoint\": {}, \"auth\": {}, \"connections\": {}, \"body_bytes\": {}, \"batch\": {}, "
      "\"seconds\": "
      "{:.3f}, \"messages\": {}, \"messages_per_second\": {:.1f}, \"calls\": {{{}}}, \"cpu_us_per_message\": "
      "{{\"server\": {}, \"postgres\": {}, \"client\": {}}}, \"figures\": {{{}}}, \"errors\": {{{}}}, \"violations\": "
      "{}, \"violation_texts\": [{}]}}\n",
      quoted(options.scenario), quoted(options.scenario.starts_with("sql-") ? "" : options.endpoint),
      quoted(options.auth()), options.connections, options.body_bytes, options.batch, report.seconds, report.messages,
      rate(report), calls, number(report.server_cpu_us), number(report.postgres_cpu_us), number(report.client_cpu_us),
      figures, errors, report.violations, violations);
}

}  // namespace howdah::bench
