// The scenarios, each run to its end. Throws std::runtime_error if it cannot begin.
#pragma once

#include <string_view>

#include "bench/report.h"

namespace howdah::bench {

struct Scenario {
  std::string_view name;
  std::string_view what;
  void (*run)(const Options&, Report&);
};

// On an SQS endpoint.
void runSend(const Options& options, Report& report);
void runSendBatch(const Options& options, Report& report);
void runLifecycle(const Options& options, Report& report);
void runLifecycleBatch(const Options& options, Report& report);
void runWake(const Options& options, Report& report);
void runParked(const Options& options, Report& report);
void runIdleSend(const Options& options, Report& report);

// On PostgreSQL itself, to compare with.
void runSqlInsert(const Options& options, Report& report);
void runSqlLifecycle(const Options& options, Report& report);

inline constexpr Scenario kScenarios[] = {
    {"send", "each connection sends one message after the other", runSend},
    {"send-batch", "the same, ten a call", runSendBatch},
    {"lifecycle", "each connection sends one, receives one (waiting up to a second) and deletes it", runLifecycle},
    {"lifecycle-batch", "the same, ten a call", runLifecycleBatch},
    {"wake", "parked receivers on one queue and a sender: from the send to the receive's answer", runWake},
    {"parked", "long polls without a message, renewed every 20 s: CPU and memory of the server", runParked},
    {"idle-send", "one connection, one send at a time: what a send costs when nothing else happens", runIdleSend},
    {"sql-insert", "one bare INSERT a commit, one connection: what idle-send is compared with", runSqlInsert},
    {"sql-lifecycle", "the server's own SQL functions, --batch messages a statement: what lifecycles are compared with",
     runSqlLifecycle},
};

}  // namespace howdah::bench
