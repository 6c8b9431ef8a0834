// One line an event: JSON where a machine reads, text on a terminal. Fields are named; never a message body, a receipt
// handle or a secret. Any thread. Wraps spdlog so that no other file sees it.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace howdah::metrics {

enum class LogLevel { Debug, Info, Warn, Error };
enum class LogFormat { Auto, Json, Text };  // Auto: text if standard output is a terminal

struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, std::floating_point auto v) : key(k), value(static_cast<double>(v)) {}
  LogField(std::string_view k, std::integral auto v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

// Before the first line; without it, text at Info on standard error.
void configureLog(LogLevel level, LogFormat format);
bool logEnabled(LogLevel level);
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void logDebug(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::Debug, m, f); }
inline void logInfo(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::Info, m, f); }
inline void logWarn(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::Warn, m, f); }
inline void logError(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::Error, m, f); }

}  // namespace howdah::metrics
