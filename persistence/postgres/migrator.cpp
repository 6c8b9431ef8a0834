#include "persistence/postgres/migrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "metrics/log.h"
#include "persistence/postgres/advisory_lock.h"
#include "persistence/postgres/setup_error.h"
#include "persistence/postgres/sha256.h"
#include "persistence/postgres/transaction.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

constexpr std::chrono::minutes kLongestWaitForOthers{2};
constexpr std::chrono::hours kLongestMigration{12};

const Statement kLock{"migration_lock", "SELECT pg_advisory_lock($1, $2)"};
const Statement kUnlock{"migration_unlock", "SELECT pg_advisory_unlock($1, $2)"};
const Statement kHasTable{"migration_table",
                          "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                          "WHERE n.nspname = 'howdah' AND c.relname = 'migration')"};
const Statement kApplied{
    "applied_migrations",
    "SELECT version, name, checksum, applied_at, lowest_binary FROM howdah.migration ORDER BY version"};
const Statement kRights{
    "schema_rights",
    "SELECT n.oid IS NOT NULL, n.oid IS NOT NULL AND has_schema_privilege(n.oid, 'USAGE'),"
    "       n.oid IS NOT NULL AND has_schema_privilege(n.oid, 'CREATE'),"
    "       has_database_privilege(current_database(), 'CREATE'), current_user::text, current_database()::text"
    "  FROM (SELECT 1) one LEFT JOIN pg_namespace n ON n.nspname = 'howdah'"};
const Statement kRecord{"record_migration",
                        "INSERT INTO howdah.migration (version, name, checksum, applied_at, lowest_binary) "
                        "VALUES ($1, $2, $3, clock_timestamp(), $4)"};

constexpr const char* kMigrationTable =
    "CREATE TABLE howdah.migration ("
    "  version integer NOT NULL PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
    "  applied_at timestamptz NOT NULL, lowest_binary integer NOT NULL)";

// "0001_queues" -> 1
int versionOf(std::string_view name) {
  int version = 0;
  std::from_chars(name.data(), name.data() + name.size(), version);
  return version;
}

// A line "-- lowest binary: N" (migrations/README.md); without it, every binary may run.
int lowestBinaryOf(std::string_view text) {
  constexpr std::string_view kMark = "-- lowest binary: ";
  const std::size_t at = text.find(kMark);
  return at == std::string_view::npos ? 1 : versionOf(text.substr(at + kMark.size()));
}

}  // namespace

int newestMigration(std::span<const embedded::File> files) { return versionOf(files.back().name); }

MigrationLock::MigrationLock(Connection& connection) : connection_(connection) {
  const auto give_up = std::chrono::steady_clock::now() + kLongestWaitForOthers;
  while (true) {
    try {
      connection_.execute(kLock, Params().int4(kAdvisoryLockSpace).int4(kMigrationLock));
      return;
    } catch (const StoreUnavailable&) {  // the lock timeout, or the connection
      if (connection_.broken()) throw;
      if (std::chrono::steady_clock::now() < give_up) continue;
      throw SetupError("another process has been changing the schema \"howdah\" for minutes; wait for it, or end it");
    }
  }
}

MigrationLock::~MigrationLock() {
  if (connection_.broken()) return;
  try {
    connection_.execute(kUnlock, Params().int4(kAdvisoryLockSpace).int4(kMigrationLock));
  } catch (const StoreError&) {
    // The lock ends with the connection.
  }
}

Migrator::Migrator(Connection& connection, std::span<const embedded::File> files) : connection_(connection) {
  for (const embedded::File& file : files) {
    migrations_.push_back(
        {versionOf(file.name), std::string(file.name), file.text, sha256Hex(file.text), lowestBinaryOf(file.text)});
  }
}

