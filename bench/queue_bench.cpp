// howdah-bench: loads an SQS endpoint and checks what it gives back. bench/README.md tells how to read the numbers.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "bench/scenarios.h"

namespace {

using namespace howdah::bench;

const Scenario* find(const std::string& name) {
  for (const auto& scenario : kScenarios)
    if (scenario.name == name) return &scenario;
  return nullptr;
}

void raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Loads an SQS endpoint, checks what it gives back and tells how fast it was and what it cost.");
  std::string list = "Scenarios:";
  for (const auto& scenario : kScenarios)
    list +=
        "\n  " + std::string(scenario.name) + std::string(22 - scenario.name.size(), ' ') + std::string(scenario.what);
  app.footer(list);
  app.option_defaults()->always_capture_default();
  app.add_option("--endpoint", options.endpoint, "SQS endpoint, http://HOST:PORT");
  app.add_option("--scenario", options.scenario, "what to run, see below")
      ->required()
      ->check([](const std::string& name) {
        return find(name) ? std::string() : "there is no scenario \"" + name + "\"; see --help";
      });
  app.add_option("--connections", options.connections, "connections at the same time")->check(CLI::Range(1, 60000));
  app.add_option("--seconds", options.seconds, "how long to measure")->check(CLI::Range(0.1, 86400.0));
  app.add_option("--warmup", options.warmup_seconds, "seconds before that")->check(CLI::Range(0.0, 3600.0));
  app.add_option("--body-bytes", options.body_bytes, "size of a message")->check(CLI::Range(1, 1024 * 1024));
  app.add_option("--queue", options.queue, "queue to use; it must be empty. Otherwise one is made and deleted");
  app.add_option("--sender-endpoint", options.sender_endpoint,
                 "wake: where to send, beside: where the quiet client asks, if not the same endpoint");
  // By environment rather than as arguments, which everybody sees in the list of processes.
  app.add_option("--access-key", options.access_key, "sign requests with this key")->envname("HOWDAH_BENCH_ACCESS_KEY");
  app.add_option("--secret-key", options.secret_key, "and its secret, better given in the environment")
      ->envname("HOWDAH_BENCH_SECRET_KEY");
  app.add_option("--quiet-access-key", options.quiet_access_key, "beside: the quiet client's own key")
      ->envname("HOWDAH_BENCH_QUIET_ACCESS_KEY");
  app.add_option("--quiet-secret-key", options.quiet_secret_key, "and its secret, better given in the environment")
      ->envname("HOWDAH_BENCH_QUIET_SECRET_KEY");
  app.add_option("--batch", options.batch, "sql lifecycles: messages a statement")->check(CLI::Range(1, 10000));
  app.add_option("--groups", options.groups, "FIFO lifecycles: message groups")->check(CLI::Range(1, 10'000'000));
  app.add_option("--load-queues", options.load_queues, "beside: queues that the load is spread over")
      ->check(CLI::Range(1, 1000));
  app.add_option("--database-url", options.database_url, "sql scenarios: PostgreSQL's connection string");
  app.add_option("--server-pid", options.server_pid,
                 "process to measure; otherwise who listens on the endpoint's port");
  app.add_option("--postgres-pid", options.postgres_pid, "postmaster to measure; otherwise the server's descendant");
  app.add_flag("--json", options.json, "print one JSON object instead of a table");
  CLI11_PARSE(app, argc, argv);
  if (options.access_key.empty() != options.secret_key.empty()) {
    std::fputs("howdah-bench: --access-key and --secret-key need each other\n", stderr);
    return 2;
  }
  if (options.quiet_access_key.empty() != options.quiet_secret_key.empty()) {
    std::fputs("howdah-bench: --quiet-access-key and --quiet-secret-key need each other\n", stderr);
    return 2;
  }

  if (options.scenario == "idle-send" || options.scenario == "sql-insert") options.connections = 1;
  raiseDescriptorLimit();
  try {
    Report report;
    find(options.scenario)->run(options, report);
    options.json ? printJson(options, report) : printTable(options, report);
    return report.ok() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "howdah-bench: %s\n", error.what());
    return 2;
  }
}
