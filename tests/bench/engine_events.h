#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/http/client.h"

namespace hivemind::bench {

using Clock = std::chrono::steady_clock;

// The engine's container events with the time at which they arrived here, collected by a thread of its own:
// to know when a container ran without asking the engine again and again while it is being measured.
class EngineEvents {
 public:
  explicit EngineEvents(const std::string& engine_url);
  ~EngineEvents();
  EngineEvents(const EngineEvents&) = delete;
  EngineEvents& operator=(const EngineEvents&) = delete;

  // When the last of these containers (names) had its first event with this action ("start", "destroy") at or
  // after `since`. Waits for it; throws std::runtime_error after a minute.
  Clock::time_point await_all(const std::string& action, const std::set<std::string>& names,
                              Clock::time_point since);

  // When the first of them had such an event.
  Clock::time_point await_any(const std::string& action, const std::set<std::string>& names,
                              Clock::time_point since);

 private:
  struct Event {
    Clock::time_point at;
    std::string action;
    std::string name;
  };

  using Found = std::optional<Clock::time_point>;

  void take(std::string_view piece);
  Found first(const std::string& action, const std::string& name, Clock::time_point since) const;
  Clock::time_point await(const std::string& action, const std::string& name,
                          const std::function<Found()>& look);

  boost::asio::io_context loop_;
  http::Client client_;
  std::string partial_;  // loop thread only
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Event> events_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace hivemind::bench
