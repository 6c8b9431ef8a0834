#include "tests/model/plan.h"

#include <random>

namespace howdah::testing::model {

namespace {

constexpr std::size_t kOperationsBetweenStops = 2500;

struct Share {
  Kind kind;
  unsigned weight;
};
constexpr Share kShares[] = {
    {Kind::SendMessage, 170},
    {Kind::SendMessageBatch, 80},
    {Kind::ReceiveMessage, 380},
    {Kind::DeleteMessage, 150},
    {Kind::DeleteMessageBatch, 120},
    {Kind::ChangeMessageVisibility, 50},
    {Kind::ChangeMessageVisibilityBatch, 30},
    {Kind::PurgeQueue, 1},
    {Kind::MoveMessages, 12},
    {Kind::StepClock, 4},
};

Kind draw(std::mt19937_64& random) {
  unsigned all = 0;
  for (const Share& share : kShares) all += share.weight;
  unsigned drawn = static_cast<unsigned>(random() % all);
  for (const Share& share : kShares) {
    if (drawn < share.weight) return share.kind;
    drawn -= share.weight;
  }
  return Kind::Stop;
}

}  // namespace

Plan makePlan(std::uint64_t seed, std::size_t operations, std::size_t threads) {
  std::mt19937_64 random(seed);
  Plan plan;
  plan.seed = seed;
  plan.threads = threads;
  plan.queues = {
      {"standard", {}},
      {"delayed", {{"DelaySeconds", "2"}}},
      {"short-lived", {{"MessageRetentionPeriod", "60"}}},
      {"fifo.fifo", {{"FifoQueue", "true"}}},
      {"groups.fifo", {{"FifoQueue", "true"}, {"DeduplicationScope", "messageGroup"}}},
      {"delayed.fifo", {{"FifoQueue", "true"}, {"DelaySeconds", "1"}}},
      {"short-lived.fifo", {{"FifoQueue", "true"}, {"MessageRetentionPeriod", "60"}}},
      {"chain", {}, true, 8, 2},
      {"chain-dead", {}, true, 9, 3},
      {"chain-end", {}, true},
      {"redriven.fifo", {{"FifoQueue", "true"}}, true, 11, 2},
      {"dead.fifo", {{"FifoQueue", "true"}}, true},
  };
  std::vector<std::vector<std::size_t>> sends(plan.queues.size());
  for (std::size_t number = 1; number <= operations; ++number) {
    Operation operation;
    operation.number = number;
    const bool last = number == operations;
    operation.kind = last || number % kOperationsBetweenStops == 0 ? Kind::Stop : draw(random);
    operation.thread = random() % threads;
    operation.queue = random() % plan.queues.size();
    operation.random = random();
    if (operation.kind == Kind::SendMessage || operation.kind == Kind::SendMessageBatch) {
      std::vector<std::size_t>& before = sends[operation.queue];
      // The last ones are being sent now; of those further back some are older than five minutes.
      const std::size_t back = 1 + random() % (random() % 2 == 0 ? 3 : 200);
      if (back <= before.size()) operation.repeats = before[before.size() - back];
      before.push_back(operation.number);
    }
    plan.operations.push_back(operation);
  }
  return plan;
}

}  // namespace howdah::testing::model
