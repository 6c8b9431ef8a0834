#include "bench/message_book.h"

#include <fmt/format.h>

#include <charconv>
#include <random>

namespace howdah::bench {
namespace {

// Letters that depend on the number, so that bodies cannot be mixed up unnoticed.
char fillerOf(std::uint64_t number) { return static_cast<char>('a' + number % 26); }

}  // namespace

MessageBook::MessageBook(int body_bytes, Seconds visibility_timeout, Report& report)
    : run_(fmt::format("{:08x}", std::random_device{}())),
      body_bytes_(static_cast<std::size_t>(body_bytes)),
      visibility_timeout_(visibility_timeout),
      report_(report) {}

std::string MessageBook::compose(std::uint64_t& number) {
  number = entries_.size();
  entries_.emplace_back();
  std::string body = fmt::format("{}:{}:", run_, number);
  if (body.size() < body_bytes_) body.resize(body_bytes_, fillerOf(number));
  return body;
}

void MessageBook::sent(std::uint64_t number) {
  auto& entry = entries_[number];
  if (entry.state != State::Unknown) return;  // its receive and delete were answered before its send
  entry.state = State::Sent;
  ++outstanding_;
}

std::int64_t MessageBook::received(std::string_view body, Clock::time_point asked, Clock::time_point answered) {
  std::uint64_t number = 0;
  const auto digits = std::min(run_.size() + 1, body.size());
  const auto [end, error] = std::from_chars(body.data() + digits, body.data() + body.size(), number);
  const bool ours = body.starts_with(run_ + ":") && error == std::errc() && number < entries_.size() &&
                    end != body.data() + body.size() && *end == ':';
  if (!ours) {
    report_.violation(fmt::format("received a message that this run did not send: \"{}\"", body.substr(0, 40)));
    return -1;
  }
  const std::string_view filler = body.substr(static_cast<std::size_t>(end + 1 - body.data()));
  if (filler.find_first_not_of(fillerOf(number)) != std::string_view::npos ||
      (body.size() != body_bytes_ && !filler.empty()))
    report_.violation(fmt::format("message {} came with another body than it was sent with", number));

  auto& entry = entries_[number];
  if (entry.state == State::Deleted) {
    if (asked > entry.receive_asked) report_.violation(fmt::format("message {} came back after its delete", number));
  } else {
    // The first claim was made no earlier than it was asked for, this one no later than it was answered.
    if (entry.received && answered - entry.receive_asked < visibility_timeout_)
      report_.violation(fmt::format("message {} was handed out twice within its visibility timeout", number));
    entry.receive_asked = asked;
  }
  entry.received = true;
  return static_cast<std::int64_t>(number);
}

void MessageBook::deleted(std::int64_t number, Clock::time_point answered) {
  if (number < 0) return;
  auto& entry = entries_[static_cast<std::uint64_t>(number)];
  if (entry.state == State::Sent) --outstanding_;
  entry.state = State::Deleted;
  entry.receive_asked = answered;
}

void MessageBook::reportLost() {
  for (std::size_t number = 0; number < entries_.size(); ++number)
    if (entries_[number].state == State::Sent)
      report_.violation(fmt::format("message {} was accepted and {}", number,
                                    entries_[number].received ? "could not be deleted" : "never received"));
}

}  // namespace howdah::bench
