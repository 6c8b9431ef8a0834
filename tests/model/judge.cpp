#include "tests/model/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "tests/model/model.h"
#include "tests/model/redrive_judge.h"

namespace howdah::testing::model {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Judge {
 public:
  Judge(const Plan& plan, const Records& records) : plan_(plan), records_(records), lives_(livesOf(plan, records)) {
    for (const auto& [id, life] : lives_) {
      in_queue_[life.queue].push_back(&life);
      if (life.shape->fifo()) groups_[{life.queue, life.original().group}].push_back(&life);
    }
    for (auto& [name, group] : groups_)
      std::sort(group.begin(), group.end(),
                [](const Life* a, const Life* b) { return a->original().sequence < b->original().sequence; });
  }

  std::vector<Fault> faults() {
    for (const std::string& refused : records_.refused) fault("no good request fails", refused);
    for (const Received& received : records_.received)
      if (!lives_.contains(received.message_id))
        fault("what is received was sent", received.body, {received.message_id});
    for (const auto& [id, life] : lives_) {
      contents(life);
      receiveCounts(life);
      visibility(life);
      deletes(life);
      changes(life);
    }
    attempts();
    deduplication();
    for (const auto& [name, group] : groups_) {
      sequence(group);
      prefix(group);
    }
    for (const Drained& drained : records_.drained) loss(drained.call);
    for (const Counted& counted : records_.counted) counts(counted);
    return faults_;
  }

 private:
  using Group = std::vector<const Life*>;  // in order of their sequence numbers

  void fault(std::string rule, std::string text, std::set<std::string> message_ids = {}) {
    faults_.push_back({std::move(rule), std::move(text), std::move(message_ids)});
  }

  void contents(const Life& life) {
    const Sent& sent = life.original();
    const auto ms = [](DatabaseTime at) {
      return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
    };
    for (const Received* r : life.deliveries) {
      const bool same = r->call.queue == life.queue && r->body == sent.body && r->group == sent.group &&
                        r->deduplication_id == sent.deduplication_id && r->sequence == sent.sequence;
      const bool times = r->sent_ms >= ms(life.stored().start) && r->sent_ms <= ms(life.stored().end) &&
                         r->sent_ms == life.deliveries.front()->sent_ms &&
                         r->first_received_ms == ms(life.deliveries.front()->received_at);
      if (!same || !times) fault("a message is received as it was sent", sent.body, {life.id()});
    }
  }

  void receiveCounts(const Life& life) {
    for (std::size_t i = 0; i < life.deliveries.size(); ++i)
      if (life.deliveries[i]->receive_count != static_cast<std::int32_t>(i + 1))
        return fault("receive counts have neither gaps nor repeats", fmt::format("at {}", i + 1), {life.id()});
  }

  void visibility(const Life& life) {
    for (std::size_t i = 0; i < life.deliveries.size(); ++i) {
      const Received& delivery = *life.deliveries[i];
      // A receive takes what is sent after it looked at the clock, but never what is hidden then.
      const bool sent_meanwhile = i == 0 && life.original().delay == 0 && delivery.call.at.end >= life.stored().start;
      if (!sent_meanwhile && delivery.received_at < life.available(i, delivery.received_at).start)
        fault(i == 0 ? "nothing is received before its delay is over"
                     : "nothing is received within another receive's visibility timeout",
              fmt::format("delivery {}", i + 1), {life.id()});
      if (delivery.received_at > life.stored().end + seconds(life.shape->retention()))
        fault("nothing is received that is older than the retention", fmt::format("delivery {}", i + 1), {life.id()});
      for (const Purged* purged : life.purges)
        if (life.stored().end < purged->call.at.start && delivery.received_at > purged->call.at.end)
          fault("what was purged does not come back", fmt::format("delivery {}", i + 1), {life.id()});
    }
  }

