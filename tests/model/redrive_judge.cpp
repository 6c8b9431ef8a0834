#include "tests/model/redrive_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace howdah::testing::model {

namespace {

using std::chrono::seconds;

// The deliveries of a body in one queue under one message id.
struct Stay {
  std::size_t queue = 0;
  std::string message_id;
  std::vector<const Received*> deliveries;
  DatabaseTime gone;  // not before: deleted or moved
};

struct Journey {
  const Sent* sent = nullptr;
  std::vector<const Received*> deliveries;  // in order of time
  std::vector<const Deleted*> deletes;
  std::vector<Stay> stays;
  bool is_deleted = false;

  std::set<std::string> ids() const {
    std::set<std::string> ids{sent->message_id};
    for (const Received* r : deliveries) ids.insert(r->message_id);
    return ids;
  }
};

class RedriveJudge {
 public:
  RedriveJudge(const Plan& plan, const Records& records) : plan_(plan), records_(records) {
    for (const Sent& sent : records.sent) journeys_[sent.body].sent = &sent;
    std::map<std::string, std::string> bodies;  // by message id
    for (const Received& received : records.received) {
      const auto found = journeys_.find(received.body);
      if (found == journeys_.end()) {
        fault("what is received was sent", received.body, {received.message_id});
        continue;
      }
      found->second.deliveries.push_back(&received);
      bodies[received.message_id] = received.body;
    }
    for (const Deleted& deleted : records.deleted) journeys_[bodies.at(deleted.message_id)].deletes.push_back(&deleted);
    for (const Changed& changed : records.changed) changes_[changed.message_id].push_back(&changed);
    for (auto& [body, journey] : journeys_)
      std::sort(journey.deliveries.begin(), journey.deliveries.end(),
                [](const Received* a, const Received* b) { return a->received_at < b->received_at; });
  }

  std::vector<Fault> faults() {
    for (auto& [body, journey] : journeys_) {
      follow(journey);
      deletes(journey);
      loss(journey);
    }
    order();
    deadLettersInOrder();
    counts();
    return faults_;
  }

 private:
  void fault(std::string rule, std::string text, std::set<std::string> message_ids) {
    faults_.push_back({std::move(rule), std::move(text), std::move(message_ids)});
  }

  const QueueShape& shape(const Received& r) const { return plan_.queues[r.call.queue]; }

  // Not before then it could be received again, or be moved.
  DatabaseTime available(const Received& r) const {
    DatabaseTime at = r.received_at + seconds(r.visibility_timeout);
    const auto changes = changes_.find(r.message_id);
    if (changes == changes_.end()) return at;
    for (const Changed* c : changes->second) {
      if (!c->ok || c->call.at.end < r.received_at) continue;
      if (shape(r).fifo() && c->receive_count != r.receive_count) continue;
      at = std::min(at, c->call.at.start + seconds(c->visibility_timeout));
    }
    return at;
  }

  bool mayHaveMovedATask(std::size_t from, const Received& to) const {
    return std::any_of(records_.move_tasks.begin(), records_.move_tasks.end(), [&](const MoveTask& task) {
      return task.call.queue == from && task.call.at.start <= to.call.at.end;
    });
  }

  void follow(Journey& journey) {
    const Sent& sent = *journey.sent;
    journey.stays.push_back({sent.call.queue, sent.message_id, {}, DatabaseTime::max()});
    for (const Received* r : journey.deliveries) {
      const Stay& stay = journey.stays.back();
      const QueueShape& queue = plan_.queues[stay.queue];
      const Received* last = stay.deliveries.empty() ? nullptr : stay.deliveries.back();
      if (journey.stays.size() > 1 && !last) continue;  // told already
      const bool exhausted =
          queue.dead_letter_queue && stay.deliveries.size() == static_cast<std::size_t>(queue.max_receive_count);
      const bool same_id = r->message_id == stay.message_id;
      const auto wrong = [&](std::string rule) {
        fault(std::move(rule), fmt::format("{} in {}", r->body, shape(*r).name), journey.ids());
      };

      if (r->body != sent.body || r->group != sent.group) wrong("a message is received as it was sent");
      if (last && r->received_at < available(*last))
        wrong("nothing is received, nor moved, within another receive's visibility timeout");
      if (same_id && r->call.queue == stay.queue) {
        if (exhausted) wrong("a queue hands out a message as often as its redrive policy says");
        if (last && r->sequence != last->sequence) wrong("a sequence number stays");
      } else if (same_id && r->call.queue == queue.dead_letter_queue) {
        if (!exhausted) wrong("a dead letter was received as often as its redrive policy says");
      } else if (!same_id) {
        // It may have become a dead letter first, which nobody saw.
        if (!mayHaveMovedATask(stay.queue, *r) && !(exhausted && mayHaveMovedATask(*queue.dead_letter_queue, *r)))
          wrong("only a move task gives a message another id");
      } else {
        wrong("a dead letter goes where the redrive policy says");
      }
      const std::int32_t before = same_id && last ? last->receive_count : 0;
      if (r->receive_count != before + 1)
        wrong("receive counts have neither gaps nor repeats, and start anew with a task");

      if (!same_id || r->call.queue != stay.queue) {
        journey.stays.back().gone = last ? available(*last) : sent.call.at.start;
        journey.stays.push_back({r->call.queue, r->message_id, {}, DatabaseTime::max()});
      }
      journey.stays.back().deliveries.push_back(r);
    }
  }

