#include "config/server_config.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include "config/setting_values.h"

namespace howdah {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class ServerConfigTest : public testing::Test {
 protected:
  ServerConfig load(std::vector<std::string> arguments) {
    CLI::App command;
    Flags flags;
    addSettings(command, flags);
    std::reverse(arguments.begin(), arguments.end());
    command.parse(arguments);
    return loadServerConfig(flags, surroundings);
  }

  // What it says instead of loading.
  std::string problemsOf(std::vector<std::string> arguments) {
    try {
      load(std::move(arguments));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "(none)";
  }

  std::string file(std::string_view text) {
    const std::string path =
        (std::filesystem::path(testing::TempDir()) / ("howdah_config_" + std::to_string(getpid()) + ".yaml")).string();
    std::ofstream(path) << text;
    return path;
  }

  Surroundings surroundings;
};

TEST_F(ServerConfigTest, DefaultsOfTheTableAreThoseOfTheOptions) {
  const ServerConfig config = load({});
  const service::ServiceOptions service;
  EXPECT_EQ(config.service.region, service.region);
  EXPECT_EQ(config.service.purge_interval, service.purge_interval);
  EXPECT_EQ(config.service.messages_in_flight, service.messages_in_flight);
  EXPECT_EQ(config.service.queue_name_reuse_delay, service.queue_name_reuse_delay);
  EXPECT_EQ(config.service.watch_interval, service.watch_interval);
  EXPECT_EQ(config.service.workers, service.workers);
  EXPECT_EQ(config.service.coalesced_rows, service.coalesced_rows);
  EXPECT_EQ(config.service.coalesced_bytes, service.coalesced_bytes);
  const persistence::postgres::PostgresOptions postgres;
  EXPECT_EQ(config.postgres.connections, postgres.connections);
  EXPECT_EQ(config.postgres.connect_timeout, postgres.connect_timeout);
  EXPECT_EQ(config.postgres.lock_timeout, postgres.lock_timeout);
  EXPECT_EQ(config.postgres.statement_deadline, postgres.statement_deadline);
  EXPECT_EQ(config.postgres.slow_statement, postgres.slow_statement);
  EXPECT_EQ(config.postgres.test_clock, postgres.test_clock);
  EXPECT_EQ(config.api.slow_request, api::ApiOptions().slow_request);
  EXPECT_EQ(config.api.access_log_sample, api::ApiOptions().access_log_sample);
  const persistence::postgres::EmbeddedOptions embedded;
  EXPECT_EQ(config.embedded_postgres.data_dir, embedded.data_dir);
  EXPECT_EQ(config.embedded_postgres.bin_dir, embedded.bin_dir);
  const api::HttpLimits limits;
  EXPECT_EQ(config.listener.limits.header_bytes, limits.header_bytes);
  EXPECT_EQ(config.listener.limits.header_count, limits.header_count);
  EXPECT_EQ(config.listener.limits.body_bytes, limits.body_bytes);
  EXPECT_EQ(config.listener.limits.connections, limits.connections);
  EXPECT_EQ(config.listener.limits.connections_per_address, limits.connections_per_address);
  EXPECT_EQ(config.listener.limits.bytes_in_flight, limits.bytes_in_flight);
  EXPECT_EQ(config.listener.limits.header_timeout, limits.header_timeout);
  EXPECT_EQ(config.listener.limits.body_timeout, limits.body_timeout);
  EXPECT_EQ(config.listener.limits.idle_timeout, limits.idle_timeout);
  EXPECT_EQ(config.listener.limits.write_timeout, limits.write_timeout);
  EXPECT_EQ(config.listener.threads, api::HttpServerOptions().threads);
  EXPECT_EQ(config.drain_delay, ServerConfig().drain_delay);
  EXPECT_EQ(config.drain_timeout, ServerConfig().drain_timeout);
  EXPECT_TRUE(config.embedded);
  EXPECT_TRUE(config.api.loopback_only);
}

TEST_F(ServerConfigTest, ListensOnBothLoopbacksWhereBothExist) {
  EXPECT_THAT(load({}).listener.listen, ElementsAre("127.0.0.1:9324", "[::1]:9324"));
  EXPECT_THAT(load({}).admin_listener.listen, ElementsAre("127.0.0.1:9325", "[::1]:9325"));
  surroundings.has_ipv6_loopback = false;
  EXPECT_THAT(load({}).listener.listen, ElementsAre("127.0.0.1:9324"));
  EXPECT_THAT(load({"--listen", "[::1]:9324"}).listener.listen, ElementsAre("[::1]:9324"));
}

TEST_F(ServerConfigTest, ListenIsRepeatableAndSplitsCommas) {
  EXPECT_THAT(load({"--listen", "127.0.0.1:1", "--listen=localhost:2"}).listener.listen,
              ElementsAre("127.0.0.1:1", "127.0.0.1:2"));
  surroundings.environment["HOWDAH_LISTEN"] = "127.0.0.1:3, [::1]:4";
  EXPECT_THAT(load({}).listener.listen, ElementsAre("127.0.0.1:3", "[::1]:4"));
}

TEST_F(ServerConfigTest, ProxiesAndOriginsAreLists) {
  const ServerConfig config = load({"--trusted-proxies", "10.0.0.0/8,::1", "--cors-origins", "https://a,https://b"});
  ASSERT_EQ(config.api.trusted_proxies.size(), 2u);
  EXPECT_TRUE(config.api.trusted_proxies[0].contains("10.1.2.3"));
  EXPECT_TRUE(config.api.trusted_proxies[1].contains("::1"));
  EXPECT_THAT(config.api.cors_origins, ElementsAre("https://a", "https://b"));
}

TEST_F(ServerConfigTest, FlagOverEnvironmentOverFileOverDefault) {
  const std::string path = file("purge-interval: 10s\nwatch-interval: 300ms\nregion: eu-west-1\n");
  surroundings.environment["HOWDAH_PURGE_INTERVAL"] = "20s";
  surroundings.environment["HOWDAH_WATCH_INTERVAL"] = "400ms";
  const ServerConfig config = load({"--config", path, "--purge-interval", "30s"});
  EXPECT_EQ(config.service.purge_interval, 30s);
  EXPECT_EQ(config.service.watch_interval, 400ms);
  EXPECT_EQ(config.service.region, "eu-west-1");
  EXPECT_EQ(config.service.queue_name_reuse_delay, 60s);
}

TEST_F(ServerConfigTest, TheLastOfARepeatedFlagCounts) {
  EXPECT_EQ(load({"--region", "a", "--region", "b"}).service.region, "b");
}

TEST_F(ServerConfigTest, EmptyEnvironmentVariablesCountAsUnset) {
  surroundings.environment = {{"HOWDAH_REGION", ""}, {"DATABASE_URL", ""}, {"HOWDAH_DATA_DIR", ""}};
  EXPECT_EQ(load({}).service.region, "us-east-1");
  EXPECT_TRUE(load({}).embedded);
}

TEST_F(ServerConfigTest, SwitchStandsAloneOrWithAValue) {
  EXPECT_TRUE(load({"--test-clock"}).postgres.test_clock);
  EXPECT_TRUE(load({"--test-clock", "--region", "r"}).postgres.test_clock);
  EXPECT_TRUE(load({"--test-clock=true"}).postgres.test_clock);
  EXPECT_FALSE(load({"--test-clock=false"}).postgres.test_clock);
  surroundings.environment["HOWDAH_TEST_CLOCK"] = "true";
  EXPECT_TRUE(load({}).postgres.test_clock);
}

TEST_F(ServerConfigTest, TheDatabaseIsTheOneSaidClosestToTheCommandLine) {
  const struct {
    const char* name;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    bool embedded;
    const char* connection;
  } cases[] = {
      {"nothing", {}, {}, true, ""},
      {"url", {"--database-url", "postgres://a"}, {}, false, "postgres://a"},
      {"environment", {}, {{"DATABASE_URL", "postgres://a"}}, false, "postgres://a"},
      {"ours before theirs", {}, {{"DATABASE_URL", "postgres://a"}, {"HOWDAH_DATABASE_URL", "b"}}, false, "b"},
      {"directory over environment", {"--data-dir", "d"}, {{"DATABASE_URL", "postgres://a"}}, true, ""},
      {"url over environment", {"--database-url", "u"}, {{"HOWDAH_DATA_DIR", "d"}}, false, "u"},
      {"libpq", {}, {{"PGHOST", "db"}}, false, ""},
      {"directory over libpq", {}, {{"PGHOST", "db"}, {"HOWDAH_DATA_DIR", "d"}}, true, ""},
      {"PGUSER alone names no database", {}, {{"PGUSER", "me"}}, true, ""},
  };
  for (const auto& c : cases) {
    surroundings.environment = c.environment;
    const ServerConfig config = load(c.arguments);
    EXPECT_EQ(config.embedded, c.embedded) << c.name;
    EXPECT_EQ(config.postgres.connection_string, c.connection) << c.name;
  }
  surroundings.environment.clear();
  EXPECT_THAT(problemsOf({"--data-dir", "d", "--database-url", "u"}),
              HasSubstr("--database-url and --data-dir exclude each other"));
}

TEST_F(ServerConfigTest, SecretsComeFromFilesAndAreNeverShown) {
  surroundings.environment["HOWDAH_DATABASE_URL_FILE"] = file("postgres://u:hunter2@db/x\n");
  const ServerConfig config = load({});
  EXPECT_EQ(config.postgres.connection_string, "postgres://u:hunter2@db/x");
  EXPECT_THAT(printConfig(config), testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(printConfig(config), HasSubstr("database-url: (set, not shown)"));
  surroundings.environment["HOWDAH_DATABASE_URL"] = "x";
  EXPECT_THAT(problemsOf({}), HasSubstr("both HOWDAH_DATABASE_URL and HOWDAH_DATABASE_URL_FILE are set"));
  surroundings.environment = {{"HOWDAH_DATABASE_URL_FILE", "/nonexistent/x"}};
  EXPECT_THAT(problemsOf({}), HasSubstr("cannot read /nonexistent/x of HOWDAH_DATABASE_URL_FILE: No such file"));
}

TEST_F(ServerConfigTest, AProblemSaysWhatToChange) {
  const struct {
    const char* name;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    const char* file;
    const char* says;
  } cases[] = {
      {"unknown flag", {"--lisen", "127.0.0.1:1"}, {}, "", "unknown flag --lisen; did you mean --listen?"},
      {"unknown flag with value",
       {"--purge-intervall=1s"},
       {},
       "",
       "unknown flag --purge-intervall; did you mean --purg"},
      {"nothing like it", {"--xyzzyx"}, {}, "", "unknown flag --xyzzyx; `howdah serve --help` lists them"},
      {"stray argument", {"queue"}, {}, "", "unexpected argument \"queue\""},
      {"unknown variable", {}, {{"HOWDAH_LOGLEVEL", "x"}}, "", "did you mean HOWDAH_LOG_LEVEL?"},
      {"unknown key", {}, {}, "drain-dealy: 1s", "unknown setting drain-dealy in "},
      {"nested key", {}, {}, "listen: {a: b}", "listen needs a value in one line"},
      {"key twice", {}, {}, "region: a\nregion: b", ":2: region is there twice"},
      {"not YAML", {}, {}, "region: [", "not YAML"},
      {"a list is no file", {}, {}, "- region", "must be written in lines of `key: value`"},
      {"several values", {}, {}, "region: [a, b]", "takes one value"},
      {"duration without unit", {"--drain-delay", "5"}, {}, "", "--drain-delay: \"5\" is not a duration with its unit"},
      {"duration out of bounds", {"--drain-delay", "1h"}, {}, "", "from 0s to 5m"},
      {"overflow", {"--drain-delay", "99999999999999999999s"}, {}, "", "from 0s to 5m"},
      {"fraction of a second", {"--purge-interval", "1500ms"}, {}, "", "--purge-interval must be whole seconds"},
      {"size", {"--http-body-bytes", "2MB"}, {}, "", "a size with its unit (B, KiB, MiB, GiB) from 2MiB to 256MiB"},
      {"count", {"--workers", "0"}, {}, "", "--workers: \"0\" is not a number from 1 to 256"},
      {"share", {"--access-log-sample", "1.01"}, {}, "", "\"1.01\" is not a share from 0 to 1, such as 0.01"},
      {"not a share", {"--access-log-sample", "1%"}, {}, "", "\"1%\" is not a share"},
      {"no share", {"--access-log-sample", "nan"}, {}, "", "\"nan\" is not a share"},
      {"not a count", {"--workers", "4x"}, {}, "", "\"4x\" is not a number"},
      {"choice", {"--log-level", "loud"}, {}, "", "\"loud\" is not one of debug, info, warn, error"},
      {"auth", {"--auth", "open"}, {}, "", "\"open\" is not one of none"},
      {"switch", {"--test-clock=maybe"}, {}, "", "\"maybe\" is not true or false"},
      {"address", {"--listen", ":9324"}, {}, "", "\":9324\" is not an address such as 127.0.0.1:9324, 0.0.0.0:9324"},
      {"host name", {"--listen", "example.com:1"}, {}, "", "is not an address"},
      {"port", {"--listen", "127.0.0.1:65536"}, {}, "", "is not an address"},
      {"network", {"--trusted-proxies", "10.0.0.0/8,10/8"}, {}, "", "is not a network such as 10.0.0.0/8 or fd00::/8"},
      {"url", {"--public-url", "sqs.example.com"}, {}, "", "is not a URL such as https://sqs.example.com"},
      {"variable", {}, {{"HOWDAH_WORKERS", "x"}}, "", "HOWDAH_WORKERS: \"x\" is not a number"},
      {"key in file", {}, {}, "workers: x", "workers in "},
      {"fewer connections", {"--workers", "9"}, {}, "", "database-connections is 6, fewer than the 9 workers"},
      {"drain", {"--drain-delay", "30s"}, {}, "", "drain-timeout is shorter than drain-delay"},
      {"open listener", {"--listen", "0.0.0.0:9324"}, {}, "", "or --auth=none if that is meant"},
      {"any v6", {"--listen", "[::]:9324"}, {}, "", "listening on [::]:9324 lets anyone"},
      {"open test clock",
       {"--listen", "0.0.0.0:1", "--auth=none", "--test-clock"},
       {},
       "",
       "--test-clock works on loop"},
      {"open test clock on the admin port",
       {"--admin-listen", "[::]:9325", "--test-clock"},
       {},
       "",
       "--test-clock works on loopback listeners only, and [::]:9325 is open"},
      {"unknown queue key", {}, {}, "queues: [{name: q, atributes: {}}]", "did you mean attributes?"},
      {"nameless queue", {}, {}, "queues: [{tags: {}}]", "an entry of queues needs a name"},
      {"queue twice", {}, {}, "queues: [{name: q}, {name: q}]", "queue q is declared twice"},
      {"nested attribute", {}, {}, "queues: [{name: q, attributes: {RedrivePolicy: {a: b}}}]", "must be one text"},
      {"queues no list", {}, {}, "queues: {q: {}}", "queues must be a list"},
      {"config in config", {}, {}, "config: x", "unknown setting config"},
  };
  for (const auto& c : cases) {
    surroundings.environment = c.environment;
    std::vector<std::string> arguments = c.arguments;
    if (*c.file != 0) arguments.insert(arguments.end(), {"--config", file(c.file)});
    const std::string problems = problemsOf(arguments);
    EXPECT_THAT(problems, HasSubstr(c.says)) << c.name;
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 0) << c.name << ": more than one line: " << problems;
  }
}

TEST_F(ServerConfigTest, EveryProblemIsToldAtOnce) {
  surroundings.environment["HOWDAH_WORKERS"] = "x";
  const std::string problems = problemsOf({"--lisen", "a", "--drain-delay", "5", "--config", file("regio: x\n")});
  for (const char* one : {"--lisen", "--drain-delay", "HOWDAH_WORKERS", "regio"}) {
    EXPECT_THAT(problems, HasSubstr(one));
  }
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 3);
}

TEST_F(ServerConfigTest, AnUnreadableConfigFileIsNamed) {
  EXPECT_THAT(problemsOf({"--config", "/nonexistent.yaml"}),
              HasSubstr("cannot read the config file /nonexistent.yaml: No such file"));
  EXPECT_THAT(problemsOf({"--config", testing::TempDir()}), HasSubstr("cannot read the config file"));
  EXPECT_EQ(problemsOf({"--config", file("")}), "(none)");
}

TEST_F(ServerConfigTest, OpenListenersAreFineOnceAuthIsSaid) {
  const ServerConfig config = load({"--listen", "0.0.0.0:9324", "--auth=none"});
  EXPECT_FALSE(config.api.loopback_only);
  EXPECT_EQ(config.auth, "none");
  EXPECT_TRUE(load({"--listen", "127.8.9.1:9324", "--listen", "[0:0:0:0:0:0:0:1]:9324"}).api.loopback_only);
}

TEST_F(ServerConfigTest, AnAdminPortOffLoopbackNeedsNoDecisionAboutTheApi) {
  const ServerConfig config = load({"--admin-listen", "10.0.0.1:9325", "--admin-listen", "127.0.0.1:9325"});
  EXPECT_FALSE(config.admin.loopback_only);
  EXPECT_TRUE(config.api.loopback_only);
  EXPECT_TRUE(load({"--listen", "0.0.0.0:9324", "--auth=none"}).admin.loopback_only);
}

TEST_F(ServerConfigTest, ARateOfKeysNeedsKeysThatAreVerified) {
  EXPECT_EQ(load({"--auth=sigv4", "--credentials", "c", "--requests-per-second-per-key", "9"})
                .api.requests_per_second_per_key,
            9);
  for (const char* auth : {"--auth=none", "--region=x"}) {
    EXPECT_THAT(problemsOf({auth, "--requests-per-second-per-key", "9"}),
                HasSubstr("requests-per-second-per-key needs --auth=sigv4"));
  }
}

TEST_F(ServerConfigTest, SharesAreReadAsNumbers) {
  EXPECT_EQ(load({"--access-log-sample", "0.25"}).api.access_log_sample, 0.25);
  EXPECT_EQ(load({"--access-log-sample=1"}).api.access_log_sample, 1);
}

TEST_F(ServerConfigTest, TlsIsForBothPortsAndNeedsBothFilesAndTheDefaultEngine) {
  const ServerConfig config = load({"--tls-cert-file", "c.pem", "--tls-key-file", "k.pem"});
  for (const auto* listener : {&config.listener, &config.admin_listener}) {
    EXPECT_EQ(listener->tls_cert_file, "c.pem");
    EXPECT_EQ(listener->tls_key_file, "k.pem");
  }
  EXPECT_THAT(problemsOf({"--tls-cert-file", "c.pem"}), HasSubstr("belong together"));
  EXPECT_THAT(problemsOf({"--tls-key-file", "k.pem"}), HasSubstr("belong together"));
  EXPECT_THAT(problemsOf({"--tls-cert-file", "c.pem", "--tls-key-file", "k.pem", "--http-engine", "cpprest"}),
              HasSubstr("speaks no TLS"));
}

TEST_F(ServerConfigTest, VariablesOfKubernetesAndOfTestsAreNotSettings) {
  surroundings.environment = {{"HOWDAH_SERVICE_HOST", "10.0.0.1"},
                              {"HOWDAH_SERVICE_PORT", "9324"},
                              {"HOWDAH_SERVICE_PORT_SQS", "9324"},
                              {"HOWDAH_PORT", "tcp://10.0.0.1:9324"},
                              {"HOWDAH_PORT_9324_TCP", "tcp://10.0.0.1:9324"},
                              {"HOWDAH_PORT_9324_TCP_ADDR", "10.0.0.1"},
                              {"HOWDAH_TEST_DATABASE_URL", "x"}};
  EXPECT_EQ(problemsOf({}), "(none)");
}

TEST_F(ServerConfigTest, QueuesOfTheFileAreDeclared) {
  const ServerConfig config = load({"--config", file(R"(
queues:
  - name: orders
    attributes:
      VisibilityTimeout: 60
      RedrivePolicy: '{"maxReceiveCount": 3}'
    tags: {team: shop}
  - name: mail
)")});
  ASSERT_EQ(config.queues.size(), 2U);
  EXPECT_EQ(config.queues[0].name, "orders");
  EXPECT_THAT(config.queues[0].attributes, ElementsAre(testing::Pair("RedrivePolicy", "{\"maxReceiveCount\": 3}"),
                                                       testing::Pair("VisibilityTimeout", "60")));
  EXPECT_THAT(config.queues[0].tags, ElementsAre(testing::Pair("team", "shop")));
  EXPECT_EQ(config.queues[1].name, "mail");
}

TEST_F(ServerConfigTest, WhatPrintShowsIsAConfigFileThatGivesTheSame) {
  const std::string shown =
      printConfig(load({"--listen", "127.0.0.1:1,[::1]:2", "--purge-interval", "0s", "--test-clock"}));
  const ServerConfig again = load({"--config", file(shown)});
  EXPECT_THAT(again.listener.listen, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_EQ(again.service.purge_interval, 0s);
  EXPECT_TRUE(again.postgres.test_clock);
  EXPECT_THAT(shown, HasSubstr("purge-interval: 0s  # --purge-interval\n"));
  EXPECT_THAT(shown, HasSubstr("region: us-east-1  # default\n"));
}

TEST(SettingValues, DurationsAndSizesReadBackAsWritten) {
  for (const char* text : {"0s", "1ms", "1500ms", "2s", "5m", "3h", "14d"}) {
    EXPECT_EQ(formatDuration(*parseDuration(text)), text);
  }
  for (const char* text : {"0B", "1B", "1023B", "32KiB", "1MiB", "2GiB"}) {
    EXPECT_EQ(formatSize(*parseSize(text)), text);
  }
  for (const char* text : {"", "5", "s", "-1s", "1.5s", "1 s", "1S", "1sec", "+1s", "9223372036854775807d"}) {
    EXPECT_FALSE(parseDuration(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace howdah
