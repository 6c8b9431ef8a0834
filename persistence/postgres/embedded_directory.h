// The directory of the private PostgreSQL: which one, whose, and locked for one server. In it are `postgres` (the
// database), `postgres.log`, `socket` and `howdah.lock`.
#pragma once

#include <string>

#include "persistence/postgres/embedded_binaries.h"
#include "persistence/postgres/embedded_user.h"

namespace howdah::persistence::postgres {

class EmbeddedDirectory {
 public:
  // Chooses, creates and locks it. Throws SetupError.
  explicit EmbeddedDirectory(const std::string& asked);
  ~EmbeddedDirectory();
  EmbeddedDirectory(const EmbeddedDirectory&) = delete;
  EmbeddedDirectory& operator=(const EmbeddedDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string database() const { return path_ + "/postgres"; }
  std::string log() const { return path_ + "/postgres.log"; }
  const User& user() const { return user_; }  // owns the database, runs PostgreSQL

  // Creates the database if there is none. Throws SetupError, also where the binaries are not of the database's
  // version.
  Binaries prepareDatabase(const std::string& asked_bin_dir) const;
  // Empty, private, its path short enough for a socket; in the directory if that is possible, else in /tmp.
  std::string makeSocketDirectory() const;

 private:
  void choose(const std::string& asked);
  void lock();
  int databaseMajor() const;  // 0: no database

  std::string path_;
  User user_;
  int lock_fd_ = -1;
};

}  // namespace howdah::persistence::postgres
