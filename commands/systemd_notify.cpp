#include "commands/systemd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "metrics/log.h"

namespace howdah {

SystemdNotify::SystemdNotify() {
  if (const char* socket = std::getenv("NOTIFY_SOCKET")) socket_ = socket;
  unsetenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (socket_.size() >= sizeof address.sun_path) socket_.clear();
}

void SystemdNotify::tell(std::string_view state) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // of the abstract namespace
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto sent =
      ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  if (sent < 0) metrics::logWarn("systemd could not be told", {{"state", state}, {"error", std::strerror(errno)}});
  if (fd >= 0) ::close(fd);
}

}  // namespace howdah
