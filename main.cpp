// The command line: which command, which settings, which exit code. 0 is success, 1 a failure told in one line on
// standard error, 2 a command line that is wrong.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <CLI/CLI.hpp>

#include "commands/command_docs.h"
#include "commands/credentials_command.h"
#include "commands/healthcheck.h"
#include "commands/migrate.h"
#include "commands/selftest.h"
#include "commands/serve.h"
#include "commands/shutdown_signals.h"
#include "commands/top.h"
#include "config/server_config.h"
#include "config/setting_values.h"
#include "howdah_revision.h"
#include "metrics/metric_table.h"
#include "persistence/postgres/migrator.h"

namespace howdah {
namespace {

constexpr int kFailure = 1, kUsage = 2;

const metrics::BuildInfo kBuild{HOWDAH_VERSION, HOWDAH_REVISION, persistence::postgres::newestMigration()};

int complain(std::string_view problems, int exit_code) {
  while (!problems.empty()) {
    const auto end = std::min(problems.find('\n'), problems.size());
    fmt::print(stderr, "howdah: {}\n", problems.substr(0, end));
    problems.remove_prefix(std::min(end + 1, problems.size()));
  }
  return exit_code;
}

int printVersion(bool json) {
  fmt::print("{}\n", json ? kBuild.json() : fmt::format("howdah {} ({})", kBuild.version, kBuild.revision));
  return 0;
}

// Where a server that listens so answers on this machine.
std::string localUrl(const api::HttpServerOptions& listener) {
  auto address = *parseListenAddress(listener.listen.front());
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return (listener.tls_cert_file.empty() ? "http://" : "https://") + address.text();
}

// As SDKs take it.
SelfTestKey keyOf(const std::map<std::string, std::string>& environment) {
  const auto valueOf = [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  SelfTestKey key{valueOf("AWS_ACCESS_KEY_ID"), valueOf("AWS_SECRET_ACCESS_KEY"), valueOf("AWS_SESSION_TOKEN")};
  if (key.access_key_id.empty() != key.secret_access_key.empty())
    throw std::runtime_error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both, or neither");
  return key;
}

int run(int argc, char** argv) {
  CLI::App app("Howdah: Amazon SQS on PostgreSQL");
  app.name("howdah");
  app.require_subcommand(1);
  Flags flags;

  CLI::App* serve_command = app.add_subcommand("serve", "Run the server");
  CLI::App* migrate_command = app.add_subcommand("migrate", "Bring the database's schema to this version, then exit");
  CLI::App* healthcheck_command = app.add_subcommand("healthcheck", "Exit with 0 if a server here is ready, else 1");
  CLI::App* selftest_command = app.add_subcommand("selftest", "Send a message through a running server and back");
  CLI::App* config_command = app.add_subcommand("config", "Show settings");
  CLI::App* print_command = config_command->add_subcommand("print", "Effective settings, as a config file");
  CLI::App* settings_command = config_command->add_subcommand("settings", "Every setting there is");
  CLI::App* top_command = app.add_subcommand("top", "Show queues and traffic of running servers, drawn each second");
  CLI::App* metrics_command =
      app.add_subcommand("metrics", "Show every metric there is, as the table in docs/metrics.md");
  CLI::App* version_command = app.add_subcommand("version", "Show the version");
  for (CLI::App* command :
       {serve_command, migrate_command, healthcheck_command, selftest_command, print_command, top_command}) {
    addSettings(*command, flags);
  }
  config_command->require_subcommand(1);
  bool status = false;
  migrate_command->add_flag("--status", status, "Only show which migrations are applied");
  std::string admin_url;
  healthcheck_command->add_option("--admin", admin_url, "URL of the admin port, http://127.0.0.1:9325 by default");
  std::string endpoint;
  selftest_command->add_option("--endpoint", endpoint, "URL of the SQS API, http://127.0.0.1:9324 by default");
  std::string selftest_key_id;
  selftest_command->add_option("--access-key", selftest_key_id,
                               "Key of the --credentials file to sign with, any that is enabled by default; without a "
                               "file, that of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  std::string tls_ca_file;
  for (CLI::App* command : {healthcheck_command, selftest_command, top_command})
    command->add_option("--tls-ca-file", tls_ca_file, "PEM file of the authority that an https certificate must be of");
  TopOptions top_options;
  top_command->add_option("--admin", top_options.admin_urls,
                          "URL of an admin port, once for each server; http://127.0.0.1:9325 by default");
  top_command->add_option("--queue", top_options.queues, "Only queues whose name this regular expression fits");
  top_command->add_option("--interval", top_options.interval, "Seconds between two looks, 1 by default")
      ->check(CLI::Range(0.1, 3600.0));
  top_command->add_flag("--once", top_options.once, "Print one table and end");
  bool markdown = false;
  settings_command->add_flag("--markdown", markdown, "As the table in README.md");
  bool json_schema = false;
  settings_command->add_flag("--json-schema", json_schema, "As a JSON Schema of the config file");
  CLI::App* credentials_command = app.add_subcommand("credentials", "Access keys of --auth=sigv4");
  CLI::App* create_command = credentials_command->add_subcommand("create", "Make a key and show its secret this once");
  CLI::App* list_command = credentials_command->add_subcommand("list", "Show the keys, not their secrets");
  CLI::App* disable_command = credentials_command->add_subcommand("disable", "Let a key no longer be used");
  credentials_command->require_subcommand(1);
  std::string credentials_path, access_key_id, user, account = "000000000000";
  for (CLI::App* command : {create_command, list_command, disable_command})
    command->add_option("--credentials", credentials_path, "The file");
  create_command->add_option("--account", account, "Whose key it is, 000000000000 by default");
  create_command->add_option("--user", user, "Name in the key's ARN; without it, the account's root");
  disable_command->add_option("access-key-id", access_key_id, "Which key");
  CLI::App* man_command = app.add_subcommand("man", "Print the manual page, for man -l");
  CLI::App* completion_command = app.add_subcommand("completion", "Print what completes this command line in a shell");
  std::string shell;
  completion_command->add_option("shell", shell, "bash, zsh or fish");
  bool json = false;
  version_command->add_flag("--json", json, "As one JSON object");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::RequiredError&) {
    const auto unknown = app.remaining();
    return complain(unknown.empty() ? "say what to do; `howdah --help` lists the commands"
                                    : fmt::format("unknown command {}; `howdah --help` lists them", unknown.front()),
                    kUsage);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view text = error.what();
    return complain(fmt::format("{} needs a value", text.substr(0, text.find(':'))), kUsage);
  } catch (const CLI::ParseError& error) {
    return complain(error.what(), kUsage);
  }

  if (version_command->parsed()) return printVersion(json);
  if (man_command->parsed()) {
    fmt::print("{}", manPage(app, kBuild.version));
    return 0;
  }
  if (completion_command->parsed()) {
    if (std::find(kShells.begin(), kShells.end(), shell) == kShells.end())
      return complain("say for which shell: bash, zsh or fish", kUsage);
    fmt::print("{}", shellCompletion(app, shell));
    return 0;
  }
  if (settings_command->parsed()) {
    fmt::print("{}", json_schema ? settingsJsonSchema() : markdown ? settingsMarkdown() : settingsHelp());
    return 0;
  }
  if (metrics_command->parsed()) {
    fmt::print("{}", metrics::metricsMarkdown());
    return 0;
  }
  try {
    if (credentials_command->parsed()) {
      if (credentials_path.empty()) return complain("say which file, with --credentials FILE", kUsage);
      if (disable_command->parsed() && access_key_id.empty()) return complain("say which access key", kUsage);
      if (create_command->parsed()) createCredential(credentials_path, account, user);
      if (list_command->parsed()) listCredentials(credentials_path);
      if (disable_command->parsed()) disableCredential(credentials_path, access_key_id);
      return 0;
    }
    // Who gives keys to sign with is asked for them.
    if (selftest_command->parsed() && flags.values.contains("credentials"))
      flags.values.try_emplace("auth", std::vector<std::string>{"sigv4"});
    const Surroundings surroundings = Surroundings::here();
    const bool listens = serve_command->parsed() || print_command->parsed();
    const ServerConfig config = loadServerConfig(flags, surroundings, listens);
    if (print_command->parsed()) {
      fmt::print("{}", printConfig(config));
      return 0;
    }
    if (healthcheck_command->parsed())
      return healthcheck(admin_url.empty() ? localUrl(config.admin_listener) : admin_url, tls_ca_file,
                         admin_url.empty());
    if (selftest_command->parsed()) {
      if (config.credentials.empty() && !selftest_key_id.empty())
        return complain("say in which file the access key is, with --credentials FILE", kUsage);
      const SelfTestKey key = config.credentials.empty() ? keyOf(surroundings.environment)
                                                         : readSelfTestKey(config.credentials, selftest_key_id);
      return selftest(endpoint.empty() ? localUrl(config.listener) : endpoint, tls_ca_file, endpoint.empty(), key);
    }
    if (top_command->parsed()) {
      top_options.tls_ca_file = tls_ca_file;
      top_options.token_file = config.admin.token_file;
      top_options.is_local = top_options.admin_urls.empty();
      if (top_options.is_local) top_options.admin_urls.push_back(localUrl(config.admin_listener));
      return top(top_options);
    }
    metrics::configureLog(config.log_level, config.log_format);
    if (migrate_command->parsed()) return migrate(config, kBuild, status);
    ShutdownSignals signals;
    return serve(config, kBuild, signals);
  } catch (const ConfigError& error) {
    return complain(error.what(), error.on_command_line ? kUsage : kFailure);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailure);
  }
}

}  // namespace
}  // namespace howdah

int main(int argc, char** argv) {
  // OpenSSL would free its locks at exit while cpprestsdk's threads still let go of connections: they waited for ever.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  return howdah::run(argc, argv);
}
