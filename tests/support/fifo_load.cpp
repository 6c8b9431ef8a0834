#include "tests/support/fifo_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace howdah::testing {

namespace {

using namespace persistence;
using std::chrono::seconds;

// Bodies are "group:number", numbers counting from 1 within a group.
struct Delivery {
  std::string body;
  int group = 0;
  int number = 0;
  DatabaseTime at;
  DatabaseTime until;  // when its visibility timeout ends, unless changed or deleted
  std::int32_t receive_count = 0;
};
struct Change {
  DatabaseTime at;
  DatabaseTime until;
};

struct Books {
  std::vector<Delivery> deliveries;
  std::map<std::string, std::vector<Change>> changes;
  std::map<std::string, std::int32_t> deleted;  // the delivery that was named
  std::vector<std::string> faults;
};

class Load {
 public:
  explicit Load(const FifoLoadOptions& options) : options_(options) {}

  std::vector<std::string> run() {
    std::vector<Books> books(static_cast<std::size_t>(options_.senders + options_.receivers));
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < options_.senders + options_.receivers; ++i)
        threads.emplace_back([this, i, &own = books[static_cast<std::size_t>(i)]] {
          try {
            i < options_.senders ? send(i, own) : receive(i, own);
          } catch (const std::exception& e) {
            own.faults.push_back(fmt::format("threw: {}", e.what()));
            given_up_ = true;
          }
        });
    }
    Books all;
    for (Books& b : books) {
      all.deliveries.insert(all.deliveries.end(), b.deliveries.begin(), b.deliveries.end());
      all.faults.insert(all.faults.end(), b.faults.begin(), b.faults.end());
      for (auto& [body, changes] : b.changes)
        all.changes[body].insert(all.changes[body].end(), changes.begin(), changes.end());
      for (auto& [body, count] : b.deleted)
        if (!all.deleted.emplace(body, count).second) all.faults.push_back(body + " was deleted twice");
    }
    judge(all);
    const MessageCounts counts = options_.stores[0]->countMessages(options_.queue.queue_id);
    if (counts != MessageCounts{})
      all.faults.push_back(fmt::format("counts at the end: {} visible, {} in flight, {} delayed", counts.visible,
                                       counts.in_flight, counts.delayed));
    if (all.faults.size() > 10) all.faults.resize(10);
    return all.faults;
  }

 private:
  FifoStore& store(int i) { return *options_.stores[static_cast<std::size_t>(i) % options_.stores.size()]; }

  void send(int thread, Books& books) {
    std::mt19937_64 random(options_.seed * 1000 + static_cast<std::uint64_t>(thread));
    std::vector<int> groups;
    for (int g = thread; g < options_.groups; g += options_.senders) groups.push_back(g);
    std::map<int, int> numbers;
    const int share = groups.empty() ? 0 : options_.messages / std::min(options_.senders, options_.groups);
    std::uint64_t made = static_cast<std::uint64_t>(thread + 1) << 40;
    for (int sent = 0; sent < share && !given_up_;) {
      std::vector<NewFifoMessage> messages;
      const int rows = std::min(share - sent, 1 + static_cast<int>(random() % static_cast<unsigned>(options_.batch)));
      for (int i = 0; i < rows; ++i) {
        const int group = groups[random() % groups.size()];
        NewFifoMessage m;
        ++made;
        for (std::size_t b = 0; b < 8; ++b) m.message.message_id[b] = static_cast<unsigned char>(made >> (8 * b));
        m.message.message_group_id = fmt::format("group-{}", group);
        m.message.body = fmt::format("{}:{}", group, ++numbers[group]);
        m.message.sender_id = "000000000000";
        m.message_deduplication_id = m.deduplication_key = m.message.body;
        messages.push_back(std::move(m));
      }
      const FifoSendResult first = store(thread).send(options_.queue, messages);
      sent += rows;
      sent_ += rows;
      for (const FifoSendOutcome& outcome : first.outcomes)
        if (outcome.duplicate) books.faults.push_back("a first send was called a duplicate");
      if (random() % 5 == 0) {  // the answer was lost: the client sends again, through another process
        for (NewFifoMessage& m : messages) m.message.message_id[15] = 1;
        const FifoSendResult again = store(thread + 1).send(options_.queue, messages);
        for (std::size_t i = 0; i < messages.size(); ++i)
          if (!again.outcomes[i].duplicate || again.outcomes[i].message_id != first.outcomes[i].message_id ||
              again.outcomes[i].sequence != first.outcomes[i].sequence)
            books.faults.push_back("a repeated send was not answered like the first");
      }
    }
    ++senders_done_;
  }

  void receive(int thread, Books& books) {
    using Clock = std::chrono::steady_clock;
    std::mt19937_64 random(options_.seed * 77777 + static_cast<std::uint64_t>(thread));
    FifoStore& mine = store(thread);
    auto stalled_at = Clock::now() + seconds(options_.stalled_after_s);
    std::set<std::string> seen;
    while (!given_up_) {
      const bool draining = senders_done_ == options_.senders;
      if (draining && deleted_ >= sent_) return;
      if (Clock::now() > stalled_at) {
        books.faults.push_back(fmt::format("stalled: {} of {} deleted", deleted_.load(), sent_.load()));
        given_up_ = true;
        return;
      }
      // One receive, or two that share a call. Long timeouts too, so that a lost wake is not healed by an expiry.
      static constexpr std::int32_t kTimeouts[] = {0, 1, 10, 10};
      std::vector<FifoReceive> receives(1 + random() % 2);
      for (FifoReceive& r : receives)
        r = {1 + static_cast<std::int32_t>(random() % 10), draining ? 10 : kTimeouts[random() % 4]};
      const FifoReceiveOutcome outcome = mine.receive(options_.queue, receives);
      for (std::size_t r = 0; r < receives.size(); ++r) {
        const auto& messages = outcome.messages[r];
        if (!messages.empty()) stalled_at = Clock::now() + seconds(options_.stalled_after_s);
        std::vector<DeliveryKey> deletes;
        std::vector<std::string> delete_bodies;
        std::vector<FifoVisibilityChange> changes;
        std::vector<std::string> change_bodies;
        for (const DeliveredMessage& m : messages) {
          const std::size_t colon = m.body.find(':');
          books.deliveries.push_back({m.body, std::stoi(m.body), std::stoi(m.body.substr(colon + 1)), m.received_at,
                                      m.received_at + seconds(receives[r].visibility_timeout), m.receive_count});
          const DeliveryKey key{
              m.key, m.receive_count, {m.message_id[0], m.message_id[1], m.message_id[2], m.message_id[3]}};
          const std::uint64_t dice = draining ? 99 : random() % 100;
          if (dice < 2) continue;  // expires
          if (dice < 10) {
            changes.push_back({key, dice < 7 ? 0 : 1});
            change_bodies.push_back(m.body);
          } else {
            deletes.push_back(key);
            delete_bodies.push_back(m.body);
          }
        }
        if (!changes.empty()) {
          const auto outcomes = mine.changeVisibility(options_.queue.queue_id, changes);
          for (std::size_t i = 0; i < changes.size(); ++i)
            if (outcomes[i].handle == FifoHandleState::Valid)
              books.changes[change_bodies[i]].push_back(
                  {outcomes[i].visible_at - seconds(changes[i].visibility_timeout), outcomes[i].visible_at});
        }
        if (!deletes.empty()) {
          const auto outcomes = mine.remove(options_.queue.queue_id, deletes);
          for (std::size_t i = 0; i < deletes.size(); ++i)
            if (outcomes[i].handle == FifoHandleState::Valid) {
              books.deleted.emplace(delete_bodies[i], deletes[i].receive_count);
              ++deleted_;
            }
        }
      }
    }
  }

  void judge(Books& all) const {
    std::map<int, std::vector<const Delivery*>> groups;
    std::map<std::string, std::vector<const Delivery*>> messages;
    for (const Delivery& d : all.deliveries) {
      groups[d.group].push_back(&d);
      messages[d.body].push_back(&d);
    }
    if (static_cast<int>(messages.size()) != sent_ && !given_up_)
      all.faults.push_back(fmt::format("{} messages were sent and {} received", sent_.load(), messages.size()));
    for (auto& [body, deliveries] : messages) {
      std::sort(deliveries.begin(), deliveries.end(),
                [](auto* a, auto* b) { return a->receive_count < b->receive_count; });
      for (std::size_t i = 0; i < deliveries.size(); ++i) {
        if (deliveries[i]->receive_count != static_cast<std::int32_t>(i + 1)) {
          all.faults.push_back(fmt::format("{}: a gap or repeat in its receive counts at {}", body, i + 1));
          break;
        }
        if (i > 0 && deliveries[i]->at < endOf(all, *deliveries[i - 1], deliveries[i]->at))
          all.faults.push_back(fmt::format("{}: delivery {} came before its visibility timeout ended", body, i + 1));
      }
      const auto deleted = all.deleted.find(body);
      if (deleted != all.deleted.end() && deliveries.back()->receive_count != deleted->second)
        all.faults.push_back(fmt::format("{}: its delivery {} was deleted, and {} came as well", body, deleted->second,
                                         deliveries.back()->receive_count));
    }
    // Order: when a message is delivered for the first time, every message before it has been delivered before (or in
    // the same receive), and none of those that are not deleted is in flight from an earlier receive.
    for (auto& [group, deliveries] : groups) {
      std::stable_sort(deliveries.begin(), deliveries.end(),
                       [](auto* a, auto* b) { return a->at != b->at ? a->at < b->at : a->number < b->number; });
      int next = 1;
      for (const Delivery* d : deliveries) {
        if (d->receive_count != 1) continue;
        if (d->number != next++) {
          all.faults.push_back(fmt::format("group {}: {} came when {} was next", group, d->number, next - 1));
          break;
        }
        for (const Delivery* earlier : deliveries) {
          if (earlier->at >= d->at) break;
          if (earlier->number >= d->number) continue;
          const bool superseded = std::any_of(deliveries.begin(), deliveries.end(), [&](auto* later) {
            return later->number == earlier->number && later->at > earlier->at && later->at <= d->at;
          });
          const auto deleted = all.deleted.find(earlier->body);
          if (superseded || (deleted != all.deleted.end() && deleted->second == earlier->receive_count)) continue;
          if (endOf(all, *earlier, d->at) > d->at)
            all.faults.push_back(
                fmt::format("group {}: {} came while {} was in flight", group, d->number, earlier->number));
        }
      }
    }
  }

  // When the visibility timeout of `delivery` ended, as changes made until `at` have it.
  static DatabaseTime endOf(const Books& all, const Delivery& delivery, DatabaseTime at) {
    DatabaseTime since = delivery.at, until = delivery.until;
    const auto changes = all.changes.find(delivery.body);
    if (changes == all.changes.end()) return until;
    for (const Change& change : changes->second)
      if (change.at >= since && change.at <= at) {
        since = change.at;
        until = change.until;
      }
    return until;
  }

  const FifoLoadOptions& options_;
  std::atomic<int> sent_{0};
  std::atomic<int> deleted_{0};
  std::atomic<int> senders_done_{0};
  std::atomic<bool> given_up_{false};
};

}  // namespace

std::vector<std::string> runFifoLoad(const FifoLoadOptions& options) { return Load(options).run(); }

}  // namespace howdah::testing
