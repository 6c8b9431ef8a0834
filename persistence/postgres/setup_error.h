// Howdah cannot start as it was asked to. The text is a whole sentence for whoever started it: what is wrong, and the
// way out. Thrown while starting, caught in main.
#pragma once

#include <stdexcept>

namespace howdah::persistence::postgres {

class SetupError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace howdah::persistence::postgres
