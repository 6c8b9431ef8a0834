// Which build this is, as `howdah version`, the admin port and the metrics tell it.
#pragma once

#include <string>

namespace howdah::metrics {

struct BuildInfo {
  std::string version;
  std::string revision;
  int schema_version = 0;  // the newest migration that it carries
  std::string compiler = __VERSION__;

  std::string json() const {
    return R"({"version":")" + version + R"(","revision":")" + revision + R"(","compiler":")" + compiler +
           R"(","schema_version":)" + std::to_string(schema_version) + "}";
  }
};

}  // namespace howdah::metrics
