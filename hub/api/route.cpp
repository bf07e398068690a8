#include "hub/api/route.h"

#include <iterator>

#include "common/error.h"

namespace hivemind::hub::api {

using nlohmann::json;

Table join(std::vector<Table> families) {
  Table all;
  for (Table& family : families) std::move(family.begin(), family.end(), std::back_inserter(all));
  return all;
}

std::function<boost::asio::awaitable<Response>(const Request&)> at_once(Answering handle) {
  return [handle = std::move(handle)](const Request& request) -> boost::asio::awaitable<Response> {
    co_return handle(request);
  };
}

Route look(std::string_view pattern, Role least, Answering handle) {
  return {"GET", pattern, least, {}, at_once(std::move(handle))};
}

Route for_whole_fleet(std::string_view what, Route route) {
  route.whole_fleet = what;
  return route;
}

void require_in_scope(const Request& request, const std::string& stack) {
  const Scope& scope = request.caller.scope;
  if (stack.empty() && !scope.stacks.empty()) {
    throw Error(ErrorCode::kDenied, "token '{}' is for some stacks only (name the stack)",
                request.caller.name);
  }
  if (!stack.empty() && !scope.covers_stack(stack)) {
    throw Error(ErrorCode::kNotFound, "there is no stack '{}'", stack);
  }
}

Response json_response(const json& view) {
  return {200, "application/json", view.dump(-1, ' ', false, json::error_handler_t::replace) + "\n", {}, {}};
}

Response verbatim_response(const json& view) {
  Response response = json_response(view);
  response.is_verbatim = true;
  return response;
}

Response text_response(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text) + "\n", {}, {}};
}

}  // namespace hivemind::hub::api
