// How a store call fails when it is not the client's fault. Thrown; caught only where a thread's work begins.
#pragma once

#include <stdexcept>
#include <string>

namespace howdah::persistence {

class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The database could not be asked, or went away before the statement was sent, or refused for lack of resources, or a
// lock was not to be had in time: nothing has happened. The client may try again (ServiceUnavailable).
class StoreUnavailable : public StoreError {
 public:
  using StoreError::StoreError;
};

// The connection was lost, or synchronous replication cancelled, while a commit was under way: it may have happened.
// Only what is safe to repeat may be repeated.
class StoreOutcomeUnknown : public StoreError {
 public:
  using StoreError::StoreError;
};

// Another transaction won (serialization failure, deadlock): nothing has happened, trying again is right.
class StoreConflict : public StoreError {
 public:
  using StoreError::StoreError;
};

// PostgreSQL refused a statement of ours, or a row is not what it must be: a bug in Howdah or a tampered schema.
class StoreBug : public StoreError {
 public:
  StoreBug(const std::string& what, std::string sql_state) : StoreError(what), sql_state_(std::move(sql_state)) {}
  const std::string& sqlState() const { return sql_state_; }

 private:
  std::string sql_state_;
};

}  // namespace howdah::persistence
