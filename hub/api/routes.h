#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "hub/api/operations.h"
#include "hub/api/route.h"

namespace hivemind::hub::api {

// Finds the route of a request in the table, asks whether the caller may, has the change written down, and
// calls the handler. docs/api.md is the contract of the whole.
class Routes {
 public:
  struct Hooks {
    // Whether the node belongs to the caller's part of the fleet.
    std::function<bool(const Caller&, const std::string& node)> sees_node;
    // Before the handler of a route that changes something is called; what it throws becomes the answer, and
    // nothing is done. Returns how the outcome is to be told. Not called for open routes: whoever has no
    // token could fill the log.
    std::function<std::int64_t(const Route&, const Request&)> audit_begin;
    // After it; of an open route only when the response holds a change.
    std::function<void(const Route&, const Request&, std::int64_t begun, const Response&)> audit_end;
    // Instead of both, when somebody with a token may not do it. It does not throw.
    std::function<void(const Route&, const Request&, const Response&)> audit_refused =
        [](const Route&, const Request&, const Response&) {};
  };

  Routes(Table table, Hooks hooks);
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  const Table& table() const { return table_; }

  // Whether the request needs no token.
  bool is_open(std::string_view method, std::string_view target) const;

  boost::asio::awaitable<Response> respond(Request request);

 private:
  const Route* find(const Request& request, std::vector<std::string_view>* allowed,
                    std::map<std::string, std::string, std::less<>>* variables) const;
  void require_scope(const Route& route, const Request& request) const;
  std::optional<Response> refusal(const Route& route, const Request& request) const;
  boost::asio::awaitable<Response> change(const Route& route, const Request& request);

  Table table_;
  std::vector<std::vector<std::string>> patterns_;  // of the table's rows, in segments
  Hooks hooks_;
};

}  // namespace hivemind::hub::api
