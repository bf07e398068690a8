#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace hivemind::agent {

// What the service manager asks of this process by its environment (sd_notify(3), sd_watchdog_enabled(3)).
struct Supervision {
  std::string socket;                             // empty: nobody wants to know
  std::optional<std::chrono::microseconds> ping;  // it restarts a process that is silent for so long

  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  static Supervision from_environment();
};

// Tells the service manager how this process is: one datagram for each change, without libsystemd. Loop
// thread. A manager that does not listen is not waited for: nothing is thrown and nothing blocks.
class Notify {
 public:
  Notify(boost::asio::any_io_executor loop, Supervision supervision);

  // Ready, with a word for 'systemctl status'; pings from now on. They come from the loop alone, so that a
  // loop that is stuck ends in a restart.
  void ready(std::string_view status);
  // No pings any more: the end has its own limit of time.
  void stopping(std::string_view status);

 private:
  void ping_later();
  void send(const std::string& lines) const;

  Supervision supervision_;
  boost::asio::steady_timer timer_;
};

}  // namespace hivemind::agent
