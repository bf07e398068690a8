#include "tests/support/catch.h"
#include "tests/unit/api/routes_fixture.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

using Fixture = tests::RoutesFixture;

}  // namespace

TEST_CASE_METHOD(Fixture, "a token for some nodes shows these and acts on these, whatever is asked") {
  add_node("pi-1", v1::STATE_RUNNING);
  add_node("pi-2", v1::STATE_FAILED);
  operations.state.node_labels["pi-2"] = {{"site", "bonn"}};
  v1::Event event;
  event.set_kind("stack_running");
  event.set_stack("web");
  operations.stored = {{5, "pi-1", event}, {6, "pi-2", event}};
  operations.reply.set_outcome(v1::CommandReply::DONE);
  caller.role = api::Role::kOperator;
  caller.scope.nodes.labels["site"] = {"berlin"};
  CHECK(get("/api/v1/nodes")["nodes"].size() == 1);
  CHECK(get("/api/v1/status")["nodes"]["total"] == 1);
  CHECK(get("/api/v1/status")["nodes"]["failed"] == 0);
  CHECK(get("/api/v1/convergence")["converged"] == true);
  CHECK(get("/api/v1/stacks/web")["on"].size() == 1);
  CHECK(get("/api/v1/events")["events"].size() == 1);
  CHECK(get("/api/v1/events?after=0")["events"][0]["node"] == "pi-1");
  CHECK(get("/api/v1/events?after=0")["last"] == 6);
  CHECK(get("/api/v1/events?node=pi-2")["events"].empty());
  for (const char* what : {"", "/why"}) {
    CHECK(ask("GET", std::string("/api/v1/nodes/pi-1") + what).status == 200);
    CHECK(ask("GET", std::string("/api/v1/nodes/pi-2") + what).status == 404);
  }
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry").status == 200);
  operations.asked.Clear();
  for (const char* what : {"adopt", "retry", "apply", "purge"}) {
    CHECK(ask("POST", std::string("/api/v1/nodes/pi-2/") + what, R"({"stack": "web"})").status == 404);
  }
  CHECK(operations.asked.action_case() == v1::Command::ACTION_NOT_SET);
  CHECK(ask("POST", "/api/v1/sync").status == 403);
  CHECK_FALSE(operations.confirmed.has_value());
}

TEST_CASE_METHOD(Fixture,
                 "a token for some stacks shows these, and what nodes and diagnostics say of these") {
  Node& node = add_node("pi-1", v1::STATE_RUNNING);
  node.stacks["till"] = {"d9", "r3"};
  auto report = std::make_shared<v1::Report>(*node.report);
  report->add_stacks()->set_stack("till");
  report->set_text("stack 'till': pulling");
  node.report = report;
  StackEntry web;
  web.name = "web";
  StackEntry till;
  till.name = "till";
  operations.state.stacks = {till, web};
  operations.state.diagnostics.push_back(
      {Severity::kError, "x", {"till.yml", 3, 7}, "till", "", "is wrong", "", {}});
  operations.state.diagnostics.push_back(
      {Severity::kError, "x", {"stacks.yml", 3, 7}, "", "", "till", "", {}});
  operations.state.diagnostics.push_back(
      {Severity::kError, "x", {"stacks.yml", 3, 7}, "web", "app", "port taken by 'till'", "", {}, "till"});
  operations.state.trust.held_text = "the node that has 'till' is ahead";
  v1::Event event;
  event.set_stack("till");
  event.set_text("till");
  operations.stored = {{5, "pi-1", event}, {6, "pi-1", v1::Event()}};
  operations.reply.set_outcome(v1::CommandReply::DONE);
  caller.role = api::Role::kOperator;
  caller.scope.stacks = {"web"};
  for (const char* target :
       {"/api/v1/status", "/api/v1/nodes", "/api/v1/nodes/pi-1", "/api/v1/nodes/pi-1/why", "/api/v1/stacks",
        "/api/v1/convergence", "/api/v1/events", "/api/v1/stacks/web"}) {
    const api::Response response = ask("GET", target);
    INFO(target << ": " << response.body);
    CHECK(response.status == 200);
    CHECK(response.body.find("till") == std::string::npos);
  }
  CHECK(ask("GET", "/api/v1/stacks/till").status == 404);
  CHECK(ask("GET", "/api/v1/nodes/pi-1/why?stack=till").status == 404);
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry", R"({"stack": "web"})").status == 200);
  operations.asked.Clear();
  for (const char* what : {"adopt", "retry", "apply", "purge"}) {
    CHECK(ask("POST", std::string("/api/v1/nodes/pi-1/") + what, R"({"stack": "till"})").status == 404);
  }
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry").status == 403);  // all of them
  CHECK(operations.asked.action_case() == v1::Command::ACTION_NOT_SET);
}
