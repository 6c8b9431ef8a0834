#include "tests/support/mutant.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "embedded_functions.h"
#include "persistence/postgres/functions.h"

namespace howdah::testing {

namespace {

// How often it was there.
int replaceAll(std::string& text, std::string_view from, std::string_view to) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size(), ++found)
    text.replace(at, from.size(), to);
  return found;
}

}  // namespace

bool install(const Mutant& mutant, TestDatabase& database, bool test_clock) {
  const auto files = embedded::embedded_functions();
  const persistence::postgres::InstalledFunctions functions(database.outsider(), test_clock);
  const auto file =
      std::find_if(files.begin(), files.end(), [&](const embedded::File& f) { return f.name == mutant.file; });
  if (file == files.end()) return false;
  std::string text(file->text);
  for (const auto& [from, to] : mutant.edits)
    if (replaceAll(text, from, to) == 0) return false;
  replaceAll(text, "CREATE FUNCTION howdah.{name}", "CREATE OR REPLACE FUNCTION " + functions.name(mutant.file));
  replaceAll(text, "{clock}", test_clock ? "howdah.test_clock_timestamp()" : "clock_timestamp()");
  for (const embedded::File& called : files)
    replaceAll(text, "{call:" + std::string(called.name) + "}", functions.name(called.name));
  database.outsider().executeScript(text);
  return true;
}

}  // namespace howdah::testing
