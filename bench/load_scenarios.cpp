// Sends, receives and deletes without pause: how fast?
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <memory>

#include "bench/queue_run.h"
#include "bench/scenarios.h"

namespace howdah::bench {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

void runLoad(const Options& options, Report& report, std::size_t batch, bool whole_lifecycle, bool fifo = false) {
  QueueRun run(options, report, fifo);
  asio::io_context context;
  std::vector<std::unique_ptr<Caller>> callers;
  std::function<void(Caller&)> step = [&](Caller& caller) {
    if (run.isOver()) return;
    caller.send(batch, [&](bool sent, const Answer& send_answer) {
      if (!sent) return;
      if (!whole_lifecycle) {
        run.countMessages(batch, send_answer);
        return step(caller);
      }
      caller.receive(batch, 1s, [&](bool received, const Answer&, const std::vector<Received>& messages) {
        if (!received) return;
        if (messages.empty()) return step(caller);
        caller.remove(messages, [&, count = messages.size()](bool removed, const Answer& remove_answer) {
          if (!removed) return;
          run.countMessages(count, remove_answer);
          step(caller);
        });
      });
    });
  };
  for (int i = 0; i < options.connections; ++i) {
    callers.push_back(std::make_unique<Caller>(run, context, run.endpoint));
    asio::post(context, [&step, &caller = *callers.back()] { step(caller); });
  }
  run.measure(context);
  run.drain();
}

// One group, so one receive at a time has anything: what a second consumer would add is empty looks.
class HotGroupScenario {
 public:
  HotGroupScenario(const Options& options, Report& report)
      : run_(options, report, true), sender_(run_, context_, run_.endpoint), consumer_(run_, context_, run_.endpoint) {}

  void run() {
    send();
    consume();
    run_.measure(context_);
    run_.drain();
  }

 private:
  static constexpr std::size_t kBatch = 10;

  void send() {
    sending_ = !run_.isOver() && waiting_ < kHotBacklog;
    if (!sending_) return;
    sender_.send(kBatch, [this](bool ok, const Answer&) {
      waiting_ += kBatch;
      sending_ = ok;
      if (ok) send();
    });
  }
  void consume() {
    if (run_.isOver()) return;
    consumer_.receive(kBatch, 1s, [this](bool received, const Answer&, const std::vector<Received>& messages) {
      if (!received) return;
      if (messages.empty()) return consume();
      consumer_.remove(messages, [this, count = messages.size()](bool removed, const Answer& answer) {
        if (!removed) return;
        run_.countMessages(count, answer);
        waiting_ -= std::min(waiting_, count);
        if (!sending_) send();
        consume();
      });
    });
  }

  QueueRun run_;
  asio::io_context context_;
  Caller sender_, consumer_;
  std::size_t waiting_ = 0;  // as far as their senders were told
  bool sending_ = false;
};

}  // namespace

void runSend(const Options& options, Report& report) { runLoad(options, report, 1, false); }
void runSendBatch(const Options& options, Report& report) { runLoad(options, report, 10, false); }
void runLifecycle(const Options& options, Report& report) { runLoad(options, report, 1, true); }
void runLifecycleBatch(const Options& options, Report& report) { runLoad(options, report, 10, true); }
void runFifoLifecycleBatch(const Options& options, Report& report) { runLoad(options, report, 10, true, true); }
void runFifoHotGroup(const Options& options, Report& report) {
  Options one = options;
  one.groups = 1;
  HotGroupScenario(one, report).run();
}
void runIdleSend(const Options& options, Report& report) { runLoad(options, report, 1, false); }

}  // namespace howdah::bench
