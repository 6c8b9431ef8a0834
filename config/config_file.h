// The file of `--config`: YAML whose keys are the settings' names, and `queues`, the queues that exist from the start.
// Reads texts only; what they mean is server_config's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "service/operations.h"

namespace howdah {

struct DeclaredQueue {
  std::string name;
  service::AttributeMap attributes;
  service::TagMap tags;
};

struct ConfigFile {
  std::map<std::string, std::vector<std::string>> settings;  // one text, or several for a list
  std::vector<DeclaredQueue> queues;
  std::vector<std::string> problems;  // sentences, each with the file and line
};

// An unreadable file, one that is no YAML and keys written twice or in the wrong form are problems, all told at once.
ConfigFile readConfigFile(const std::string& path);

}  // namespace howdah