std::vector<Migrator::Applied> Migrator::applied() {
  std::vector<Applied> applied;
  if (!connection_.execute(kHasTable).only().boolean(0)) return applied;
  const Rows rights = connection_.execute(kRights);
  if (!rights.only().boolean(1)) {
    throw SetupError(
        fmt::format("the role \"{0}\" may not use the schema \"howdah\"; let its owner run: GRANT USAGE ON "
                    "SCHEMA howdah TO \"{0}\", and grant the rights on its tables",
                    rights.only().text(4)));
  }
  for (const Row row : connection_.execute(kApplied)) {
    applied.push_back(
        {row.int4(0), std::string(row.text(1)), std::string(row.text(2)), row.timestamptz(3), row.int4(4)});
  }
  return applied;
}

std::vector<MigrationStatus> Migrator::status() {
  std::vector<MigrationStatus> status;
  const std::vector<Applied> applied = this->applied();
  for (const Migration& migration : migrations_) {
    const auto found = std::find_if(applied.begin(), applied.end(),
                                    [&](const Applied& row) { return row.version == migration.version; });
    status.push_back({migration.version, migration.name, {}, true});
    if (found != applied.end()) status.back().applied_at = found->applied_at;
  }
  for (const Applied& row : applied) {
    if (!migrations_.empty() && row.version <= migrations_.back().version) continue;
    status.push_back({row.version, row.name, row.applied_at, false});
  }
  return status;
}

void Migrator::migrate() {
  const std::vector<Applied> applied = this->applied();
  check(applied);
  if (applied.empty()) createSchema();
  for (const Migration& migration : migrations_) {
    if (applied.empty() || migration.version > applied.back().version) apply(migration);
  }
}

void Migrator::check(const std::vector<Applied>& applied) const {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const Applied& row = applied[i];
    if (i >= migrations_.size()) {
      if (row.lowest_binary <= static_cast<int>(migrations_.size())) continue;
      throw SetupError(
          fmt::format("the schema \"howdah\" is at version {}, which this binary (up to version {}) cannot serve; it "
                      "needs one that knows version {} or later: install the newer Howdah",
                      applied.back().version, migrations_.size(), row.lowest_binary));
    }
    const Migration& migration = migrations_[i];
    if (row.version != migration.version || row.checksum != migration.checksum) {
      throw SetupError(
          fmt::format("migration {} was applied to this database with another content than this binary carries as {}; "
                      "use the binary that made the schema \"howdah\", a newer release of it, or another database",
                      row.name, migration.name));
    }
  }
}

void Migrator::createSchema() {
  const Rows rights = connection_.execute(kRights);
  const Row row = rights.only();
  const bool exists = row.boolean(0);
  if (exists ? !row.boolean(2) : !row.boolean(3)) {
    throw SetupError(
        fmt::format("the role \"{0}\" may not create {1} in the database \"{2}\"; let an administrator run: {3}",
                    row.text(4), exists ? "tables in the schema \"howdah\"" : "the schema \"howdah\"", row.text(5),
                    exists ? fmt::format("ALTER SCHEMA howdah OWNER TO \"{}\"", row.text(4))
                           : fmt::format("CREATE SCHEMA howdah AUTHORIZATION \"{}\"", row.text(4))));
  }
  Transaction transaction(connection_);
  if (!exists) connection_.executeScript("CREATE SCHEMA howdah");
  if (!connection_.execute(kHasTable).only().boolean(0)) connection_.executeScript(kMigrationTable);
  transaction.commit();
}

void Migrator::apply(const Migration& migration) {
  try {
    Transaction transaction(connection_);
    connection_.executeScript(std::string(migration.text), kLongestMigration);
    connection_.execute(
        kRecord,
        Params().int4(migration.version).text(migration.name).text(migration.checksum).int4(migration.lowest_binary));
    transaction.commit();
  } catch (const StoreBug& bug) {
    if (bug.sqlState() != "42501") throw;  // insufficient_privilege
    throw SetupError(
        fmt::format("migration {} cannot be applied: {}; run \"howdah migrate\" as the owner of the schema "
                    "\"howdah\"",
                    migration.name, bug.what()));
  }
  metrics::logInfo("migration applied", {{"migration", migration.name}});
}

}  // namespace howdah::persistence::postgres
