#pragma once

#include <chrono>
#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace hivemind::agent {

// SIGTERM and SIGINT, from its construction on: one asks the loop to end, and ends the process itself when
// that takes too long. The loop may be in a call that does not return (a disk that does not answer, a lookup
// of a name that holds a lock in Paho); as kill -9 harms nothing at any moment, neither does this.
//
// One in a process; made before anything that can block.
class StopRequest {
 public:
  static constexpr std::chrono::seconds kPatience{4};

  // Throws kInternal when the kernel has no descriptor left.
  explicit StopRequest(boost::asio::any_io_executor loop);
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  // Calls it on the loop, also for a signal that has come already.
  void on_stop(std::function<void()> stop);

 private:
  boost::asio::posix::stream_descriptor requests_;
  std::function<void()> stop_;
};

}  // namespace hivemind::agent
