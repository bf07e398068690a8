#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "hub/api/caller.h"
#include "hub/api/message.h"

namespace hivemind::hub::api {

// What the audit log calls a change, and which members of the request's JSON body it keeps. The others are
// left out: a value that nobody has named here can be a secret.
struct Audited {
  std::string_view action;  // "node.retry"; empty: the route changes nothing
  std::vector<std::string_view> members = {};
};

// A row of the table of routes: which request does what, and who may.
//
// The handler runs on the loop thread. The request outlives it. Path variables are in request.variables;
// 'node' and 'stack' among them, and what the members below say, have been checked against the caller's
// scope. An Error that it throws becomes an answer.
struct Route {
  std::string_view method;
  std::string_view pattern;   // "/api/v1/nodes/{node}/retry"
  Role least = Role::kAdmin;  // kNobody: open
  Audited audited;
  std::function<boost::asio::awaitable<Response>(const Request&)> handle;
  // Before anything is done or written down: takes out of the request what must stand in no log.
  void (*clean)(Request&) = nullptr;
  std::string_view whole_fleet = {};  // what concerns all of it, so that a part will not do: "a sync"
  // The stack that the body is about; "": all stacks. Throws kInvalid for a body that does not say.
  std::string (*stack_of)(const Request&) = nullptr;
};

using Table = std::vector<Route>;

using Answering = std::function<Response(const Request&)>;  // has its answer at once

// A route that shows something.
Route look(std::string_view pattern, Role least, Answering handle);

Route for_whole_fleet(std::string_view what, Route route);

// One table of several.
Table join(std::vector<Table> families);

std::function<boost::asio::awaitable<Response>(const Request&)> at_once(Answering handle);

// Throws kNotFound for a stack that is outside of the caller's scope: who may not see it is not told that it
// is there. An empty name stands for all stacks; it throws kDenied when the caller's scope has not all.
void require_in_scope(const Request& request, const std::string& stack);

Response json_response(const nlohmann::json& view);
Response verbatim_response(const nlohmann::json& view);  // see Response::is_verbatim
Response text_response(unsigned status, std::string text);

}  // namespace hivemind::hub::api
