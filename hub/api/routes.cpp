#include "hub/api/routes.h"

#include <chrono>

#include "hub/api/adoption_view.h"
#include "hub/api/command_views.h"
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

Response json_response(const json& view) {
  return {200, "application/json", view.dump(-1, ' ', false, json::error_handler_t::replace) + "\n", {}};
}

Response text_response(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text) + "\n", {}};
}

Response not_allowed(const Request& request, std::string_view allowed) {
  Response response = error_response(
      405, "invalid", fmt::format("method '{}' is not possible here (use {})", request.method, allowed));
  response.allow = allowed;
  return response;
}

// "api/v1/nodes/pi-1" -> the part behind "api/v1", or nothing.
std::vector<std::string> resource(const Request& request) {
  if (request.path.size() < 3 || request.path[0] != "api" || request.path[1] != "v1") return {};
  return {request.path.begin() + 2, request.path.end()};
}

Clock::time_point deadline_of(const Request& request) {
  return Clock::now() + std::chrono::seconds(request.number("wait", 0, 0, kMaxWaitSeconds));
}

struct Wish {
  ConfirmEmpty confirm = ConfirmEmpty::kNo;
  RenewPins renew = RenewPins::kNo;
};

Wish wish_of(const std::string& body) {
  if (body.empty()) return {};
  const json parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object()) throw Error(ErrorCode::kInvalid, "the body is no JSON object");
  for (const auto& [key, value] : parsed.items()) {
    if ((key != "confirm_empty" && key != "refresh_pins") || !value.is_boolean()) {
      throw Error(ErrorCode::kInvalid,
                  "the body may hold 'confirm_empty' and 'refresh_pins' as true or false, found '{}'", key);
    }
  }
  return {parsed.value("confirm_empty", false) ? ConfirmEmpty::kYes : ConfirmEmpty::kNo,
          parsed.value("refresh_pins", false) ? RenewPins::kYes : RenewPins::kNo};
}

// "adopt" of "nodes/pi-1/adopt": what a node is asked to do; empty: nothing.
std::string asked_of_node(const std::vector<std::string>& what) {
  if (what.size() != 3 || what[0] != "nodes") return {};
  const bool is_known = what[2] == "adopt" || what[2] == "retry" || what[2] == "apply" || what[2] == "purge";
  return is_known ? what[2] : "";
}

void require_assigned(const Node& node, const std::string& stack) {
  if (stack.empty() || node.stacks.contains(stack)) return;
  throw Error(ErrorCode::kNotFound,
              "node '{}' is not to run stack '{}' (its 'nodes:' in stacks.yml selects by label or id)",
              node.id, stack);
}

}  // namespace

bool Routes::is_open(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  return path == "/healthz" || path == "/readyz";
}

asio::awaitable<Response> Routes::respond(Request request) {
  const std::vector<std::string> what = resource(request);
  const bool is_sync = what.size() == 1 && what[0] == "sync";
  const std::string asked = asked_of_node(what);
  const bool is_posted = is_sync || !asked.empty();
  const std::string_view allowed = is_posted ? "POST" : "GET";
  const bool allows = request.method == allowed;
  if (allows && is_sync) co_return co_await sync(std::move(request));
  if (allows && asked == "adopt") co_return co_await adopt(std::move(request));
  if (allows && asked == "retry") co_return co_await retry(std::move(request));
  if (allows && asked == "apply") co_return co_await apply(std::move(request));
  if (allows && asked == "purge") co_return co_await purge(std::move(request));
  if (allows && what.size() == 1 && what[0] == "convergence")
    co_return co_await convergence(std::move(request));
  if (allows && what.size() == 1 && what[0] == "events") co_return co_await events(std::move(request));
  Response response = respond_now(request);
  if (!allows && (is_posted || response.status != 404)) co_return not_allowed(request, allowed);
  co_return response;
}

Response Routes::respond_now(const Request& request) {
  const std::vector<std::string> what = resource(request);
  if (request.path == std::vector<std::string>{"healthz"}) return text_response(200, "ok");
  if (request.path == std::vector<std::string>{"readyz"}) return ready();
  const std::string name = what.empty() ? "" : what[0];
  if (what.size() == 1) {
    if (name == "status") {
      return json_response(status_view(operations_.status(), operations_.inventory(), Clock::now()));
    }
    if (name == "nodes") return json_response(nodes_view(operations_.inventory()));
    if (name == "stacks") return json_response(stacks_view(operations_.status(), operations_.inventory()));
    if (name == "events" || name == "convergence") return json_response(nullptr);  // by another method only
  }
  if (what.size() == 2 && name == "nodes") return json_response(node_detail_view(node_of(what[1])));
  if (what.size() == 3 && name == "nodes" && what[2] == "why") return why(request, what[1]);
  if (what.size() == 2 && name == "stacks") {
    const json view = stack_detail_view(operations_.status(), operations_.inventory(), what[1]);
    if (view.is_null()) throw Error(ErrorCode::kNotFound, "there is no stack '{}'", what[1]);
    return json_response(view);
  }
  return error_response(404, "not_found", "there is nothing at this path");
}

