// A quiet client beside a load on another queue, or on many: how much longer do its calls take than alone, and than on
// a processor that something else keeps as busy? In rounds of windows, so that a disturbance from outside spoils one
// window and not the ratio: what is told are medians over the rounds.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <deque>
#include <memory>
#include <thread>

#include "bench/queue_run.h"
#include "bench/scenarios.h"

namespace howdah::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr int kRounds = 5;
constexpr int kQuietBodyBytes = 1000;
constexpr std::size_t kMostBytesOfABatch = 1024 * 1024;

Options quietOptions(const Options& options) {
  Options quiet = options;
  quiet.connections = 1;
  if (!options.sender_endpoint.empty()) quiet.endpoint = options.sender_endpoint;
  quiet.body_bytes = kQuietBodyBytes;
  if (!options.quiet_access_key.empty()) {
    quiet.access_key = options.quiet_access_key;
    quiet.secret_key = options.quiet_secret_key;
  }
  return quiet;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

class BesideScenario {
 public:
  BesideScenario(const Options& options, Report& report)
      : options_(options), quiet_options_(quietOptions(options)), report_(report), quiet_(quiet_options_, report) {
    for (int i = 0; i < options.load_queues; ++i) loaded_.push_back(std::make_unique<QueueRun>(options, load_report_));
  }

  void run() {
    const auto began = Clock::now();
    for (int round = 0; round < kRounds; ++round) {
      measureQuiet(kAlone);
      {
        const Background load([this](const std::atomic<bool>& stop) { runLoad(stop); });
        const double before = cpu();
        const auto since = Clock::now();
        measureQuiet(kBeside);
        busy_cores_ = (cpu() - before) / Seconds(Clock::now() - since).count();
        busy_.push_back(busy_cores_);
      }
      {
        const Background busy([this](const std::atomic<bool>& stop) { keepBusy(stop); });
        measureQuiet(kBusy);
      }
    }
    report_.seconds = Seconds(Clock::now() - began).count();
    tell();
    quiet_.drain();
    for (const auto& loaded : loaded_) loaded->drain();
    for (const auto& [code, count] : load_report_.errors) report_.errors[code] += count;
    for (const auto& text : load_report_.violation_texts) report_.violation(text);
  }

 private:
  enum Phase { kAlone, kBeside, kBusy, kPhases };
  static constexpr std::array<const char*, kPhases> kNames{"alone", "beside the load", "on a busy processor"};

  // Runs until it goes.
  class Background {
   public:
    explicit Background(std::function<void(const std::atomic<bool>&)> work)
        : thread_([this, work = std::move(work)] { work(stop_); }) {}
    ~Background() {
      stop_ = true;
      thread_.join();
    }

   private:
    std::atomic<bool> stop_ = false;
    std::thread thread_;
  };

  // One at a time: send, receive, delete.
  void measureQuiet(Phase phase) {
    asio::io_context context;
    Caller caller(quiet_, context, quiet_.endpoint);
    quiet_.measure_from = after(Clock::now(), quiet_.options.warmup_seconds);
    quiet_.measure_to = after(quiet_.measure_from, quiet_.options.seconds / kRounds);
    std::function<void()> step = [&] {
      if (quiet_.isOver()) return;
      caller.send(1, [&](bool sent, const Answer&) {
        if (!sent) return;
        caller.receive(1, 1s, [&](bool received, const Answer&, const std::vector<Received>& messages) {
          if (!received) return;
          if (messages.empty()) return step();
          caller.remove(messages, [&](bool removed, const Answer& answer) {
            quiet_.countMessages(1, answer);
            if (removed) step();
          });
        });
      });
    };
    step();
    context.run();
    Latencies window;
    for (const auto& [kind, calls] : std::exchange(report_.calls, {})) {
      window.add(calls);
      calls_[fmt::format("{} {}", kind, kNames[phase])].add(calls);
    }
    p50_[phase].push_back(window.milliseconds(0.5));
    p99_[phase].push_back(window.milliseconds(0.99));
  }

  // Each of `connections` has one call under way, on its queues in turn: one of them all, or its part of them.
  void runLoad(const std::atomic<bool>& stop) {
    const std::size_t batch =
        std::clamp<std::size_t>(kMostBytesOfABatch / static_cast<std::size_t>(options_.body_bytes), 1, 10);
    asio::io_context context;
    const auto connections = static_cast<std::size_t>(options_.connections);
    std::vector<std::deque<std::unique_ptr<Caller>>> turns(connections);
    for (std::size_t i = 0; i < std::max(connections, loaded_.size()); ++i) {
      QueueRun& queue = *loaded_[i % loaded_.size()];
      turns[i % connections].push_back(std::make_unique<Caller>(queue, context, queue.endpoint));
    }
    std::function<void(std::deque<std::unique_ptr<Caller>>&)> step = [&](auto& turn) {
      if (stop) return;
      Caller& caller = *turn.front();
      std::ranges::rotate(turn, turn.begin() + 1);
      caller.send(batch, [&](bool sent, const Answer&) {
        if (!sent) return;
        caller.receive(10, 1s, [&](bool received, const Answer&, const std::vector<Received>& messages) {
          if (!received) return;
          loaded_messages_ += messages.size();
          if (messages.empty()) return step(turn);
          caller.remove(messages, [&](bool removed, const Answer&) {
            if (removed) step(turn);
          });
        });
      });
    };
    for (auto& turn : turns) step(turn);
    context.run();
  }

  // As busy as the load kept the processor.
  void keepBusy(const std::atomic<bool>& stop) const {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const auto share = std::min(1.0, busy_cores_ / cores);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < cores; ++i) {
      threads.emplace_back([&stop, share] {
        while (!stop) {
          const auto slice = Clock::now();
          while (Clock::now() < slice + 10ms * share) {
          }
          std::this_thread::sleep_until(slice + std::chrono::duration_cast<Clock::duration>(10ms * 1.0));
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }

  // Of server, PostgreSQL and this program, in seconds.
  double cpu() const {
    return cpuOf(quiet_.serverProcess()).value_or(0) + cpuOfPostgres(quiet_.postgresProcess()).value_or(0) +
           cpuOf(::getpid()).value_or(0);
  }

  void tell() {
    report_.calls = calls_;
    for (int phase = kAlone; phase < kPhases; ++phase) {
      report_.figures.emplace_back(fmt::format("p50 ms {}", kNames[phase]), median(p50_[phase]));
      report_.figures.emplace_back(fmt::format("p99 ms {}", kNames[phase]), median(p99_[phase]));
    }
    const auto ratio = [&](Phase to) {
      const double of = median(p99_[to]);
      return of > 0 ? median(p99_[kBeside]) / of : 0;
    };
    report_.figures.emplace_back("p99 beside / alone", ratio(kAlone));
    report_.figures.emplace_back("p99 beside / busy processor", ratio(kBusy));
    report_.figures.emplace_back("cores that the load kept busy", median(busy_));
    report_.figures.emplace_back("messages of the load", static_cast<double>(loaded_messages_));
  }

  const Options& options_;
  const Options quiet_options_;
  Report& report_;
  Report load_report_;
  QueueRun quiet_;
  std::vector<std::unique_ptr<QueueRun>> loaded_;
  std::map<std::string, Latencies> calls_;
  std::array<std::vector<double>, kPhases> p50_, p99_;
  std::vector<double> busy_;
  double busy_cores_ = 0;
  std::size_t loaded_messages_ = 0;
};

}  // namespace

void runBeside(const Options& options, Report& report) { BesideScenario(options, report).run(); }

}  // namespace howdah::bench
