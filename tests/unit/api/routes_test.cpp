#include "hub/api/routes.h"

#include "tests/support/catch.h"
#include "tests/unit/api/routes_fixture.h"

using namespace hivemind;
using namespace hivemind::hub;
using nlohmann::json;
using tests::ContainsSubstring;

namespace {

using Fixture = tests::RoutesFixture;

}  // namespace

TEST_CASE_METHOD(Fixture, "health and readiness are told in plain text") {
  CHECK(ask("GET", "/healthz").body == "ok\n");
  CHECK(ask("GET", "/readyz").body == "ready\n");
  operations.why_not_ready = "nothing has been fetched yet";
  CHECK(ask("GET", "/readyz").status == 503);
  CHECK(ask("GET", "/readyz").body == "not ready ('hivemind status' says why)\n");
  CHECK(routes.is_open("GET", "/healthz"));
  CHECK(routes.is_open("GET", "/readyz?x=1"));
  CHECK_FALSE(routes.is_open("POST", "/healthz"));
  CHECK_FALSE(routes.is_open("GET", "/healthz/../api/v1/status"));
  CHECK_FALSE(routes.is_open("GET", "/api/v1/status"));
  CHECK_FALSE(routes.is_open("GET", "/healthz%zz"));
  CHECK_FALSE(routes.is_open("GET", ""));
}

TEST_CASE_METHOD(Fixture, "the status shows Git, what was acted on, diagnostics, broker and counts") {
  add_node("pi-1", v1::STATE_RUNNING);
  add_node("pi-2", v1::STATE_FAILED);
  operations.state.git.state = GitStatus::State::kFailed;
  operations.state.git.error = "no network";
  operations.state.git.retry_at = std::chrono::steady_clock::now() + std::chrono::hours(1);
  operations.state.git.fetched_at_ms = 1'769'860'800'123;
  operations.state.desired = {"r3", DesiredStatus::State::kHeld, "held"};
  operations.state.diagnostics.push_back(
      {Severity::kError, "compose.x", {"web.yml", 3, 7}, "web", "app", "is wrong", "mend it", {}});
  const json status = get("/api/v1/status");
  CHECK(status["git"]["state"] == "failed");
  CHECK(status["git"]["retry_in_ms"].get<std::int64_t>() > 3'000'000);
  CHECK(status["git"]["fetched_at"] == "2026-01-31T12:00:00.123Z");
  CHECK(status["desired"]["state"] == "held");
  CHECK(status["diagnostics"][0]["line"] == 3);
  CHECK_THAT(status["diagnostics"][0]["text"].get<std::string>(), ContainsSubstring("web.yml:3:7"));
  CHECK(status["broker"]["connected"] == false);
  CHECK(status["nodes"] == json({{"total", 2}, {"online", 2}, {"converged", 1}, {"failed", 1}}));
  CHECK(status["stacks"] == json({{"total", 1}, {"running", 0}, {"failed", 1}}));
  CHECK(status["store"]["ok"] == true);
}

TEST_CASE_METHOD(Fixture, "nodes are listed by id, and one alone with its facts and stacks") {
  add_node("pi-2", v1::STATE_RUNNING);
  add_node("pi-1", v1::STATE_RUNNING);
  const json nodes = get("/api/v1/nodes")["nodes"];
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0]["id"] == "pi-1");
  CHECK(nodes[0]["state"] == "converged");
  CHECK(nodes[0]["labels"] == json({{"site", "berlin"}}));
  CHECK(nodes[0]["desired"] == json({{"generation", 3}, {"revision", "r3"}}));
  const json node = get("/api/v1/nodes/pi-1");
  CHECK(node["facts"]["architecture"] == "arm64");
  CHECK(node["stack_reports"][0]["services"][0]["service"] == "app");
  CHECK(node["desired_stacks"][0] == json({{"stack", "web"}, {"digest", "d3"}, {"revision", "r2"}}));
  CHECK(ask("GET", "/api/v1/nodes/pi-9").status == 404);
}

