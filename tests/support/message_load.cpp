#include "tests/support/message_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <random>
#include <thread>

namespace howdah::testing {

namespace {

using namespace persistence;
using std::chrono::seconds;

struct Event {
  enum class Kind { Received, VisibilityChanged, Deleted } kind;
  DatabaseTime at;
  DatabaseTime visible_at;         // not of Deleted
  std::int32_t receive_count = 0;  // of the delivery made, or the one that was named
};

// Books of one thread, merged at the end.
struct Books {
  std::map<MessageId, std::vector<Event>> events;
  std::vector<MessageId> sent;
  std::vector<std::string> faults;
  std::vector<DeliveredMessage> kept;  // deliveries whose handles are used much later
};

std::string textOf(const MessageId& id) { return fmt::format("{:02x}", fmt::join(id, "")); }

DeliveryKey deliveryOf(const DeliveredMessage& m) {
  return {m.key, m.receive_count, {m.message_id[0], m.message_id[1], m.message_id[2], m.message_id[3]}};
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options) {}

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
      all.sent.insert(all.sent.end(), b.sent.begin(), b.sent.end());
      all.faults.insert(all.faults.end(), b.faults.begin(), b.faults.end());
      for (auto& [id, events] : b.events) {
        auto& into = all.events[id];
        into.insert(into.end(), events.begin(), events.end());
      }
    }
    for (const MessageId& id : all.sent) judge(id, all);
    if (!all.events.empty()) all.faults.push_back(textOf(all.events.begin()->first) + " was received and never sent");
    const MessageCounts counts = options_.stores[0]->countMessages(options_.queue_id);
    if (counts != MessageCounts{})
      all.faults.push_back(fmt::format("counts at the end: {} visible, {} in flight, {} delayed", counts.visible,
                                       counts.in_flight, counts.delayed));
    if (all.faults.size() > 10) all.faults.resize(10);
    return all.faults;
  }

 private:
  MessageStore& store(int i) { return *options_.stores[static_cast<std::size_t>(i) % options_.stores.size()]; }

  void send(int thread, Books& books) {
    std::mt19937_64 random(options_.seed * 1000 + static_cast<std::uint64_t>(thread));
    const int share = options_.messages / options_.senders;
    for (int sent = 0; sent < share && !given_up_;) {
      // Receivers keep up, so that claims work at the very end of the lane, where the races are; often it is empty.
      const int ahead = random() % 4 == 0 ? 0 : 2 * options_.batch;
      while (in_log_ - taken_from_log_ > ahead && !given_up_) std::this_thread::yield();
      const int rows = std::min(share - sent, 1 + static_cast<int>(random() % static_cast<unsigned>(options_.batch)));
      std::vector<NewMessage> messages(static_cast<std::size_t>(rows));
      for (NewMessage& message : messages) {
        message.queue_id = options_.queue_id;
        message.queue_version = options_.queue_version;
        for (std::size_t i = 0; i < 16; i += 8) {
          const std::uint64_t bits = random();
          std::memcpy(message.message_id.data() + i, &bits, 8);
        }
        message.body = textOf(message.message_id);
        message.sender_id = "000000000000";
        if (std::uniform_real_distribution<>(0, 1)(random) < options_.delayed_share) message.delay_seconds = 1;
        if (message.delay_seconds == 0) ++in_log_;
        books.sent.push_back(message.message_id);
      }
      for (const SendOutcome& outcome : store(thread).send(messages))
        if (outcome.queue != QueueState::Current) books.faults.push_back("a send was told that the queue changed");
      sent += rows;
      sent_ += rows;
    }
    ++senders_done_;
  }

  void receive(int thread, Books& books) {
    using Clock = std::chrono::steady_clock;
    std::mt19937_64 random(options_.seed * 77777 + static_cast<std::uint64_t>(thread));
    MessageStore& mine = store(thread);
    auto stalled_at = Clock::now() + seconds(options_.stalled_after_s);
    while (!given_up_) {
      const bool draining = senders_done_ == options_.senders;
      if (draining && deleted_ >= sent_) return;
      if (Clock::now() > stalled_at) {
        books.faults.push_back(fmt::format("stalled: {} of {} deleted", deleted_.load(), sent_.load()));
        given_up_ = true;
        return;
      }
      ReceiveRequest request{options_.queue_id, options_.queue_version, {}};
      const int want = 1 + static_cast<int>(random() % static_cast<unsigned>(options_.batch));
      // Short timeouts so that deliveries expire, long ones so that what is lost is not healed by the next expiry.
      static constexpr std::int32_t kTimeouts[] = {0, 1, 2, 10, 10, 10};
      for (int i = 0; i < want; ++i) request.visibility_timeouts.push_back(draining ? 10 : kTimeouts[random() % 6]);
      const ReceiveOutcome outcome = mine.receive(request);
      if (outcome.queue != QueueState::Current) books.faults.push_back("a receive was told that the queue changed");
      if (!outcome.messages.empty()) stalled_at = Clock::now() + seconds(options_.stalled_after_s);
      std::vector<DeleteRequest> deletes;
      std::vector<ChangeVisibilityRequest> changes;
      std::vector<MessageId> delete_ids, change_ids;
      for (std::size_t i = 0; i < outcome.messages.size(); ++i) {
        const DeliveredMessage& message = outcome.messages[i];
        if (message.key.lane != 0 && message.receive_count == 1) ++taken_from_log_;
        if (message.body != textOf(message.message_id)) books.faults.push_back("a body is not that of its message");
        books.events[message.message_id].push_back({Event::Kind::Received, message.received_at,
                                                    message.received_at + seconds(request.visibility_timeouts[i]),
                                                    message.receive_count});
        const std::uint64_t dice = draining ? 99 : random() % 100;
        if (dice < 2) continue;  // expires
        if (dice < 6) {
          books.kept.push_back(message);
        } else if (dice < 14) {
          changes.push_back({options_.queue_id, deliveryOf(message), dice < 11 ? 0 : 1, dice % 2 == 0});
          change_ids.push_back(message.message_id);
        } else {
          deletes.push_back({options_.queue_id, deliveryOf(message)});
          delete_ids.push_back(message.message_id);
        }
      }
      if (books.kept.size() > 50 || draining) {
        for (const DeliveredMessage& message : books.kept) {
          deletes.push_back({options_.queue_id, deliveryOf(message)});
          delete_ids.push_back(message.message_id);
        }
        books.kept.clear();
      }
      if (!changes.empty()) {
        const auto outcomes = mine.changeVisibility(changes);
        for (std::size_t i = 0; i < changes.size(); ++i)
          if (outcomes[i].changed)
            books.events[change_ids[i]].push_back({Event::Kind::VisibilityChanged,
                                                   outcomes[i].visible_at - seconds(changes[i].visibility_timeout),
                                                   outcomes[i].visible_at, changes[i].delivery.receive_count});
      }
      if (!deletes.empty()) {
        const auto outcomes = mine.remove(deletes);
        for (std::size_t i = 0; i < deletes.size(); ++i)
          if (outcomes[i].deleted) {
            books.events[delete_ids[i]].push_back({Event::Kind::Deleted, {}, {}, deletes[i].delivery.receive_count});
            ++deleted_;
          }
      }
    }
  }

  void judge(const MessageId& id, Books& all) const {
    const auto found = all.events.find(id);
    if (found == all.events.end()) {
      all.faults.push_back(textOf(id) + " was sent and never received");
      return;
    }
    std::vector<Event> received, changed, deleted;
    for (const Event& event : found->second)
      (event.kind == Event::Kind::Received  ? received
       : event.kind == Event::Kind::Deleted ? deleted
                                            : changed)
          .push_back(event);
    std::sort(received.begin(), received.end(), [](auto& a, auto& b) { return a.receive_count < b.receive_count; });
    for (std::size_t i = 0; i < received.size(); ++i) {
      if (received[i].receive_count != static_cast<std::int32_t>(i + 1)) {
        all.faults.push_back(fmt::format("{}: a gap or repeat in its receive counts at {}", textOf(id), i + 1));
        break;
      }
      if (i == 0) continue;
      // The timeout that held when it was received again: of the delivery before, or of the last change since.
      DatabaseTime since = received[i - 1].at, until = received[i - 1].visible_at;
      for (const Event& change : changed)
        if (change.at >= since && change.at <= received[i].at) {
          since = change.at;
          until = change.visible_at;
        }
      if (received[i].at < until)
        all.faults.push_back(fmt::format("{}: delivery {} came {} us before its visibility timeout ended", textOf(id),
                                         i + 1, (until - received[i].at).count()));
    }
    if (deleted.size() != 1)
      all.faults.push_back(fmt::format("{}: deleted {} times", textOf(id), deleted.size()));
    else if (received.back().receive_count != deleted[0].receive_count)
      all.faults.push_back(fmt::format("{}: its delivery {} was deleted, and {} came as well", textOf(id),
                                       deleted[0].receive_count, received.back().receive_count));
    all.events.erase(found);
  }

  const LoadOptions& options_;
  std::atomic<int> sent_{0};
  std::atomic<int> in_log_{0};  // sent without delay, or about to be
  std::atomic<int> taken_from_log_{0};
  std::atomic<int> deleted_{0};
  std::atomic<int> senders_done_{0};
  std::atomic<bool> given_up_{false};
};

}  // namespace

std::vector<std::string> runLoad(const LoadOptions& options) { return Load(options).run(); }

}  // namespace howdah::testing
