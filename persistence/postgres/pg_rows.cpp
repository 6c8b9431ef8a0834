#include "persistence/postgres/pg_rows.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>

#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

[[noreturn]] void unexpected(const std::string& what) { throw StoreBug("unexpected result: " + what, ""); }

// Reads big-endian numbers from the front of a value.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t count) {
    if (rest_.size() < count) unexpected("a value is too short");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::int64_t int8() { return static_cast<std::int64_t>(number(8)); }
  std::int32_t int4() { return static_cast<std::int32_t>(number(4)); }

 private:
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }

  std::string_view rest_;
};

template <class Element>
std::vector<std::optional<Element>> readArray(std::string_view bytes, Element (*read)(std::string_view)) {
  Reader reader(bytes);
  const std::int32_t dimensions = reader.int4();
  reader.take(8);  // whether there are NULLs, and the element type, which the array type implies
  if (dimensions == 0) return {};
  if (dimensions != 1) unexpected("an array has several dimensions");
  const std::int32_t count = reader.int4();
  reader.take(4);  // lower bound
  std::vector<std::optional<Element>> elements;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t length = reader.int4();
    if (length < 0) {
      elements.emplace_back();
    } else {
      elements.emplace_back(read(reader.take(static_cast<std::size_t>(length))));
    }
  }
  return elements;
}

}  // namespace

std::string_view Row::raw(int column, PgType type) const {
  // libpq itself would answer a column out of range with a line on standard error.
  if (row_ >= PQntuples(result_) || column >= PQnfields(result_)) unexpected(fmt::format("no column {}", column));
  if (PQftype(result_, column) != static_cast<Oid>(type)) {
    unexpected(fmt::format("column {} has type {}, wanted {}", column, PQftype(result_, column),
                           static_cast<std::uint32_t>(type)));
  }
  if (PQgetisnull(result_, row_, column)) unexpected(fmt::format("column {} is NULL", column));
  return {PQgetvalue(result_, row_, column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

bool Row::isNull(int column) const {
  if (row_ >= PQntuples(result_) || column >= PQnfields(result_)) unexpected(fmt::format("no column {}", column));
  return PQgetisnull(result_, row_, column);
}

bool Row::boolean(int column) const { return raw(column, PgType::Bool).at(0) != '\0'; }
std::int32_t Row::int4(int column) const { return Reader(raw(column, PgType::Int4)).int4(); }
std::int64_t Row::int8(int column) const { return Reader(raw(column, PgType::Int8)).int8(); }
std::string_view Row::text(int column) const { return raw(column, PgType::Text); }
std::string_view Row::bytea(int column) const { return raw(column, PgType::Bytea); }

UuidBytes Row::uuid(int column) const {
  const std::string_view bytes = Reader(raw(column, PgType::Uuid)).take(16);
  UuidBytes uuid;
  std::copy(bytes.begin(), bytes.end(), uuid.begin());
  return uuid;
}

DatabaseTime Row::timestamptz(int column) const {
  return kPostgresEpoch + std::chrono::microseconds(Reader(raw(column, PgType::Timestamptz)).int8());
}

std::vector<std::optional<std::string_view>> Row::textArray(int column) const {
  return readArray<std::string_view>(raw(column, PgType::TextArray), [](std::string_view bytes) { return bytes; });
}

std::vector<std::optional<std::int64_t>> Row::int8Array(int column) const {
  return readArray<std::int64_t>(raw(column, PgType::Int8Array),
                                 [](std::string_view bytes) { return Reader(bytes).int8(); });
}

std::vector<DatabaseTime> Row::timestamptzArray(int column) const {
  std::vector<DatabaseTime> times;
  for (const auto& micros : readArray<std::int64_t>(raw(column, PgType::TimestamptzArray),
                                                    [](std::string_view bytes) { return Reader(bytes).int8(); })) {
    times.push_back(kPostgresEpoch + std::chrono::microseconds(micros.value()));
  }
  return times;
}

Rows::Rows(pg_result* result) : result_(result) {}
Rows::Rows(Rows&&) noexcept = default;
Rows& Rows::operator=(Rows&&) noexcept = default;
Rows::~Rows() = default;

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

int Rows::size() const { return PQntuples(result_.get()); }

Row Rows::only() const {
  if (size() != 1) unexpected(fmt::format("{} rows where one was due", size()));
  return (*this)[0];
}

std::int64_t Rows::affected() const {
  const std::string_view count = PQcmdTuples(result_.get());
  std::int64_t value = 0;
  std::from_chars(count.data(), count.data() + count.size(), value);
  return value;
}

}  // namespace howdah::persistence::postgres
