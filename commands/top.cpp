#include "commands/top.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>

#include <cpprest/http_client.h>
#include <fmt/format.h>

#include "commands/top_table.h"

namespace howdah {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeout{5};
constexpr char kCtrlC = '\x03';

std::string readToken(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path);
  std::string token;
  if (!std::getline(file, token) || token.empty())
    throw std::runtime_error(fmt::format("cannot read a token from {} of --admin-token-file", path));
  return token;
}

class Servers {
 public:
  explicit Servers(const TopOptions& options) : token_(readToken(options.token_file)) {
    web::http::client::http_client_config config;
    config.set_timeout(kTimeout);
    config.set_validate_certificates(!options.is_local || !options.tls_ca_file.empty());
    if (!options.tls_ca_file.empty())
      config.set_ssl_context_callback([file = options.tls_ca_file](auto& context) { context.load_verify_file(file); });
    for (const std::string& url : options.admin_urls) clients_.try_emplace(url, url, config);
    queues_path_ = "/metrics/per-queue?queue=" + web::uri::encode_data_string(options.queues);
  }

  // Of the servers that answer; the others are in problems().
  std::map<std::string, ServerFigures> read() {
    std::map<std::string, ServerFigures> figures;
    problems_.clear();
    for (auto& [url, client] : clients_) {
      try {
        figures[url] = figuresOf(readMetrics(get(client, "/metrics")), readMetrics(get(client, queues_path_)));
      } catch (const std::exception& error) {
        problems_.push_back(fmt::format("{}: {}", url, error.what()));
      }
    }
    return figures;
  }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::string get(web::http::client::http_client& client, const std::string& path) const {
    web::http::http_request request(web::http::methods::GET);
    request.set_request_uri(path);
    if (!token_.empty()) request.headers().add("Authorization", "Bearer " + token_);
    const auto response = client.request(request).get();
    const std::string body = response.extract_utf8string(true).get();
    if (response.status_code() != web::http::status_codes::OK)
      throw std::runtime_error(fmt::format("{} answers {} {}", path, response.status_code(),
                                           std::string_view(body).substr(0, body.find('\n'))));
    return body;
  }

  const std::string token_;
  std::string queues_path_;
  std::map<std::string, web::http::client::http_client> clients_;
  std::vector<std::string> problems_;
};

// Keys come at once and unseen, and the screen from before comes back at the end.
class Screen {
 public:
  Screen() {
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0 || tcgetattr(STDIN_FILENO, &before_) != 0)
      throw std::runtime_error("howdah top draws on a terminal and this is none; --once prints one table");
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    fmt::print("\x1b[?1049h\x1b[?25l");
  }
  ~Screen() {
    fmt::print("\x1b[?25h\x1b[?1049l");
    std::fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static void draw(const std::vector<std::string>& lines) {
    std::string out = "\x1b[H";
    for (std::size_t i = 0; i < lines.size(); ++i) out += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
    fmt::print("{}\x1b[J", out);
    std::fflush(stdout);
  }
  static std::pair<std::size_t, std::size_t> size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {80, 24};
    return {size.ws_col, size.ws_row};
  }
  // Whether to go on after so long.
  static bool wait(double seconds) {
    const auto end = steady_clock::now() + std::chrono::duration<double>(seconds);
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
      if (left <= 0) return true;
      pollfd input{STDIN_FILENO, POLLIN, 0};
      if (poll(&input, 1, static_cast<int>(left)) < 0) return false;  // a signal
      if (input.revents == 0) continue;
      char key = 0;
      if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == kCtrlC) return false;
    }
  }

 private:
  termios before_{};
};

}  // namespace

int top(const TopOptions& options) {
  Servers servers(options);
  auto before = servers.read();
  auto read_at = steady_clock::now();
  const auto next = [&](std::size_t width, std::size_t rows) {
    auto now = servers.read();
    const auto at = steady_clock::now();
    auto lines = topLines(compare(before, now, std::chrono::duration<double>(at - read_at).count()), width, rows);
    const auto heading = lines.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(lines.size(), 3));
    lines.insert(heading, servers.problems().begin(), servers.problems().end());
    lines.resize(std::min(lines.size(), rows));
    before = std::move(now);
    read_at = at;
    return lines;
  };
  if (options.once) {
    if (before.empty()) throw std::runtime_error(fmt::format("{}", fmt::join(servers.problems(), "; ")));
    usleep(static_cast<useconds_t>(options.interval * 1e6));
    for (const std::string& line : next(1000, 1'000'000)) fmt::print("{}\n", line);
    return 0;
  }

  // Only to leave poll(), so that the terminal is given back.
  struct sigaction leave {};
  leave.sa_handler = [](int) {};
  for (const int signal : {SIGTERM, SIGHUP}) sigaction(signal, &leave, nullptr);
  Screen screen;
  Screen::draw({"reading ..."});
  while (Screen::wait(options.interval)) {
    const auto [width, rows] = Screen::size();
    Screen::draw(next(width, rows));
  }
  return 0;
}

}  // namespace howdah
