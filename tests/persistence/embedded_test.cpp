// The private PostgreSQL against real processes: as root and as a plain user, after every way a server or a PostgreSQL
// can die, and on every directory that is not as it should be. Needs PostgreSQL's binaries, but no running one.
#include "persistence/postgres/embedded.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "persistence/postgres/embedded_binaries.h"
#include "persistence/postgres/embedded_process.h"
#include "persistence/postgres/embedded_user.h"
#include "persistence/postgres/setup_error.h"

namespace howdah::persistence::postgres {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using testing::HasSubstr;

bool isRoot() { return geteuid() == 0; }
User postgresUser() { return isRoot() ? unprivilegedUser() : currentUser(); }

void chownAll(const fs::path& path, const User& user) {
  ASSERT_EQ(0, lchown(path.c_str(), user.uid, user.gid));
  if (!fs::is_directory(path)) return;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    ASSERT_EQ(0, lchown(entry.path().c_str(), user.uid, user.gid));
  }
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/howdah-embedded.XXXXXX";
    path_ = mkdtemp(name);
    chmod(path_.c_str(), 0755);
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A stopped data directory to copy, since initdb takes a second.
const std::string& initialisedDirectory() {
  static const TemporaryDirectory home;
  static const std::string path = [] {
    EmbeddedPostgres postgres({home / "data", ""});
    postgres.start();
    postgres.stop();
    return home / "data";
  }();
  return path;
}

void copyTo(const std::string& path) {
  const std::string command = "cp -a '" + initialisedDirectory() + "' '" + path + "'";
  ASSERT_EQ(0, std::system(command.c_str()));
}

struct Connection : std::unique_ptr<PGconn, decltype(&PQfinish)> {
  explicit Connection(const std::string& conninfo) : unique_ptr(PQconnectdb(conninfo.c_str()), &PQfinish) {}
  bool ok() const { return PQstatus(get()) == CONNECTION_OK; }
  // The first value, or the error.
  std::string ask(const std::string& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(get(), sql.c_str()), &PQclear);
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) return PQgetvalue(result.get(), 0, 0);
    return PQresultErrorMessage(result.get());
  }
};

std::string ask(const std::string& conninfo, const std::string& sql) {
  Connection connection(conninfo);
  return connection.ok() ? connection.ask(sql) : PQerrorMessage(connection.get());
}

void storeRow(const std::string& conninfo) {
  ASSERT_EQ("", ask(conninfo, "CREATE TABLE kept AS SELECT 'kept' AS value"));
}
std::string storedRow(const std::string& conninfo) { return ask(conninfo, "SELECT value FROM kept"); }

