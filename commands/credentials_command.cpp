#include "commands/credentials_command.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/auth/credential_store.h"

namespace howdah {
namespace {

namespace fs = std::filesystem;

// REQUIRES: the size of `alphabet` is a power of two, so that each letter is as likely as another.
std::string randomText(std::string_view alphabet, std::size_t size) {
  std::string text(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(size)) != 1)
    throw std::runtime_error("no random numbers can be had");
  for (char& c : text) c = alphabet[static_cast<unsigned char>(c) % alphabet.size()];
  return text;
}

std::string readText(const std::string& file) {
  if (fs::is_directory(file)) throw std::runtime_error(file + " is a directory; name a file in it");
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) throw std::runtime_error(fmt::format("cannot read {}: {}", file, std::strerror(errno)));
  std::ostringstream text;
  if (stream.peek() != std::ifstream::traits_type::eof()) text << stream.rdbuf();
  return text.str();
}

void refuseBroken(const api::CredentialSet& set) {
  if (!set.problems.empty()) throw std::runtime_error(fmt::format("{}", fmt::join(set.problems, "\n")));
}

// All or nothing: a server that reads the file meanwhile sees the old one or the new one.
void writeText(const std::string& file, const std::string& text) {
  const std::string target = fs::exists(file) ? fs::canonical(file).string() : file;
  struct stat old {};
  const bool is_new = stat(target.c_str(), &old) != 0;
  std::string temporary = target + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);  // for its owner alone
  const auto fail = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    if (fd >= 0) unlink(temporary.c_str());
    if (fd >= 0) close(fd);
    throw std::runtime_error(fmt::format("cannot {} {}: {}", what, target, reason));
  };
  if (fd < 0) fail("write beside");
  if (!is_new && (fchown(fd, old.st_uid, old.st_gid) != 0 || fchmod(fd, old.st_mode & 07777) != 0))
    fail("keep the owner and mode of");
  for (std::string_view left = text; !left.empty();) {
    const ssize_t written = write(fd, left.data(), left.size());
    if (written < 0 && errno != EINTR) fail("write");
    if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0 || rename(temporary.c_str(), target.c_str()) != 0) fail("replace");
  close(fd);
}

}  // namespace

void createCredential(const std::string& file, const std::string& account, const std::string& user) {
  const std::string id = "HD" + randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 18);
  const std::string secret = randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40);
  std::string text = fs::exists(file) ? readText(file) : std::string();
  refuseBroken(api::parseCredentials(text, file));
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  text += fmt::format("- access-key-id: {}\n  secret-access-key: \"{}\"\n  account: \"{}\"\n", id, secret, account);
  if (!user.empty()) text += fmt::format("  user: \"{}\"\n", user);
  const auto set = api::parseCredentials(text, file);
  refuseBroken(set);
  if (set.find(id) == nullptr) throw std::runtime_error(file + " is not a list in lines of `- access-key-id: ...`");
  writeText(file, text);
  fmt::print("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n", id, secret);
  fmt::print(stderr, "The secret is shown this once; the server finds it in {}.\n", file);
}

void listCredentials(const std::string& path) {
  const auto set = api::readCredentials(path);
  refuseBroken(set);
  for (const auto& [id, credential] : set.by_access_key_id) {
    fmt::print("{:<24} {:<48} {}{}{}\n", id, credential->principal, credential->disabled ? "disabled" : "enabled",
               credential->policy ? ", with a policy" : "", credential->session_token ? ", with a session token" : "");
  }
}

void disableCredential(const std::string& file, const std::string& access_key_id) {
  const std::string text = readText(file);
  const auto set = api::parseCredentials(text, file);
  refuseBroken(set);
  const auto* credential = set.find(access_key_id);
  if (credential == nullptr) throw std::runtime_error(fmt::format("{} has no access key {}", file, access_key_id));
  if (!credential->disabled) {
    const std::string changed = api::withDisabled(text, access_key_id);
    if (changed.empty())
      throw std::runtime_error(
          fmt::format("cannot edit {}: write `disabled: true` beside {} by hand", file, access_key_id));
    writeText(file, changed);
  }
  fmt::print("{} is disabled\n", access_key_id);
}

}  // namespace howdah
