// Builds the line here and hands it to spdlog whole, which serialises writers and flushes.
#include "metrics/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iterator>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "metrics/audit.h"
#include "metrics/repeat_folder.h"

namespace howdah::metrics {
namespace {

struct Log {
  std::shared_ptr<spdlog::logger> logger;
  bool json;
};

spdlog::level::level_enum spdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warn:
      return spdlog::level::warn;
    case LogLevel::Error:
      break;
  }
  return spdlog::level::err;
}

Log makeLog(spdlog::sink_ptr sink, LogLevel level, bool json) {
  auto logger = std::make_shared<spdlog::logger>("howdah", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(spdlogLevel(level));
  logger->flush_on(spdlog::level::debug);
  return {std::move(logger), json};
}

Log& theLog() {
  static Log log = makeLog(std::make_shared<spdlog::sinks::stderr_sink_mt>(), LogLevel::Info, false);
  return log;
}

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

// All of a line but its time, level and end.
std::string middleOf(std::string_view message, std::span<const LogField> fields, bool json) {
  std::string middle;
  json ? appendQuoted(middle, message) : appendEscaped(middle, message);
  for (const LogField& field : fields) {
    middle += json ? ',' : ' ';
    json ? appendQuoted(middle, field.key) : void(middle += field.key);
    middle += json ? ':' : '=';
    std::visit(AppendValue{middle, json}, field.value);
  }
  return middle;
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
constexpr std::size_t kFoldedKeys = 1000;

// What is told of lines that were not written. Made after the log, so that it goes first.
RepeatFolder& auditFolder() {
  static RepeatFolder folder(kFoldedKeys, [json = theLog().json](const std::string& middle, std::uint64_t repeated) {
    constexpr std::string_view kTooMany = "audited calls too many to tell apart";
    const std::string told = middle.empty() ? middleOf(kTooMany, std::array{LogField("audit", true)}, json) : middle;
    write(LogLevel::Info, told + fmt::format(fmt::runtime(json ? R"(,"repeated":{})" : " repeated={}"), repeated));
  });
  return folder;
}

}  // namespace

void configureLog(LogLevel level, LogFormat format) {
  const bool json = format == LogFormat::Json || (format == LogFormat::Auto && isatty(STDOUT_FILENO) == 0);
  theLog() = makeLog(std::make_shared<spdlog::sinks::stdout_sink_mt>(), level, json);
}

bool logEnabled(LogLevel level) { return theLog().logger->should_log(spdlogLevel(level)); }

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (logEnabled(level)) write(level, middleOf(message, fields, theLog().json));
}

void audit(std::string_view message, std::span<const LogField> fields) {
  write(LogLevel::Info, middleOf(message, fields, theLog().json));
}

void auditFolded(std::string_view message, std::span<const LogField> fields, const std::string& key) {
  const std::string middle = middleOf(message, fields, theLog().json);
  if (auditFolder().add(key, middle, kAuditWindow)) write(LogLevel::Info, middle);
}

}  // namespace howdah::metrics