  // The delivery that a handle names, and the next one.
  static const Received* delivery(const Life& life, std::int32_t receive_count) {
    for (const Received* r : life.deliveries)
      if (r->receive_count == receive_count) return r;
    return nullptr;
  }
  // Whether the message was there and this its latest delivery, not yet expired, all the while of the call.
  static bool handleIsValid(const Life& life, std::int32_t receive_count, const Interval& at) {
    const Received* next = delivery(life, receive_count + 1);
    if (next && next->received_at <= at.end) return false;
    return life.gone().start > at.end && life.available(static_cast<std::size_t>(receive_count), at.end).start > at.end;
  }
  // Whether it surely was expired or superseded.
  static bool handleIsExpired(const Life& life, std::int32_t receive_count, const Interval& at,
                              const Changed* but = nullptr) {
    const Received* next = delivery(life, receive_count + 1);
    if (next && next->call.at.end < at.start) return true;
    return life.available(static_cast<std::size_t>(receive_count), at.end, but).end < at.start;
  }

  void deletes(const Life& life) {
    const bool fifo = life.shape->fifo();
    for (const Deleted* d : life.deletes) {
      const Received* later = life.deliveries.empty() ? nullptr : life.deliveries.back();
      const bool came_back = later && later->received_at > d->call.at.end;
      if (!d->ok) {
        if (!fifo || handleIsValid(life, d->receive_count, d->call.at))
          fault("a good handle deletes", fmt::format("operation {}", d->call.operation), {life.id()});
        continue;
      }
      if (!came_back) continue;
      // An old handle of a standard queue deletes nothing, and is not told.
      const Received* next = delivery(life, d->receive_count + 1);
      if (fifo || (next && next->received_at > d->call.at.end))
        fault("what was deleted does not come back", fmt::format("operation {}", d->call.operation), {life.id()});
    }
    if (!fifo) return;
    for (const Deleted* d : life.deletes) {
      // Of what is gone any handle may say that it is deleted.
      const bool gone = life.gone(d).start <= d->call.at.end;
      if (d->ok && !gone && handleIsExpired(life, d->receive_count, d->call.at))
        fault("an expired handle of a FIFO queue deletes nothing", fmt::format("operation {}", d->call.operation),
              {life.id()});
    }
  }

  void changes(const Life& life) {
    const bool fifo = life.shape->fifo();
    for (const Changed* c : life.changes) {
      const std::string where = fmt::format("operation {}", c->call.operation);
      if (c->ok) {
        // What was purged or is too old may be touched until it is swept: nobody sees it.
        if (life.deleted().end < c->call.at.start)
          fault("the visibility of what was deleted cannot change", where, {life.id()});
        if (fifo && handleIsExpired(life, c->receive_count, c->call.at, c))
          fault("an expired handle of a FIFO queue changes nothing", where, {life.id()});
      } else if (fifo ? handleIsValid(life, c->receive_count, c->call.at) : life.gone().start > c->call.at.end) {
        fault("a good handle changes the visibility", where, {life.id()});
      }
    }
  }

  // A receive with the attempt id of another one gives the same again, or is an ordinary one because it may.
  void attempts() {
    std::map<std::pair<std::size_t, std::string>, std::vector<const Attempted*>> calls;  // one after the other
    for (const Attempted& a : records_.attempted) calls[{a.call.queue, a.attempt_id}].push_back(&a);
    for (auto& [name, some] : calls) {
      std::sort(some.begin(), some.end(),
                [](const Attempted* a, const Attempted* b) { return a->call.began < b->call.began; });
      const Attempted* first = nullptr;  // that gave what is repeated
      for (const Attempted* again : some) {
        if (first && repeats(*first, *again)) continue;
        first = again;
      }
    }
  }
  bool repeats(const Attempted& first, const Attempted& again) {
    if (first.given.empty()) return false;
    const Interval& at = again.call.at;
    const auto report = [&](std::string rule) {
      fault(std::move(rule), fmt::format("operation {}", again.call.operation), {first.given.front().message_id});
    };
    bool must = at.end < first.call.at.start + kWindow;
    bool may = at.start <= first.call.at.end + kWindow;
    for (const Attempted::Given& given : first.given) {
      const auto found = lives_.find(given.message_id);
      if (found == lives_.end()) return false;  // told by another rule
      const Life& life = found->second;
      must = must && handleIsValid(life, given.receive_count, at);
      may = may && at.start <= life.stored().end + seconds(life.shape->retention());
      for (const Changed* c : life.changes) {
        if (c->by_repeat || !c->ok || c->receive_count != given.receive_count) continue;
        must = must && c->call.at.start > at.end;
        may = may && c->call.at.end >= at.start;
      }
    }
    const bool same = first.given == again.given;
    if (must && !same) report("a repeated attempt gives the same again");
    if (same && !may) report("an attempt is not repeated once a visibility was changed or its time is over");
    const bool some = std::any_of(again.given.begin(), again.given.end(), [&](const Attempted::Given& given) {
      return std::find(first.given.begin(), first.given.end(), given) != first.given.end();
    });
    if (some && !same) report("a repeated attempt gives all of the same");
    return same;
  }

