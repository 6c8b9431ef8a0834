// Waits for what another thread, process or the server will make true, when there is no event to wait for.
#pragma once

#include <chrono>
#include <thread>

namespace howdah::testing {

// False if it has not become true within ten seconds: the test then fails rather than hangs.
template <class Condition>
bool eventually(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace howdah::testing
