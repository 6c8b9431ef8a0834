#include "api/auth/credential_store.h"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "metrics/log.h"

namespace howdah::api {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 16 * 1024 * 1024;
constexpr std::size_t kShortestSecret = 16;

bool isWord(std::string_view text, std::string_view also) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           also.find(c) != std::string_view::npos;
  });
}

bool isAccount(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// 2030-01-01T00:00:00Z
std::optional<std::chrono::sys_seconds> parseExpiry(std::string text) {
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return parseAmzDate(text);
}

// A policy written as YAML is the same written as JSON.
void writeJson(const YAML::Node& node, rapidjson::Writer<rapidjson::StringBuffer>& writer) {
  const auto string = [&](const std::string& text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  };
  if (node.IsMap()) {
    writer.StartObject();
    for (const auto& entry : node) {
      string(entry.first.Scalar());
      writeJson(entry.second, writer);
    }
    writer.EndObject();
  } else if (node.IsSequence()) {
    writer.StartArray();
    for (const auto& item : node) writeJson(item, writer);
    writer.EndArray();
  } else {
    string(node.IsScalar() ? node.Scalar() : std::string());
  }
}

class Reader {
 public:
  Reader(CredentialSet& set, std::string name) : set_(set), name_(std::move(name)) {}

  void read(const std::string& yaml) try {
    const auto documents = YAML::LoadAll(yaml);
    if (documents.empty() || (documents.size() == 1 && documents.front().IsNull())) return;
    const YAML::Node& root = documents.front();
    if (documents.size() > 1) return problem(documents[1].Mark(), "what stands here is no part of the list");
    if (!root.IsSequence()) return problem(root.Mark(), "credentials are a list, each with `- access-key-id: ...`");
    for (const auto& entry : root) readEntry(entry);
  } catch (const YAML::Exception& error) {
    problem(error.mark, "not YAML");  // whose own message may repeat what stands there
  }

 private:
  void problem(const YAML::Mark& mark, std::string_view what) {
    std::string sentence = name_;
    if (!mark.is_null()) sentence += ":" + std::to_string(mark.line + 1);
    set_.problems.push_back(sentence + ": " + std::string(what));
  }

  void readEntry(const YAML::Node& entry) {
    if (!entry.IsMap()) return problem(entry.Mark(), "a credential is written in lines of `key: value`");
    const std::size_t problems_before = set_.problems.size();
    std::map<std::string, std::string> texts;
    std::shared_ptr<const Policy> policy;
    std::set<std::string> seen;
    for (const auto& member : entry) {
      const YAML::Node& value = member.second;
      const std::string key = member.first.IsScalar() ? member.first.Scalar() : "";
      constexpr std::string_view kTexts[] = {"access-key-id", "secret-access-key", "account", "user",
                                             "session-token", "expires",           "disabled"};
      if (key != "policy" && std::ranges::find(kTexts, key) == std::end(kTexts)) {
        problem(member.first.Mark(),
                "a credential has access-key-id, secret-access-key, account, user, session-token, expires, disabled "
                "and policy, but not what stands here");
      } else if (!seen.insert(key).second) {
        problem(member.first.Mark(), key + " is there twice");
      } else if (key == "policy") {
        policy = readPolicy(value);
      } else if (!value.IsScalar()) {
        problem(value.Mark(), key + " needs a value in one line");
      } else {
        texts[key] = value.Scalar();
      }
    }
    const auto must = [&](const char* key, bool right, const char* what) {
      if (!right) problem(entry.Mark(), std::string(key) + " " + what);
    };
    const std::string& id = texts["access-key-id"];
    must("access-key-id", isWord(id, "_-."), "must be a word of letters and digits");
    must("secret-access-key", texts["secret-access-key"].size() >= kShortestSecret, "must have at least 16 characters");
    must("account", isAccount(texts["account"]), "must be twelve digits in quotes");
    must("user", texts["user"].empty() || isWord(texts["user"], "_+=,.@-"), "is not a user name");
    const std::string& disabled = texts["disabled"];
    must("disabled", disabled.empty() || disabled == "true" || disabled == "false", "must be true or false");
    const auto expires = parseExpiry(texts["expires"]);
    must("expires", texts["expires"].empty() || expires, "must be a time such as 2030-01-01T00:00:00Z");
    must("access-key-id", !set_.by_access_key_id.contains(id), "is given to two credentials");
    if (set_.problems.size() > problems_before) return;

    std::optional<Secret> token;
    if (!texts["session-token"].empty()) token.emplace(std::move(texts["session-token"]));
    const std::string& user = texts["user"];
    std::string principal = "arn:aws:iam::" + texts["account"] + (user.empty() ? ":root" : ":user/" + user);
    std::unique_ptr<const Credential> credential(  // which cannot be moved
        new Credential{id, Secret(std::move(texts["secret-access-key"])), std::move(token), texts["account"],
                       std::move(principal), expires, disabled == "true", std::move(policy)});
    set_.by_access_key_id.emplace(id, std::move(credential));
  }

  std::shared_ptr<const Policy> readPolicy(const YAML::Node& node) {
    std::string json;
    if (node.IsScalar()) {
      json = node.Scalar();
    } else {
      rapidjson::StringBuffer buffer;
      rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
      writeJson(node, writer);
      json.assign(buffer.GetString(), buffer.GetSize());
    }
    auto parsed = Policy::parse(json, Policy::Kind::Identity);
    if (auto* why = std::get_if<std::string>(&parsed)) {
      problem(node.Mark(), "policy: " + *why);
      return nullptr;
    }
    return std::get<0>(std::move(parsed));
  }

  CredentialSet& set_;
  const std::string name_;
};

// The files of a path: itself, or those of a directory. A mounted Secret has its own in names that begin with two dots.
std::vector<std::string> filesOf(const std::string& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, problem)) {
    const std::string name = entry.path().filename();
    std::error_code ignored;
    if (!name.starts_with('.') && !fs::is_directory(entry.path(), ignored)) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string stateOf(const std::string& path) {
  std::ostringstream state;
  for (const std::string& file : filesOf(path)) {
    struct stat info {};
    const int status = stat(file.c_str(), &info);
    state << file << ' ' << status << ' ' << info.st_ino << ' ' << info.st_size << ' ' << info.st_mtim.tv_sec << '.'
          << info.st_mtim.tv_nsec << '\n';
  }
  return state.str();
}

}  // namespace

