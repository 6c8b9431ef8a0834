// SQS as plainly as it can be told: the life of one message, and what the records leave possible of it. A call did its
// work at some moment between its start and its end, so most answers are intervals; receives tell their moment exactly.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/model/records.h"

namespace howdah::testing::model {

inline constexpr DatabaseTime kNever = DatabaseTime::max();

struct Life {
  const QueueShape* shape = nullptr;
  std::size_t queue = 0;
  std::vector<const Sent*> sends;  // that were answered with this message; more than one if some were duplicates
  std::vector<const Received*> deliveries;  // by receive count
  std::vector<const Deleted*> deletes;
  std::vector<const Changed*> changes;
  std::vector<const Purged*> purges;  // that may have taken it

  const std::string& id() const { return sends.front()->message_id; }
  // The send that was stored: what is received tells it; else the first that can have been.
  const Sent& original() const;
  Interval stored() const;

  // When it became available, after its first `delivered` deliveries and the changes, but one, that can have been made
  // until `at`.
  Interval available(std::size_t delivered, DatabaseTime at, const Changed* but = nullptr) const;

  // How many deliveries were over when `call` began.
  std::size_t deliveredBefore(const Call& call) const;

  // By a client, other than by `but`; never: kNever.
  Interval deleted(const Deleted* but = nullptr) const;
  DatabaseTime purgedBy() const;  // it was surely purged by then, or never
  // It was there until the start, and not any more after the end: deleted, purged or too old.
  Interval gone(const Deleted* but = nullptr) const;
  // `deleted` was of its latest delivery.
  bool hasDeleted(const Deleted& deleted) const;
};

using Lives = std::map<std::string, Life>;  // by message id

Lives livesOf(const Plan& plan, const Records& records);

}  // namespace howdah::testing::model
