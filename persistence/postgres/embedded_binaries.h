// Which PostgreSQL the private database is run by.
#pragma once

#include <string>

namespace howdah::persistence::postgres {

struct Binaries {
  std::string directory;  // holds initdb and postgres
  int major;              // version

  std::string initdb() const { return directory + "/initdb"; }
  std::string postgres() const { return directory + "/postgres"; }
};

// `asked` if given, else the version a database was made by (0: no database yet) if it is installed, else the newest
// under /usr/lib/postgresql, else what PATH has. Throws SetupError: none, or too old a one.
Binaries findBinaries(const std::string& asked, int database_major);

}  // namespace howdah::persistence::postgres