  void deduplication() {
    std::map<std::tuple<std::size_t, std::string, std::string>, std::vector<const Life*>> keys;
    for (const auto& [id, life] : lives_) {
      if (!life.shape->fifo()) continue;
      std::set<std::string> used;
      for (const Sent* sent : life.sends) {
        const std::string scope = life.shape->scopeIsGroup() ? sent->group : "";
        if (used.insert(scope + " " + sent->deduplication_id).second)
          keys[{life.queue, scope, sent->deduplication_id}].push_back(&life);
        if (sent->call.at.start > life.stored().end + kWindow)
          fault("a deduplication window lasts five minutes", sent->body, {id});
      }
      if (used.size() > 1) fault("a duplicate has the same deduplication id", life.original().body, {id});
    }
    for (auto& [key, lives] : keys) {
      std::sort(lives.begin(), lives.end(),
                [](const Life* a, const Life* b) { return a->stored().start < b->stored().start; });
      for (std::size_t i = 1; i < lives.size(); ++i) {
        const Life& first = *lives[i - 1];
        const Life& second = *lives[i];
        const bool purged = std::any_of(records_.purged.begin(), records_.purged.end(), [&](const Purged& p) {
          return p.call.queue == first.queue && p.call.at.end >= first.stored().start &&
                 p.call.at.start <= second.stored().end;
        });
        if (!purged && second.stored().end < first.stored().start + kWindow)
          fault("a deduplication window stores once", std::get<2>(key), {first.id(), second.id()});
      }
    }
  }

  void sequence(const Group& group) {
    const Life* latest = nullptr;  // of those before, by when its send began
    std::map<std::size_t, std::size_t> entries;
    for (const Life* life : group) {
      const Sent& sent = life->original();
      if (latest && life->stored().end < latest->stored().start)
        fault("sequence numbers follow the order of sends", sent.body, {latest->id(), life->id()});
      if (!latest || life->stored().start > latest->stored().start) latest = life;
      const auto [before, first] = entries.try_emplace(sent.call.operation, sent.entry);
      if (!first && sent.entry < before->second) fault("a batch keeps its order", sent.body, {life->id()});
      before->second = sent.entry;
    }
  }

  // A receive hands out a group from its head: what lies before in the group is gone, or in the same response before
  // it.
  void prefix(const Group& group) {
    struct Delivery {
      const Received* received;
      std::size_t index;
    };
    std::vector<Delivery> deliveries;
    for (std::size_t i = 0; i < group.size(); ++i)
      for (const Received* r : group[i]->deliveries) deliveries.push_back({r, i});
    std::sort(deliveries.begin(), deliveries.end(),
              [](const Delivery& a, const Delivery& b) { return a.received->call.at.end < b.received->call.at.end; });
    std::vector<DatabaseTime> gone;
    for (const Life* life : group) gone.push_back(life->gone().start);
    std::size_t head = 0;
    for (const Delivery& d : deliveries) {
      while (head < group.size() && gone[head] <= d.received->call.at.end) ++head;
      for (std::size_t i = head; i < d.index; ++i) {
        if (gone[i] <= d.received->call.at.end) continue;
        const bool with_it =
            std::any_of(group[i]->deliveries.begin(), group[i]->deliveries.end(), [&](const Received* r) {
              return r->call.operation == d.received->call.operation && r->received_at == d.received->received_at &&
                     r->call.at.start == d.received->call.at.start && r->place < d.received->place;
            });
        if (!with_it) {
          fault("a group is received in order, from its head",
                fmt::format("{} came before {}", d.received->body, group[i]->original().body),
                {d.received->message_id, group[i]->id()});
          break;
        }
      }
    }
  }

