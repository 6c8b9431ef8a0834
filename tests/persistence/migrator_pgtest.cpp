#include "persistence/postgres/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "embedded_functions.h"
#include "persistence/postgres/database.h"
#include "persistence/postgres/functions.h"
#include "persistence/postgres/setup_error.h"
#include "persistence/store_error.h"
#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::persistence::postgres {
namespace {

using embedded::File;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr File kFirst{"0001_first", "CREATE TABLE howdah.first (a int);"};
constexpr File kSecond{"0002_second", "CREATE TABLE howdah.second (a int);"};
constexpr File kThirdNeedsSecond{"0003_third", "-- lowest binary: 2\nCREATE TABLE howdah.third (a int);"};

class MigratorTest : public ::testing::Test {
 protected:
  void migrate(const std::vector<File>& files) {
    const auto connection = database_.connect();
    const MigrationLock lock(*connection);
    Migrator(*connection, files).migrate();
  }
  std::vector<MigrationStatus> status(const std::vector<File>& files) {
    return Migrator(database_.outsider(), files).status();
  }
  std::string refusal(const std::vector<File>& files) {
    try {
      migrate(files);
    } catch (const SetupError& error) {
      return error.what();
    }
    return "accepted";
  }
  bool exists(const std::string& name) {
    return database_.outsider()
        .execute({"exists", "SELECT to_regclass($1) IS NOT NULL"}, Params().text(name))
        .only()
        .boolean(0);
  }

