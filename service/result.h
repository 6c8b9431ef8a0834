// The one way a call reports its end: Result<T> is a value or an Error, Done<T> is told the Result exactly once, on any
// thread, with no lock held.
#pragma once

#include <compare>
#include <functional>
#include <utility>
#include <variant>

#include "service/error.h"

namespace howdah::service {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

// The value of an action that answers nothing, and of a check that passed.
struct Nothing {
  auto operator<=>(const Nothing&) const = default;
};

template <class T>
using Done = std::function<void(Result<T>)>;

}  // namespace howdah::service
