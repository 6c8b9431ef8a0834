#include "commands/access_control.h"

#include <exception>
#include <utility>

#include "metrics/log.h"

namespace howdah {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::chrono::seconds kReload{1}, kMeasure{30};
constexpr std::chrono::seconds kTolerable{30};

std::int64_t us(auto time) { return std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count(); }

}  // namespace

AccessControl::AccessControl(const std::string& credentials_path, metrics::Recorder& recorder)
    : told_([&recorder](bool success) { recorder.reloaded("credentials", success); }),
      credentials_(std::make_shared<api::CredentialStore>(credentials_path)),
      ahead_us_(std::make_shared<std::atomic<std::int64_t>>(us(system_clock::now()) - us(steady_clock::now()))),
      authenticator_(std::make_shared<const api::Authenticator>(
          credentials_,
          [ahead_us = ahead_us_] {
            return std::chrono::floor<std::chrono::seconds>(
                std::chrono::sys_time<microseconds>(microseconds(us(steady_clock::now()) + *ahead_us)));
          })),
      reloading_("credentials", kReload, [this] { credentials_->reloadIfChanged(told_); }) {}

void AccessControl::followClock(DatabaseTime database_time) {
  try {
    measure(database_time);
  } catch (const std::exception& failure) {  // requests will be told soon enough
    metrics::logWarn("the database's clock could not be read", {{"reason", failure.what()}});
  }
  clock_.emplace("clock", kMeasure, [this, database_time = std::move(database_time)] { measure(database_time); });
}

void AccessControl::measure(const DatabaseTime& database_time) {
  const auto before = us(steady_clock::now());
  const auto there = us(database_time());
  const auto after = us(steady_clock::now());
  *ahead_us_ = there - (before + after) / 2;
  const auto apart = std::chrono::seconds((there - us(system_clock::now())) / 1'000'000);
  if (std::chrono::abs(apart) > kTolerable)
    metrics::logWarn("this machine's clock is not the database's, by which signatures are judged",
                     {{"database_ahead_s", apart.count()}});
}

}  // namespace howdah