  howdah::testing::TestDatabase database_;
  howdah::testing::NullRecorder recorder_;
};

TEST_F(MigratorTest, AnEmptyDatabaseGetsEverythingOnce) {
  migrate({kFirst, kSecond});
  EXPECT_TRUE(exists("howdah.first"));
  EXPECT_TRUE(exists("howdah.second"));
  migrate({kFirst, kSecond});
}

TEST_F(MigratorTest, OnlyWhatIsMissingIsApplied) {
  migrate({kFirst});
  EXPECT_FALSE(exists("howdah.second"));
  migrate({kFirst, kSecond});
  EXPECT_TRUE(exists("howdah.second"));
}

TEST_F(MigratorTest, StatusTellsWhatIsAppliedMissingAndUnknown) {
  EXPECT_FALSE(status({kFirst}).at(0).applied_at);
  migrate({kFirst, kSecond});
  const auto status = this->status({kFirst});
  ASSERT_EQ(status.size(), 2u);
  EXPECT_EQ(status[0].name, "0001_first");
  EXPECT_TRUE(status[0].applied_at);
  EXPECT_TRUE(status[0].known);
  EXPECT_EQ(status[1].name, "0002_second");
  EXPECT_FALSE(status[1].known);
}

TEST_F(MigratorTest, AnAppliedFileThatChangedIsRefusedByName) {
  migrate({kFirst, kSecond});
  EXPECT_THAT(refusal({kFirst, {"0002_second", "CREATE TABLE howdah.other (a int);"}}), HasSubstr("0002_second"));
  EXPECT_FALSE(exists("howdah.other"));
}

TEST_F(MigratorTest, AnOlderBinaryServesANewerSchemaThatAllowsIt) {
  migrate({kFirst, kSecond, kThirdNeedsSecond});
  migrate({kFirst, kSecond});
  EXPECT_THAT(refusal({kFirst}), AllOf(HasSubstr("version 3"), HasSubstr("version 2 or later")));
}

TEST_F(MigratorTest, AFileThatFailsLeavesNothing) {
  EXPECT_THROW(migrate({kFirst, {"0002_second", "CREATE TABLE howdah.second (a int); SELECT no_such_thing;"}}),
               StoreBug);
  EXPECT_TRUE(exists("howdah.first"));
  EXPECT_FALSE(exists("howdah.second"));
  migrate({kFirst, kSecond});
}

TEST_F(MigratorTest, FourProcessesAtOnceApplyEverythingOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_NO_THROW(PostgresDatabase(database_.options(), recorder_).migrate()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(exists("howdah.message"));
}

TEST_F(MigratorTest, AnotherMigrationIsWaitedForBeyondTheLockTimeout) {
  PostgresOptions options = database_.options();
  options.lock_timeout = std::chrono::milliseconds(10);
  auto other = std::make_unique<MigrationLock>(database_.outsider());
  std::thread waiter([&] { EXPECT_NO_THROW(PostgresDatabase(options, recorder_).migrate()); });
  // Until the waiter has run into its lock timeout at least once: two waits that began at different times.
  const auto watcher = database_.connect();
  std::set<DatabaseTime> waits;
  EXPECT_TRUE(howdah::testing::eventually([&] {
    for (const Row row : watcher->execute({"waits",
                                           "SELECT query_start FROM pg_stat_activity WHERE wait_event = 'advisory' AND "
                                           "datname = current_database()"})) {
      waits.insert(row.timestamptz(0));
    }
    return waits.size() > 1;
  }));
  other.reset();
  waiter.join();
  EXPECT_TRUE(exists("howdah.queue"));
}

// Roles belong to the whole server: this one goes with the test.
class RoleTest : public MigratorTest {
 protected:
  RoleTest() {
    dropRole();
    database_.outsider().executeScript("CREATE ROLE howdah_test_role LOGIN");
    options_ = database_.options();
    options_.connection_string += " user=howdah_test_role";
  }
  ~RoleTest() override {
    database_.terminateBackends();
    dropRole();
  }
  void dropRole() {
    database_.outsider().executeScript(
        "DO $$BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'howdah_test_role') THEN "
        "DROP OWNED BY howdah_test_role CASCADE; DROP ROLE howdah_test_role; END IF; END$$");
  }
  std::string refusal() {
    try {
      PostgresDatabase(options_, recorder_).migrate();
    } catch (const SetupError& error) {
      return error.what();
    }
    return "accepted";
  }
  PostgresOptions options_;
};

TEST_F(RoleTest, TooLittlePrivilegeIsToldWithTheWayOut) {
  EXPECT_THAT(refusal(), HasSubstr("CREATE SCHEMA howdah AUTHORIZATION \"howdah_test_role\""));
  database_.outsider().executeScript("CREATE SCHEMA howdah");
  EXPECT_THAT(refusal(), HasSubstr("ALTER SCHEMA howdah OWNER TO \"howdah_test_role\""));
}

TEST_F(RoleTest, ASchemaOfItsOwnIsAllThatTheRoleNeeds) {
  database_.outsider().executeScript("CREATE SCHEMA howdah AUTHORIZATION howdah_test_role");
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(RoleTest, ARoleThatMayNotChangeTheSchemaServesOneThatIsUpToDate) {
  PostgresDatabase(database_.options(), recorder_).migrate();
  EXPECT_THAT(refusal(), HasSubstr("GRANT USAGE ON SCHEMA howdah"));
  database_.outsider().executeScript(
      "GRANT USAGE ON SCHEMA howdah TO howdah_test_role;"
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA howdah TO howdah_test_role");
  EXPECT_EQ(refusal(), "accepted");
  database_.outsider().executeScript(
      "DO $$BEGIN EXECUTE (SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc "
      "WHERE proname LIKE 'create_queue%'); END$$");
  EXPECT_THAT(refusal(), HasSubstr("howdah migrate"));
}

TEST_F(MigratorTest, FunctionsAreInstalledOnceUnderANameOfTheirText) {
  constexpr File kOne{"tell_time",
                      "CREATE FUNCTION howdah.{name}() RETURNS timestamptz LANGUAGE sql AS $$ SELECT {clock} $$"};
  constexpr File kOther{
      "tell_time", "CREATE FUNCTION howdah.{name}() RETURNS timestamptz LANGUAGE sql AS $$ SELECT {clock} + '1 s' $$"};
  PostgresDatabase(database_.options(), recorder_).migrate();
  Connection& connection = database_.outsider();
  const std::string one = InstalledFunctions(connection, false, {&kOne, 1}).name("tell_time");
  EXPECT_THAT(one, ::testing::MatchesRegex("howdah.tell_time_[0-9a-f]+"));
  EXPECT_EQ(InstalledFunctions(connection, false, {&kOne, 1}).name("tell_time"), one);
  const std::string other = InstalledFunctions(connection, false, {&kOther, 1}).name("tell_time");
  const std::string test_clock = InstalledFunctions(connection, true, {&kOne, 1}).name("tell_time");
  EXPECT_NE(other, one);
  EXPECT_NE(test_clock, one);
  connection.executeScript("UPDATE howdah.test_clock SET ahead_microseconds = 3600000000");
  EXPECT_TRUE(
      connection.execute({"compare", "SELECT " + test_clock + "() - " + one + "() BETWEEN '59 min' AND '61 min'"})
          .only()
          .boolean(0));
  EXPECT_THROW(InstalledFunctions(connection, false, {&kOne, 1}).name("no_such"), StoreBug);
}

}  // namespace
}  // namespace howdah::persistence::postgres
