#pragma once

#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "hub/api/message.h"
#include "hub/api/operations.h"

namespace hivemind::hub::api {

// The REST API: which request does what. docs/api.md is its contract.
class Routes {
 public:
  explicit Routes(Operations& operations) : operations_(operations) {}

  // /healthz and /readyz, which monitoring asks without a token.
  static bool is_open(std::string_view target);

  boost::asio::awaitable<Response> respond(Request request);

 private:
  Response respond_now(const Request& request);
  boost::asio::awaitable<Response> sync(Request request);
  boost::asio::awaitable<Response> adopt(Request request);
  boost::asio::awaitable<Response> retry(Request request);
  boost::asio::awaitable<Response> apply(Request request);
  boost::asio::awaitable<Response> purge(Request request);
  Response why(const Request& request, const std::string& id);
  const Node& node_of(const std::string& id) const;
  boost::asio::awaitable<Response> convergence(Request request);
  boost::asio::awaitable<Response> events(Request request);
  Response ready();

  Operations& operations_;
};

}  // namespace hivemind::hub::api
