#include "persistence/postgres/pg_params.h"

#include <limits>

#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

template <std::size_t N>
std::array<char, N> bigEndian(std::uint64_t value) {
  std::array<char, N> bytes;
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<char>(value >> (8 * (N - 1 - i)));
  return bytes;
}

}  // namespace

Params& Params::view(PgType type, std::optional<std::string_view> value) {
  if (!value) {
    values_.push_back({type, nullptr, 0, -1});
  } else {
    // A default-made view has no address, and libpq takes that for NULL.
    values_.push_back({type, value->data() ? value->data() : "", 0, static_cast<std::int64_t>(value->size())});
  }
  return *this;
}

void Params::put(std::int32_t value) {
  const auto bytes = bigEndian<4>(static_cast<std::uint32_t>(value));
  buffer_.append(bytes.data(), bytes.size());
}

void Params::put(std::int64_t value) {
  const auto bytes = bigEndian<8>(static_cast<std::uint64_t>(value));
  buffer_.append(bytes.data(), bytes.size());
}

void Params::overwrite(std::size_t offset, std::int32_t value) {
  const auto bytes = bigEndian<4>(static_cast<std::uint32_t>(value));
  buffer_.replace(offset, bytes.size(), bytes.data(), bytes.size());
}

Params::Bound Params::bind() const {
  Bound bound;
  for (const Value& value : values_) {
    if (value.length > std::numeric_limits<int>::max()) throw StoreBug("a parameter is larger than 2 GB", "");
    bound.types.push_back(static_cast<std::uint32_t>(value.type));
    bound.values.push_back(value.length < 0 ? nullptr : value.view ? value.view : buffer_.data() + value.offset);
    bound.lengths.push_back(value.length < 0 ? 0 : static_cast<int>(value.length));
    bound.formats.push_back(1);
  }
  return bound;
}

}  // namespace howdah::persistence::postgres
