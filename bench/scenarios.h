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
void runFifoLifecycleBatch(const Options& options, Report& report);
void runFifoHotGroup(const Options& options, Report& report);
void runRedrive(const Options& options, Report& report);
void runWake(const Options& options, Report& report);
void runParked(const Options& options, Report& report);
void runIdleSend(const Options& options, Report& report);
void runBeside(const Options& options, Report& report);

// On PostgreSQL itself, to compare with.
void runSqlInsert(const Options& options, Report& report);
void runSqlLifecycle(const Options& options, Report& report);
void runSqlFifoLifecycle(const Options& options, Report& report);
void runSqlFifoHotGroup(const Options& options, Report& report);
void runSqlRedrive(const Options& options, Report& report);

// How many messages wait at most in the hot group scenarios: enough that their consumer never waits for the sender.
inline constexpr std::size_t kHotBacklog = 500;

inline constexpr Scenario kScenarios[] = {
    {"send", "each connection sends one message after the other", runSend},
    {"send-batch", "the same, ten a call", runSendBatch},
    {"lifecycle", "each connection sends one, receives one (waiting up to a second) and deletes it", runLifecycle},
    {"lifecycle-batch", "the same, ten a call", runLifecycleBatch},
    {"fifo-lifecycle-batch", "lifecycle-batch on a FIFO queue whose messages belong to --groups groups",
     runFifoLifecycleBatch},
    {"fifo-hot-group", "one message group: one connection sends, another receives and deletes, ten a call",
     runFifoHotGroup},
    {"redrive", "move tasks from a dead-letter queue: at the highest rate that may be asked for, and without one",
     runRedrive},
    {"wake", "parked receivers on one queue and a sender: from the send to the receive's answer", runWake},
    {"parked", "long polls without a message, renewed every 20 s: CPU and memory of the server", runParked},
    {"idle-send", "one connection, one send at a time: what a send costs when nothing else happens", runIdleSend},
    {"beside",
     "a quiet client on its own queue, alone, beside --connections that load another, and on a busy processor",
     runBeside},
    {"sql-insert", "one bare INSERT a commit, one connection: what idle-send is compared with", runSqlInsert},
    {"sql-lifecycle", "the server's own SQL functions, --batch messages a statement: what lifecycles are compared with",
     runSqlLifecycle},
    {"sql-fifo-lifecycle", "the same with the functions of FIFO queues, in --groups groups", runSqlFifoLifecycle},
    {"sql-fifo-hot-group", "what fifo-hot-group is compared with", runSqlFifoHotGroup},
    {"sql-redrive",
     "bare rows taken from one queue and put in another, --batch a commit: what redrive is compared with",
     runSqlRedrive},
};

}  // namespace howdah::bench
