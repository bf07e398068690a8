#include "hub/api/adoption_view.h"
#include "hub/api/command_views.h"
#include "hub/api/fleet_routes.h"
#include "hub/api/message.h"
#include "hub/api/views.h"

namespace hivemind::hub::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

struct Wish {
  ConfirmEmpty confirm = ConfirmEmpty::kNo;
  RenewPins renew = RenewPins::kNo;
};

Wish wish_of(const std::string& body) {
  const json parsed = body_object(body);
  for (const auto& [key, value] : parsed.items()) {
    if ((key != "confirm_empty" && key != "refresh_pins") || !value.is_boolean()) {
      throw Error(ErrorCode::kInvalid,
                  "the body may hold 'confirm_empty' and 'refresh_pins' as true or false, found '{}'", key);
    }
  }
  return {parsed.value("confirm_empty", false) ? ConfirmEmpty::kYes : ConfirmEmpty::kNo,
          parsed.value("refresh_pins", false) ? RenewPins::kYes : RenewPins::kNo};
}

asio::awaitable<Response> sync(Operations& operations, const Request& request) {
  const Wish wish = wish_of(request.body);
  const std::string before = operations.status().desired.revision;
  const SyncResult result = co_await operations.sync(wish.confirm, wish.renew);
  Response response = json_response(sync_view(result));
  response.change =
      Change{json({{"revision", before}}),
             json({{"revision", operations.status().desired.revision}, {"nodes", result.published.size()}})};
  co_return response;
}

const Node& node_of(Operations& operations, const Request& request) {
  const std::string& id = request.variable("node");
  const Node* node = operations.inventory().find(id);
  if (node == nullptr) throw Error(ErrorCode::kNotFound, "there is no node '{}'", id);
  return *node;
}

void require_assigned(const Node& node, const std::string& stack) {
  if (stack.empty() || node.stacks.contains(stack)) return;
  throw Error(ErrorCode::kNotFound,
              "node '{}' is not to run stack '{}' (its 'nodes:' in stacks.yml selects by label or id)",
              node.id, stack);
}

// For one of the stacks that the node is to run; "": for all of them.
asio::awaitable<v1::CommandReply> order(Operations& operations, const Request& request, v1::Command command,
                                        std::string stack) {
  const Node& node = node_of(operations, request);
  require_assigned(node, stack);
  co_return co_await operations.command(node.id, std::move(command));
}

asio::awaitable<Response> adopt(Operations& operations, const Request& request) {
  v1::Command command = adopt_command(request.body);
  const std::string stack = command.adopt().stack();
  const v1::CommandReply reply = co_await order(operations, request, std::move(command), stack);
  co_return json_response(adoption_view(reply));
}

asio::awaitable<Response> retry(Operations& operations, const Request& request) {
  v1::Command command = retry_command(request.body);
  const std::string stack = command.retry().stack();
  const v1::CommandReply reply = co_await order(operations, request, std::move(command), stack);
  co_return json_response(done_view(reply, stack));
}

asio::awaitable<Response> apply(Operations& operations, const Request& request) {
  v1::Command command = apply_command(request.body);
  const std::string stack = command.apply_now().stack();
  const v1::CommandReply reply = co_await order(operations, request, std::move(command), stack);
  co_return json_response(done_view(reply, stack));
}

// The node refuses as well what its own manifest still wants: it may be behind, and so may the hub.
asio::awaitable<Response> purge(Operations& operations, const Request& request) {
  const Node& node = node_of(operations, request);
  v1::Command command = purge_command(request.body);
  const std::string& stack = command.purge().stack();
  if (node.stacks.contains(stack)) {
    throw Error(ErrorCode::kConflict,
                "node '{}' is to run stack '{}' (take it away in stacks.yml first, or say 'enabled: false')",
                node.id, stack);
  }
  const v1::CommandReply reply = co_await operations.command(request.variable("node"), std::move(command));
  co_return json_response(purge_view(reply));
}

}  // namespace

Table work_routes(Operations& operations) {
  Operations* const hub = &operations;
  const auto of = [hub](asio::awaitable<Response> (*handle)(Operations&, const Request&)) {
    return [hub, handle](const Request& request) { return handle(*hub, request); };
  };
  const auto at_node = [&of](std::string_view pattern, Audited audited,
                             asio::awaitable<Response> (*handle)(Operations&, const Request&),
                             std::string (*stack_of)(const Request&)) {
    Route route{"POST", pattern, Role::kOperator, std::move(audited), of(handle)};
    route.stack_of = stack_of;
    return route;
  };
  return {
      for_whole_fleet(
          "a sync",
          {"POST", "/api/v1/sync", Role::kOperator, {"sync", {"confirm_empty", "refresh_pins"}}, of(sync)}),
      at_node("/api/v1/nodes/{node}/adopt", {"node.adopt", {"stack", "confirm"}}, adopt,
              [](const Request& request) { return adopt_command(request.body).adopt().stack(); }),
      at_node("/api/v1/nodes/{node}/retry", {"node.retry", {"stack"}}, retry,
              [](const Request& request) { return retry_command(request.body).retry().stack(); }),
      at_node("/api/v1/nodes/{node}/apply", {"node.apply", {"stack"}}, apply,
              [](const Request& request) { return apply_command(request.body).apply_now().stack(); }),
      at_node("/api/v1/nodes/{node}/purge", {"node.purge", {"stack", "confirm"}}, purge,
              [](const Request& request) { return purge_command(request.body).purge().stack(); }),
  };
}

}  // namespace hivemind::hub::api
