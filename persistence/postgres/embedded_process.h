// The processes of the private PostgreSQL: started so that they die with the server, found and ended where an earlier
// server left them behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "persistence/postgres/embedded_user.h"

namespace howdah::persistence::postgres {

struct Command {
  std::vector<std::string> words;  // the program's path first
  User user;
  std::string directory;
  int output;        // what becomes its standard output and standard error
  int death_signal;  // sent to it when the thread that started it ends, however the process ends
};

// In a session of its own, with an environment of its own, no other open file, and the user's rights. Throws
// SetupError.
pid_t spawn(const Command& command);
// Waits for its end; the status is waitpid's.
int waitForEnd(pid_t pid);
// spawn, and all it printed, to the end; true if it exited with 0.
bool run(Command command, std::string& printed);

// Every PostgreSQL process works in its database's directory, whatever became of the postmaster, its pid file and the
// directory's name: those are the ones.
std::vector<pid_t> processesIn(const std::string& database_directory, const User& user);
// Asks a postmaster for a fast shutdown, then everybody for an immediate one, then kills; back when all are gone.
void endProcessesIn(const std::string& database_directory, const User& user);

}  // namespace howdah::persistence::postgres