TEST_CASE_METHOD(Fixture, "a node that was never heard of in person is listed all the same") {
  operations.fleet.node("named-only");
  const json node = get("/api/v1/nodes/named-only");
  CHECK(node["state"] == "unknown");
  CHECK(node["online"] == false);
  CHECK(node["seen_at"] == "");
}

TEST_CASE_METHOD(Fixture, "stacks are counted over their nodes") {
  add_node("pi-1", v1::STATE_RUNNING);
  add_node("pi-2", v1::STATE_FAILED);
  add_node("pi-3", v1::STATE_RUNNING).presence = Presence::kOffline;
  StackEntry off;
  off.name = "off";
  off.enabled = false;
  operations.state.stacks = {off};
  const json stacks = get("/api/v1/stacks")["stacks"];
  REQUIRE(stacks.size() == 2);
  CHECK(stacks[0]["name"] == "off");
  CHECK(stacks[0]["enabled"] == false);
  CHECK(stacks[0]["nodes"] == 0);
  const json& web = stacks[1];
  CHECK(web["nodes"] == 3);
  CHECK(web["running"] == 1);
  CHECK(web["failed"] == 1);
  CHECK(web["offline"] == 1);
  CHECK(web["releases"] == 1);
  CHECK(web["revision"] == "r2");
  const json stack = get("/api/v1/stacks/web");
  REQUIRE(stack["on"].size() == 3);
  CHECK(stack["on"][0]["state"] == "running");
  CHECK(stack["on"][2]["state"] == "offline");
  CHECK(ask("GET", "/api/v1/stacks/none").status == 404);
}

TEST_CASE_METHOD(Fixture, "a sync answers with its outcome") {
  operations.sync_result.state = SyncResult::State::kApplied;
  operations.sync_result.published = {"pi-1"};
  const api::Response response = ask("POST", "/api/v1/sync", "{}");
  CHECK(json::parse(response.body)["state"] == "applied");
  CHECK(json::parse(response.body)["published"] == json({"pi-1"}));
  CHECK(operations.confirmed == std::optional(ConfirmEmpty::kNo));
  ask("POST", "/api/v1/sync", R"({"confirm_empty":true})");
  CHECK(operations.confirmed == std::optional(ConfirmEmpty::kYes));
  CHECK(operations.renewed == std::optional(RenewPins::kNo));
  ask("POST", "/api/v1/sync", R"({"refresh_pins":true})");
  CHECK(operations.renewed == std::optional(RenewPins::kYes));
  CHECK(ask("POST", "/api/v1/sync").status == 200);
}

TEST_CASE_METHOD(Fixture, "a sync with a body that is none of ours is refused and does nothing") {
  for (const char* body : {"[]", "{", R"({"confirm":true})", R"({"confirm_empty":1})"}) {
    CHECK(ask("POST", "/api/v1/sync", body).status == 400);
  }
  CHECK_FALSE(operations.confirmed.has_value());
}

TEST_CASE_METHOD(Fixture, "a sync whose outcome cannot be stored says so") {
  operations.sync_failure = Error(ErrorCode::kExhausted, "the disk is full");
  const api::Response response = ask("POST", "/api/v1/sync", "{}");
  CHECK(response.status == 503);
  CHECK(json::parse(response.body)["error"] ==
        json({{"code", "exhausted"}, {"message", "the disk is full"}}));
}

TEST_CASE_METHOD(Fixture, "convergence is told at once when it is decided") {
  add_node("pi-1", v1::STATE_RUNNING);
  CHECK(get("/api/v1/convergence?wait=60")["converged"] == true);
  add_node("pi-2", v1::STATE_FAILED);
  const json failed = get("/api/v1/convergence?wait=60");
  CHECK(failed["converged"] == false);
  CHECK(failed["failed"][0]["node"] == "pi-2");
}

