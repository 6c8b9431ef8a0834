// Receives that wait: how soon do they end, and what do they cost meanwhile?
#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <random>
#include <stdexcept>

#include "bench/queue_run.h"
#include "bench/scenarios.h"

namespace howdah::bench {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

// One message at a time, so that each wake is one of a queue where every receiver is parked.
class WakeScenario {
 public:
  WakeScenario(const Options& options, Report& report)
      : run_(options, report),
        sender_endpoint_(options.sender_endpoint.empty() ? options.endpoint : options.sender_endpoint, options),
        sender_(run_, context_, sender_endpoint_),
        pause_(context_) {
    for (int i = 0; i < options.connections; ++i)
      receivers_.push_back(std::make_unique<Caller>(run_, context_, run_.endpoint));
  }

  void run() {
    for (const auto& receiver : receivers_) park(*receiver);
    pauseAndSend(200ms);
    run_.measure(context_);
    receivers_.clear();
    run_.drain();
  }

 private:
  void park(Caller& receiver) {
    receiver.receive(1, kLongestPoll, [&](bool ok, const Answer& answer, const std::vector<Received>& messages) {
      if (!ok) return;
      if (messages.empty()) return park(receiver);
      received_ = answer;
      receiver.remove(messages, [&](bool removed, const Answer&) {
        removed_ = true;
        if (removed) park(receiver);
        finishRound();
      });
    });
  }

  // Long enough for the receiver to be parked again, and never in step with anything.
  void pauseAndSend(std::chrono::milliseconds pause) {
    pause_.expires_after(pause);
    pause_.async_wait([this](error_code) {
      if (run_.isOver()) return context_.stop();
      received_.reset();
      sent_.reset();
      removed_ = false;
      // A wake that never comes is found at the end of the poll; a lost message only by this.
      pause_.expires_after(kLongestPoll + 5s);
      pause_.async_wait([this](error_code error) {
        if (error) return;
        run_.report.violation("a message was not received by any of the parked receivers");
        context_.stop();
      });
      sender_.send(1, [this](bool ok, const Answer& answer) {
        if (!ok) return context_.stop();
        sent_ = answer;
        finishRound();
      });
    });
  }

  void finishRound() {
    if (!sent_ || !received_ || !removed_) return;
    if (sent_->asked >= run_.measure_from && received_->answered < run_.measure_to) {
      run_.report.calls["wake, from send answered"].add(received_->answered - sent_->answered);
      run_.report.calls["wake, from send asked"].add(received_->answered - sent_->asked);
      run_.countMessages(1, *received_);
    }
    pauseAndSend(5ms + std::chrono::milliseconds(random_() % 16));
  }

  QueueRun run_;
  asio::io_context context_;
  const Endpoint sender_endpoint_;
  Caller sender_;
  std::vector<std::unique_ptr<Caller>> receivers_;
  asio::steady_timer pause_;
  std::mt19937 random_;
  std::optional<Answer> sent_, received_;
  bool removed_ = false;
};

// Opens all polls within a second or two, so that there is a long stretch in which none of them ends.
class ParkedScenario {
 public:
  ParkedScenario(const Options& options, Report& report)
      : run_(options, report), report_(report), pid_(run_.serverProcess()), timer_(context_) {
    if (pid_ == 0) throw std::runtime_error("cannot find the server's process; name it with --server-pid");
  }

  void run() {
    before_ = residentBytesOf(pid_);
    started_ = Clock::now();
    open();
    context_.run();
    report_.figures = {
        {"parked polls", static_cast<double>(pollers_.size())},
        {"server RSS before, MB", before_.value_or(0) / 1e6},
        {"server RSS with all parked, MB", parked_.value_or(0) / 1e6},
        {"RSS a parked poll, bytes",
         (parked_.value_or(0) - before_.value_or(0)) / static_cast<double>(pollers_.size())},
        {"polls that ended between the looks", static_cast<double>(ended_while_quiet_)},
        {"server CPU between polls, of a core", quiet_cpu_},
        {"server CPU with renewals, of a core", whole_cpu_},
    };
    report_.seconds = Seconds(Clock::now() - started_).count();
  }

 private:
  void open() {
    constexpr std::size_t kAtOnce = 64;
    for (std::size_t i = 0; i < kAtOnce && pollers_.size() < static_cast<std::size_t>(run_.options.connections); ++i) {
      pollers_.push_back(std::make_unique<Caller>(run_, context_, run_.endpoint));
      poll(*pollers_.back());
    }
    if (pollers_.size() < static_cast<std::size_t>(run_.options.connections)) {
      wait(Clock::now() + 4ms, [this] { open(); });
    } else {
      wait(Clock::now() + 3s, [this] { beginQuiet(); });
    }
  }

  void poll(Caller& poller) {
    poller.receive(1, kLongestPoll, [&](bool ok, const Answer&, const std::vector<Received>& messages) {
      ++ended_;
      if (!ok || over_) return;
      if (!messages.empty()) report_.violation("a parked poll received a message that nobody sent");
      poll(poller);
    });
  }

  void beginQuiet() {
    parked_ = residentBytesOf(pid_);
    quiet_since_ = Clock::now();
    quiet_from_ = cpuOf(pid_);
    ended_while_quiet_ = ended_;
    wait(std::max(started_ + kLongestPoll - 1s, quiet_since_ + 1s), [this] { endQuiet(); });
  }
  void endQuiet() {
    quiet_cpu_ = share(quiet_since_);
    ended_while_quiet_ = ended_ - ended_while_quiet_;
    wait(quiet_since_ + kLongestPoll, [this] {
      whole_cpu_ = share(quiet_since_);
      over_ = true;
      context_.stop();
    });
  }
  double share(Clock::time_point since) {
    return (cpuOf(pid_).value_or(0) - quiet_from_.value_or(0)) / Seconds(Clock::now() - since).count();
  }

  void wait(Clock::time_point until, std::function<void()> then) {
    timer_.expires_at(until);
    timer_.async_wait([then = std::move(then)](error_code error) {
      if (!error) then();
    });
  }

  QueueRun run_;
  Report& report_;
  const int pid_;
  asio::io_context context_;
  asio::steady_timer timer_;
  std::vector<std::unique_ptr<Caller>> pollers_;
  Clock::time_point started_, quiet_since_;
  std::optional<double> before_, parked_, quiet_from_;
  double quiet_cpu_ = 0, whole_cpu_ = 0;
  std::size_t ended_ = 0, ended_while_quiet_ = 0;
  bool over_ = false;
};

}  // namespace

void runWake(const Options& options, Report& report) { WakeScenario(options, report).run(); }
void runParked(const Options& options, Report& report) { ParkedScenario(options, report).run(); }

}  // namespace howdah::bench
