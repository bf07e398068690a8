#pragma once

#include <chrono>
#include <list>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace hivemind::hub {

// Wakes those who wait for a change: at once when all was quiet, and at most every kPause when changes come
// in a stream, so that a few waiting clients do not multiply the work of ten thousand reports. For the loop
// thread.
class ChangeSignal {
 public:
  static constexpr std::chrono::milliseconds kPause{25};

  explicit ChangeSignal(boost::asio::any_io_executor loop) : loop_(loop), later_(loop) {}

  void raise();
  // Until the next raise() takes effect, or the deadline.
  boost::asio::awaitable<void> wait(std::chrono::steady_clock::time_point deadline);

 private:
  void wake();

  boost::asio::any_io_executor loop_;
  boost::asio::steady_timer later_;
  bool armed_ = false;
  std::chrono::steady_clock::time_point woken_{};
  std::list<boost::asio::steady_timer*> waiting_;  // each on the stack of its coroutine
};

}  // namespace hivemind::hub
