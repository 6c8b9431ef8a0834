#include "persistence/postgres/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "persistence/postgres/setup_error.h"
#include "persistence/postgres/transaction.h"
#include "persistence/store_error.h"
#include "tests/support/eventually.h"
#include "tests/support/test_database.h"

namespace howdah::persistence::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

class ConnectionTest : public ::testing::Test {
 protected:
  howdah::testing::TestDatabase database_;
  howdah::testing::NullRecorder recorder_;
  Connection connection_{database_.options(), recorder_};

  std::string setting(const std::string& name) {
    return std::string(
        connection_.execute({"setting", "SELECT current_setting($1)"}, Params().text(name)).only().text(0));
  }
  void terminate() {
    database_.outsider().execute({"terminate", "SELECT pg_terminate_backend($1, 5000)"},
                                 Params().int4(connection_.backendPid()));
  }
};

TEST_F(ConnectionTest, ValuesOfEveryTypeTravelThereAndBack) {
  const UuidBytes uuid{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
  const DatabaseTime moment = std::chrono::sys_days{std::chrono::year{1999} / 12 / 31} + std::chrono::microseconds(7);
  const std::string bytes("a\0\xff", 3);
  const Rows rows = connection_.execute(
      {"types", "SELECT $1, $2, $3, $4, $5, $6, $7, $4::text, $5 = '1999-12-31 00:00:00.000007+00'::timestamptz"},
      Params()
          .boolean(true)
          .int4(-5)
          .int8(-(std::int64_t{1} << 40))
          .uuid(uuid)
          .timestamptz(moment)
          .text("žluť")
          .bytea(bytes));
  const Row row = rows.only();
  EXPECT_EQ(row.boolean(0), true);
  EXPECT_EQ(row.int4(1), -5);
  EXPECT_EQ(row.int8(2), -(std::int64_t{1} << 40));
  EXPECT_EQ(row.uuid(3), uuid);
  EXPECT_EQ(row.timestamptz(4), moment);
  EXPECT_EQ(row.text(5), "žluť");
  EXPECT_EQ(row.bytea(6), bytes);
  EXPECT_EQ(row.text(7), "01234567-89ab-cdef-fedc-ba9876543210");
  EXPECT_TRUE(row.boolean(8));
}

TEST_F(ConnectionTest, NullsTravelAndAreReadOnlyWhenAskedFor) {
  const Rows rows = connection_.execute({"nulls", "SELECT $1, $2, $3, $4, ''::text"},
                                        Params().int4({}).text({}).timestamptz({}).bytea({}));
  EXPECT_TRUE(rows.only().isNull(0));
  EXPECT_EQ(rows.only().int4OrNull(0), std::nullopt);
  EXPECT_EQ(rows.only().textOrNull(1), std::nullopt);
  EXPECT_EQ(rows.only().textOrNull(4), "");
  EXPECT_THROW(rows.only().int4(0), StoreBug);
}

TEST_F(ConnectionTest, EmptyTextIsNotNull) {
  const Rows rows = connection_.execute({"empty", "SELECT $1, $2"}, Params().text(std::string_view()).bytea(""));
  EXPECT_EQ(rows.only().textOrNull(0), "");
  EXPECT_FALSE(rows.only().isNull(1));
}

TEST_F(ConnectionTest, ArraysTravelWithNullsAndWhenEmpty) {
  struct Item {
    std::int64_t key;
    std::optional<std::string> text;
  };
  const std::vector<Item> items{{1, "one"}, {2, std::nullopt}, {3, ""}};
  const std::vector<DatabaseTime> moments{kPostgresEpoch};
  const std::vector<UuidBytes> uuids{UuidBytes{1}};
  const Rows rows =
      connection_.execute({"arrays",
                           "SELECT $1, $2, $3, $4, $1 = '{1,2,3}', $2 = array['one', NULL, ''], cardinality($3), "
                           "$5 = array['2000-01-01 00:00:00+00'::timestamptz], $6::text, $7 = '{t,f}', $8::text"},
                          Params()
                              .int8Array(items, &Item::key)
                              .textArray(items, &Item::text)
                              .textArray(std::vector<std::string>{})
                              .int8Array(std::vector<std::optional<std::int64_t>>{7, {}})
                              .timestamptzArray(moments)
                              .uuidArray(uuids)
                              .booleanArray(std::vector<bool>{true, false})
                              .byteaArray(std::vector<std::string>{std::string("\0", 1), "\xff"}));
  const Row row = rows.only();
  EXPECT_THAT(row.int8Array(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(row.textArray(1), ElementsAre("one", std::nullopt, ""));
  EXPECT_THAT(row.textArray(2), ElementsAre());
  EXPECT_THAT(row.int8Array(3), ElementsAre(7, std::nullopt));
  for (const int equal : {4, 5, 7, 9}) EXPECT_TRUE(row.boolean(equal)) << equal;
  EXPECT_EQ(row.int4(6), 0);
  EXPECT_EQ(row.text(8), "{01000000-0000-0000-0000-000000000000}");
  EXPECT_EQ(row.text(10), R"({"\\x00","\\xff"})");
}

TEST_F(ConnectionTest, ReadingAsAnotherTypeOrBeyondTheRowIsABug) {
  const Rows rows = connection_.execute({"one", "SELECT 1::bigint"});
  EXPECT_THROW(rows.only().int4(0), StoreBug);
  EXPECT_THROW(rows.only().int8(1), StoreBug);
  EXPECT_THROW(rows[1].int8(0), StoreBug);
  EXPECT_THROW(connection_.execute({"none", "SELECT 1 WHERE false"}).only(), StoreBug);
}

TEST_F(ConnectionTest, AffectedRowsAreCounted) {
  connection_.executeScript("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1), (2), (3)");
  EXPECT_EQ(connection_.execute({"delete", "DELETE FROM pg_temp.t WHERE a > $1"}, Params().int4(1)).affected(), 2);
}

TEST_F(ConnectionTest, SessionsDoNotDependOnTheRolesSettings) {
  database_.outsider().executeScript(
      "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());"
      "EXECUTE format('ALTER DATABASE %I SET statement_timeout = 60000', current_database());"
      "EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());"
      "EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Kathmandu'); END$$");
  Connection fresh(database_.options(), recorder_);
  const Rows rows = fresh.execute(
      {"settings",
       "SELECT name, setting FROM pg_settings WHERE name IN ('synchronous_commit', 'statement_timeout', 'TimeZone', "
       "'transaction_isolation', 'client_encoding', 'jit', 'search_path', 'application_name', 'lock_timeout')"});
  std::map<std::string, std::string> settings;
  for (const Row row : rows) settings.emplace(row.text(0), row.text(1));
  const std::map<std::string, std::string> expected{{"synchronous_commit", "on"},
                                                    {"statement_timeout", "0"},
                                                    {"TimeZone", "UTC"},
                                                    {"transaction_isolation", "read committed"},
                                                    {"client_encoding", "UTF8"},
                                                    {"jit", "off"},
                                                    {"search_path", "pg_catalog, pg_temp"},
                                                    {"application_name", "howdah"},
                                                    {"lock_timeout", "10000"}};
  EXPECT_EQ(settings, expected);
}

TEST_F(ConnectionTest, StrongerDurabilityIsLeftAlone) {
  database_.outsider().executeScript(
      "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = remote_apply', current_database()); "
      "END$$");
  Connection fresh(database_.options(), recorder_);
  EXPECT_EQ(fresh.execute({"show", "SELECT current_setting('synchronous_commit')"}).only().text(0), "remote_apply");
}

TEST_F(ConnectionTest, ADatabaseThatIsNotUtf8IsRefused) {
  const howdah::testing::TestDatabase latin("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  try {
    Connection connection(latin.options(), recorder_);
    FAIL() << "accepted";
  } catch (const SetupError& error) {
    EXPECT_THAT(error.what(), HasSubstr("UTF8"));
  }
}

TEST_F(ConnectionTest, AMistakeInAStatementIsABugAndLeavesTheConnectionUsable) {
  try {
    connection_.execute({"mistake", "SELECT no_such_column"});
    FAIL() << "accepted";
  } catch (const StoreBug& bug) {
    EXPECT_EQ(bug.sqlState(), "42703");
  }
  EXPECT_FALSE(connection_.broken());
  EXPECT_EQ(connection_.execute({"fine", "SELECT 1"}).only().int4(0), 1);
}

TEST_F(ConnectionTest, AConnectionKilledBeforeTheStatementWasSentIsUnavailable) {
  terminate();
  EXPECT_FALSE(connection_.alive());
  EXPECT_THROW(connection_.execute({"late", "SELECT 1"}), StoreUnavailable);
  EXPECT_TRUE(connection_.broken());
}

TEST_F(ConnectionTest, AKilledBackendSaysThatItsStatementDidNotHappen) {
  std::thread killer([&] { terminate(); });
  EXPECT_THROW(connection_.execute({"sleep", "SELECT pg_sleep(10)"}), StoreUnavailable);
  EXPECT_TRUE(connection_.broken());
  killer.join();
}

TEST_F(ConnectionTest, NoAnswerWithinTheDeadlineIsAnUnknownOutcome) {
  PostgresOptions options = database_.options();
  options.statement_deadline = std::chrono::milliseconds(50);
  Connection impatient(options, recorder_);
  EXPECT_THROW(impatient.execute({"sleep", "SELECT pg_sleep(10)"}), StoreOutcomeUnknown);
  EXPECT_TRUE(impatient.broken());
}

TEST_F(ConnectionTest, NoAnswerInsideATransactionIsUnavailableSinceNothingCommitted) {
  PostgresOptions options = database_.options();
  options.statement_deadline = std::chrono::milliseconds(50);
  Connection impatient(options, recorder_);
  Transaction transaction(impatient);
  EXPECT_THROW(impatient.execute({"sleep", "SELECT pg_sleep(10)"}), StoreUnavailable);
}

// A deferred trigger makes the commit itself wait.
class SlowCommitTest : public ConnectionTest {
 protected:
  SlowCommitTest() {
    connection_.executeScript(
        "CREATE TABLE public.t (a int);"
        "CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(10); RETURN NULL; "
        "END$$;"
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON public.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "
        "FUNCTION public.wait()");
  }
  const Statement insert_{"insert", "INSERT INTO public.t VALUES (1)"};
};

TEST_F(SlowCommitTest, ACommitWithoutAnAnswerIsAnUnknownOutcome) {
  PostgresOptions options = database_.options();
  options.statement_deadline = std::chrono::milliseconds(100);
  Connection impatient(options, recorder_);
  Transaction transaction(impatient);
  impatient.execute(insert_);
  EXPECT_THROW(transaction.commit(), StoreOutcomeUnknown);
  EXPECT_THROW(Connection(options, recorder_).execute(insert_), StoreOutcomeUnknown);
}

TEST_F(SlowCommitTest, ABackendKilledBehindItsStatementIsAnUnknownOutcome) {
  std::thread killer([&] {
    EXPECT_TRUE(howdah::testing::eventually([&] {
      return !database_.outsider()
                  .execute({"kill_sleeper",
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND "
                            "datname = current_database()"})
                  .empty();
    }));
  });
  EXPECT_THROW(connection_.execute(insert_), StoreOutcomeUnknown);
  killer.join();
}

// Commits wait for a standby that does not exist, on the whole test server.
class SynchronousReplicationTest : public ConnectionTest {
 protected:
  SynchronousReplicationTest() {
    connection_.executeScript("CREATE TABLE public.t (a int)");
    configure("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  }
  ~SynchronousReplicationTest() override { configure("ALTER SYSTEM RESET synchronous_standby_names"); }

  void configure(const std::string& alter_system) {
    database_.outsider().executeScript(alter_system);
    database_.outsider().executeScript("SELECT pg_reload_conf()");
  }
  // Ends the wait for the standby as an operator would, once there is one.
  void endWait(const std::string& function) {
    EXPECT_TRUE(howdah::testing::eventually([&] {
      return !database_.outsider()
                  .execute({"end_wait", "SELECT " + function +
                                            "(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = "
                                            "current_database()"})
                  .empty();
    }));
  }
  // Until the server has taken note of the setting, commits wait for nobody.
  void insertUntilItFails() {
    EXPECT_THROW(howdah::testing::eventually([&] {
                   connection_.execute({"insert", "INSERT INTO public.t VALUES (1)"});
                   return false;
                 }),
                 StoreOutcomeUnknown);
  }
};

TEST_F(SynchronousReplicationTest, ACommitWhoseWaitWasCancelledIsAnUnknownOutcome) {
  std::thread operator_thread([&] { endWait("pg_cancel_backend"); });
  insertUntilItFails();
  operator_thread.join();
  EXPECT_FALSE(connection_.broken());
}

TEST_F(SynchronousReplicationTest, ACommitWhoseBackendWasTerminatedInTheWaitIsAnUnknownOutcome) {
  std::thread operator_thread([&] { endWait("pg_terminate_backend"); });
  insertUntilItFails();
  operator_thread.join();
  EXPECT_TRUE(connection_.broken());
}

TEST_F(ConnectionTest, ALockThatIsNotToBeHadInTimeIsUnavailable) {
  connection_.executeScript("CREATE TABLE public.t (a int)");
  Transaction holder(database_.outsider());
  database_.outsider().execute({"lock", "LOCK TABLE public.t"});
  PostgresOptions options = database_.options();
  options.lock_timeout = std::chrono::milliseconds(20);
  Connection waiter(options, recorder_);
  EXPECT_THROW(waiter.execute({"read", "SELECT * FROM public.t"}), StoreUnavailable);
  EXPECT_FALSE(waiter.broken());
}

TEST_F(ConnectionTest, AReadOnlyServerIsUnavailableAndItsConnectionNotKept) {
  connection_.executeScript("CREATE TABLE public.t (a int); SET default_transaction_read_only = on");
  EXPECT_THROW(connection_.execute({"write", "INSERT INTO public.t VALUES (1)"}), StoreUnavailable);
  EXPECT_TRUE(connection_.broken());
}

TEST_F(ConnectionTest, ASerializationFailureIsAConflict) {
  for (const std::string state : {"40001", "40P01"}) {
    EXPECT_THROW(connection_.executeScript("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '" + state + "'; END$$"),
                 StoreConflict);
  }
}

TEST_F(ConnectionTest, ATransactionIsUndoneUnlessCommitted) {
  connection_.executeScript("CREATE TABLE public.t (a int)");
  const Statement insert{"insert", "INSERT INTO public.t VALUES (1)"};
  const Statement count{"count", "SELECT count(*) FROM public.t"};
  {
    Transaction transaction(connection_);
    connection_.execute(insert);
  }
  EXPECT_EQ(connection_.execute(count).only().int8(0), 0);
  {
    Transaction transaction(connection_);
    EXPECT_THROW(connection_.execute({"mistake", "SELECT no_such_column"}), StoreBug);
  }
  EXPECT_FALSE(connection_.inTransaction());
  Transaction transaction(connection_);
  connection_.execute(insert);
  transaction.commit();
  EXPECT_EQ(connection_.execute(count).only().int8(0), 1);
}

TEST_F(ConnectionTest, AServerThatIsNotThereIsUnavailable) {
  PostgresOptions options;
  options.connection_string = "host=127.0.0.1 port=1";
  EXPECT_THROW(Connection(options, recorder_), StoreUnavailable);
}

TEST_F(ConnectionTest, LargeParametersAndResultsDoNotBlockEachOther) {
  const std::string large(20'000'000, 'x');
  const Rows rows = connection_.execute({"large", "SELECT $1, $1"}, Params().text(large));
  EXPECT_EQ(rows.only().text(1).size(), large.size());
}

}  // namespace
}  // namespace howdah::persistence::postgres