TEST_CASE_METHOD(Fixture,
                 "convergence waits for nodes that are on their way, and for manifests that are being made") {
  add_node("pi-1", v1::STATE_APPLYING);
  const json waiting = get("/api/v1/convergence");
  CHECK(waiting["converged"] == false);
  CHECK(waiting["waiting"][0]["node"] == "pi-1");
  int waits = 0;
  operations.on_wait = [&] {
    ++waits;
    add_node("pi-1", v1::STATE_RUNNING);
    operations.busy = waits < 2;
  };
  CHECK(get("/api/v1/convergence?wait=60")["converged"] == true);
  CHECK(waits == 2);
}

TEST_CASE_METHOD(Fixture, "events come at once when there are any behind the place, else when there are") {
  v1::Event event;
  event.set_kind("stack_running");
  event.set_at_ms(1'769'860'800'123);
  operations.stored.push_back({5, "pi-1", event});
  const json first = get("/api/v1/events");
  CHECK(first["last"] == 5);
  CHECK(first["events"][0]["kind"] == "stack_running");
  CHECK(first["events"][0]["node"] == "pi-1");
  CHECK(get("/api/v1/events?after=5") == json({{"events", json::array()}, {"last", 5}}));
  operations.on_wait = [&] { operations.stored.push_back({6, "pi-1", event}); };
  const json next = get("/api/v1/events?after=5&wait=60");
  CHECK(next["last"] == 6);
  CHECK(next["events"].size() == 1);
}

TEST_CASE_METHOD(Fixture, "parameters out of range are refused") {
  for (const char* target :
       {"/api/v1/convergence?wait=61", "/api/v1/convergence?wait=x", "/api/v1/events?limit=0",
        "/api/v1/events?limit=1001", "/api/v1/events?after=-1", "/api/v1/events?wait=1.5"}) {
    CHECK(ask("GET", target).status == 400);
  }
}

TEST_CASE_METHOD(Fixture, "what is not there is 404, and what cannot be done with it 405") {
  CHECK(ask("GET", "/").status == 404);
  CHECK(ask("GET", "/api/v1").status == 404);
  CHECK(ask("GET", "/api/v2/status").status == 404);
  CHECK(ask("POST", "/api/v1/nothing").status == 404);
  for (const char* target : {"/api/v1/status", "/api/v1/nodes", "/api/v1/stacks", "/api/v1/events",
                             "/api/v1/convergence", "/healthz"}) {
    const api::Response response = ask("DELETE", target);
    CHECK(response.status == 405);
    CHECK(response.allow == "GET");
  }
  CHECK(ask("GET", "/api/v1/sync").status == 405);
  CHECK(ask("GET", "/api/v1/sync").allow == "POST");
}

TEST_CASE_METHOD(Fixture,
                 "every route that changes something has a role of operator or more, and is audited") {
  for (const api::Route& route : routes.table()) {
    INFO(route.method << " " << route.pattern);
    const bool is_read = route.method == "GET";
    CHECK(route.audited.action.empty() == is_read);
    if (!is_read) CHECK(route.least >= api::Role::kOperator);
    if (route.least == api::Role::kNobody) CHECK_FALSE(route.pattern.starts_with("/api/"));
  }
}

TEST_CASE_METHOD(Fixture, "each route answers those who may, and nobody else") {
  add_node("pi-1", v1::STATE_RUNNING);
  for (const api::Route& route : routes.table()) {
    std::string target(route.pattern);
    for (const auto& [variable, value] :
         {std::pair<std::string, std::string>{"{node}", "pi-1"}, {"{stack}", "web"}}) {
      if (const auto at = target.find(variable); at != std::string::npos)
        target.replace(at, variable.size(), value);
    }
    for (const api::Role role :
         {api::Role::kNobody, api::Role::kViewer, api::Role::kOperator, api::Role::kAdmin}) {
      INFO(route.method << " " << target << " as " << api::to_string(role));
      caller.role = role;
      begun.clear();
      ended.clear();
      const unsigned status = ask(std::string(route.method), target).status;
      const bool may = role >= route.least;
      const bool is_refused = status == 401 || status == 403;
      CHECK(is_refused != may);
      if (!may) CHECK(status == (role == api::Role::kNobody ? 401u : 403u));
      const bool is_change = !route.audited.action.empty();
      CHECK(begun ==
            (may && is_change ? std::vector{std::string(route.audited.action)} : std::vector<std::string>{}));
      CHECK(ended.size() == begun.size());
    }
  }
}

