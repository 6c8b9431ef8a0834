// Builds the line here and hands it to spdlog whole, which serialises writers and flushes.
#include "metrics/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iterator>
#include <list>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "metrics/audit.h"
#include "metrics/log_level.h"
#include "metrics/repeat_folder.h"
#include "metrics/request_trace.h"

namespace howdah::metrics {
namespace {

struct Log {
  std::shared_ptr<spdlog::logger> logger;
  bool json;
};

std::atomic<LogLevel> threshold = LogLevel::Info;

Log makeLog(spdlog::sink_ptr sink, bool json) {
  auto logger = std::make_shared<spdlog::logger>("howdah", std::move(sink));
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::debug);
  return {std::move(logger), json};
}

// A log that another replaced stays, since a folder's thread may be writing to it.
struct Logs {
  std::list<Log> all{makeLog(std::make_shared<spdlog::sinks::stderr_sink_mt>(), false)};
  std::atomic<const Log*> current = &all.back();
};

Logs& logs() {
  static Logs logs;
  return logs;
}

const Log& theLog() { return *logs().current.load(); }

// Length of the well-formed UTF-8 character at the front of `text`, 0 if there is none (Unicode, table 3-7).
std::size_t utf8Length(std::string_view text) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto in = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return in(1, 0x80, 0xBF) ? 2 : 0;
  if (lead < 0xF0) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return in(1, low, high) && in(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead > 0xF4) return 0;
  const unsigned low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
  return in(1, low, high) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
}

// The inside of a JSON string. Text lines use it too, so that no value can end its line or colour the terminal.
void appendEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t length = utf8Length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD
      length = 1;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
}

void appendQuoted(std::string& out, std::string_view text) {
  out += '"';
  appendEscaped(out, text);
  out += '"';
}

struct AppendValue {
  std::string& out;
  bool json;

  void operator()(std::string_view text) const {
    const bool plain = !json && !text.empty() && text.find_first_of(" =\"") == text.npos;
    plain ? appendEscaped(out, text) : appendQuoted(out, text);
  }
  void operator()(std::int64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
  void operator()(double number) const {
    if (json && !std::isfinite(number)) {
      out += "null";
    } else {
      fmt::format_to(std::back_inserter(out), "{}", number);
    }
  }
  void operator()(bool flag) const { out += flag ? "true" : "false"; }
};

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", date, millis);
}

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

void appendField(std::string& out, const LogField& field, bool json) {
  out += json ? ',' : ' ';
  json ? appendQuoted(out, field.key) : void(out += field.key);
  out += json ? ':' : '=';
  std::visit(AppendValue{out, json}, field.value);
}

// All of a line but its time, level and end.
std::string middleOf(std::string_view message, std::span<const LogField> fields, bool json) {
  std::string middle;
  json ? appendQuoted(middle, message) : appendEscaped(middle, message);
  for (const LogField& field : fields) appendField(middle, field, json);
  if (const RequestTracePtr& request = currentRequest()) {
    if (!request->request_id.empty()) appendField(middle, {"request_id", request->request_id}, json);
    if (!request->trace_id.empty()) appendField(middle, {"trace_id", request->trace_id}, json);
  }
  return middle;
}

// What lines that say the same have in common: not their numbers, nor the request.
std::string keyOf(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  std::string key(kNames[static_cast<std::size_t>(level)]);
  (key += '\n') += message;
  for (const LogField& field : fields) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) (key += '\n') += *text;
  }
  return key;
}

// Past spdlog's levels: those are looked at before a line is built.
void write(LogLevel level, std::string_view middle) {
  const Log& log = theLog();
  const std::string_view name = kNames[static_cast<std::size_t>(level)];
  log.logger->log(spdlog::level::critical,
                  log.json ? fmt::format(R"({{"ts":"{}","level":"{}","msg":{}}})", timestamp(), name, middle)
                           : fmt::format("{} {:<5} {}", timestamp(), name, middle));
}

constexpr std::chrono::minutes kAuditWindow{1};
constexpr std::chrono::seconds kLineWindow{1};
constexpr std::size_t kFoldedKeys = 1000;

// A line that was folded, as its folder keeps it: the letter of its level, then its middle.
std::string folded(LogLevel level, const std::string& middle) {
  return static_cast<char>('0' + static_cast<int>(level)) + middle;
}

// Tells how often lines were repeated; `too_many` of those that were too many to tell apart.
RepeatFolder::Tell repeats(std::string too_many) {
  return [json = theLog().json, too_many = std::move(too_many)](const std::string& line, std::uint64_t repeated) {
    std::string middle = line.empty() ? too_many : line.substr(1);
    appendField(middle, {"repeated", static_cast<std::int64_t>(repeated)}, json);
    write(line.empty() ? LogLevel::Warn : static_cast<LogLevel>(line.front() - '0'), middle);
  };
}

// Both are made after the log, so that they go first.
RepeatFolder& auditFolder() {
  constexpr std::string_view kTooMany = "audited calls too many to tell apart";
  static RepeatFolder folder(kFoldedKeys,
                             repeats(middleOf(kTooMany, std::array{LogField("audit", true)}, theLog().json)));
  return folder;
}

RepeatFolder& lineFolder() {
  static RepeatFolder folder(kFoldedKeys, repeats(middleOf("lines too many to tell apart", {}, theLog().json)));
  return folder;
}

}  // namespace

LogLevel logLevel() { return threshold; }

void setLogLevel(LogLevel level) { threshold = level; }

std::string_view nameOf(LogLevel level) { return kNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> logLevelOf(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<LogLevel>(found - std::begin(kNames));
}

void configureLog(LogLevel level, LogFormat format) {
  const bool json = format == LogFormat::Json || (format == LogFormat::Auto && isatty(STDOUT_FILENO) == 0);
  logs().current = &logs().all.emplace_back(makeLog(std::make_shared<spdlog::sinks::stdout_sink_mt>(), json));
  threshold = level;
}

bool logEnabled(LogLevel level) { return level >= threshold; }

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!logEnabled(level)) return;
  const std::string middle = middleOf(message, fields, theLog().json);
  if (level < LogLevel::Warn || lineFolder().add(keyOf(level, message, fields), folded(level, middle), kLineWindow))
    write(level, middle);
}

void audit(std::string_view message, std::span<const LogField> fields) {
  write(LogLevel::Info, middleOf(message, fields, theLog().json));
}

void auditFolded(std::string_view message, std::span<const LogField> fields, const std::string& key) {
  const std::string middle = middleOf(message, fields, theLog().json);
  if (auditFolder().add(key, folded(LogLevel::Info, middle), kAuditWindow)) write(LogLevel::Info, middle);
}

}  // namespace howdah::metrics
