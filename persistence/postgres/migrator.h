// Brings the schema up to what this binary knows: numbered migrations, each in a transaction of its own, with the
// checksum of what was applied. Forward only. Throws SetupError with a sentence that says what to change.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "embedded_migrations.h"
#include "persistence/postgres/connection.h"
#include "persistence/records.h"

namespace howdah::persistence::postgres {

// Held from its construction to its end by one process at a time: whoever changes the schema or installs functions.
class MigrationLock {
 public:
  // Waits up to two minutes for a migration elsewhere.
  explicit MigrationLock(Connection& connection);
  ~MigrationLock();
  MigrationLock(const MigrationLock&) = delete;
  MigrationLock& operator=(const MigrationLock&) = delete;

 private:
  Connection& connection_;
};

// The version of the newest migration that this binary carries.
int newestMigration(std::span<const embedded::File> files = embedded::embedded_migrations());

struct MigrationStatus {
  int version = 0;
  std::string name;
  std::optional<DatabaseTime> applied_at;
  bool known = true;  // false: applied by a newer binary
};

class Migrator {
 public:
  explicit Migrator(Connection& connection, std::span<const embedded::File> files = embedded::embedded_migrations());

  // What is applied and what is not, in order. Changes nothing.
  std::vector<MigrationStatus> status();

  // Applies what is missing. The caller holds the MigrationLock.
  void migrate();

 private:
  struct Migration {
    int version;
    std::string name;
    std::string_view text;
    std::string checksum;
    int lowest_binary;
  };
  struct Applied {
    int version;
    std::string name;
    std::string checksum;
    DatabaseTime applied_at;
    int lowest_binary;
  };
  std::vector<Applied> applied();
  void createSchema();
  void check(const std::vector<Applied>& applied) const;
  void apply(const Migration& migration);

  Connection& connection_;
  std::vector<Migration> migrations_;
};

}  // namespace howdah::persistence::postgres
