// Which build this is, as `howdah version`, the admin port and the metrics tell it.
#pragma once

#include <string>

namespace howdah::metrics {

struct BuildInfo {
  std::string version;
  std::string revision;
  std::string compiler = __VERSION__;

  std::string json() const {
    return R"({"version":")" + version + R"(","revision":")" + revision + R"(","compiler":")" + compiler + R"("})";
  }
};

}  // namespace howdah::metrics
