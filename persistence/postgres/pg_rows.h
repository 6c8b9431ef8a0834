// Rows of one result in PostgreSQL's binary format, read by column number. Views live as long as their Rows. Reading a
// column as another type than it has, or a NULL without asking for it, throws StoreBug.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/postgres/pg_params.h"
#include "persistence/records.h"

struct pg_result;  // PGresult, so that libpq is seen by our .cpp files only

namespace howdah::persistence::postgres {

class Row {
 public:
  Row(const pg_result* result, int row) : result_(result), row_(row) {}

  bool isNull(int column) const;
  bool boolean(int column) const;
  std::int32_t int4(int column) const;
  std::int64_t int8(int column) const;
  UuidBytes uuid(int column) const;
  DatabaseTime timestamptz(int column) const;
  std::string_view text(int column) const;
  std::string_view bytea(int column) const;
  std::vector<std::optional<std::string_view>> textArray(int column) const;
  std::vector<std::optional<std::int64_t>> int8Array(int column) const;
  std::vector<DatabaseTime> timestamptzArray(int column) const;  // without NULLs

  std::optional<std::int32_t> int4OrNull(int column) const { return orNull(&Row::int4, column); }
  std::optional<std::int64_t> int8OrNull(int column) const { return orNull(&Row::int8, column); }
  std::optional<DatabaseTime> timestamptzOrNull(int column) const { return orNull(&Row::timestamptz, column); }
  std::optional<std::string_view> textOrNull(int column) const { return orNull(&Row::text, column); }

 private:
  template <class T>
  std::optional<T> orNull(T (Row::*read)(int) const, int column) const {
    if (isNull(column)) return std::nullopt;
    return (this->*read)(column);
  }
  std::string_view raw(int column, PgType type) const;

  const pg_result* result_;
  int row_;
};

class Rows {
 public:
  explicit Rows(pg_result* result);  // takes it
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;
  ~Rows();

  int size() const;
  bool empty() const { return size() == 0; }
  Row operator[](int row) const { return Row(result_.get(), row); }
  Row only() const;               // StoreBug unless there is exactly one
  std::int64_t affected() const;  // rows that an INSERT, UPDATE or DELETE touched

  class Iterator {
   public:
    Iterator(const Rows& rows, int row) : rows_(&rows), row_(row) {}
    Row operator*() const { return (*rows_)[row_]; }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return row_ == other.row_; }

   private:
    const Rows* rows_;
    int row_;
  };
  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, size()); }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace howdah::persistence::postgres