bool eventually(const std::function<bool()>& holds) {
  for (const auto deadline = steady_clock::now() + std::chrono::seconds(30); steady_clock::now() < deadline;) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// A process that need not be our child.
class WatchedProcess {
 public:
  explicit WatchedProcess(pid_t pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~WatchedProcess() { close(fd_); }
  bool ends() const {
    pollfd poll_fd{fd_, POLLIN, 0};
    return fd_ < 0 || poll(&poll_fd, 1, 30'000) == 1;
  }

 private:
  int fd_;
};

void become(const User& user) {
  ASSERT_EQ(0, setgroups(0, nullptr));
  ASSERT_EQ(0, setresgid(user.gid, user.gid, user.gid));
  ASSERT_EQ(0, setresuid(user.uid, user.uid, user.uid));
}

// A howdah in a process of its own, to be killed.
struct ServerProcess {
  pid_t pid = 0;
  std::string conninfo;

  explicit ServerProcess(const std::string& data_dir) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid = fork();
    if (pid == 0) {
      EmbeddedPostgres postgres({data_dir, ""});
      const std::string started = postgres.start();
      (void)!write(fds[1], started.data(), started.size());
      close(fds[1]);
      for (;;) pause();
    }
    close(fds[1]);
    char buffer[1000];
    for (ssize_t got; (got = read(fds[0], buffer, sizeof buffer)) > 0;) conninfo.append(buffer, got);
    close(fds[0]);
  }
  ~ServerProcess() { killNow(); }
  void killNow() {
    if (pid == 0) return;
    kill(pid, SIGKILL);
    waitForEnd(std::exchange(pid, 0));
  }
};

pid_t postmasterOf(const std::string& data_dir) {
  std::ifstream file(data_dir + "/postgres/postmaster.pid");
  pid_t pid = 0;
  file >> pid;
  return pid;
}

pid_t backendOf(Connection& connection) { return std::stoi(connection.ask("SELECT pg_backend_pid()")); }

std::string refusal(const EmbeddedOptions& options) {
  EmbeddedPostgres postgres(options);
  try {
    postgres.start();
  } catch (const SetupError& error) {
    return error.what();
  }
  return "not refused";
}

// Whom howdah runs as: the one who runs the tests, and where that is root a plain user as well.
struct Identity {
  std::string name;
  std::optional<User> user;

  void run(const std::function<void()>& body) const {
    if (!user) return body();
    const pid_t child = fork();
    if (child == 0) {
      become(*user);
      body();
      _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    EXPECT_EQ(0, waitForEnd(child));
  }
};

void PrintTo(const Identity& identity, std::ostream* out) { *out << identity.name; }

std::vector<Identity> identities() {
  std::vector<Identity> all = {{"AsStarted", {}}};
  if (isRoot()) all.push_back({"AsPlainUser", User{65534, 65534, "nobody"}});
  return all;
}

std::string identityName(const testing::TestParamInfo<Identity>& identity) { return identity.param.name; }

class EmbeddedPostgresAs : public testing::TestWithParam<Identity> {};
INSTANTIATE_TEST_SUITE_P(, EmbeddedPostgresAs, testing::ValuesIn(identities()), identityName);

TEST_P(EmbeddedPostgresAs, DatabaseIsCreatedOnceAndFoundAgain) {
  const TemporaryDirectory home;
  if (GetParam().user) chownAll(home / "", *GetParam().user);
  GetParam().run([&] {
    EmbeddedPostgres postgres({home / "deep/data", ""});
    storeRow(postgres.start());
    postgres.stop();
    const auto before = steady_clock::now();
    const std::string conninfo = postgres.start();
    EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(2));
    EXPECT_EQ("kept", storedRow(conninfo));
    EXPECT_EQ("UTF8", ask(conninfo, "SHOW server_encoding"));
    EXPECT_EQ("on", ask(conninfo, "SHOW fsync"));
  });
}

TEST_P(EmbeddedPostgresAs, KilledServerTakesPostgresWithItAndLosesNothing) {
  const TemporaryDirectory home;
  copyTo(home / "data");
  if (GetParam().user) chownAll(home / "", *GetParam().user);
  GetParam().run([&] {
    ServerProcess server(home / "data");
    storeRow(server.conninfo);
    const WatchedProcess postmaster(postmasterOf(home / "data"));
    server.killNow();
    EmbeddedPostgres next({home / "data", ""});
    EXPECT_EQ("kept", storedRow(next.start()));
    EXPECT_TRUE(postmaster.ends());
  });
}

TEST_P(EmbeddedPostgresAs, UnwritableDirectoryIsRefusedWithASentence) {
  const TemporaryDirectory home;
  std::ofstream(home / "file") << "";
  GetParam().run([&] {
    const std::string sentence = refusal({home / "file/data", ""});
    EXPECT_THAT(sentence, HasSubstr("give --data-dir a directory that user "));
    EXPECT_THAT(sentence, HasSubstr("File exists"));
  });
}

class EmbeddedPostgresTest : public testing::Test {
 protected:
  void SetUp() override { copyTo(data_dir_); }

  const TemporaryDirectory home_;
  const std::string data_dir_ = home_ / "data";
};

TEST_F(EmbeddedPostgresTest, PostgresDiesWithTheServerWithoutANextStart) {
  ServerProcess server(data_dir_);
  const WatchedProcess postmaster(postmasterOf(data_dir_));
  server.killNow();
  EXPECT_TRUE(postmaster.ends());
}

TEST_F(EmbeddedPostgresTest, RunsUnprivilegedInAProcessGroupOfItsOwnOnAUnixSocketOnly) {
  EmbeddedPostgres postgres({data_dir_, ""});
  const std::string conninfo = postgres.start();
  EXPECT_EQ("", ask(conninfo, "SHOW listen_addresses"));
  EXPECT_NE(0U, ownerOf("/proc/" + std::to_string(postgres.pid())).uid);
  EXPECT_EQ(postgres.pid(), getpgid(postgres.pid()));
  struct stat sockets {};
  ASSERT_EQ(0, stat((data_dir_ + "/socket").c_str(), &sockets));
  EXPECT_EQ(0700U, sockets.st_mode & 07777);
}

TEST_F(EmbeddedPostgresTest, SecondServerOnTheDirectoryIsRefusedAndTheFirstServesOn) {
  EmbeddedPostgres first({data_dir_, ""});
  const std::string conninfo = first.start();
  EXPECT_THAT(refusal({data_dir_, ""}),
              HasSubstr("in use by another howdah (process " + std::to_string(getpid()) + "); stop that one"));
  EXPECT_EQ("1", ask(conninfo, "SELECT 1"));
}

TEST_F(EmbeddedPostgresTest, OrphanedPostmasterIsEnded) {
  const User user = postgresUser();
  const int log = open((data_dir_ + "/postgres.log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const std::string database = data_dir_ + "/postgres";
  const pid_t orphan = spawn({{findBinaries("", 0).postgres(), "-D", database, "-clisten_addresses=", "-k", database},
                              user,
                              database,
                              log,
                              0});
  close(log);
  ASSERT_TRUE(eventually([&] { return PQping(("host=" + database).c_str()) == PQPING_OK; }));
  EmbeddedPostgres postgres({data_dir_, ""});
  EXPECT_EQ("1", ask(postgres.start(), "SELECT 1"));
  EXPECT_EQ(0, waitForEnd(orphan));  // a clean shutdown
}

TEST_F(EmbeddedPostgresTest, OrphanedBackendThatDoesNotReactIsEnded) {
  ServerProcess server(data_dir_);
  storeRow(server.conninfo);
  Connection connection(server.conninfo);
  const pid_t backend = backendOf(connection);
  const WatchedProcess watched(backend);
  kill(backend, SIGSTOP);
  kill(postmasterOf(data_dir_), SIGKILL);
  server.killNow();
  EmbeddedPostgres next({data_dir_, ""});
  EXPECT_EQ("kept", storedRow(next.start()));
  EXPECT_TRUE(watched.ends());
}

TEST_F(EmbeddedPostgresTest, KilledPostmasterIsStartedAgain) {
  EmbeddedPostgres postgres({data_dir_, ""});
  const std::string conninfo = postgres.start();
  storeRow(conninfo);
  Connection connection(conninfo);
  kill(backendOf(connection), SIGSTOP);  // holds the shared memory, so that PostgreSQL alone would refuse to start
  const pid_t before = postgres.pid();
  kill(before, SIGKILL);
  EXPECT_TRUE(eventually([&] { return storedRow(conninfo) == "kept"; }));
  EXPECT_NE(before, postgres.pid());
}

TEST_F(EmbeddedPostgresTest, PostmasterKilledOverAndOverIsStartedAgainEachTime) {
  EmbeddedPostgres postgres({data_dir_, ""});
  const std::string conninfo = postgres.start();
  for (int i = 0; i < 4; ++i) {
    kill(postgres.pid(), SIGKILL);
    ASSERT_TRUE(eventually([&] { return ask(conninfo, "SELECT 1") == "1"; }));
  }
}

TEST_F(EmbeddedPostgresTest, KilledBackendIsSurvivedByThePostmaster) {
  EmbeddedPostgres postgres({data_dir_, ""});
  const std::string conninfo = postgres.start();
  storeRow(conninfo);
  Connection connection(conninfo);
  const pid_t before = postgres.pid();
  kill(backendOf(connection), SIGKILL);
  EXPECT_TRUE(eventually([&] { return storedRow(conninfo) == "kept"; }));
  EXPECT_EQ(before, postgres.pid());
}

TEST_F(EmbeddedPostgresTest, MovedDirectoryStillWorks) {
  {
    EmbeddedPostgres postgres({data_dir_, ""});
    storeRow(postgres.start());
  }
  fs::rename(data_dir_, home_ / "moved");
  EmbeddedPostgres postgres({home_ / "moved", ""});
  EXPECT_EQ("kept", storedRow(postgres.start()));
}

TEST_F(EmbeddedPostgresTest, StalePidFilesThatNameALivingProcessAreNotBelieved) {
  const User user = postgresUser();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  const pid_t innocent = spawn({{"/bin/sleep", "1000"}, user, "/", null, SIGKILL});
  close(null);
  const std::string sockets = data_dir_ + "/socket";
  fs::create_directory(sockets);
  std::ofstream(sockets + "/.s.PGSQL.5432") << "";
  for (const std::string& file : {data_dir_ + "/postgres/postmaster.pid", sockets + "/.s.PGSQL.5432.lock"}) {
    std::ofstream(file) << innocent << "\n" << data_dir_ << "/postgres\n1\n5432\n" << sockets << "\n\n0 0\nready   \n";
  }
  if (isRoot()) chownAll(sockets, user);
  if (isRoot()) chownAll(data_dir_ + "/postgres/postmaster.pid", user);

  EmbeddedPostgres postgres({data_dir_, ""});
  EXPECT_EQ("1", ask(postgres.start(), "SELECT 1"));
  EXPECT_EQ(0, waitpid(innocent, nullptr, WNOHANG)) << "an unrelated process was ended";
  kill(innocent, SIGKILL);
  waitForEnd(innocent);
}

TEST_F(EmbeddedPostgresTest, PathTooLongForASocketUsesAShortDirectoryAndCleansItUp) {
  const std::string path = home_ / std::string(120, 'x');
  fs::rename(data_dir_, path);
  EmbeddedPostgres postgres({path, ""});
  const std::string conninfo = postgres.start();
  ASSERT_THAT(conninfo, testing::StartsWith("host='/tmp/howdah-"));
  EXPECT_EQ("1", ask(conninfo, "SELECT 1"));
  postgres.stop();
  EXPECT_FALSE(fs::exists(conninfo.substr(6, conninfo.find('\'', 6) - 6)));
}

TEST_F(EmbeddedPostgresTest, PathMayHoldAnyCharacter) {
  const std::string path = home_ / "a, b's \"c\\d\"";
  fs::rename(data_dir_, path);
  EmbeddedPostgres postgres({path, ""});
  EXPECT_EQ("1", ask(postgres.start(), "SELECT 1"));
  postgres.stop();
  const std::string without_comma = home_ / "b's \"c\\d\"";
  fs::rename(path, without_comma);
  EmbeddedPostgres again({without_comma, ""});
  EXPECT_EQ("1", ask(again.start(), "SELECT 1"));
}

TEST_F(EmbeddedPostgresTest, DatabaseOfAnotherMajorVersionIsRefusedWithTheWayOut) {
  std::ofstream(data_dir_ + "/postgres/PG_VERSION") << "99\n";
  const std::string sentence = refusal({data_dir_, ""});
  EXPECT_THAT(sentence, HasSubstr("made by PostgreSQL 99"));
  EXPECT_THAT(sentence, HasSubstr("apt-get install postgresql-99"));
  EXPECT_THAT(sentence, HasSubstr("pg_upgrade"));
}

TEST_F(EmbeddedPostgresTest, InterruptedInitdbIsStartedAfresh) {
  fs::remove_all(data_dir_ + "/postgres");
  fs::create_directory(data_dir_ + "/postgres.new");
  std::ofstream(data_dir_ + "/postgres.new/PG_VERSION") << "15\n";
  EmbeddedPostgres postgres({data_dir_, ""});
  EXPECT_EQ("1", ask(postgres.start(), "SELECT 1"));
}

TEST_F(EmbeddedPostgresTest, BrokenDatabaseIsRefusedWithWhatPostgresSaid) {
  fs::remove(data_dir_ + "/postgres/global/pg_control");
  EXPECT_THAT(refusal({data_dir_, ""}), HasSubstr("pg_control"));
}

TEST_F(EmbeddedPostgresTest, DirectoryWithoutBinariesIsRefused) {
  EXPECT_THAT(refusal({data_dir_, "/nonexistent"}), HasSubstr("no initdb and postgres in /nonexistent"));
}

TEST_F(EmbeddedPostgresTest, StopIsSafeTwiceAndUnstarted) {
  EmbeddedPostgres postgres({data_dir_, ""});
  postgres.stop();
  postgres.start();
  postgres.stop();
  postgres.stop();
  EXPECT_EQ(0, postgres.pid());
}

TEST_F(EmbeddedPostgresTest, StopWhileStartingEndsTheStart) {
  EmbeddedPostgres postgres({data_dir_, ""});
  std::thread starter([&] {
    try {
      postgres.start();
    } catch (const SetupError& error) {
      EXPECT_STREQ("stopped while PostgreSQL was starting", error.what());
    }
  });
  EXPECT_TRUE(eventually([&] { return postgres.pid() != 0; }));
  postgres.stop();
  starter.join();
  EXPECT_EQ(0, postgres.pid());
}

// What only root can do. A parameter, so that the tests of a plain user do not count them.
class EmbeddedPostgresAsRoot : public testing::TestWithParam<Identity> {
 protected:
  void SetUp() override { copyTo(data_dir_); }

  const TemporaryDirectory home_;
  const std::string data_dir_ = home_ / "data";
};
std::vector<Identity> rootOnly() { return isRoot() ? std::vector<Identity>{{"Root", {}}} : std::vector<Identity>{}; }
INSTANTIATE_TEST_SUITE_P(, EmbeddedPostgresAsRoot, testing::ValuesIn(rootOnly()), identityName);

TEST_P(EmbeddedPostgresAsRoot, ParentThatPostgresCannotEnterPutsTheDatabaseIntoTheSystemsDirectory) {
  fs::create_directory(home_ / "closed");
  chmod((home_ / "closed").c_str(), 0700);
  std::string database;
  {
    EmbeddedPostgres postgres({home_ / "closed/data", ""});
    const std::string conninfo = postgres.start();
    storeRow(conninfo);
    database = ask(conninfo, "SHOW data_directory");
  }
  EXPECT_THAT(database, testing::StartsWith("/var/lib/howdah/"));
  EXPECT_FALSE(fs::exists(home_ / "closed/data"));
  chmod((home_ / "closed").c_str(), 0755);
  EmbeddedPostgres postgres({home_ / "closed/data", ""});
  EXPECT_EQ("kept", storedRow(postgres.start()))
      << "the database of the same asked path, whatever became of its parent";
  postgres.stop();
  fs::remove_all(fs::path(database).parent_path());
  std::error_code not_empty;
  fs::remove("/var/lib/howdah", not_empty);
}

TEST_P(EmbeddedPostgresAsRoot, ExistingDatabaseThatItsOwnerCannotEnterIsRefusedRatherThanReplaced) {
  chmod((home_ / "").c_str(), 0700);
  EXPECT_THAT(refusal({data_dir_, ""}), HasSubstr("chmod o+x"));
}

TEST_P(EmbeddedPostgresAsRoot, DatabaseOfAPlainUserIsRunAsThatUser) {
  chownAll(data_dir_, User{65534, 65534, "nobody"});
  EmbeddedPostgres postgres({data_dir_, ""});
  postgres.start();
  EXPECT_EQ(65534U, ownerOf("/proc/" + std::to_string(postgres.pid())).uid);
}

TEST_P(EmbeddedPostgresAsRoot, CopyMadeByRootIsGivenToPostgres) {
  chownAll(data_dir_, User{0, 0, "root"});
  EmbeddedPostgres postgres({data_dir_, ""});
  EXPECT_EQ("1", ask(postgres.start(), "SELECT 1"));
}

TEST_P(EmbeddedPostgresAsRoot, DatabaseOfAnotherUserIsRefusedToAPlainUser) {
  Identity{"AsPlainUser", User{65534, 65534, "nobody"}}.run([&] {
    EXPECT_THAT(refusal({data_dir_, ""}), HasSubstr("belongs to user " + unprivilegedUser().name));
  });
}

}  // namespace
}  // namespace howdah::persistence::postgres
