#include "tests/model/model_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "tests/model/driver.h"
#include "tests/model/judge.h"
#include "tests/model/records.h"
#include "tests/model/shrinker.h"

namespace howdah::testing::model {

namespace {

constexpr std::chrono::seconds kShrinkWithin{90};

std::string told(const Plan& plan, const Records& records, const std::vector<Fault>& faults) {
  constexpr std::size_t kMost = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, faults.size()); ++i)
    text += fmt::format("Not so: {} ({})\n{}", faults[i].rule, faults[i].text,
                        history(plan, records, faults[i].message_ids));
  return text;
}

// The rounds, from stop to stop, in which these messages lived: a stop leaves nothing behind.
Plan roundsOf(const Plan& plan, const Records& records, const std::set<std::string>& message_ids) {
  std::size_t first = plan.operations.size();
  std::size_t last = 0;
  const auto see = [&](const auto& some) {
    for (const auto& record : some) {
      if (!message_ids.contains(record.message_id)) continue;
      first = std::min(first, record.call.operation);
      last = std::max(last, record.call.operation);
    }
  };
  see(records.sent);
  see(records.received);
  see(records.deleted);
  see(records.changed);
  Plan rounds = plan;
  rounds.operations.clear();
  std::vector<Operation> round;
  for (const Operation& operation : plan.operations) {
    round.push_back(operation);
    if (operation.kind != Kind::Stop) continue;
    if (operation.number >= first && round.front().number <= last)
      rounds.operations.insert(rounds.operations.end(), round.begin(), round.end());
    round.clear();
  }
  return rounds;
}

}  // namespace

ModelRun::ModelRun(const TestDatabase& database) {
  auto postgres = database.options();
  postgres.test_clock = true;
  for (int i = 0; i < 2; ++i) processes_.push_back(std::make_unique<ServiceProcess>(postgres));
}

std::string ModelRun::judged(std::uint64_t seed, std::size_t operations) {
  const Plan plan = makePlan(seed, operations, threads);
  const Records records = runPlan(plan, processes_);
  const std::vector<Fault> faults = judge(plan, records);
  if (faults.empty()) return "";
  std::string text = fmt::format("seed {}, {} operations, {} threads: {} faults\n{}", seed, operations, threads,
                                 faults.size(), told(plan, records, faults));
  if (!shrinks) return text;

  const std::string& rule = faults.front().rule;
  Records short_records;
  std::vector<Fault> short_faults;
  const Plan short_plan = shrink(
      plan, roundsOf(plan, records, faults.front().message_ids),
      [&](const Plan& candidate) {
        Records candidate_records = runPlan(candidate, processes_);
        std::vector<Fault> candidate_faults = judge(candidate, candidate_records);
        std::erase_if(candidate_faults, [&](const Fault& fault) { return fault.rule != rule; });
        if (candidate_faults.empty()) return false;
        short_records = std::move(candidate_records);
        short_faults = std::move(candidate_faults);
        return true;
      },
      kShrinkWithin);
  if (short_faults.empty()) return text + "No shorter plan broke the same rule.\n";
  return text + fmt::format("The same by {} operations of {} threads:\n{}", short_plan.operations.size(),
                            short_plan.threads, told(short_plan, short_records, short_faults));
}

}  // namespace howdah::testing::model
