#include "commands/top_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace howdah {
namespace {

// As much as a person can read: 950, 12.3k, 4.5M.
std::string amount(double value) {
  if (value < 10 && value != static_cast<double>(static_cast<long>(value))) return fmt::format("{:.1f}", value);
  if (value < 100'000) return fmt::format("{:.0f}", value);
  if (value < 1e8) return fmt::format("{:.0f}k", value / 1e3);
  return fmt::format("{:.0f}M", value / 1e6);
}

std::string duration(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f}s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f}m", seconds / 60);
  if (seconds < 360'000) return fmt::format("{:.0f}h", seconds / 3600);
  return fmt::format("{:.0f}d", seconds / 86400);
}

double grown(double before, double now) { return now >= before ? now - before : now; }

std::string cut(std::string line, std::size_t width) {
  if (line.size() > width) line.resize(width);
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

ServerFigures figuresOf(const std::vector<MetricSample>& server, const std::vector<MetricSample>& queues) {
  ServerFigures figures;
  for (const MetricSample& sample : server) {
    const std::string& name = sample.name;
    if (name == "howdah_requests_total") figures.requests += sample.value;
    if (name == "howdah_request_errors_total") figures.errors += sample.value;
    if (name == "howdah_receive_waiters") figures.parked = sample.value;
    if (name == "howdah_stats_snapshot_age_seconds") figures.snapshot_age = sample.value;
    if (name == "howdah_db_up") figures.database_up = sample.value != 0;
    if (name == "howdah_batch_size_sum") figures.batches[sample.label("op")].first = sample.value;
    if (name == "howdah_batch_size_count") figures.batches[sample.label("op")].second = sample.value;
  }
  static const std::map<std::string, double QueueFigures::*> kPlain{
      {"howdah_queue_oldest_message_age_seconds", &QueueFigures::oldest_age},
      {"howdah_queue_receive_waiters", &QueueFigures::parked},
      {"howdah_queue_messages_sent_total", &QueueFigures::sent},
      {"howdah_queue_messages_received_total", &QueueFigures::received},
      {"howdah_queue_messages_deleted_total", &QueueFigures::deleted},
      {"howdah_queue_empty_receives_total", &QueueFigures::empty}};
  static const std::map<std::string, double QueueFigures::*> kStates{{"visible", &QueueFigures::visible},
                                                                     {"in_flight", &QueueFigures::in_flight},
                                                                     {"delayed", &QueueFigures::delayed}};
  for (const MetricSample& sample : queues) {
    const auto plain = kPlain.find(sample.name);
    const auto state = kStates.find(sample.label("state"));
    if (plain != kPlain.end()) figures.queues[sample.label("queue")].*plain->second = sample.value;
    if (sample.name == "howdah_queue_messages" && state != kStates.end())
      figures.queues[sample.label("queue")].*state->second = sample.value;
  }
  return figures;
}

TopFrame compare(const std::map<std::string, ServerFigures>& before, const std::map<std::string, ServerFigures>& now,
                 double seconds) {
  TopFrame frame;
  std::map<std::string, QueueFigures> queues;
  std::map<std::string, std::pair<double, double>> batches;
  for (const auto& [url, server] : now) {
    ++frame.servers;
    frame.databases_up += server.database_up ? 1 : 0;
    frame.parked += server.parked;
    frame.snapshot_age = std::max(frame.snapshot_age, server.snapshot_age);
    const auto found = before.find(url);
    const ServerFigures& earlier = found == before.end() ? server : found->second;
    const auto rate = [&](double was, double is) { return grown(was, is) / seconds; };
    frame.requests += rate(earlier.requests, server.requests);
    frame.errors += rate(earlier.errors, server.errors);
    for (const auto& [operation, batch] : server.batches) {
      const auto known = earlier.batches.find(operation);
      const auto was = known == earlier.batches.end() ? std::pair(0.0, 0.0) : known->second;
      batches[operation].first += grown(was.first, batch.first);
      batches[operation].second += grown(was.second, batch.second);
    }
    for (const auto& [name, queue] : server.queues) {
      QueueFigures& sum = queues[name];
      for (const auto figure :
           {&QueueFigures::visible, &QueueFigures::in_flight, &QueueFigures::delayed, &QueueFigures::oldest_age})
        sum.*figure = std::max(sum.*figure, queue.*figure);
      sum.parked += queue.parked;
      const auto known = earlier.queues.find(name);
      const QueueFigures was = known == earlier.queues.end() ? QueueFigures{} : known->second;
      for (const auto counter :
           {&QueueFigures::sent, &QueueFigures::received, &QueueFigures::deleted, &QueueFigures::empty})
        sum.*counter += rate(was.*counter, queue.*counter);
    }
  }
  for (const auto& [operation, batch] : batches) {
    if (batch.second > 0) frame.batches.emplace_back(operation, batch.first / batch.second);
  }
  frame.queues.assign(queues.begin(), queues.end());
  const auto fullness = [](const auto& queue) {
    return queue.second.visible + queue.second.in_flight + queue.second.delayed;
  };
  std::ranges::stable_sort(frame.queues, std::ranges::greater(), fullness);
  return frame;
}

std::vector<std::string> topLines(const TopFrame& frame, std::size_t width, std::size_t rows) {
  std::vector<std::string> lines;
  std::string batches;
  for (const auto& [operation, requests] : frame.batches)
    batches += fmt::format("{}{} {:.1f}", batches.empty() ? "" : ", ", operation, requests);
  lines.push_back(fmt::format("servers {}  database up on {}  queues {}  snapshot {:.0f} s old", frame.servers,
                              frame.databases_up, frame.queues.size(), frame.snapshot_age));
  lines.push_back(fmt::format("requests/s {}  errors/s {}  parked receives {}", amount(frame.requests),
                              amount(frame.errors), amount(frame.parked)));
  lines.push_back("requests a transaction: " + (batches.empty() ? "-" : batches));
  lines.emplace_back();
  std::size_t longest = 5;
  for (const auto& [name, queue] : frame.queues) longest = std::max(longest, name.size());
  constexpr std::size_t kFigures = 80;  // columns
  longest = std::min(longest, std::max<std::size_t>(width > kFigures ? width - kFigures : 0, 16));
  constexpr auto kRow = "{:<{}} {:>8} {:>9} {:>8} {:>7} {:>8} {:>8} {:>9} {:>8} {:>6}";
  lines.push_back(fmt::format(fmt::runtime(kRow), "QUEUE", longest, "VISIBLE", "IN-FLIGHT", "DELAYED", "OLDEST",
                              "SENT/s", "RECV/s", "DELETED/s", "EMPTY/s", "PARKED"));
  for (const auto& [name, queue] : frame.queues) {
    lines.push_back(fmt::format(fmt::runtime(kRow), name.substr(0, longest), longest, amount(queue.visible),
                                amount(queue.in_flight), amount(queue.delayed), duration(queue.oldest_age),
                                amount(queue.sent), amount(queue.received), amount(queue.deleted), amount(queue.empty),
                                amount(queue.parked)));
  }
  if (lines.size() > rows) lines.resize(rows);
  for (std::string& line : lines) line = cut(std::move(line), width);
  return lines;
}

}  // namespace howdah
