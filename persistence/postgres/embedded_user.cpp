#include "persistence/postgres/embedded_user.h"

#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "persistence/postgres/setup_error.h"

namespace howdah::persistence::postgres {
namespace {

std::string userName(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) return found->pw_name;
  return std::to_string(uid);
}

}  // namespace

User currentUser() { return {geteuid(), getegid(), userName(geteuid())}; }

User ownerOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) throw SetupError("cannot read " + path + ": " + std::strerror(errno));
  return {info.st_uid, info.st_gid, userName(info.st_uid)};
}

User unprivilegedUser() {
  for (const char* name : {"postgres", "nobody"}) {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr && found->pw_uid != 0) {
      return {found->pw_uid, found->pw_gid, name};
    }
  }
  throw SetupError(
      "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as; start "
      "howdah as a plain user, or give --database-url");
}

// glibc's setgroups changes every thread of the process, the system call this one alone, as setfsuid and setfsgid do.
ActingAs::ActingAs(const User& user) {
  if (geteuid() != 0) return;
  changed_ = true;
  groups_.resize(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
  groups_.resize(static_cast<std::size_t>(std::max(getgroups(static_cast<int>(groups_.size()), groups_.data()), 0)));
  syscall(SYS_setgroups, 0, nullptr);
  setfsgid(user.gid);
  setfsuid(user.uid);
}

ActingAs::~ActingAs() {
  if (!changed_) return;
  setfsuid(geteuid());
  setfsgid(getegid());
  syscall(SYS_setgroups, groups_.size(), groups_.data());
  prctl(PR_SET_DUMPABLE, 1);  // changing the file-system user takes core dumps away
}

}  // namespace howdah::persistence::postgres