TEST_CASE_METHOD(Fixture, "a change that somebody may not make is told of, a look is not") {
  add_node("pi-1", v1::STATE_RUNNING);
  caller.role = api::Role::kViewer;
  caller.scope.nodes.ids = {"pi-2"};
  CHECK(ask("POST", "/api/v1/trust/rotate").status == 403);
  CHECK(ask("GET", "/api/v1/nodes/pi-1").status == 404);
  caller.role = api::Role::kOperator;
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry", "{}").status == 404);
  CHECK(refused == std::vector<std::pair<std::string, unsigned>>{{"trust.rotate", 403}, {"node.retry", 404}});
  caller.role = api::Role::kNobody;
  CHECK(ask("POST", "/api/v1/sync").status == 401);
  CHECK(refused.size() == 2);
  CHECK(begun.empty());
}

TEST_CASE_METHOD(Fixture,
                 "what cannot be written down is not done, and what fails is written down as failed") {
  audit_failure = Error(ErrorCode::kExhausted, "the disk is full");
  CHECK(ask("POST", "/api/v1/sync").status == 503);
  CHECK_FALSE(operations.confirmed.has_value());
  audit_failure.reset();
  operations.sync_failure = Error(ErrorCode::kUnavailable, "no network");
  CHECK(ask("POST", "/api/v1/sync").status == 503);
  CHECK(ended == std::vector<std::pair<std::string, unsigned>>{{"sync", 503}});
}

TEST_CASE("targets are split and decoded") {
  const api::Request request = api::Request::parse("GET", "/api//v1/nodes/pi%2D1/?a=b%20c&d=&e", "");
  CHECK(request.path == std::vector<std::string>{"api", "v1", "nodes", "pi-1"});
  CHECK(request.parameter("a") == "b c");
  CHECK(request.parameter("d") == "");
  CHECK(request.parameter("none") == "");
  for (const char* wrong : {"", "x", "/a%", "/a%2", "/a%zz", "/a?b=%1"}) {
    CHECK_THROWS_AS(api::Request::parse("GET", wrong, ""), Error);
  }
}

TEST_CASE("text that is no UTF-8 does not break an answer") {
  const api::Response response = api::error_response(400, "invalid", "bad \xff byte");
  CHECK(json::parse(response.body)["error"]["code"] == "invalid");
}

TEST_CASE_METHOD(Fixture, "why a node is not on the newest revision is one answer with its causes") {
  operations.state.git.revision = operations.state.desired.revision = "r3";
  operations.state.desired.state = DesiredStatus::State::kApplied;
  operations.state.broker.connected = true;
  add_node("pi-1", v1::STATE_RUNNING);
  const json well = get("/api/v1/nodes/pi-1/why");
  CHECK(well["on_revision"] == true);
  CHECK(well["revision"] == "r3");
  CHECK(well["causes"].empty());
  add_node("pi-2", v1::STATE_RUNNING).presence = Presence::kOffline;
  const json away = get("/api/v1/nodes/pi-2/why?stack=web");
  CHECK(away["on_revision"] == false);
  CHECK(away["stack"] == "web");
  CHECK(away["causes"][0]["reason"] == "not_listed");
  CHECK(away["causes"][1]["reason"] == "offline");
  CHECK(away["text"] == away["causes"][0]["text"]);
  CHECK(ask("GET", "/api/v1/nodes/pi-9/why").status == 404);
  CHECK(ask("POST", "/api/v1/nodes/pi-1/why").status == 405);
}

