// Work that is done now and then, on a thread of its own, until this goes. What it throws is logged.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace howdah {

class Periodic {
 public:
  // First after one `interval`. `name` is what the log calls it.
  Periodic(std::string name, std::chrono::milliseconds interval, std::function<void()> work);

 private:
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace howdah
