#include "hub/api/fleet_routes.h"

#include <algorithm>
#include <chrono>

#include "hub/api/sight.h"
#include "hub/api/stack_views.h"
#include "hub/api/views.h"
#include "hub/clock.h"
#include "hub/inventory/convergence.h"
#include "hub/inventory/why.h"

namespace hivemind::hub::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMaxWaitSeconds = 60;
constexpr std::int64_t kMaxEvents = 1000;

Clock::time_point deadline_of(const Request& request) {
  return Clock::now() + std::chrono::seconds(request.number("wait", 0, 0, kMaxWaitSeconds));
}

Response ready(Operations& operations) {
  const std::optional<std::string> why = operations.not_ready();
  // Nobody in particular asks: what is wrong with Git or the broker may hold names of machines.
  return why ? text_response(503, "not ready ('hivemind status' says why)") : text_response(200, "ready");
}

const Node& node_of(const Sight& sight, const std::string& id) {
  const Node* node = sight.inventory().find(id);
  if (node == nullptr) throw Error(ErrorCode::kNotFound, "there is no node '{}'", id);
  return *node;
}

Response why(const Operations& operations, const Sight& sight, const Request& request) {
  const std::string stack(request.parameter("stack"));
  if (!stack.empty()) require_in_scope(request, stack);
  const WhyQuestion question{node_of(sight, request.variable("node")).id, stack, operations.settling(),
                             unix_now_ms()};
  return json_response(why_view(question, hub::why(sight.status(), sight.inventory(), question)));
}

Response stack(const Sight& sight, const std::string& name) {
  const json view = stack_detail_view(sight.status(), sight.inventory(), name);
  if (view.is_null()) throw Error(ErrorCode::kNotFound, "there is no stack '{}'", name);
  return json_response(view);
}

asio::awaitable<Response> convergence(Operations& operations, const Request& request) {
  const Clock::time_point deadline = deadline_of(request);
  for (;;) {
    const std::uint64_t seen = operations.status().state_version;
    const Convergence now = assess(Sight(operations, request.caller.scope).inventory());
    const bool settled = !operations.settling();
    const bool decided = settled && (now.converged() || !now.failed.empty());
    if (decided || Clock::now() >= deadline) co_return json_response(convergence_view(now, settled));
    co_await operations.changed(seen, deadline);
  }
}

struct Page {
  std::vector<StoredEvent> events;
  std::int64_t last = 0;  // the next page begins behind it
};

// Those of the caller's scope. Of a part of the fleet they are looked for in the pages behind the place, or
// before the newest, but not for ever: who follows comes again with 'last'.
Page page_of(Operations& operations, const Scope& scope, const EventQuery& query) {
  constexpr int kMostPages = 20;
  const std::int64_t newest = operations.last_event();
  Page page{{}, query.after.value_or(newest)};
  if (scope.is_whole()) {
    page.events = operations.events(query);
    if (!page.events.empty()) page.last = page.events.back().id;
    return page;
  }
  if (query.after && *query.after >= newest) return page;
  const Sight sight(operations, scope);
  const auto wanted = static_cast<std::size_t>(query.limit);
  EventQuery next = query;
  next.limit = static_cast<int>(kMaxEvents);
  if (!query.after) {
    // The newest of the scope: as many pages back as it takes.
    next.after = std::max<std::int64_t>(0, newest - kMostPages * kMaxEvents);
    page.last = *next.after;
  }
  for (int i = 0; i < kMostPages; ++i) {
    const std::vector<StoredEvent> found = operations.events(next);
    for (const StoredEvent& event : found) {
      if (query.after && page.events.size() == wanted) return page;
      page.last = event.id;
      if (sight.covers(event)) page.events.push_back(event);
    }
    if (found.size() < static_cast<std::size_t>(next.limit)) break;
    next.after = page.last;
  }
  if (page.events.size() > wanted) page.events.erase(page.events.begin(), page.events.end() - query.limit);
  return page;
}

asio::awaitable<Response> events(Operations& operations, const Request& request) {
  const Clock::time_point deadline = deadline_of(request);
  EventQuery query;
  query.limit = static_cast<int>(request.number("limit", 100, 1, kMaxEvents));
  query.node = request.parameter("node");
  query.stack = request.parameter("stack");
  if (!request.parameter("after").empty()) query.after = request.number("after", 0, 0, INT64_MAX);
  for (;;) {
    const std::uint64_t seen = operations.status().state_version;
    const Page page = page_of(operations, request.caller.scope, query);
    if (!page.events.empty() || !query.after || Clock::now() >= deadline) {
      co_return json_response(events_view(page.events, page.last));
    }
    query.after = page.last;
    co_await operations.changed(seen, deadline);
  }
}

// A handler that looks at the caller's part of the fleet.
Answering within_sight(Operations* hub, std::function<Response(const Sight&, const Request&)> handle) {
  return [hub, handle = std::move(handle)](const Request& request) {
    return handle(Sight(*hub, request.caller.scope), request);
  };
}

}  // namespace

Table fleet_routes(Operations& operations) {
  Operations* const hub = &operations;
  return {
      look("/healthz", Role::kNobody, [](const Request&) { return text_response(200, "ok"); }),
      look("/readyz", Role::kNobody, [hub](const Request&) { return ready(*hub); }),
      look("/api/v1/status", Role::kViewer,
           within_sight(hub,
                        [](const Sight& sight, const Request&) {
                          return json_response(status_view(sight.status(), sight.inventory(), Clock::now()));
                        })),
      look("/api/v1/nodes", Role::kViewer,
           within_sight(hub, [](const Sight& sight,
                                const Request&) { return json_response(nodes_view(sight.inventory())); })),
      look("/api/v1/nodes/{node}", Role::kViewer,
           within_sight(hub,
                        [](const Sight& sight, const Request& request) {
                          return json_response(node_detail_view(node_of(sight, request.variable("node"))));
                        })),
      look("/api/v1/nodes/{node}/why", Role::kViewer,
           within_sight(
               hub, [hub](const Sight& sight, const Request& request) { return why(*hub, sight, request); })),
      look("/api/v1/stacks", Role::kViewer,
           within_sight(hub,
                        [](const Sight& sight, const Request&) {
                          return json_response(stacks_view(sight.status(), sight.inventory()));
                        })),
      look("/api/v1/stacks/{stack}", Role::kViewer,
           within_sight(hub, [](const Sight& sight,
                                const Request& request) { return stack(sight, request.variable("stack")); })),
      {"GET",
       "/api/v1/convergence",
       Role::kViewer,
       {},
       [hub](const Request& request) { return convergence(*hub, request); }},
      {"GET",
       "/api/v1/events",
       Role::kViewer,
       {},
       [hub](const Request& request) { return events(*hub, request); }},
  };
}

}  // namespace hivemind::hub::api