TEST_CASE_METHOD(Fixture, "a retry and an apply are sent to the node, for a stack of its own or for all") {
  add_node("pi-1", v1::STATE_FAILED);
  operations.reply.set_node("pi-1");
  operations.reply.set_outcome(v1::CommandReply::DONE);
  operations.reply.set_text("stack 'web': tried again");
  const api::Response answer = ask("POST", "/api/v1/nodes/pi-1/retry", R"({"stack": "web"})");
  CHECK(answer.status == 200);
  CHECK(json::parse(answer.body) ==
        json({{"node", "pi-1"}, {"stack", "web"}, {"text", "stack 'web': tried again"}}));
  CHECK(operations.asked.retry().stack() == "web");
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry").status == 200);
  CHECK(operations.asked.has_retry());
  CHECK(ask("POST", "/api/v1/nodes/pi-1/apply", R"({"stack": "web"})").status == 200);
  CHECK(operations.asked.apply_now().stack() == "web");
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry", R"({"stack": "other"})").status == 404);
  CHECK(ask("POST", "/api/v1/nodes/pi-9/retry").status == 404);
  CHECK(ask("POST", "/api/v1/nodes/pi-1/apply", R"({"stack": "../x"})").status == 400);
  CHECK(ask("POST", "/api/v1/nodes/pi-1/apply", R"({"now": true})").status == 400);
  CHECK(ask("GET", "/api/v1/nodes/pi-1/retry").status == 405);
  operations.reply.set_outcome(v1::CommandReply::REFUSED);
  CHECK(ask("POST", "/api/v1/nodes/pi-1/retry").status == 409);
}

TEST_CASE_METHOD(Fixture, "a purge shows what would go, and is refused for a stack that the node is to run") {
  add_node("pi-1", v1::STATE_RUNNING);
  v1::Purged& purged = *operations.reply.mutable_purged();
  operations.reply.set_node("pi-1");
  operations.reply.set_outcome(v1::CommandReply::DONE);
  purged.set_stack("old");
  purged.set_digest("0f3a");
  purged.add_volumes("old_data");
  purged.add_directories("stacks/old/data/html");
  purged.set_bytes(7);
  const json shown = json::parse(ask("POST", "/api/v1/nodes/pi-1/purge", R"({"stack": "old"})").body);
  CHECK(shown["state"] == "shown");
  CHECK(shown["confirm"] == "0f3a");
  CHECK(shown["volumes"] == json({"old_data"}));
  CHECK(shown["directories"] == json({"stacks/old/data/html"}));
  CHECK(shown["bytes"] == 7);
  const std::string confirmed = R"({"stack": "old", "confirm": "0f3a"})";
  purged.set_removed(true);
  CHECK(json::parse(ask("POST", "/api/v1/nodes/pi-1/purge", confirmed).body)["state"] == "purged");
  CHECK(operations.asked.purge().confirm() == "0f3a");
  purged.set_removed(false);
  operations.reply.set_outcome(v1::CommandReply::CONFLICT);
  CHECK(json::parse(ask("POST", "/api/v1/nodes/pi-1/purge", confirmed).body)["state"] == "changed");
  CHECK(ask("POST", "/api/v1/nodes/pi-1/purge", R"({"stack": "web"})").status == 409);
  CHECK(ask("POST", "/api/v1/nodes/pi-1/purge").status == 400);
}

