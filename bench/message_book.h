// Remembers every message of a run, so that a fast server is also an honest one: what is received must have been sent
// by this run, must not be handed out twice within its visibility timeout or after its delete, and nothing may be lost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/report.h"

namespace howdah::bench {

class MessageBook {
 public:
  MessageBook(int body_bytes, Seconds visibility_timeout, Report& report);

  // The body of a new message, whose number is `number`.
  std::string compose(std::uint64_t& number);
  void sent(std::uint64_t number);  // the server said so; until then it may or may not exist

  // Of a receive that was asked for and answered at these moments. Answers the number, or -1 for a stranger.
  std::int64_t received(std::string_view body, Clock::time_point asked, Clock::time_point answered);
  void deleted(std::int64_t number, Clock::time_point answered);

  std::uint64_t outstanding() const { return outstanding_; }  // sent and not deleted
  void reportLost();

 private:
  enum class State : std::uint8_t { Unknown, Sent, Deleted };
  struct Entry {
    Clock::time_point receive_asked;  // of the last receive; after its delete: when that was answered
    State state = State::Unknown;
    bool received = false;
  };

  const std::string run_;
  const std::size_t body_bytes_;
  const Seconds visibility_timeout_;
  Report& report_;
  std::vector<Entry> entries_;
  std::uint64_t outstanding_ = 0;
};

}  // namespace howdah::bench