  void loss(const Call& call) {
    const auto is_there = [&](const Life& life) {
      return life.stored().end < call.at.start && life.gone().start > call.at.end;
    };
    const auto is_available = [&](const Life& life) {
      return life.available(life.deliveredBefore(call), call.at.end).end <= call.at.start;
    };
    if (!plan_.queues[call.queue].fifo()) {
      for (const Life* life : in_queue_[call.queue])
        if (is_there(*life) && is_available(*life)) lost(*life, call);
      return;
    }
    for (const auto& [name, group] : groups_) {
      if (name.first != call.queue) continue;
      for (const Life* life : group) {
        if (life->gone().end < call.at.start || life->stored().start > call.at.end) {
          // What is too old holds its group for as long as it is in flight.
          const bool deleted = std::min(life->deleted().end, life->purgedBy()) < call.at.start;
          if (!deleted && !is_available(*life)) break;
          continue;
        }
        if (!is_there(*life) || !is_available(*life)) break;
        lost(*life, call);
        break;
      }
    }
  }
  void lost(const Life& life, const Call& call) {
    fault("what is available is received",
          fmt::format("{} was not, at the stop {}", life.original().body, call.operation), {life.id()});
  }

  void counts(const Counted& counted) {
    struct Bounds {
      std::int64_t least = 0;
      std::int64_t most = 0;
      bool hold(std::int64_t count) const { return least <= count && count <= most; }
    };
    Bounds all, visible, in_flight, delayed;
    std::set<std::string> there;
    const Interval& at = counted.call.at;
    for (const Life* life : in_queue_[counted.call.queue]) {
      // What is too old is counted until somebody looks at it.
      const bool old_only = std::min(life->deleted().end, life->purgedBy()) >= at.start;
      if (life->stored().start > at.end || (life->gone().end < at.start && !old_only)) continue;
      const bool surely = life->stored().end < at.start && life->gone().start > at.end;
      const std::size_t delivered = life->deliveredBefore(counted.call);
      const Interval available = life->available(delivered, at.end);
      Bounds& hidden = delivered > 0 ? in_flight : delayed;
      ++all.most;
      all.least += surely;
      visible.least += surely && available.end <= at.start;
      visible.most += available.start <= at.end;
      hidden.least += surely && available.start > at.end;
      hidden.most += available.end > at.start;
      if (there.size() < 3) there.insert(life->id());
    }
    const std::int64_t counted_all = counted.visible + counted.in_flight + counted.delayed;
    if (all.hold(counted_all) && visible.hold(counted.visible) && in_flight.hold(counted.in_flight) &&
        delayed.hold(counted.delayed))
      return;
    fault("counts are right when nobody is at work",
          fmt::format("stop {}, {}: visible {} of {} to {}, in flight {} of {} to {}, delayed {} of {} to {}",
                      counted.call.operation, plan_.queues[counted.call.queue].name, counted.visible, visible.least,
                      visible.most, counted.in_flight, in_flight.least, in_flight.most, counted.delayed, delayed.least,
                      delayed.most),
          there);
  }

  static constexpr seconds kWindow{300};

  const Plan& plan_;
  const Records& records_;
  const Lives lives_;
  std::map<std::size_t, std::vector<const Life*>> in_queue_;
  std::map<std::pair<std::size_t, std::string>, Group> groups_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> judge(const Plan& plan, const Records& records) {
  Records plain = records;
  const Records redriven = plain.takeRedriven(plan);
  std::vector<Fault> faults = Judge(plan, plain).faults();
  const std::vector<Fault> more = judgeRedrives(plan, redriven);
  faults.insert(faults.end(), more.begin(), more.end());
  return faults;
}

}  // namespace howdah::testing::model
