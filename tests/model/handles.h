// The receipt handles that the clients of a run hold, and how what they do is drawn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace howdah::testing::model {

using Random = std::mt19937_64;

inline int below(Random& random, int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); }
inline bool chance(Random& random, int percent) { return below(random, 100) < percent; }

// A delivery whose handle may be used.
struct Handle {
  std::string message_id;
  std::string handle;
  std::int32_t receive_count = 0;
};

// Handles that clients of one queue hold, and old ones that some still use. Any thread.
class Handles {
 public:
  void add(std::vector<Handle> handles) {
    std::lock_guard lock(mutex_);
    for (Handle& handle : handles) fresh_.push_back(std::move(handle));
    while (fresh_.size() > kKept) retire(0);
  }
  // Up to `most`, mostly the newest. Those that will be deleted with become old.
  std::vector<Handle> take(Random& random, int most, bool keep) {
    std::lock_guard lock(mutex_);
    std::vector<Handle> taken;
    for (int i = 0; i < most; ++i) {
      const bool old = chance(random, 12);
      const std::size_t picked = random();
      if (old && !old_.empty()) {
        taken.push_back(old_[picked % old_.size()]);
      } else if (!fresh_.empty()) {
        const std::size_t at = fresh_.size() - 1 - picked % std::min<std::size_t>(fresh_.size(), 20);
        taken.push_back(fresh_[at]);
        if (!keep) retire(at);
      }
    }
    return taken;
  }

 private:
  static constexpr std::size_t kKept = 300;

  void retire(std::size_t at) {
    old_.push_back(std::move(fresh_[at]));
    fresh_.erase(fresh_.begin() + static_cast<std::ptrdiff_t>(at));
    if (old_.size() > kKept) old_.pop_front();
  }

  std::mutex mutex_;
  std::deque<Handle> fresh_;
  std::deque<Handle> old_;
};

}  // namespace howdah::testing::model
