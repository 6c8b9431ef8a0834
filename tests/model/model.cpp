#include "tests/model/model.h"

#include <algorithm>
#include <chrono>

namespace howdah::testing::model {

using std::chrono::seconds;

const Sent& Life::original() const {
  const Sent* first = sends.front();
  for (const Sent* sent : sends) {
    if (!deliveries.empty() && sent->body == deliveries.front()->body) return *sent;
    if (sent->call.at.end < first->call.at.end) first = sent;
  }
  return *first;
}

Interval Life::stored() const {
  if (!deliveries.empty()) return original().call.at;
  Interval at = sends.front()->call.at;
  for (const Sent* sent : sends) {
    at.start = std::min(at.start, sent->call.at.start);
    at.end = std::min(at.end, sent->call.at.end);
  }
  return at;
}

std::size_t Life::deliveredBefore(const Call& call) const {
  return static_cast<std::size_t>(std::count_if(deliveries.begin(), deliveries.end(),
                                                [&](const Received* r) { return r->call.ended < call.began; }));
}

Interval Life::available(std::size_t delivered, DatabaseTime at, const Changed* but) const {
  Interval available;
  if (delivered == 0) {
    const seconds delay(original().delay);
    const Interval at_store = stored();
    return {at_store.start + delay, at_store.end + delay};
  }
  const Received& delivery = *deliveries[delivered - 1];
  available.start = available.end = delivery.received_at + seconds(delivery.visibility_timeout);
  // Which changes came after the delivery, for certain or perhaps, and before `at`.
  std::vector<const Changed*> certain;
  std::vector<const Changed*> perhaps;
  for (const Changed* change : changes) {
    if (!change->ok || change == but || change->call.at.end < delivery.received_at || change->call.at.start > at)
      continue;
    if (shape->fifo() && change->receive_count != delivery.receive_count) continue;
    const bool after = change->call.at.start > delivery.received_at || change->receive_count == delivery.receive_count;
    (after && change->call.at.end < at ? certain : perhaps).push_back(change);
  }
  DatabaseTime latest_start = DatabaseTime::min();  // of those that were made for certain
  for (const Changed* change : certain) latest_start = std::max(latest_start, change->call.at.start);
  bool first = !certain.empty();
  for (const auto* some : {&certain, &perhaps})
    for (const Changed* change : *some) {
      if (change->call.at.end < latest_start) continue;  // another came after it
      const Interval by_change{change->call.at.start + seconds(change->visibility_timeout),
                               change->call.at.end + seconds(change->visibility_timeout)};
      available.start = first ? by_change.start : std::min(available.start, by_change.start);
      available.end = first ? by_change.end : std::max(available.end, by_change.end);
      first = false;
    }
  return available;
}

bool Life::hasDeleted(const Deleted& deleted) const {
  return deleted.ok && (deliveries.empty() || deleted.receive_count >= deliveries.back()->receive_count);
}

Interval Life::deleted(const Deleted* but) const {
  Interval gone{kNever, kNever};
  for (const Deleted* deleted : deletes)
    if (deleted != but && hasDeleted(*deleted)) {
      gone.start = std::min(gone.start, deleted->call.at.start);
      gone.end = std::min(gone.end, deleted->call.at.end);
    }
  return gone;
}

DatabaseTime Life::purgedBy() const {
  DatabaseTime by = kNever;
  for (const Purged* purged : purges)
    if (stored().end < purged->call.at.start) by = std::min(by, purged->call.at.end);
  return by;
}

Interval Life::gone(const Deleted* but) const {
  Interval gone = deleted(but);
  for (const Purged* purged : purges) gone.start = std::min(gone.start, purged->call.at.start);
  gone.end = std::min(gone.end, purgedBy());
  gone.start = std::min(gone.start, stored().start + seconds(shape->retention()));
  gone.end = std::min(gone.end, stored().end + seconds(shape->retention()));
  return gone;
}

Lives livesOf(const Plan& plan, const Records& records) {
  Lives lives;
  for (const Sent& sent : records.sent) {
    Life& life = lives[sent.message_id];
    life.queue = sent.call.queue;
    life.shape = &plan.queues[sent.call.queue];
    life.sends.push_back(&sent);
  }
  const auto of = [&](const std::string& id) -> Life* {
    const auto found = lives.find(id);
    return found == lives.end() ? nullptr : &found->second;
  };
  for (const Received& received : records.received)
    if (Life* life = of(received.message_id)) life->deliveries.push_back(&received);
  for (const Deleted& deleted : records.deleted)
    if (Life* life = of(deleted.message_id)) life->deletes.push_back(&deleted);
  for (const Changed& changed : records.changed)
    if (Life* life = of(changed.message_id)) life->changes.push_back(&changed);
  for (auto& [id, life] : lives) {
    std::sort(life.deliveries.begin(), life.deliveries.end(), [](const Received* a, const Received* b) {
      return a->receive_count != b->receive_count ? a->receive_count < b->receive_count
                                                  : a->received_at < b->received_at;
    });
    for (const Purged& purged : records.purged) {
      if (purged.call.queue != life.queue || life.stored().start > purged.call.at.end) continue;
      // What was sent meanwhile and received afterwards was spared.
      const bool spared = life.stored().end >= purged.call.at.start && !life.deliveries.empty() &&
                          life.deliveries.back()->received_at > purged.call.at.end;
      if (!spared) life.purges.push_back(&purged);
    }
  }
  return lives;
}

}  // namespace howdah::testing::model
