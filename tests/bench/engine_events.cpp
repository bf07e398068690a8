#include "tests/bench/engine_events.h"

#include <algorithm>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>

namespace hivemind::bench {
namespace {

constexpr std::chrono::seconds kLongest{60};

}  // namespace

EngineEvents::EngineEvents(const std::string& engine_url)
    : client_(loop_.get_executor(), http::Address::parse(engine_url)) {
  http::Request request;
  // From the past on: nothing is missed however long the subscription takes.
  request.target = "/events?since=0&filters=" + http::Client::escape(R"({"type":["container"]})");
  boost::asio::co_spawn(loop_, client_.stream(request, [this](std::string_view piece) { take(piece); }),
                        boost::asio::detached);
  thread_ = std::thread([this] { loop_.run(); });
}

EngineEvents::~EngineEvents() {
  loop_.stop();
  thread_.join();
}

void EngineEvents::take(std::string_view piece) {
  const auto now = Clock::now();
  partial_ += piece;
  const std::lock_guard lock(mutex_);
  for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
    const auto event = nlohmann::json::parse(partial_.substr(0, end));
    events_.push_back({now, event.at("Action"), event.at("Actor").at("Attributes").value("name", "")});
    partial_.erase(0, end + 1);
  }
  arrived_.notify_all();
}

EngineEvents::Found EngineEvents::first(const std::string& action, const std::string& name,
                                        Clock::time_point since) const {
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const Event& event) {
    return event.at >= since && event.action == action && event.name == name;
  });
  return found == events_.end() ? Found() : Found(found->at);
}

Clock::time_point EngineEvents::await(const std::string& action, const std::string& name,
                                      const std::function<Found()>& look) {
  std::unique_lock lock(mutex_);
  Found at;
  if (!arrived_.wait_for(lock, kLongest, [&] { return (at = look()).has_value(); }))
    throw std::runtime_error("the engine told no '" + action + "' of '" + name + "' and its like");
  return *at;
}

Clock::time_point EngineEvents::await_all(const std::string& action, const std::set<std::string>& names,
                                          Clock::time_point since) {
  return await(action, *names.begin(), [&]() -> Found {
    Clock::time_point latest = since;
    for (const std::string& name : names) {
      const Found at = first(action, name, since);
      if (!at) return std::nullopt;
      latest = std::max(latest, *at);
    }
    return latest;
  });
}

Clock::time_point EngineEvents::await_any(const std::string& action, const std::set<std::string>& names,
                                          Clock::time_point since) {
  return await(action, *names.begin(), [&] {
    Found earliest;
    for (const std::string& name : names) {
      const Found at = first(action, name, since);
      if (at && (!earliest || *at < *earliest)) earliest = at;
    }
    return earliest;
  });
}

}  // namespace hivemind::bench