const Credential* CredentialSet::find(std::string_view access_key_id) const {
  const auto found = by_access_key_id.find(access_key_id);
  return found == by_access_key_id.end() ? nullptr : found->second.get();
}

CredentialSet parseCredentials(const std::string& yaml, const std::string& name) {
  CredentialSet set;
  Reader(set, name).read(yaml);
  return set;
}

CredentialSet readCredentials(const std::string& path) {
  CredentialSet set;
  const auto files = filesOf(path);
  if (files.empty()) set.problems.push_back(path + ": there is no file in this directory");
  for (const std::string& file : files) {
    std::error_code too_large;
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (fs::file_size(file, too_large) > kLargestFile && !too_large) {
      set.problems.push_back(file + ": is too large");
    } else if (!stream.is_open() || (stream.peek() != std::ifstream::traits_type::eof() && !(text << stream.rdbuf()))) {
      set.problems.push_back(file + ": cannot be read: " + std::strerror(errno));
    } else {
      Reader(set, file).read(text.str());
    }
  }
  return set;
}

std::string withDisabled(const std::string& yaml, std::string_view access_key_id) try {
  for (const auto& entry : YAML::Load(yaml)) {
    for (const auto& member : entry) {
      if (member.first.Scalar() != "access-key-id" || member.second.Scalar() != access_key_id) continue;
      const YAML::Mark mark = member.first.Mark();
      const auto end_of_line = std::min(yaml.find('\n', static_cast<std::size_t>(mark.pos)), yaml.size());
      std::string changed = yaml;
      changed.insert(end_of_line, "\n" + std::string(static_cast<std::size_t>(mark.column), ' ') + "disabled: true");
      const CredentialSet set = parseCredentials(changed, "");
      const Credential* credential = set.find(access_key_id);
      return set.problems.empty() && credential != nullptr && credential->disabled ? changed : std::string();
    }
  }
  return {};
} catch (const YAML::Exception&) {
  return {};
}

CredentialStore::CredentialStore(std::string path)
    : path_(std::move(path)), last_state_(stateOf(path_)), state_read_(last_state_) {
  auto set = std::make_shared<CredentialSet>(readCredentials(path_));
  if (!set->problems.empty()) {
    std::string all;
    for (const std::string& problem : set->problems) all += (all.empty() ? "" : "\n") + problem;
    throw std::runtime_error(all);
  }
  current_ = std::move(set);
}

std::shared_ptr<const CredentialSet> CredentialStore::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

void CredentialStore::reloadIfChanged(const Told& told) {
  std::string state = stateOf(path_);
  {
    std::lock_guard lock(mutex_);
    const bool left_alone = std::exchange(last_state_, state) == state;
    if (!left_alone || state == state_read_) return;
  }
  reload(told);
}

void CredentialStore::reload(const Told& told) {
  std::string state = stateOf(path_);
  auto set = std::make_shared<CredentialSet>(readCredentials(path_));
  if (stateOf(path_) != state) return;  // written to meanwhile: it is a change that the next look sees
  {
    std::lock_guard lock(mutex_);
    state_read_ = std::move(state);
  }
  if (!set->problems.empty()) {
    for (const std::string& problem : set->problems)
      metrics::logError("credentials are broken; those read before stay", {{"reason", problem}});
    return told(false);
  }
  told(true);
  metrics::logInfo("credentials were read", {{"keys", set->by_access_key_id.size()}});
  std::lock_guard lock(mutex_);
  current_ = std::move(set);
}

}  // namespace howdah::api
