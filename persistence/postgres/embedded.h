// The private PostgreSQL of a server without a database URL. It runs as a child, listens on a unix socket only, dies
// with the server, is started again when it ends by itself, and is never Debian's own cluster.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "persistence/postgres/options.h"

namespace howdah::persistence::postgres {

class EmbeddedDirectory;
struct Binaries;

class EmbeddedPostgres {
 public:
  explicit EmbeddedPostgres(EmbeddedOptions options);
  ~EmbeddedPostgres();

  // Creates the database if there is none; back when it serves, with the connection string. Throws SetupError.
  std::string start();
  // Any thread, also while start() waits: fast shutdown, after five seconds an immediate one.
  void stop();
  // Of the postmaster; 0 while there is none.
  pid_t pid() const;

 private:
  // The thread that starts PostgreSQL lives as long as it: the kernel ends a child with its parent's thread.
  void supervise();
  // From spawning the postmaster to its end; true if it served for a while.
  bool runPostmaster(const EmbeddedDirectory& directory, const Binaries& binaries);

  const EmbeddedOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
  bool stopping_ = false;
  bool supervising_ = false;
  pid_t pid_ = 0;
  std::promise<std::string> started_;  // the supervising thread's
  bool announced_ = false;             // the supervising thread's: started_ has its value
};

}  // namespace howdah::persistence::postgres
