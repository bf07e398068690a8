#include <array>
#include <functional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/apply/reconciler.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

// Events come in bunches; one pass is enough for a bunch.
constexpr std::chrono::milliseconds kBunch{5};

// The rest either changes nothing that is planned by or, as exec_*, comes with every health check.
constexpr std::array<std::string_view, 8> kTelling{"start",  "die",    "pause",   "unpause",
                                                   "rename", "update", "destroy", "health_status"};

bool is_telling(const EngineEvent& event) {
  if (event.type == "network") return event.action == "destroy" || event.action == "disconnect";
  return event.type == "container" && std::ranges::any_of(kTelling, [&](std::string_view action) {
           return event.action.starts_with(action);
         });
}

std::string attribute(const EngineEvent& event, const std::string& key) {
  const auto found = event.attributes.find(key);
  return found == event.attributes.end() ? "" : found->second;
}

// 'docker kill -s HUP' and its like ask a program to do something, not to end.
bool is_ending(const std::string& signal) {
  return signal != "1" && signal != "10" && signal != "12";
}

}  // namespace

asio::awaitable<void> Reconciler::watch() {
  const auto self = shared_from_this();
  asio::steady_timer pause(loop_);
  Backoff retry(std::chrono::milliseconds(100), std::chrono::milliseconds(5'000));
  for (;;) {
    try {
      // What changed while nobody watched is found by the pass.
      // Named, and without an owner in it: g++ 12 destroys the temporaries of an awaited call twice when that
      // throws.
      const std::function<void()> on_open = [this, &retry] {
        retry.reset();
        trigger();
      };
      const std::function<void(EngineEvent)> on_event_of_ours = [this](EngineEvent event) {
        on_event(event);
      };
      co_await engine_.watch(on_open, on_event_of_ours);
    } catch (const Error& error) {
      log::debug("engine events: {}", error.what());
    }
    suspend_trials();
    trigger(kBunch);  // a stream that ends is how an engine that goes away is noticed
    pause.expires_after(retry.next());
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Reconciler::on_event(const EngineEvent& event) {
  if (event.type == "container") on_container_event(event);
  if (!is_telling(event)) return;
  // Our own steps cause most events; the end of a stack's steps brings a pass anyway.
  const std::string stack = attribute(event, labels::kStack);
  if (event.type == "container" ? busy_.contains(stack) : !busy_.empty()) return;
  trigger(kBunch);
}

// Of a container that exited with code 0 the engine does not keep whether it was stopped; only its events
// tell.
void Reconciler::on_container_event(const EngineEvent& event) {
  if (event.action == "kill" && is_ending(attribute(event, "signal"))) past_.ended_by_hand.insert(event.id);
  if (event.action == "start" || event.action == "destroy") {
    past_.ended_by_hand.erase(event.id);
    past_.completed.erase(event.id);
  }
  if (event.action != "die" || attribute(event, "exitCode") != "0") return;
  if (past_.ended_by_hand.contains(event.id)) return;
  past_.completed.insert(event.id);
  callbacks_.on_past();
}

}  // namespace hivemind::agent