Response Routes::ready() {
  const std::optional<std::string> why = operations_.not_ready();
  return why ? text_response(503, *why) : text_response(200, "ready");
}

asio::awaitable<Response> Routes::sync(Request request) {
  const Wish wish = wish_of(request.body);
  const SyncResult result = co_await operations_.sync(wish.confirm, wish.renew);
  co_return json_response(sync_view(result));
}

const Node& Routes::node_of(const std::string& id) const {
  const Node* node = operations_.inventory().find(id);
  if (node == nullptr) throw Error(ErrorCode::kNotFound, "there is no node '{}'", id);
  return *node;
}

Response Routes::why(const Request& request, const std::string& id) {
  const WhyQuestion question{node_of(id).id, std::string(request.parameter("stack")), operations_.settling(),
                             unix_now_ms()};
  return json_response(why_view(question, hub::why(operations_.status(), operations_.inventory(), question)));
}

asio::awaitable<Response> Routes::adopt(Request request) {
  const std::string id = request.path.at(3);
  const Node& node = node_of(id);
  v1::Command command = adopt_command(request.body);
  require_assigned(node, command.adopt().stack());
  const v1::CommandReply reply = co_await operations_.command(id, std::move(command));
  co_return json_response(adoption_view(reply));
}

asio::awaitable<Response> Routes::retry(Request request) {
  const std::string id = request.path.at(3);
  const Node& node = node_of(id);
  v1::Command command = retry_command(request.body);
  const std::string stack = command.retry().stack();
  require_assigned(node, stack);
  const v1::CommandReply reply = co_await operations_.command(id, std::move(command));
  co_return json_response(done_view(reply, stack));
}

asio::awaitable<Response> Routes::apply(Request request) {
  const std::string id = request.path.at(3);
  const Node& node = node_of(id);
  v1::Command command = apply_command(request.body);
  const std::string stack = command.apply_now().stack();
  require_assigned(node, stack);
  const v1::CommandReply reply = co_await operations_.command(id, std::move(command));
  co_return json_response(done_view(reply, stack));
}

// The node refuses as well what its own manifest still wants: it may be behind, and so may the hub.
asio::awaitable<Response> Routes::purge(Request request) {
  const std::string id = request.path.at(3);
  const Node& node = node_of(id);
  v1::Command command = purge_command(request.body);
  const std::string& stack = command.purge().stack();
  if (node.stacks.contains(stack)) {
    throw Error(ErrorCode::kConflict,
                "node '{}' is to run stack '{}' (take it away in stacks.yml first, or say 'enabled: false')",
                id, stack);
  }
  const v1::CommandReply reply = co_await operations_.command(id, std::move(command));
  co_return json_response(purge_view(reply));
}

asio::awaitable<Response> Routes::convergence(Request request) {
  const Clock::time_point deadline = deadline_of(request);
  for (;;) {
    const std::uint64_t seen = operations_.status().state_version;
    const Convergence now = assess(operations_.inventory());
    const bool settled = !operations_.settling();
    const bool decided = settled && (now.converged() || !now.failed.empty());
    if (decided || Clock::now() >= deadline) co_return json_response(convergence_view(now, settled));
    co_await operations_.changed(seen, deadline);
  }
}

asio::awaitable<Response> Routes::events(Request request) {
  const Clock::time_point deadline = deadline_of(request);
  EventQuery query;
  query.limit = static_cast<int>(request.number("limit", 100, 1, kMaxEvents));
  query.node = request.parameter("node");
  query.stack = request.parameter("stack");
  if (!request.parameter("after").empty()) query.after = request.number("after", 0, 0, INT64_MAX);
  for (;;) {
    const std::uint64_t seen = operations_.status().state_version;
    const std::vector<StoredEvent> found = operations_.events(query);
    if (!found.empty() || !query.after || Clock::now() >= deadline) {
      const std::int64_t last =
          found.empty() ? query.after.value_or(operations_.last_event()) : found.back().id;
      co_return json_response(events_view(found, last));
    }
    co_await operations_.changed(seen, deadline);
  }
}

}  // namespace hivemind::hub::api
