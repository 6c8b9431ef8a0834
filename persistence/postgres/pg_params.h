// Parameters of one statement in PostgreSQL's binary format. Text and bytea are kept as views: what they point at must
// live until the statement is executed. Arrays are encoded into a buffer of our own; a NULL is an empty optional.
//   Params().int8(queue_id).text(name).int4Array(timeouts).uuidArray(messages, &NewMessage::message_id)
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/records.h"

namespace howdah::persistence::postgres {

using UuidBytes = std::array<unsigned char, 16>;

// Object ids of PostgreSQL's built-in types; fixed for ever (pg_type.dat).
enum class PgType : std::uint32_t {
  Bool = 16,
  Bytea = 17,
  Int8 = 20,
  Int4 = 23,
  Text = 25,
  Uuid = 2950,
  Timestamptz = 1184,
  BoolArray = 1000,
  ByteaArray = 1001,
  Int4Array = 1007,
  TextArray = 1009,
  Int8Array = 1016,
  TimestamptzArray = 1185,
  UuidArray = 2951,
};

// PostgreSQL counts microseconds from here.
inline constexpr DatabaseTime kPostgresEpoch = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};

class Params {
 public:
  Params& boolean(std::optional<bool> value) { return scalar(PgType::Bool, value); }
  Params& int4(std::optional<std::int32_t> value) { return scalar(PgType::Int4, value); }
  Params& int8(std::optional<std::int64_t> value) { return scalar(PgType::Int8, value); }
  Params& uuid(const std::optional<UuidBytes>& value) { return scalar(PgType::Uuid, value); }
  Params& timestamptz(std::optional<DatabaseTime> value) { return scalar(PgType::Timestamptz, value); }
  Params& text(std::optional<std::string_view> value) { return view(PgType::Text, value); }
  Params& bytea(std::optional<std::string_view> value) { return view(PgType::Bytea, value); }

  // One element for each of `range`, through `field` (a member pointer or a function); an element may be an optional.
  template <class Range, class Field = std::identity>
  Params& booleanArray(const Range& range, Field field = {}) {
    return array<bool>(PgType::BoolArray, PgType::Bool, range, field);
  }
  template <class Range, class Field = std::identity>
  Params& int4Array(const Range& range, Field field = {}) {
    return array<std::int32_t>(PgType::Int4Array, PgType::Int4, range, field);
  }
  template <class Range, class Field = std::identity>
  Params& int8Array(const Range& range, Field field = {}) {
    return array<std::int64_t>(PgType::Int8Array, PgType::Int8, range, field);
  }
  template <class Range, class Field = std::identity>
  Params& uuidArray(const Range& range, Field field = {}) {
    return array<UuidBytes>(PgType::UuidArray, PgType::Uuid, range, field);
  }
  template <class Range, class Field = std::identity>
  Params& timestamptzArray(const Range& range, Field field = {}) {
    return array<DatabaseTime>(PgType::TimestamptzArray, PgType::Timestamptz, range, field);
  }
  template <class Range, class Field = std::identity>
  Params& textArray(const Range& range, Field field = {}) {
    return array<std::string_view>(PgType::TextArray, PgType::Text, range, field);
  }
  template <class Range, class Field = std::identity>
  Params& byteaArray(const Range& range, Field field = {}) {
    return array<std::string_view>(PgType::ByteaArray, PgType::Bytea, range, field);
  }

  // As libpq takes them; valid until the next change.
  struct Bound {
    std::vector<std::uint32_t> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  Bound bind() const;

 private:
  struct Value {
    PgType type;
    const char* view = nullptr;  // of the caller; null: at `offset` of the buffer
    std::size_t offset = 0;
    std::int64_t length = -1;  // -1: NULL
  };

  template <class T>
  Params& scalar(PgType type, const std::optional<T>& value) {
    Value bound{type, nullptr, buffer_.size(), -1};
    if (value) {
      put(*value);
      bound.length = static_cast<std::int64_t>(buffer_.size() - bound.offset);
    }
    values_.push_back(bound);
    return *this;
  }
  Params& view(PgType type, std::optional<std::string_view> value);

  template <class Element, class Range, class Field>
  Params& array(PgType type, PgType element_type, const Range& range, Field& field) {
    const std::size_t offset = buffer_.size();
    std::int32_t count = 0;
    bool has_null = false;
    put(std::int32_t{0});  // dimensions
    put(std::int32_t{0});  // whether there are NULLs
    put(static_cast<std::int32_t>(element_type));
    put(std::int32_t{0});  // elements
    put(std::int32_t{1});  // lower bound
    for (auto&& item : range) {
      putElement<Element>(std::invoke(field, item), has_null);
      ++count;
    }
    if (count == 0) buffer_.resize(offset + 12);  // an empty array has no dimension
    overwrite(offset, count == 0 ? 0 : 1);
    overwrite(offset + 4, has_null ? 1 : 0);
    if (count != 0) overwrite(offset + 12, count);
    values_.push_back({type, nullptr, offset, static_cast<std::int64_t>(buffer_.size() - offset)});
    return *this;
  }

  template <class Element, class T>
  void putElement(const std::optional<T>& value, bool& has_null) {
    if (value) return putElement<Element>(*value, has_null);
    put(std::int32_t{-1});
    has_null = true;
  }
  template <class Element, class T>
  void putElement(const T& value, bool&) {
    const std::size_t offset = buffer_.size();
    put(std::int32_t{0});
    put(static_cast<Element>(value));
    overwrite(offset, static_cast<std::int32_t>(buffer_.size() - offset - 4));
  }

  void put(bool value) { buffer_.push_back(value ? '\1' : '\0'); }
  void put(std::int32_t value);
  void put(std::int64_t value);
  void put(DatabaseTime value) { put(std::int64_t{(value - kPostgresEpoch).count()}); }
  void put(const UuidBytes& value) { buffer_.append(reinterpret_cast<const char*>(value.data()), value.size()); }
  void put(std::string_view value) { buffer_.append(value); }
  void overwrite(std::size_t offset, std::int32_t value);

  std::vector<Value> values_;
  std::string buffer_;
};

}  // namespace howdah::persistence::postgres
