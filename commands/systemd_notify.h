// Tells systemd how far a service of Type=notify is; nothing where nobody asked for it (sd_notify(3)).
#pragma once

#include <string>
#include <string_view>

namespace howdah {

class SystemdNotify {
 public:
  // Takes NOTIFY_SOCKET out of the environment, which a private PostgreSQL would inherit and answer to. REQUIRES: there
  // is no other thread yet.
  SystemdNotify();

  void ready() const { tell("READY=1"); }
  void stopping() const { tell("STOPPING=1"); }

 private:
  void tell(std::string_view state) const;

  std::string socket_;  // empty: nobody listens
};

}  // namespace howdah
