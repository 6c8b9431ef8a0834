// What a run of the model test does: queues of several shapes, and operations on them, all told by a seed. An operation
// draws its details from a number of its own, so a plan with some of its operations taken out does the same with the
// rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "service/operations.h"

namespace howdah::testing::model {

struct QueueShape {
  std::string name;
  service::AttributeMap attributes;
  // Messages come to it from other queues, or leave it for others: a family of queues has judges of its own.
  bool redrives = false;
  std::optional<std::size_t> dead_letter_queue = {};  // which of the queues after this one its redrive policy names
  int max_receive_count = 0;

  bool fifo() const { return attributes.contains("FifoQueue"); }
  bool scopeIsGroup() const { return attributes.contains("DeduplicationScope"); }
  int delay() const { return attributes.contains("DelaySeconds") ? std::stoi(attributes.at("DelaySeconds")) : 0; }
  int retention() const {
    const auto found = attributes.find("MessageRetentionPeriod");
    return found == attributes.end() ? 345600 : std::stoi(found->second);
  }
  // Whether receives may remove messages instead of handing them out.
  bool removes() const { return redrives || attributes.contains("MessageRetentionPeriod"); }
};

enum class Kind {
  SendMessage,
  SendMessageBatch,
  ReceiveMessage,
  DeleteMessage,
  DeleteMessageBatch,
  ChangeMessageVisibility,
  ChangeMessageVisibilityBatch,
  PurgeQueue,
  MoveMessages,  // a message move task from its start to its end
  StepClock,
  Stop,  // all threads stand still: counts are compared and what can be received is received and deleted
};

struct Operation {
  std::size_t number = 0;  // in the plan as it was made
  Kind kind = Kind::Stop;
  std::size_t thread = 0;
  std::size_t queue = 0;
  std::uint64_t random = 0;
  // Of a send to a FIFO queue: an earlier one whose deduplication ids it may use again; 0: none.
  std::size_t repeats = 0;
};

struct Plan {
  std::uint64_t seed = 0;
  std::size_t threads = 1;
  std::vector<QueueShape> queues;
  std::vector<Operation> operations;
};

Plan makePlan(std::uint64_t seed, std::size_t operations, std::size_t threads);

}  // namespace howdah::testing::model
