// Whom the private PostgreSQL runs as: never root, which PostgreSQL refuses.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace howdah::persistence::postgres {

struct User {
  uid_t uid;
  gid_t gid;
  std::string name;  // for sentences; the number where the system knows no name
};

User currentUser();
User ownerOf(const std::string& path);  // throws SetupError where there is nothing
// postgres, else nobody, for a server that was started as root.
User unprivilegedUser();

// While it lives, this thread's file accesses are judged as the user's, so that root learns what the user may enter,
// and may read /proc entries of the user's processes where it has no CAP_SYS_PTRACE (containers). Nothing for a plain
// user.
class ActingAs {
 public:
  explicit ActingAs(const User& user);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  bool changed_ = false;
  std::vector<gid_t> groups_;
};

}  // namespace howdah::persistence::postgres