TEST_CASE_METHOD(Fixture, "a node alone shows its vitals, its clock, and the release that failed") {
  Node& node = add_node("pi-1", v1::STATE_ROLLED_BACK);
  CHECK(get("/api/v1/nodes/pi-1")["vitals"].is_null());
  CHECK(get("/api/v1/nodes/pi-1")["clock"] == json({{"offset_ms", nullptr}, {"synchronised", false}}));
  v1::Report report = *node.report;
  report.mutable_vitals()->set_load_milli(420);
  report.mutable_vitals()->set_clock_synchronised(true);
  report.mutable_facts()->set_model("Raspberry Pi 4");
  report.mutable_stacks(0)->mutable_failed()->set_service("app");
  report.mutable_stacks(0)->mutable_failed()->set_reason(v1::REASON_UNHEALTHY);
  report.mutable_stacks(0)->mutable_failed()->set_restored(true);
  report.mutable_stacks(0)->mutable_services(0)->set_health_output("exit 1");
  node.report = std::make_shared<const v1::Report>(report);
  node.clock_offset_ms = -4'000;
  const json shown = get("/api/v1/nodes/pi-1");
  CHECK(shown["state"] == "failed");
  CHECK(shown["reason"] == "rolled_back");
  CHECK(shown["text"] == "stack 'web': rolled back because service 'app' was unhealthy");
  CHECK(shown["vitals"]["load"] == 0.42);
  CHECK(shown["clock"] == json({{"offset_ms", -4000}, {"synchronised", true}}));
  CHECK(shown["facts"]["model"] == "Raspberry Pi 4");
  CHECK(shown["stack_reports"][0]["state"] == "rolled_back");
  CHECK(shown["stack_reports"][0]["failed"]["reason"] == "unhealthy");
  CHECK(shown["stack_reports"][0]["services"][0]["health_output"] == "exit 1");
  const json stack = get("/api/v1/stacks/web");
  CHECK(stack["failed"] == 1);
  CHECK(stack["on"][0]["state"] == "rolled_back");
  CHECK(get("/api/v1/convergence")["failed"][0]["service"] == "app");
}

TEST_CASE_METHOD(Fixture, "the key is rotated, and a held hub let go on, by POST only") {
  operations.state.trust.keys = {{"aaaa", "aa00", "hivemind-ed25519 AAA=\n", 0}};
  CHECK(get("/api/v1/trust")["key"] == "aaaa");
  CHECK(ask("GET", "/api/v1/trust/rotate").status == 405);
  CHECK(operations.rotations == 0);
  CHECK(json::parse(ask("POST", "/api/v1/trust/rotate", "{}").body)["key"] == "aaaa");
  CHECK(operations.rotations == 1);
  operations.sync_result.state = SyncResult::State::kApplied;
  CHECK(json::parse(ask("POST", "/api/v1/trust/resume", "{}").body)["state"] == "applied");
  CHECK(operations.resumptions == 1);
  operations.trust_failure = Error(ErrorCode::kConflict, "the hub holds back");
  CHECK(ask("POST", "/api/v1/trust/rotate").status == 409);
  CHECK(ask("POST", "/api/v1/trust/resume").status == 409);
}

TEST_CASE_METHOD(Fixture,
                 "a body of more levels than any request needs is refused, and nothing else comes of it") {
  for (const char* path : {"/api/v1/sync", "/api/v1/nodes/pi-1/retry"}) {
    const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
    const api::Response response = ask("POST", path, R"({"confirm_empty":)" + deep + "}");
    CHECK(response.status == 400);
    CHECK_THAT(response.body, ContainsSubstring("levels"));
  }
}

TEST_CASE_METHOD(Fixture, "a revoked node is shown as such, and counted nowhere") {
  add_node("pi-1", v1::STATE_RUNNING);
  hub::Node& gone = add_node("pi-2", v1::STATE_FAILED);
  gone.membership = hub::Membership::kRevoked;
  gone.revoked_at_ms = 1'769'860'800'000;
  gone.stacks.clear();  // as the publisher does
  CHECK(get("/api/v1/status")["nodes"] ==
        json({{"total", 1}, {"online", 1}, {"converged", 1}, {"failed", 0}}));
  const json shown = get("/api/v1/nodes/pi-2");
  CHECK(shown["state"] == "revoked");
  CHECK(shown["revoked_at"] == "2026-01-31T12:00:00.000Z");
  CHECK(get("/api/v1/convergence?wait=60")["converged"] == true);
  CHECK(get("/api/v1/nodes/pi-2/why")["causes"][0]["reason"] == "revoked");
}