  void deletes(Journey& journey) {
    for (const Deleted* d : journey.deletes) {
      const auto of = std::find_if(journey.deliveries.begin(), journey.deliveries.end(), [&](const Received* r) {
        return r->message_id == d->message_id && r->receive_count == d->receive_count;
      });
      if (of == journey.deliveries.end()) continue;
      const Received& delivery = **of;
      const Received* next = of + 1 == journey.deliveries.end() ? nullptr : of[1];
      const bool moved = next && (next->message_id != d->message_id || next->call.queue != delivery.call.queue);
      const std::string where = fmt::format("operation {}", d->call.operation);
      if (!d->ok) {
        const bool deleted_already = std::any_of(journey.deletes.begin(), journey.deletes.end(), [&](const Deleted* o) {
          return o != d && o->ok && o->call.at.start <= d->call.at.end;
        });
        if (!shape(delivery).fifo() || (available(delivery) > d->call.at.end && !deleted_already))
          fault("a good handle deletes", where, journey.ids());
        continue;
      }
      if (!next) {
        journey.is_deleted = true;
        for (Stay& stay : journey.stays)
          if (stay.message_id == d->message_id && stay.queue == delivery.call.queue)
            stay.gone = std::min(stay.gone, d->call.at.start);
        continue;
      }
      if (next->received_at > d->call.at.end && (!moved || available(delivery) > d->call.at.end))
        fault("what was deleted does not come back", where, journey.ids());
    }
  }

  // A stop leaves nothing behind.
  void loss(const Journey& journey) {
    const bool stopped = std::any_of(records_.drained.begin(), records_.drained.end(), [&](const Drained& drained) {
      return drained.call.began > journey.sent->call.ended;
    });
    if (stopped && !journey.is_deleted)
      fault("what is available is received, wherever it was moved", journey.sent->body, journey.ids());
  }

  // A receive hands out a group from its head: what lies before in the queue is gone, or in the same response before
  // it.
  void order() {
    std::map<std::pair<std::size_t, std::string>, std::vector<const Stay*>> groups;
    for (const auto& [body, journey] : journeys_)
      for (const Stay& stay : journey.stays)
        if (!stay.deliveries.empty() && plan_.queues[stay.queue].fifo())
          groups[{stay.queue, journey.sent->group}].push_back(&stay);
    for (auto& [name, stays] : groups) {
      std::sort(stays.begin(), stays.end(), [](const Stay* a, const Stay* b) {
        return a->deliveries.front()->sequence < b->deliveries.front()->sequence;
      });
      for (std::size_t i = 0; i < stays.size(); ++i)
        for (const Received* r : stays[i]->deliveries)
          for (std::size_t before = 0; before < i; ++before) {
            const Stay& other = *stays[before];
            if (other.gone <= r->call.at.end) continue;
            const bool with_it = std::any_of(other.deliveries.begin(), other.deliveries.end(), [&](const Received* o) {
              return o->call.operation == r->call.operation && o->received_at == r->received_at && o->place < r->place;
            });
            if (!with_it)
              fault("a group is received in order, from its head, in each queue",
                    fmt::format("{} came before {}", r->body, other.deliveries.front()->body),
                    {r->message_id, other.message_id});
          }
    }
  }

  // Dead letters of a group come to their queue in their order.
  void deadLettersInOrder() {
    struct Move {
      const Stay* from;
      const Stay* to;
    };
    std::map<std::pair<std::size_t, std::string>, std::vector<Move>> groups;
    for (const auto& [body, journey] : journeys_)
      for (std::size_t i = 1; i < journey.stays.size(); ++i) {
        const Move move{&journey.stays[i - 1], &journey.stays[i]};
        if (move.from->deliveries.empty()) continue;  // told already
        if (plan_.queues[move.from->queue].fifo() && move.from->message_id == move.to->message_id)
          groups[{move.from->queue, journey.sent->group}].push_back(move);
      }
    const auto sequence = [](const Stay* stay) -> const std::string& { return stay->deliveries.front()->sequence; };
    for (auto& [name, moves] : groups) {
      std::sort(moves.begin(), moves.end(),
                [&](const Move& a, const Move& b) { return sequence(a.from) < sequence(b.from); });
      for (std::size_t i = 1; i < moves.size(); ++i)
        if (sequence(moves[i].to) < sequence(moves[i - 1].to))
          fault("dead letters of a group keep their order", moves[i].to->deliveries.front()->body,
                {moves[i - 1].to->message_id, moves[i].to->message_id});
    }
  }

  // Dead letters come to a queue while another is emptied, so only the last counts of a stop tell.
  void counts() {
    std::map<std::pair<std::size_t, std::size_t>, const Counted*> last;
    for (const Counted& counted : records_.counted) last[{counted.call.operation, counted.call.queue}] = &counted;
    for (const auto& [key, counted] : last)
      if (counted->visible + counted->in_flight + counted->delayed != 0)
        fault("a stop leaves nothing behind",
              fmt::format("stop {}, {}: visible {}, in flight {}, delayed {}", key.first, plan_.queues[key.second].name,
                          counted->visible, counted->in_flight, counted->delayed),
              {});
  }

  const Plan& plan_;
  const Records& records_;
  std::map<std::string, Journey> journeys_;  // by body
  std::map<std::string, std::vector<const Changed*>> changes_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> judgeRedrives(const Plan& plan, const Records& records) {
  return RedriveJudge(plan, records).faults();
}

}  // namespace howdah::testing::model
