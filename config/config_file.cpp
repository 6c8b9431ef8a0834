#include "config/config_file.h"

#include <cerrno>
#include <cstring>
#include <ios>
#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "config/setting_values.h"

namespace howdah {
namespace {

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  ConfigFile read() && {
    try {
      readRoot(YAML::LoadFile(path_));
    } catch (const YAML::BadFile&) {
      file_.problems.push_back(fmt::format("cannot read the config file {}: {}", path_, std::strerror(errno)));
    } catch (const YAML::Exception& error) {
      problem(error.mark, "not YAML: " + error.msg);
    } catch (const std::ios_base::failure&) {  // a directory
      file_.problems.push_back(fmt::format("cannot read the config file {}: it is no file", path_));
    }
    return std::move(file_);
  }

 private:
  void problem(const YAML::Mark& mark, std::string_view what) {
    file_.problems.push_back(mark.is_null() ? fmt::format("{}: {}", path_, what)
                                            : fmt::format("{}:{}: {}", path_, mark.line + 1, what));
  }

  void readRoot(const YAML::Node& root) {
    if (root.IsNull()) return;
    forEach(root, "the file", [&](const std::string& key, const YAML::Node& value) {
      if (key == "queues") {
        readQueues(value);
      } else {
        std::vector<std::string> texts;
        if (value.IsSequence()) {
          for (const auto& item : value) appendScalar(key, item, texts);
        } else {
          appendScalar(key, value, texts);
        }
        if (!texts.empty()) file_.settings.emplace(key, std::move(texts));
      }
    });
  }

  // Calls `use` for each key; a node that is no map and a key met twice are problems.
  void forEach(const YAML::Node& map, std::string_view what, const auto& use) {
    if (!map.IsMap()) return problem(map.Mark(), fmt::format("{} must be written in lines of `key: value`", what));
    std::set<std::string> seen;
    for (const auto& entry : map) {
      const YAML::Node &key = entry.first, &value = entry.second;
      if (!key.IsScalar()) {
        problem(key.Mark(), fmt::format("a key of {} must be a plain word", what));
      } else if (!seen.insert(key.Scalar()).second) {
        problem(key.Mark(), fmt::format("{} is there twice", key.Scalar()));
      } else {
        use(key.Scalar(), value);
      }
    }
  }

  void appendScalar(const std::string& key, const YAML::Node& value, std::vector<std::string>& texts) {
    if (value.IsScalar()) {
      texts.push_back(value.Scalar());
    } else {
      problem(value.Mark(), fmt::format("{} needs a value in one line", key));
    }
  }

  void readQueues(const YAML::Node& list) {
    if (list.IsNull()) return;
    if (!list.IsSequence()) {
      return problem(list.Mark(), "queues must be a list, each entry with `- name: …`");
    }
    std::set<std::string> names;
    for (const auto& entry : list) {
      DeclaredQueue queue;
      forEach(entry, "an entry of queues", [&](const std::string& key, const YAML::Node& value) {
        if (key == "name" && value.IsScalar()) {
          queue.name = value.Scalar();
        } else if (key == "attributes") {
          readTexts("attributes", value, queue.attributes);
        } else if (key == "tags") {
          readTexts("tags", value, queue.tags);
        } else if (key == "name") {
          problem(value.Mark(), "the name of a queue must be one word");
        } else {
          const auto nearest = nearestName(key, {"name", "attributes", "tags"});
          problem(value.Mark(), fmt::format("a queue has no {}; {}", key,
                                            nearest.empty() ? "it has name, attributes and tags"
                                                            : fmt::format("did you mean {}?", nearest)));
        }
      });
      if (queue.name.empty()) {
        problem(entry.Mark(), "an entry of queues needs a name");
      } else if (!names.insert(queue.name).second) {
        problem(entry.Mark(), fmt::format("queue {} is declared twice", queue.name));
      } else {
        file_.queues.push_back(std::move(queue));
      }
    }
  }

  void readTexts(const char* what, const YAML::Node& map, std::map<std::string, std::string>& into) {
    if (map.IsNull()) return;
    forEach(map, what, [&](const std::string& key, const YAML::Node& value) {
      if (value.IsScalar()) {
        into.emplace(key, value.Scalar());
      } else {
        problem(value.Mark(), fmt::format("{} of {} must be one text (JSON goes in quotes)", key, what));
      }
    });
  }

  const std::string path_;
  ConfigFile file_;
};

}  // namespace

ConfigFile readConfigFile(const std::string& path) { return Reader(path).read(); }

}  // namespace howdah
