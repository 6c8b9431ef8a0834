#include "persistence/postgres/postgres_notifications.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "metrics/log.h"
#include "persistence/postgres/connection.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kLongestPayload = 7900;
constexpr std::size_t kMostGathered = 100'000;  // queues; hints beyond are dropped, which a hint may be
constexpr std::chrono::seconds kCheckForListeners{30};
constexpr milliseconds kFirstBackoff{100};
constexpr milliseconds kLongestBackoff{3000};
constexpr const char* kApplicationName = "howdah listener";
constexpr const char* kHello = "hello";

// Wakes are hints: nobody waits for the disk on their account.
const Statement kRelaxDurability{"relax_durability", "SELECT set_config('synchronous_commit', 'off', false)"};
const Statement kListen{"listen", "LISTEN howdah_wake"};
const Statement kNotify{"notify", "SELECT pg_notify('howdah_wake', p) FROM unnest($1) p"};
const Statement kOtherListeners{
    "other_listeners",
    "SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.application_name = $1 "
    "AND a.pid <> pg_backend_pid())"};

bool sooner(const WakeHint& a, const WakeHint& b) { return !a.due_at || (b.due_at && *a.due_at < *b.due_at); }

template <class Number>
bool readNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string> encodeHints(const std::vector<WakeHint>& hints) {
  std::vector<std::string> payloads;
  for (const WakeHint& hint : hints) {
    std::string item = std::to_string(hint.queue_id);
    if (hint.due_at) item += fmt::format("@{}", hint.due_at->time_since_epoch().count());
    if (payloads.empty() || payloads.back().size() + 1 + item.size() > kLongestPayload) {
      payloads.push_back(std::move(item));
    } else {
      payloads.back() += ' ' + item;
    }
  }
  return payloads;
}

std::vector<WakeHint> decodeHints(std::string_view payload) {
  std::vector<WakeHint> hints;
  while (!payload.empty()) {
    const std::string_view item = payload.substr(0, payload.find(' '));
    payload.remove_prefix(std::min(item.size() + 1, payload.size()));
    const std::size_t at = item.find('@');
    WakeHint hint;
    if (!readNumber(item.substr(0, at), hint.queue_id)) continue;
    if (at != std::string_view::npos) {
      std::int64_t due = 0;
      if (!readNumber(item.substr(at + 1), due)) continue;
      hint.due_at = DatabaseTime(std::chrono::microseconds(due));
    }
    hints.push_back(hint);
  }
  return hints;
}

PostgresNotifications::PostgresNotifications(PostgresOptions options, metrics::Recorder& recorder)
    : options_(std::move(options)), recorder_(recorder), wake_descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

PostgresNotifications::~PostgresNotifications() {
  stop();
  ::close(wake_descriptor_);
}

void PostgresNotifications::start(std::function<void(const std::vector<WakeHint>&)> on_hints,
                                  std::function<void()> on_reconnect) {
  on_hints_ = std::move(on_hints);
  on_reconnect_ = std::move(on_reconnect);
  thread_ = std::thread([this] { run(); });
}

void PostgresNotifications::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wakeThread();
  thread_.join();
}

void PostgresNotifications::publish(const WakeHint& hint) {
  if (!others_listen_) return;
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = gathered_.empty();
    if (first) leave_at_ = Clock::now() + options_.notify_delay;
    const auto found = gathered_.find(hint.queue_id);
    if (found == gathered_.end()) {
      if (gathered_.size() < kMostGathered) gathered_.emplace(hint.queue_id, hint);
    } else if (sooner(hint, found->second)) {
      found->second = hint;
    }
  }
  if (first) wakeThread();
}

void PostgresNotifications::wakeThread() { ::eventfd_write(wake_descriptor_, 1); }

void PostgresNotifications::run() {
  milliseconds backoff{0};
  while (!stopping_) {
    try {
      Connection connection(options_, recorder_, kApplicationName);
      connection.execute(kRelaxDurability);
      connection.execute(kListen);
      // Listening from here on. Whoever listens already learns of us by this; of whom comes later, by his.
      connection.execute(kNotify, Params().textArray(std::vector<std::string>{kHello}));
      checkForListeners(connection);
      backoff = {};
      on_reconnect_();  // what was told before we listened is lost, the first time as well
      listen(connection);
    } catch (const std::exception& error) {  // StoreError, or SetupError from another database than before
      others_listen_ = true;                 // hints gather until we are back
      if (backoff == milliseconds(0)) metrics::logWarn("not listening for wakes", {{"error", error.what()}});
      backoff = std::clamp(backoff * 2, kFirstBackoff, kLongestBackoff);
      if (!waitBeforeRetry(backoff)) return;
    }
  }
}

// Until stop, or until the connection fails.
void PostgresNotifications::listen(Connection& connection) {
  auto check_at = Clock::now() + kCheckForListeners;
  while (!stopping_) {
    auto wake_at = check_at;
    {
      const std::scoped_lock lock(mutex_);
      if (!gathered_.empty()) wake_at = std::min(wake_at, leave_at_);
    }
    const auto timeout = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(wake_at - Clock::now()));
    const auto notifications = connection.waitForNotifications(timeout, wake_descriptor_);
    eventfd_t count = 0;
    ::eventfd_read(wake_descriptor_, &count);

    std::vector<WakeHint> hints;
    for (const Connection::Notification& notification : notifications) {
      if (notification.backend_pid == connection.backendPid()) continue;
      others_listen_ = true;  // whoever publishes listens as well
      const std::vector<WakeHint> decoded = decodeHints(notification.payload);
      hints.insert(hints.end(), decoded.begin(), decoded.end());
    }
    if (!hints.empty()) on_hints_(hints);

    publishGathered(connection);
    if (Clock::now() >= check_at) {
      checkForListeners(connection);
      check_at = Clock::now() + kCheckForListeners;
    }
  }
}

void PostgresNotifications::checkForListeners(Connection& connection) {
  others_listen_ = connection.execute(kOtherListeners, Params().text(kApplicationName)).only().boolean(0);
}

void PostgresNotifications::publishGathered(Connection& connection) {
  std::vector<WakeHint> hints;
  {
    const std::scoped_lock lock(mutex_);
    if (gathered_.empty() || Clock::now() < leave_at_) return;
    for (const auto& [queue_id, hint] : gathered_) hints.push_back(hint);
    gathered_.clear();
  }
  connection.execute(kNotify, Params().textArray(encodeHints(hints)));
}

// False: stop.
bool PostgresNotifications::waitBeforeRetry(milliseconds backoff) {
  const auto until = Clock::now() + backoff;
  while (!stopping_) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (left.count() <= 0) return true;
    pollfd wake{wake_descriptor_, POLLIN, 0};
    if (::poll(&wake, 1, static_cast<int>(left.count())) <= 0) continue;
    eventfd_t count = 0;
    ::eventfd_read(wake_descriptor_, &count);
  }
  return false;
}

}  // namespace howdah::persistence::postgres
