#include "hub/api/routes.h"

#include <utility>

#include "common/log.h"

namespace hivemind::hub::api {
namespace {

namespace asio = boost::asio;
using Variables = std::map<std::string, std::string, std::less<>>;

bool is_variable(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             Variables* variables) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!is_variable(pattern[i]) && pattern[i] != path[i]) return false;
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_variable(pattern[i])) (*variables)[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
  }
  return true;
}

Response not_allowed(const Request& request, const std::vector<std::string_view>& allowed) {
  const std::string list = fmt::format("{}", fmt::join(allowed, ", "));
  Response response = error_response(
      405, "invalid", fmt::format("method '{}' is not possible here (use {})", request.method, list));
  response.allow = list;
  return response;
}

Response too_low(const Caller& caller, Role least) {
  if (caller.role == Role::kNobody) return error_response(401, "denied", "a token is needed");
  return error_response(403, "denied",
                        fmt::format("token '{}' has the role '{}', and this needs '{}'", caller.name,
                                    to_string(caller.role), to_string(least)));
}

}  // namespace

Routes::Routes(Table table, Hooks hooks) : table_(std::move(table)), hooks_(std::move(hooks)) {
  for (const Route& route : table_) {
    patterns_.push_back(Request::parse(route.method, route.pattern, {}).path);
  }
}

const Route* Routes::find(const Request& request, std::vector<std::string_view>* allowed,
                          Variables* variables) const {
  for (std::size_t i = 0; i < table_.size(); ++i) {
    Variables found;
    if (!matches(patterns_[i], request.path, &found)) continue;
    allowed->push_back(table_[i].method);
    if (table_[i].method != request.method) continue;
    *variables = std::move(found);
    return &table_[i];
  }
  return nullptr;
}

bool Routes::is_open(std::string_view method, std::string_view target) const {
  try {
    std::vector<std::string_view> allowed;
    Variables variables;
    const Route* route = find(Request::parse(method, target, {}), &allowed, &variables);
    return route != nullptr && route->least == Role::kNobody;
  } catch (const Error&) {
    return false;  // no path at all: it is told what is wrong once it has shown a token
  }
}

void Routes::require_scope(const Route& route, const Request& request) const {
  const Caller& caller = request.caller;
  if (!route.whole_fleet.empty() && !caller.scope.is_whole()) {
    throw Error(ErrorCode::kDenied, "token '{}' is for a part of the fleet, and {} concerns all of it",
                caller.name, route.whole_fleet);
  }
  const auto node = request.variables.find("node");
  if (node != request.variables.end() && !hooks_.sees_node(request.caller, node->second)) {
    throw Error(ErrorCode::kNotFound, "there is no node '{}'", node->second);
  }
  const auto stack = request.variables.find("stack");
  if (stack != request.variables.end()) require_in_scope(request, stack->second);
  if (route.stack_of == nullptr) return;
  try {
    require_in_scope(request, route.stack_of(request));
  } catch (const Error& error) {
    // Of a body that names no stack, the handler tells what is wrong.
    if (error.code() != ErrorCode::kInvalid) throw;
  }
}

std::optional<Response> Routes::refusal(const Route& route, const Request& request) const {
  if (request.caller.role < route.least) return too_low(request.caller, route.least);
  if (route.least == Role::kNobody) return std::nullopt;
  try {
    require_scope(route, request);
    return std::nullopt;
  } catch (const Error& error) {
    return error_response(error);
  }
}

asio::awaitable<Response> Routes::respond(Request request) {
  std::vector<std::string_view> allowed;
  const Route* route = find(request, &allowed, &request.variables);
  if (route == nullptr && allowed.empty()) {
    co_return error_response(404, "not_found", "there is nothing at this path");
  }
  if (route == nullptr) co_return not_allowed(request, allowed);
  if (route->clean != nullptr) route->clean(request);
  const bool is_change = !route->audited.action.empty();
  if (std::optional<Response> refused = refusal(*route, request)) {
    if (is_change && request.caller.role != Role::kNobody) hooks_.audit_refused(*route, request, *refused);
    co_return std::move(*refused);
  }
  if (is_change) co_return co_await change(*route, request);
  co_return co_await route->handle(request);
}

// Written down before it is done: what a hub that dies in the midst of it has changed can still be seen.
asio::awaitable<Response> Routes::change(const Route& route, const Request& request) {
  const bool is_open = route.least == Role::kNobody;
  const std::int64_t begun = is_open ? 0 : hooks_.audit_begin(route, request);
  std::optional<Response> response;
  try {
    response = co_await route.handle(request);
  } catch (const Error& error) {
    response = error_response(error);
  } catch (const std::exception& error) {
    log::error("api: {}", error.what());
    response = error_response(500, "internal", error.what());
  }
  if (!is_open || response->change) hooks_.audit_end(route, request, begun, *response);
  co_return std::move(*response);
}

}  // namespace hivemind::hub::api
