#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "hub/api/fleet_routes.h"
#include "hub/api/routes.h"
#include "hub/api/sight.h"
#include "hub/api/trust_routes.h"
#include "tests/support/catch.h"
#include "tests/unit/api/fake_operations.h"

namespace hivemind::tests {

// The routes of a hub of values, asked by an administrator unless the test says otherwise.
struct RoutesFixture {
  boost::asio::io_context loop;
  FakeOperations operations{loop.get_executor()};
  hub::api::Routes routes{
      hub::api::join({hub::api::fleet_routes(operations), hub::api::work_routes(operations),
                      hub::api::trust_routes(operations)}),
      {[this](const hub::api::Caller& asking, const std::string& node) {
         return hub::api::covers_node(asking.scope, operations.fleet, operations.state, node);
       },
       [this](const hub::api::Route& route, const hub::api::Request&) {
         begun.emplace_back(route.audited.action);
         if (audit_failure) throw Error(*audit_failure);
         return static_cast<std::int64_t>(begun.size());
       },
       [this](const hub::api::Route& route, const hub::api::Request&, std::int64_t,
              const hub::api::Response& response) {
         ended.emplace_back(route.audited.action, response.status);
       },
       [this](const hub::api::Route& route, const hub::api::Request&, const hub::api::Response& response) {
         refused.emplace_back(route.audited.action, response.status);
       }}};
  hub::api::Caller caller{"anna", hub::api::Role::kAdmin, {}, "192.0.2.7", {}};
  std::vector<std::string> begun;
  std::vector<std::pair<std::string, unsigned>> ended;
  std::vector<std::pair<std::string, unsigned>> refused;
  std::optional<Error> audit_failure;

  hub::api::Response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    hub::api::Response response;
    hub::api::Request request = hub::api::Request::parse(method, target, body);
    request.caller = caller;
    boost::asio::co_spawn(loop, routes.respond(std::move(request)),
                          [&](std::exception_ptr failure, hub::api::Response answer) {
                            if (failure) {
                              try {
                                std::rethrow_exception(failure);
                              } catch (const Error& error) {
                                answer = hub::api::error_response(error);
                              }
                            }
                            response = std::move(answer);
                          });
    loop.restart();
    loop.run();
    return response;
  }
  nlohmann::json get(const std::string& target) {
    const hub::api::Response response = ask("GET", target);
    REQUIRE(response.status == 200);
    return nlohmann::json::parse(response.body);
  }

  hub::Node& add_node(const std::string& id, v1::State state) {
    hub::Node& node = operations.fleet.node(id);
    node.presence = hub::Presence::kOnline;
    node.seen_at_ms = 1'769'860'800'123;
    node.desired = {3, "r3"};
    node.stacks = {{"web", {"d3", "r2"}}};
    auto report = std::make_shared<v1::Report>();
    report->set_node(id);
    (*report->mutable_labels())["site"] = "berlin";
    report->mutable_received()->set_generation(3);
    report->mutable_applied()->set_generation(3);
    report->mutable_facts()->set_architecture("arm64");
    v1::StackReport* stack = report->add_stacks();
    stack->set_stack("web");
    stack->set_desired_digest("d3");
    stack->set_state(state);
    stack->add_services()->set_service("app");
    node.report = report;
    return node;
  }
};

}  // namespace hivemind::tests
