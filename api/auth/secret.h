// A text that cannot be printed, formatted or logged by mistake, and that is wiped from memory when it goes.
#pragma once

#include <openssl/crypto.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace howdah::api {

class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&&) = delete;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  // For the one who computes with it.
  std::string_view reveal() const { return text_; }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  // Short texts lie in the object itself, and moving leaves them there.
  void wipe() { OPENSSL_cleanse(text_.data(), text_.capacity()); }

  std::string text_;
};

}  // namespace howdah::api
