#include "tests/model/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace howdah::testing::model {

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void Records::add(Records other) {
  append(sent, std::move(other.sent));
  append(received, std::move(other.received));
  append(deleted, std::move(other.deleted));
  append(changed, std::move(other.changed));
  append(attempted, std::move(other.attempted));
  append(purged, std::move(other.purged));
  append(move_tasks, std::move(other.move_tasks));
  append(counted, std::move(other.counted));
  append(drained, std::move(other.drained));
  append(refused, std::move(other.refused));
}

Records Records::takeRedriven(const Plan& plan) {
  Records redriven;
  const auto take = [&](auto& from, auto& to) {
    const auto middle = std::stable_partition(
        from.begin(), from.end(), [&](const auto& record) { return !plan.queues[record.call.queue].redrives; });
    std::move(middle, from.end(), std::back_inserter(to));
    from.erase(middle, from.end());
  };
  take(sent, redriven.sent);
  take(received, redriven.received);
  take(deleted, redriven.deleted);
  take(changed, redriven.changed);
  take(move_tasks, redriven.move_tasks);
  take(counted, redriven.counted);
  take(drained, redriven.drained);
  return redriven;
}

std::string history(const Plan& plan, const Records& records, const std::set<std::string>& message_ids) {
  constexpr std::size_t kLongest = 60;  // lines
  std::vector<std::pair<DatabaseTime, std::string>> lines;
  const DatabaseTime origin = records.sent.empty() ? DatabaseTime() : records.sent.front().call.at.start;
  const auto add = [&](const Call& call, const std::string& text) {
    lines.emplace_back(call.at.start, fmt::format("operation {} thread {} process {} {}: {}", call.operation,
                                                  call.thread, call.process, plan.queues[call.queue].name, text));
  };
  const auto since = [&](DatabaseTime at) { return static_cast<double>((at - origin).count()) / 1e6; };
  const auto span = [&](const Call& call) {
    return fmt::format("{:.6f} to {:.6f}", since(call.at.start), since(call.at.end));
  };
  std::set<std::size_t> queues;
  for (const Sent& s : records.sent)
    if (message_ids.contains(s.message_id)) queues.insert(s.call.queue);
  for (const Sent& s : records.sent)
    if (message_ids.contains(s.message_id))
      add(s.call, fmt::format("{} sent {} (group {}, deduplication id {}, delay {}): {} {}", span(s.call), s.body,
                              s.group, s.deduplication_id, s.delay, s.message_id, s.sequence));
  for (const Received& r : records.received)
    if (message_ids.contains(r.message_id))
      add(r.call, fmt::format("{} received {} as {} at {:.6f} for {} s: {}", span(r.call), r.body, r.receive_count,
                              since(r.received_at), r.visibility_timeout, r.message_id));
  for (const Deleted& d : records.deleted)
    if (message_ids.contains(d.message_id))
      add(d.call, fmt::format("{} deleted by handle {}: {} {}", span(d.call), d.receive_count, d.message_id,
                              d.ok ? "ok" : "refused"));
  for (const Changed& c : records.changed)
    if (message_ids.contains(c.message_id))
      add(c.call, fmt::format("{} visibility set to {} by {} {}: {} {}", span(c.call), c.visibility_timeout,
                              c.by_repeat ? "a repeat of receive" : "handle", c.receive_count, c.message_id,
                              c.ok ? "ok" : "refused"));
  DatabaseTime last = DatabaseTime::min();
  for (const auto& [at, line] : lines) last = std::max(last, at);
  for (const Purged& p : records.purged)
    if (queues.contains(p.call.queue) && p.call.at.start < last) add(p.call, fmt::format("{} purged", span(p.call)));
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string all;
  const std::size_t first = lines.size() > kLongest ? lines.size() - kLongest : 0;
  if (first > 0) all += fmt::format("  ... {} lines before\n", first);
  for (std::size_t i = first; i < lines.size(); ++i) all += "  " + lines[i].second + "\n";
  return all;
}

}  // namespace howdah::testing::model
