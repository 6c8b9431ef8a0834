#include "persistence/postgres/functions.h"

#include <fmt/format.h>

#include <algorithm>

#include "persistence/postgres/setup_error.h"
#include "persistence/postgres/sha256.h"
#include "persistence/store_error.h"

namespace howdah::persistence::postgres {

namespace {

constexpr std::size_t kLongestName = 63;  // of any identifier; PostgreSQL would cut it silently

const Statement kPresent{"installed_functions",
                         "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                         "WHERE n.nspname = 'howdah'"};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

}  // namespace

InstalledFunctions::InstalledFunctions(Connection& connection, bool test_clock, std::span<const embedded::File> files)
    : test_clock_(test_clock), files_(files) {
  for (const Row row : connection.execute(kPresent)) present_.emplace(row.text(0));
  for (const embedded::File& file : files_) install(connection, file.name);
}

// A function is installed after those it calls, so that its hash covers their texts as well.
const std::string& InstalledFunctions::install(Connection& connection, std::string_view file) {
  constexpr std::string_view kCall = "{call:";
  const auto installed = names_.find(file);
  if (installed != names_.end()) return installed->second;
  const auto found = std::find_if(files_.begin(), files_.end(),
                                  [&](const embedded::File& candidate) { return candidate.name == file; });
  if (found == files_.end()) throw StoreBug(fmt::format("no function {}", file), "");

  std::string text = replaced(std::string(found->text), "{clock}",
                              test_clock_ ? "howdah.test_clock_timestamp()" : "clock_timestamp()");
  for (std::size_t at = 0; (at = text.find(kCall, at)) != std::string::npos;) {
    const std::size_t end = text.find('}', at);
    const std::string& called = install(connection, text.substr(at + kCall.size(), end - at - kCall.size()));
    text.replace(at, end + 1 - at, called);
  }
  const std::string name = fmt::format("{}_{}", file, sha256Hex(text).substr(0, 8));
  if (name.size() > kLongestName) throw StoreBug(fmt::format("the name {} is too long", name), "");
  if (!present_.contains(name)) {
    try {
      connection.executeScript(replaced(text, "{name}", name));
    } catch (const StoreBug& bug) {
      if (bug.sqlState() != "42501") throw;  // insufficient_privilege
      throw SetupError(
          fmt::format("the function {} cannot be installed: {}; run \"howdah migrate\" of this release "
                      "as the owner of the schema \"howdah\"",
                      name, bug.what()));
    }
  }
  return names_.emplace(file, "howdah." + name).first->second;
}

const std::string& InstalledFunctions::name(std::string_view file) const {
  const auto found = names_.find(file);
  if (found == names_.end()) throw StoreBug(fmt::format("no function {}", file), "");
  return found->second;
}

}  // namespace howdah::persistence::postgres
