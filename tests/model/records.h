// What the clients of a run were told, call by call. A call has begun and ended by the database's clock, as nearly as
// the client knows it; what the server did lies between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "persistence/records.h"
#include "tests/model/plan.h"

namespace howdah::testing::model {

using persistence::DatabaseTime;

struct Interval {
  DatabaseTime start;
  DatabaseTime end;
};

struct Call {
  std::size_t operation = 0;
  std::size_t thread = 0;
  int process = 0;
  std::size_t queue = 0;
  Interval at;
  // Of all calls of a run, which no clock can blur: one was over before another began.
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
  std::size_t repeats = 0;  // of a send, as its operation has it
};

struct Sent {
  Call call;
  std::size_t entry = 0;
  std::string body;
  std::string group;
  std::string deduplication_id;
  int delay = 0;
  std::string message_id;
  std::string sequence;
};
struct Received {
  Call call;
  std::size_t place = 0;  // in the response
  std::string message_id;
  std::string body;
  std::string group;
  std::string deduplication_id;
  std::string sequence;
  std::int32_t receive_count = 0;
  DatabaseTime received_at;  // exactly: the receipt handle has it
  std::int64_t sent_ms = 0;
  std::int64_t first_received_ms = 0;
  int visibility_timeout = 0;
};
struct Deleted {
  Call call;
  std::string message_id;
  std::int32_t receive_count = 0;  // of the delivery whose handle was used
  bool ok = false;
};
struct Changed {
  Call call;
  std::string message_id;
  std::int32_t receive_count = 0;
  int visibility_timeout = 0;
  bool ok = false;
  bool by_repeat = false;  // not a client's change: a repeated receive handed the delivery out again
};
// A receive with a ReceiveRequestAttemptId. What it gave a second time is no Received, but a change of the visibility.
struct Attempted {
  struct Given {
    std::string message_id;
    std::int32_t receive_count = 0;
    bool operator==(const Given&) const = default;
  };
  Call call;
  std::string attempt_id;
  std::vector<Given> given;  // in the order of the response
};
struct Purged {
  Call call;
};
struct MoveTask {
  Call call;  // of its start
};
// At a stop:
struct Counted {
  Call call;
  std::int64_t visible = 0;
  std::int64_t in_flight = 0;
  std::int64_t delayed = 0;
};
struct Drained {  // receives found nothing more, and nobody else was at work
  Call call;
};

struct Records {
  std::vector<Sent> sent;
  std::vector<Received> received;
  std::vector<Deleted> deleted;
  std::vector<Changed> changed;
  std::vector<Attempted> attempted;
  std::vector<Purged> purged;
  std::vector<MoveTask> move_tasks;
  std::vector<Counted> counted;
  std::vector<Drained> drained;
  std::vector<std::string> refused;  // good requests that failed

  void add(Records other);
  // Takes out what is of queues that redrive.
  Records takeRedriven(const Plan& plan);
};

// A rule that did not hold, and the messages whose history tells it.
struct Fault {
  std::string rule;
  std::string text;
  std::set<std::string> message_ids;
};

// What the records say of these messages, in order.
std::string history(const Plan& plan, const Records& records, const std::set<std::string>& message_ids);

}  // namespace howdah::testing::model
