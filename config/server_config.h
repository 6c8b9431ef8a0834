// All settings of `howdah`: one table (server_config.cpp) gives flags, HOWDAH_* environment, config file, help and the
// README's table, and fills the Options of each folder. Flag over environment over file over default. Reports every bad
// key at once. The only place that reads settings from the environment.
#pragma once

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/http_server.h"
#include "api/options.h"
#include "config/config_file.h"
#include "metrics/log.h"
#include "persistence/postgres/options.h"
#include "service/options.h"

namespace CLI {
class App;
}

namespace howdah {

// What was said on the command line.
struct Flags {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> unknown;  // arguments that are no setting
};

// What else the settings depend on.
struct Surroundings {
  std::map<std::string, std::string> environment;
  bool has_ipv6_loopback = true;

  static Surroundings here();
};

struct ServerConfig {
  api::HttpServerOptions listener;
  api::HttpServerOptions admin_listener;
  enum class HttpEngine { Beast, Cpprest };
  HttpEngine http_engine = HttpEngine::Beast;  // of the API; the admin port is always Beast's
  api::ApiOptions api;
  api::AdminOptions admin;
  service::ServiceOptions service;
  bool embedded = true;  // a private PostgreSQL in embedded_postgres.data_dir; else postgres.connection_string
  persistence::postgres::EmbeddedOptions embedded_postgres;
  persistence::postgres::PostgresOptions postgres;
  std::string auth;         // "none", "sigv4", or empty if nothing was said
  std::string credentials;  // of sigv4: file or directory
  bool ready_needs_database = false;
  metrics::LogLevel log_level = metrics::LogLevel::Info;
  metrics::LogFormat log_format = metrics::LogFormat::Auto;
  std::size_t metrics_queues_max = 1000;
  std::chrono::milliseconds metrics_snapshot_interval{10'000};
  std::chrono::milliseconds drain_delay{5'000};
  std::chrono::milliseconds drain_timeout{25'000};
  std::vector<DeclaredQueue> queues;

  // As the settings were written, for people to read: never a secret.
  struct Effective {
    std::string name;
    std::string value;
    std::string source;
  };
  std::vector<Effective> effective;
};

// Sentences for whoever wrote the settings, one a problem, a line each in what().
class ConfigError : public std::runtime_error {
 public:
  ConfigError(const std::vector<std::string>& problems, bool on_command_line);

  const bool on_command_line;  // at least one of them
};

// Gives `command` a flag a setting, and collects in `flags` what it parses; `flags` must outlive the parsing.
void addSettings(CLI::App& command, Flags& flags);

// Throws ConfigError. A command that `listens` has to say who may call.
ServerConfig loadServerConfig(const Flags& flags, const Surroundings& surroundings, bool listens = true);

// A setting, for people.
struct SettingText {
  std::string name;
  std::string values;  // "1 to 64", "PATH", "none, sigv4"
  std::string default_text;
  std::string help;
  std::vector<std::string> choices;  // of those that take one of a few words
};
std::vector<SettingText> settingTexts();
inline constexpr const char* kSettingsGroup = "Settings";  // of their flags in CLI11

std::string settingsHelp();                           // of the command line
std::string settingsMarkdown();                       // the table in README.md
std::string settingsJsonSchema();                     // of the config file; also of the Helm chart's values
std::string printConfig(const ServerConfig& config);  // a config file that gives the same

}  // namespace howdah
