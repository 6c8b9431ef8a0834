#include "config/server_config.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "config/setting_values.h"

extern char** environ;

namespace howdah {
namespace {

enum class Kind { Text, Path, Url, Choice, Switch, Count, Share, Duration, Size, Addresses, Names, Networks };

struct Value {
  std::vector<std::string> texts;
  std::string text;         // the last of texts, or empty
  std::int64_t number = 0;  // count, milliseconds, bytes, 1 for a switch that is on, index of a choice
  double share = 0;         // from 0 to 1

  int asInt() const { return static_cast<int>(number); }
  std::size_t asSize() const { return static_cast<std::size_t>(number); }
  std::chrono::milliseconds asMilliseconds() const { return std::chrono::milliseconds(number); }
  std::chrono::seconds asSeconds() const { return std::chrono::seconds(number / 1000); }
};

struct Setting {
  std::string_view name;
  Kind kind;
  std::string_view default_text;  // lists are parted by commas
  std::int64_t min, max;          // of counts, durations (ms) and sizes
  std::string_view choices;       // parted by |
  std::string_view help;          // what it does, what more of it costs
  void (*apply)(ServerConfig&, const Value&);
  bool secret = false;
};

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB, kPiB = 1024 * 1024 * 1024 * kMiB;
using C = ServerConfig;

// The one table of settings. A default here is the default of the Options field it fills (a test compares them).
const Setting kSettings[] = {
    {"config", Kind::Path, "", 0, 0, "", "YAML file of settings, by the names in this table, and of declared `queues`",
     [](C&, const Value&) {}},

    {"listen", Kind::Addresses, "127.0.0.1:9324,[::1]:9324", 0, 0, "",
     "Addresses of the SQS API; repeatable; off loopback it needs --auth",
     [](C& c, const Value& v) { c.listener.listen = v.texts; }},
    {"admin-listen", Kind::Addresses, "127.0.0.1:9325,[::1]:9325", 0, 0, "",
     "Addresses of health checks, metrics and administration, repeatable; off loopback only a token lets anyone change "
     "things",
     [](C& c, const Value& v) { c.admin_listener.listen = v.texts; }},
    {"admin-token-file", Kind::Path, "", 0, 0, "",
     "File of a token of at least 16 characters, without which the admin port then shows only /healthz and /readyz",
     [](C& c, const Value& v) { c.admin.token_file = v.text; }},
    {"admin-metrics-open", Kind::Switch, "false", 0, 0, "", "Shows /metrics without the admin token, too",
     [](C& c, const Value& v) { c.admin.metrics_open = v.number != 0; }},
    {"auth", Kind::Choice, "", 0, 0, "none|sigv4",
     "Who may call: none accepts any signature, sigv4 verifies them and policies; may be left out on loopback alone",
     [](C& c, const Value& v) { c.auth = v.text; }},
    {"credentials", Kind::Path, "", 0, 0, "",
     "Access keys of --auth=sigv4: a YAML file as `howdah credentials create` writes it, or a directory of such files",
     [](C& c, const Value& v) { c.credentials = v.text; }},
    {"requests-per-second-per-key", Kind::Count, "0", 0, 1'000'000, "",
     "How many requests a second each server process takes from one access key of --auth=sigv4, then RequestThrottled; "
     "callers without a key count as one; 0 for no limit",
     [](C& c, const Value& v) { c.api.requests_per_second_per_key = v.asInt(); }},
    {"tls-cert-file", Kind::Path, "", 0, 0, "",
     "PEM file of the certificate and its chain, for https on both ports; read again when it changes",
     [](C& c, const Value& v) { c.listener.tls_cert_file = c.admin_listener.tls_cert_file = v.text; }},
    {"tls-key-file", Kind::Path, "", 0, 0, "",
     "PEM file of the certificate's key, without a passphrase; nobody else should be able to read it",
     [](C& c, const Value& v) { c.listener.tls_key_file = c.admin_listener.tls_key_file = v.text; }},
    {"public-url", Kind::Url, "", 0, 0, "",
     "Where clients reach the API, for queue URLs; without it, queue URLs repeat the request's Host",
     [](C& c, const Value& v) { c.api.public_url = v.text; }},
    {"trusted-hosts", Kind::Names, "", 0, 0, "",
     "Host names besides loopback under which browsers may reach a loopback listener",
     [](C& c, const Value& v) { c.api.trusted_host_names = v.texts; }},
    {"trusted-proxies", Kind::Networks, "", 0, 0, "",
     "Networks of proxies whose X-Forwarded-Proto and X-Forwarded-Host say what the client used, for queue URLs",
     [](C& c, const Value& v) {
       for (const std::string& text : v.texts) c.api.trusted_proxies.push_back(*api::parseNetwork(text));
     }},
    {"cors-origins", Kind::Names, "", 0, 0, "",
     "Origins such as https://app.example whose pages may call from browsers; * for all",
     [](C& c, const Value& v) { c.api.cors_origins = v.texts; }},
    {"region", Kind::Text, "us-east-1", 0, 0, "", "Region in queue ARNs; any region is accepted in requests",
     [](C& c, const Value& v) { c.service.region = c.api.region = v.text; }},

    {"data-dir", Kind::Path, "./howdah-data", 0, 0, "",
     "Directory of the private PostgreSQL that runs while no database-url is given",
     [](C& c, const Value& v) { c.embedded_postgres.data_dir = v.text; }},
    {"postgres-bin-dir", Kind::Path, "", 0, 0, "",
     "Directory of initdb and postgres for the private PostgreSQL; without it, the newest installed",
     [](C& c, const Value& v) { c.embedded_postgres.bin_dir = v.text; }},
    {"database-url", Kind::Text, "", 0, 0, "",
     "Your PostgreSQL (14 or newer), as URL or libpq keywords; also DATABASE_URL, or libpq's PGHOST and so on",
     [](C& c, const Value& v) { c.postgres.connection_string = v.text; }, true},
    {"database-connections", Kind::Count, "6", 1, 1000, "",
     "Connections to PostgreSQL, without two more that listen and keep house; at least as many as workers",
     [](C& c, const Value& v) { c.postgres.connections = v.asInt(); }},
    {"database-connect-timeout", Kind::Duration, "5s", 100, 10 * kMinute, "", "How long a connection may take to open",
     [](C& c, const Value& v) { c.postgres.connect_timeout = v.asMilliseconds(); }},
    {"database-lock-timeout", Kind::Duration, "5s", 100, 10 * kMinute, "", "How long a statement may wait for a lock",
     [](C& c, const Value& v) { c.postgres.lock_timeout = v.asMilliseconds(); }},
    {"database-deadline", Kind::Duration, "20s", 1 * kSecond, 1 * kHour, "",
     "How long a statement may take before its connection is given up as dead",
     [](C& c, const Value& v) { c.postgres.statement_deadline = v.asMilliseconds(); }},

    {"workers", Kind::Count, "4", 1, 256, "",
     "Threads that work on PostgreSQL, a connection each; more help while PostgreSQL is far away or has idle cores; "
     "busy "
     "queues have a quarter of them while others have requests",
     [](C& c, const Value& v) { c.service.workers = v.asInt(); }},
    {"coalesced-rows", Kind::Count, "500", 1, 10000, "",
     "Messages that concurrent requests may share in one transaction; more is faster and takes locks for longer",
     [](C& c, const Value& v) { c.service.coalesced_rows = v.asSize(); }},
    {"coalesced-bytes", Kind::Size, "1MiB", 1 * kMiB, 256 * kMiB, "",
     "Bytes that may share one transaction; with more, who sends little waits longer for who sends much",
     [](C& c, const Value& v) { c.service.coalesced_bytes = v.asSize(); }},
    {"watch-interval", Kind::Duration, "2s", 100, 1 * kMinute, "",
     "How often parked long polls look for messages whose wake was lost, all in one statement",
     [](C& c, const Value& v) { c.service.watch_interval = v.asMilliseconds(); }},
    {"purge-interval", Kind::Duration, "60s", 0, 1 * kHour, "",
     "Time between two PurgeQueue of one queue; SQS's is 60s, tests may want 0",
     [](C& c, const Value& v) { c.service.purge_interval = v.asSeconds(); }},
    {"messages-in-flight", Kind::Count, "120000", 1, 100'000'000, "",
     "About how many messages of a queue may be in flight; SQS's is 120000, tests may want few",
     [](C& c, const Value& v) { c.service.messages_in_flight = v.asInt(); }},
    {"stored-bytes-per-queue", Kind::Size, "0", 0, kPiB, "",
     "About how many bytes of messages, 256 more each, a queue may store, then sends to it get OverLimit; 0 for no "
     "limit; counting costs each send and delete a little; give all servers of a database the same",
     [](C& c, const Value& v) { c.service.stored_bytes_per_queue = v.number; }},
    {"stored-bytes", Kind::Size, "0", 0, kPiB, "", "The same for all queues of the database together",
     [](C& c, const Value& v) { c.service.stored_bytes = v.number; }},
    {"queue-name-reuse-delay", Kind::Duration, "60s", 0, 1 * kHour, "",
     "How long the name of a deleted queue stays reserved; SQS's is 60s, tests may want 0",
     [](C& c, const Value& v) { c.service.queue_name_reuse_delay = v.asSeconds(); }},

    {"http-engine", Kind::Choice, "beast", 0, 0, "beast|cpprest",
     "What speaks HTTP on the API port: Boost.Beast, or cpprestsdk's listener, which is slower, has no time-outs, "
     "limits "
     "little and has no IPv6",
     [](C& c, const Value& v) { c.http_engine = static_cast<ServerConfig::HttpEngine>(v.number); }},
    {"http-threads", Kind::Count, "1", 1, 64, "", "Threads that read requests and write responses",
     [](C& c, const Value& v) { c.listener.threads = v.asInt(); }},
    {"http-connections", Kind::Count, "20000", 1, 1'000'000, "", "Open connections to the API; more are closed at once",
     [](C& c, const Value& v) { c.listener.limits.connections = v.asSize(); }},
    {"http-connections-per-address", Kind::Count, "0", 0, 1'000'000, "",
     "Of these, from one address or IPv6 /64; more are closed at once; 0: no such limit. Behind a proxy all come from "
     "the proxy's address, so leave it at 0 there and let the proxy limit",
     [](C& c, const Value& v) { c.listener.limits.connections_per_address = v.asSize(); }},
    {"http-bytes-in-flight", Kind::Size, "512MiB", 64 * kMiB, 1024 * 1024 * kMiB, "",
     "Memory for the requests and responses that are held at once; beyond, requests get 503 and Retry-After",
     [](C& c, const Value& v) { c.listener.limits.bytes_in_flight = v.asSize(); }},
    {"http-header-bytes", Kind::Size, "32KiB", 4 * kKiB, 1 * kMiB, "", "Request line and headers of one request",
     [](C& c, const Value& v) { c.listener.limits.header_bytes = v.asSize(); }},
    {"http-header-count", Kind::Count, "100", 16, 1000, "", "Headers of one request",
     [](C& c, const Value& v) { c.listener.limits.header_count = v.asSize(); }},
    {"http-body-bytes", Kind::Size, "16MiB", 2 * kMiB, 256 * kMiB, "", "Body of one request",
     [](C& c, const Value& v) { c.listener.limits.body_bytes = v.asSize(); }},
    {"http-header-timeout", Kind::Duration, "10s", 100, 10 * kMinute, "",
     "From the first byte of a request to the end of its headers",
     [](C& c, const Value& v) { c.listener.limits.header_timeout = v.asMilliseconds(); }},
    {"http-body-timeout", Kind::Duration, "60s", 100, 1 * kHour, "", "From the end of the headers to that of the body",
     [](C& c, const Value& v) { c.listener.limits.body_timeout = v.asMilliseconds(); }},
    {"http-idle-timeout", Kind::Duration, "75s", 100, 1 * kHour, "", "How long a connection may stay without a request",
     [](C& c, const Value& v) { c.listener.limits.idle_timeout = v.asMilliseconds(); }},
    {"http-write-timeout", Kind::Duration, "60s", 100, 1 * kHour, "", "How long a client may take to read a response",
     [](C& c, const Value& v) { c.listener.limits.write_timeout = v.asMilliseconds(); }},

    {"drain-delay", Kind::Duration, "5s", 0, 5 * kMinute, "",
     "After SIGTERM, how long to serve on while load balancers see that /readyz answers 503; Ctrl-C skips it",
     [](C& c, const Value& v) { c.drain_delay = v.asMilliseconds(); }},
    {"drain-timeout", Kind::Duration, "25s", 1 * kSecond, 10 * kMinute, "",
     "After SIGTERM, when to exit at the latest, drain-delay included",
     [](C& c, const Value& v) { c.drain_timeout = v.asMilliseconds(); }},
    {"ready-needs-database", Kind::Switch, "false", 0, 0, "",
     "Makes /readyz answer 503 while PostgreSQL is away, which all servers of one database then do at once",
     [](C& c, const Value& v) { c.ready_needs_database = v.number != 0; }},
    {"log-level", Kind::Choice, "info", 0, 0, "debug|info|warn|error",
     "Least level of the lines that are logged; the admin port changes it while running",
     [](C& c, const Value& v) { c.log_level = static_cast<metrics::LogLevel>(v.number); }},
    {"access-log-sample", Kind::Share, "0", 0, 0, "",
     "Share of requests that get a line in the log; above 0, all that fail get one as well",
     [](C& c, const Value& v) { c.api.access_log_sample = v.share; }},
    {"slow-request", Kind::Duration, "1s", 1, 1 * kHour, "",
     "A request that takes longer, without the time it was parked, is told in the log with where its time went",
     [](C& c, const Value& v) { c.api.slow_request = v.asMilliseconds(); }},
    {"slow-statement", Kind::Duration, "500ms", 1, 1 * kHour, "", "A statement that takes longer is told in the log",
     [](C& c, const Value& v) { c.postgres.slow_statement = v.asMilliseconds(); }},
    {"log-format", Kind::Choice, "auto", 0, 0, "auto|json|text", "Form of log lines; auto is text on a terminal",
     [](C& c, const Value& v) { c.log_format = static_cast<metrics::LogFormat>(v.number); }},
    {"metrics-queues-max", Kind::Count, "1000", 0, 100'000, "",
     "How many queues have series of their own in /metrics; the others are added up as queue=\"_other\"",
     [](C& c, const Value& v) { c.metrics_queues_max = v.asSize(); }},
    {"metrics-snapshot-interval", Kind::Duration, "10s", 1 * kSecond, 10 * kMinute, "",
     "How often one of the servers counts the messages of all queues for /metrics",
     [](C& c, const Value& v) { c.metrics_snapshot_interval = v.asMilliseconds(); }},
    {"test-clock", Kind::Switch, "false", 0, 0, "",
     "Lets tests move the time of all messages through the admin port; loopback listeners only",
     [](C& c, const Value& v) { c.postgres.test_clock = v.number != 0; }},
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool isList(Kind kind) { return kind == Kind::Addresses || kind == Kind::Names || kind == Kind::Networks; }

std::string boundsText(const Setting& setting) {
  switch (setting.kind) {
    case Kind::Count:
      return fmt::format("{} to {}", setting.min, setting.max);
    case Kind::Duration:
      return fmt::format("{} to {}", formatDuration(std::chrono::milliseconds(setting.min)),
                         formatDuration(std::chrono::milliseconds(setting.max)));
    case Kind::Size:
      return fmt::format("{} to {}", formatSize(setting.min), formatSize(setting.max));
    case Kind::Choice:
      return fmt::format("{}", fmt::join(split(setting.choices, '|'), ", "));
    case Kind::Switch:
      return "true, false";
    case Kind::Share:
      return "0 to 1";
    case Kind::Addresses:
      return "HOST:PORT";
    case Kind::Names:
      return "NAME";
    case Kind::Networks:
      return "ADDRESS[/BITS]";
    case Kind::Url:
      return "http[s]://HOST[:PORT]";
    case Kind::Path:
      return "PATH";
    case Kind::Text:
      break;
  }
  return "TEXT";
}

std::string environmentName(std::string_view setting) {
  std::string name = "HOWDAH_";
  for (const char c : setting) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// What is wrong with `value`, to be put behind where it was said; fills its number.
std::optional<std::string> parseValue(const Setting& setting, Value& value) {
  if (!isList(setting.kind)) {
    if (value.texts.size() > 1) return "takes one value";
    value.text = value.texts.empty() ? "" : value.texts.front();
  }
  const auto must = [&](std::string_view what) { return fmt::format("{:?} is not {}", value.text, what); };
  std::optional<std::int64_t> number;
  switch (setting.kind) {
    case Kind::Text:
    case Kind::Path:
      return std::nullopt;
    case Kind::Names:
      return std::nullopt;
    case Kind::Networks:
      for (const std::string& text : value.texts) {
        if (!api::parseNetwork(text)) return fmt::format("{:?} is not a network such as 10.0.0.0/8 or fd00::/8", text);
      }
      return std::nullopt;
    case Kind::Url: {
      const std::string_view url = value.text;
      const bool is_http = url.starts_with("http://") || url.starts_with("https://");
      if (!url.empty() && (!is_http || url.find_first_of(" ?#\"<>") != url.npos)) {
        return must("a URL such as https://sqs.example.com");
      }
      while (value.text.ends_with('/')) value.text.pop_back();
      return std::nullopt;
    }
    case Kind::Choice: {
      const auto choices = split(setting.choices, '|');
      const auto found = std::find(choices.begin(), choices.end(), value.text);
      if (found == choices.end() && value.text != setting.default_text) {
        return must(fmt::format("one of {}", boundsText(setting)));
      }
      value.number = found - choices.begin();
      return std::nullopt;
    }
    case Kind::Switch:
      if (value.text.empty() || value.text == "{}") value.text = "true";  // as CLI11 passes a flag without a value
      if (value.text != "true" && value.text != "false") return must("true or false");
      value.number = value.text == "true" ? 1 : 0;
      return std::nullopt;
    case Kind::Share: {
      const char* end = value.text.data() + value.text.size();
      const auto [stop, error] = std::from_chars(value.text.data(), end, value.share);
      if (stop == end && error == std::errc() && value.share >= 0 && value.share <= 1) return std::nullopt;
      return must("a share from 0 to 1, such as 0.01");
    }
    case Kind::Addresses:
      if (value.texts.empty()) return "needs an address such as 127.0.0.1:9324";
      for (std::string& text : value.texts) {
        const auto address = parseListenAddress(text);
        if (!address) {
          return fmt::format("{:?} is not an address such as 127.0.0.1:9324, 0.0.0.0:9324 or [::1]:9324", text);
        }
        text = address->text();
      }
      return std::nullopt;
    case Kind::Count: {
      std::int64_t parsed = 0;
      const char* end = value.text.data() + value.text.size();
      const auto [stop, error] = std::from_chars(value.text.data(), end, parsed);
      if (stop == end && error == std::errc() && !value.text.empty()) number = parsed;
      break;
    }
    case Kind::Duration:
      if (const auto duration = parseDuration(value.text)) number = duration->count();
      break;
    case Kind::Size:
      number = parseSize(value.text);
      break;
  }
  if (!number || *number < setting.min || *number > setting.max) {
    const char* what = setting.kind == Kind::Count      ? "a number"
                       : setting.kind == Kind::Duration ? "a duration with its unit (ms, s, m, h, d)"
                                                        : "a size with its unit (B, KiB, MiB, GiB)";
    return must(fmt::format("{} from {}", what, boundsText(setting)));
  }
  value.number = *number;
  return std::nullopt;
}

enum class Rank { Default, File, Environment, Flag };

struct Said {
  std::vector<std::string> texts;
  Rank rank = Rank::Default;
  std::string where;  // "--listen", "HOWDAH_LISTEN in the environment", "listen in howdah.yaml"
};

class Loader {
 public:
  Loader(const Flags& flags, const Surroundings& surroundings, bool listens)
      : flags_(flags), surroundings_(surroundings), listens_(listens) {}

  ServerConfig load() && {
    config_.admin_listener.listen_setting = "--admin-listen";
    refuseUnknownArguments();
    refuseUnknownEnvironment();
    readFile();
    for (const Setting& setting : kSettings) apply(setting);
    chooseDatabase();
    checkTogether();
    if (!problems_.empty()) throw ConfigError(problems_, on_command_line_);
    return std::move(config_);
  }

 private:
  void problem(std::string text, bool on_command_line = false) {
    problems_.push_back(std::move(text));
    on_command_line_ |= on_command_line;
  }

  static std::vector<std::string_view> names() {
    std::vector<std::string_view> all;
    for (const Setting& setting : kSettings) all.push_back(setting.name);
    return all;
  }

  static std::string hint(std::string_view wrong, const auto& write, std::string_view otherwise) {
    const auto nearest = nearestName(wrong, names());
    return nearest.empty() ? std::string(otherwise) : fmt::format("did you mean {}?", write(nearest));
  }

  void refuseUnknownArguments() {
    bool after_flag = false;
    for (const std::string& argument : flags_.unknown) {
      if (argument.starts_with('-')) {
        const std::string flag = argument.substr(0, argument.find('='));
        problem(
            fmt::format("unknown flag {}; {}", flag,
                        hint(
                            flag.substr(std::min<std::size_t>(flag.find_first_not_of('-'), flag.size())),
                            [](auto name) { return fmt::format("--{}", name); }, "`howdah serve --help` lists them")),
            true);
        after_flag = flag == argument;
      } else {
        if (!after_flag)
          problem(fmt::format("unexpected argument {:?}; settings are written --name value", argument), true);
        after_flag = false;
      }
    }
  }

  // Kubernetes puts variables of its own into every pod beside a Service named howdah.
  static bool isOfKubernetes(std::string_view name) {
    return name.ends_with("_SERVICE_HOST") || name.find("_SERVICE_PORT") != name.npos || name.ends_with("_PORT") ||
           name.find("_TCP") != name.npos || name.find("_UDP") != name.npos;
  }

  void refuseUnknownEnvironment() {
    std::set<std::string, std::less<>> known;
    for (const Setting& setting : kSettings) {
      known.insert(environmentName(setting.name));
      if (setting.secret) known.insert(environmentName(setting.name) + "_FILE");
    }
    for (const auto& [name, value] : surroundings_.environment) {
      if (!name.starts_with("HOWDAH_") || name.starts_with("HOWDAH_TEST_") || isOfKubernetes(name)) continue;
      if (known.contains(name)) continue;
      std::string as_setting;
      for (const char c : std::string_view(name).substr(7)) {
        as_setting += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      problem(fmt::format("unknown setting {} in the environment; {}", name,
                          hint(as_setting, environmentName, "`howdah config settings` lists them")));
    }
  }

  void readFile() {
    const Said path = say(kSettings[0]);
    if (path.texts.empty() || path.texts.front().empty()) return;
    file_path_ = path.texts.back();
    file_ = readConfigFile(file_path_);
    for (const std::string& text : file_.problems) problem(text);
    for (const auto& [key, texts] : file_.settings) {
      const auto all = names();
      if (key != "config" && std::find(all.begin(), all.end(), key) != all.end()) continue;
      problem(
          fmt::format("unknown setting {} in {}; {}", key, file_path_,
                      hint(
                          key, [](auto name) { return std::string(name); }, "`howdah config settings` lists them")));
    }
    config_.queues = file_.queues;
  }

  const std::string* environment(const std::string& name) const {
    const auto found = surroundings_.environment.find(name);
    // Empty counts as unset, as compose files pass what their user did not set.
    return found != surroundings_.environment.end() && !found->second.empty() ? &found->second : nullptr;
  }

  Said say(const Setting& setting) {
    if (const auto found = flags_.values.find(std::string(setting.name)); found != flags_.values.end()) {
      std::vector<std::string> texts = found->second;
      if (!isList(setting.kind)) texts.erase(texts.begin(), texts.end() - 1);  // the last one counts
      return {splitIfList(setting, texts), Rank::Flag, fmt::format("--{}", setting.name)};
    }
    std::vector<std::string> variables{environmentName(setting.name)};
    if (setting.name == "database-url") variables.push_back("DATABASE_URL");
    for (const std::string& variable : variables) {
      const std::string* text = environment(variable);
      const std::string* file = setting.secret ? environment(variable + "_FILE") : nullptr;
      if (text != nullptr && file != nullptr) problem(fmt::format("both {0} and {0}_FILE are set; keep one", variable));
      if (file != nullptr) return {{readSecret(*file, variable + "_FILE")}, Rank::Environment, variable + "_FILE"};
      if (text != nullptr) return {splitIfList(setting, {*text}), Rank::Environment, variable};
    }
    if (const auto found = file_.settings.find(std::string(setting.name)); found != file_.settings.end()) {
      return {found->second, Rank::File, fmt::format("{} in {}", setting.name, file_path_)};
    }
    std::vector<std::string> texts = isList(setting.kind) ? split(setting.default_text, ',')
                                                          : std::vector<std::string>{std::string(setting.default_text)};
    if (setting.kind == Kind::Addresses && !surroundings_.has_ipv6_loopback) {
      std::erase_if(texts, [](const std::string& text) { return text.starts_with('['); });
    }
    return {std::move(texts), Rank::Default, std::string(setting.name)};
  }

  static std::vector<std::string> splitIfList(const Setting& setting, const std::vector<std::string>& texts) {
    if (!isList(setting.kind)) return texts;
    std::vector<std::string> all;
    for (const std::string& text : texts) {
      for (std::string& part : split(text, ',')) all.push_back(std::move(part));
    }
    return all;
  }

  std::string readSecret(const std::string& path, const std::string& variable) {
    std::ifstream stream(path);
    std::string text;
    if (!stream.is_open() || !std::getline(stream, text)) {
      problem(fmt::format("cannot read {} of {}: {}", path, variable,
                          stream.is_open() ? "it is empty or no file" : std::strerror(errno)));
    }
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    return text;
  }

  void apply(const Setting& setting) {
    Said said = say(setting);
    Value value{said.texts, {}, 0};
    if (const auto wrong = parseValue(setting, value)) {
      // A secret's value is not repeated, whatever is wrong with it.
      return problem(fmt::format("{}: {}", said.where, setting.secret ? "not a value it can take" : *wrong),
                     said.rank == Rank::Flag);
    }
    setting.apply(config_, value);
    const std::string shown = isList(setting.kind) ? fmt::format("[{}]", fmt::join(quoted(value.texts), ", "))
                              : setting.secret     ? std::string(value.text.empty() ? "" : "(set, not shown)")
                                                   : value.text;
    config_.effective.push_back(
        {std::string(setting.name), shown, said.rank == Rank::Default ? "default" : said.where});
    said_.emplace(setting.name, std::move(said));
  }

  static std::vector<std::string> quoted(std::vector<std::string> texts) {
    for (std::string& text : texts) text = fmt::format("\"{}\"", text);
    return texts;
  }

  // The one that was said closer to the command line; PGHOST and its like count as environment, but yield to anything.
  void chooseDatabase() {
    const Rank url = rank("database-url"), directory = rank("data-dir");
    if (url != Rank::Default && url == directory) {
      return problem(fmt::format("{} and {} exclude each other: give the database or the directory of a private one",
                                 said_["database-url"].where, said_["data-dir"].where),
                     url == Rank::Flag);
    }
    const bool libpq =
        environment("PGHOST") != nullptr || environment("PGHOSTADDR") != nullptr || environment("PGSERVICE") != nullptr;
    config_.embedded = url == directory ? !libpq : directory > url;
    if (config_.embedded) config_.postgres.connection_string.clear();
  }

  Rank rank(std::string_view setting) const {
    const auto found = said_.find(setting);
    return found == said_.end() ? Rank::Default : found->second.rank;
  }

  void checkTogether() {
    if (config_.postgres.connections < config_.service.workers) {
      problem(
          fmt::format("database-connections is {}, fewer than the {} workers that need one each; raise it or lower "
                      "workers",
                      config_.postgres.connections, config_.service.workers));
    }
    if (config_.listener.tls_cert_file.empty() != config_.listener.tls_key_file.empty()) {
      problem("tls-cert-file and tls-key-file belong together: give both, or neither for plain HTTP");
    }
    if (!config_.listener.tls_cert_file.empty() && config_.http_engine == C::HttpEngine::Cpprest) {
      problem("http-engine cpprest speaks no TLS: leave it out, or leave TLS to a proxy in front");
    }
    if (const auto& limits = config_.listener.limits; limits.bytes_in_flight < 4 * limits.body_bytes) {
      problem("http-bytes-in-flight is less than four bodies of http-body-bytes; raise it or lower http-body-bytes");
    }
    if (config_.drain_timeout < config_.drain_delay) {
      problem("drain-timeout is shorter than drain-delay, which it includes");
    }
    for (const char* name : {"purge-interval", "queue-name-reuse-delay"}) {
      const auto found = said_.find(name);
      if (found != said_.end() && parseDuration(found->second.texts.front())->count() % kSecond != 0) {
        problem(fmt::format("{} must be whole seconds", found->second.where));
      }
    }
    if (config_.auth == "sigv4" && config_.credentials.empty())
      problem("--auth=sigv4 needs --credentials; `howdah credentials create` makes such a file");
    if (config_.auth != "sigv4" && !config_.credentials.empty())
      problem("credentials are given but nobody is asked for them; say --auth=sigv4 as well");
    if (config_.auth != "sigv4" && config_.api.requests_per_second_per_key > 0) {
      problem(
          "requests-per-second-per-key needs --auth=sigv4; without it a client can name another key in each request, "
          "and no limit would hold");
    }
    const auto open = openAddresses(config_.listener), open_admin = openAddresses(config_.admin_listener);
    config_.api.loopback_only = open.empty();
    config_.admin.loopback_only = open_admin.empty();
    for (const auto* addresses : {&open, &open_admin}) {
      for (const std::string& text : *addresses) {
        if (config_.postgres.test_clock)
          problem(fmt::format("--test-clock works on loopback listeners only, and {} is open to others; leave out one",
                              text));
      }
    }
    for (const std::string& text : open) {
      if (config_.auth.empty() && listens_)
        problem(
            fmt::format("listening on {} lets anyone who reaches it use every queue; say --auth=sigv4 and give "
                        "--credentials, or --auth=none if that is meant, or listen on 127.0.0.1",
                        text));
    }
  }

  static std::vector<std::string> openAddresses(const api::HttpServerOptions& listener) {
    std::vector<std::string> open = listener.listen;
    std::erase_if(open, [](const std::string& text) { return parseListenAddress(text)->is_loopback; });
    return open;
  }

  const Flags& flags_;
  const Surroundings& surroundings_;
  const bool listens_;
  ServerConfig config_;
  std::string file_path_;
  ConfigFile file_;
  std::map<std::string, Said, std::less<>> said_;
  std::vector<std::string> problems_;
  bool on_command_line_ = false;
};

// The settings are in the footer, told from the table.
class HelpWithoutSettings : public CLI::Formatter {
 public:
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    return group == kSettingsGroup ? "" : Formatter::make_group(group, is_positional, options);
  }
};

}  // namespace

Surroundings Surroundings::here() {
  Surroundings here;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (const auto equals = text.find('='); equals != text.npos) {
      here.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  const int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  here.has_ipv6_loopback = probe >= 0 && bind(probe, reinterpret_cast<sockaddr*>(&loopback), sizeof loopback) == 0;
  if (probe >= 0) close(probe);
  return here;
}

ConfigError::ConfigError(const std::vector<std::string>& problems, bool said_on_command_line)
    : std::runtime_error(fmt::format("{}", fmt::join(problems, "\n"))), on_command_line(said_on_command_line) {}

void addSettings(CLI::App& command, Flags& flags) {
  for (const Setting& setting : kSettings) {
    const CLI::callback_t collect = [&flags, name = std::string(setting.name)](const CLI::results_t& texts) {
      flags.values[name] = texts;
      return true;
    };
    CLI::Option* option = command.add_option(fmt::format("--{}", setting.name), collect);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false)->group(kSettingsGroup);
    if (setting.kind == Kind::Switch) option->expected(0, 1);  // alone it means true
  }
  command.allow_extras();
  command.callback([&command, &flags] { flags.unknown = command.remaining(); });
  command.formatter(std::make_shared<HelpWithoutSettings>());
  command.footer(settingsHelp);
}

ServerConfig loadServerConfig(const Flags& flags, const Surroundings& surroundings, bool listens) {
  return Loader(flags, surroundings, listens).load();
}

std::string settingsHelp() {
  std::string help = "Settings (each also HOWDAH_NAME in the environment and a key of the --config file):\n";
  for (const Setting& setting : kSettings) {
    std::string head = fmt::format("  --{}", setting.name);
    if (setting.kind != Kind::Switch) {
      head += ' ';
      head += setting.kind == Kind::Count      ? "N"
              : setting.kind == Kind::Share    ? "SHARE"
              : setting.kind == Kind::Duration ? "DURATION"
              : setting.kind == Kind::Size     ? "SIZE"
              : setting.kind == Kind::Choice   ? std::string(setting.choices)
                                               : boundsText(setting);
    }
    std::string tail(setting.help);
    const bool bounded = setting.kind == Kind::Count || setting.kind == Kind::Duration || setting.kind == Kind::Size;
    if (!setting.default_text.empty()) {
      tail += fmt::format(" [{}{}]", setting.default_text, bounded ? "; " + boundsText(setting) : "");
    }
    constexpr std::size_t kIndent = 30, kWidth = 110;
    if (head.size() + 2 > kIndent) {
      help += head + '\n';
      head.clear();
    }
    help += fmt::format("{:<{}}", head, kIndent);
    std::size_t column = kIndent;
    for (const std::string& word : split(tail, ' ')) {
      const bool is_first = column == kIndent;
      if (!is_first && column + 1 + word.size() > kWidth) {
        help += fmt::format("\n{:{}}{}", "", kIndent, word);
        column = kIndent + word.size();
      } else {
        help += fmt::format("{}{}", is_first ? "" : " ", word);
        column += word.size() + (is_first ? 0 : 1);
      }
    }
    help += '\n';
  }
  return help;
}

std::vector<SettingText> settingTexts() {
  std::vector<SettingText> texts;
  for (const Setting& setting : kSettings) {
    const std::string_view choices = setting.kind == Kind::Switch ? "true|false" : setting.choices;
    texts.push_back({std::string(setting.name), boundsText(setting), std::string(setting.default_text),
                     std::string(setting.help), split(choices, '|')});
  }
  return texts;
}

std::string settingsMarkdown() {
  std::string table = "| Setting | Default | Values | What it does |\n|---|---|---|---|\n";
  for (const SettingText& setting : settingTexts()) {
    table += fmt::format("| `{}` | {} | {} | {} |\n", setting.name,
                         setting.default_text.empty() ? "" : fmt::format("`{}`", setting.default_text), setting.values,
                         setting.help);
  }
  return table;
}

namespace {

std::string jsonText(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;  // the table has no control characters
  }
  return json + '"';
}

// Members of the schema of one setting, without its description.
std::string jsonSchemaOf(const Setting& setting) {
  switch (setting.kind) {
    case Kind::Count:
      return fmt::format(R"("type": "integer", "minimum": {}, "maximum": {})", setting.min, setting.max);
    case Kind::Share:
      return R"("type": "number", "minimum": 0, "maximum": 1)";
    case Kind::Duration:
      return R"("type": "string", "pattern": "^(0|[0-9]+(ms|s|m|h|d))$")";
    case Kind::Size:
      return R"("type": "string", "pattern": "^(0|[0-9]+(B|KiB|MiB|GiB))$")";
    case Kind::Switch:
      return R"("type": "boolean")";
    case Kind::Choice: {
      std::vector<std::string> choices;
      for (const std::string& choice : split(setting.choices, '|')) choices.push_back(jsonText(choice));
      return fmt::format(R"("enum": [{}])", fmt::join(choices, ", "));
    }
    case Kind::Addresses:
    case Kind::Names:
    case Kind::Networks:
      return R"("type": "array", "items": {"type": "string"})";
    case Kind::Url:
      return R"("type": "string", "pattern": "^(https?://[^ ?#\"<>]+)?$")";
    case Kind::Path:
    case Kind::Text:
      break;
  }
  return R"("type": "string")";
}

}  // namespace

std::string settingsJsonSchema() {
  std::string properties;
  for (const Setting& setting : kSettings) {
    if (setting.name == "config") continue;  // the file itself
    const std::string bounds = boundsText(setting);
    properties += fmt::format("    {}: {{{}, \"description\": {}}},\n", jsonText(setting.name), jsonSchemaOf(setting),
                              jsonText(fmt::format("{} [{}{}{}]", setting.help, setting.default_text,
                                                   setting.default_text.empty() ? "" : "; ", bounds)));
  }
  return fmt::format(R"({{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "additionalProperties": false,
  "properties": {{
{}    "queues": {{
      "type": "array",
      "description": "Queues that are created at the start where they are missing",
      "items": {{
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {{
          "name": {{"type": "string", "pattern": "^[A-Za-z0-9_-]{{1,80}}$|^[A-Za-z0-9_-]{{1,75}}\\.fifo$"}},
          "attributes": {{"type": "object", "additionalProperties": {{"type": ["string", "integer", "boolean"]}}}},
          "tags": {{"type": "object", "additionalProperties": {{"type": ["string", "integer", "boolean"]}}}}
        }}
      }}
    }}
  }}
}}
)",
                     properties);
}

std::string printConfig(const ServerConfig& config) {
  std::string text;
  for (const auto& [name, value, source] : config.effective) {
    const bool is_file_key = name != "config" && !value.empty() && value.front() != '(';
    text += fmt::format("{}{}: {}  # {}\n", is_file_key ? "" : "# ", name, value, source);
  }
  return text;
}

}  // namespace howdah
