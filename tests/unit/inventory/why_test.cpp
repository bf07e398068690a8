#include "hub/inventory/why.h"

#include "hub/inventory/convergence.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using hivemind::tests::ContainsSubstring;

namespace {

constexpr std::int64_t kNow = 1'769'860'800'000;  // 2026-01-31 12:00:00 UTC

// A fleet that is well: node pi-1 runs stack web of revision r3.
struct Fleet {
  HubStatus status;
  Inventory inventory;
  v1::Report report;
  WhyQuestion question{"pi-1", "", false, kNow};

  Fleet() {
    status.git.revision = "r3";
    status.git.state = GitStatus::State::kOk;
    status.desired = {"r3", DesiredStatus::State::kApplied, ""};
    status.broker.connected = true;
    status.stacks.resize(1);
    status.stacks[0].name = "web";
    Node& node = inventory.node("pi-1");
    node.presence = Presence::kOnline;
    node.seen_at_ms = kNow - 7'500'000;
    node.desired = {3, "r3"};
    node.stacks = {{"web", {"d3", "r3"}}};
    report.set_node("pi-1");
    (*report.mutable_labels())["site"] = "berlin";
    report.mutable_received()->set_generation(3);
    report.mutable_applied()->set_generation(3);
    report.mutable_running()->set_revision("r3");
    v1::StackReport* stack = report.add_stacks();
    stack->set_stack("web");
    stack->set_desired_digest("d3");
    stack->set_running_digest("d3");
    stack->set_state(v1::STATE_RUNNING);
  }
  Node& node() { return inventory.node("pi-1"); }
  v1::StackReport& stack() { return *report.mutable_stacks(0); }
  v1::ServiceReport& service(const std::string& name, v1::State state, v1::Reason reason,
                             const std::string& text) {
    v1::ServiceReport& service = *stack().add_services();
    service.set_service(name);
    service.set_state(state);
    service.set_reason(reason);
    service.set_text(text);
    return service;
  }
  void say(v1::State state, v1::Reason reason, const std::string& text) {
    stack().set_state(state);
    stack().set_reason(reason);
    stack().set_text(text);
  }
  Why ask() {
    if (!report.node().empty()) node().report = std::make_shared<const v1::Report>(report);
    return why(status, inventory, question);
  }
  // The answer, and what is to be done.
  Cause main() {
    const Why answer = ask();
    REQUIRE_FALSE(answer.on_revision());
    return answer.causes.front();
  }
};

std::vector<std::string> reasons(const Why& why) {
  std::vector<std::string> reasons;
  for (const Cause& cause : why.causes) reasons.push_back(cause.reason);
  return reasons;
}

}  // namespace

TEST_CASE_METHOD(Fleet, "a node that runs all that the newest revision has for it is on the revision") {
  const Why answer = ask();
  CHECK(answer.on_revision());
  CHECK(answer.revision == "r3");
  CHECK(answer.reported_revision == "r3");
  CHECK(answer.notes.empty());
}

TEST_CASE_METHOD(Fleet, "a commit that changes nothing for a node leaves it on the newest revision") {
  status.git.revision = status.desired.revision = "r4";
  CHECK(ask().on_revision());
}

TEST_CASE_METHOD(Fleet, "a node that nobody knows is told so, and nothing else") {
  question.node = "pi-9";
  const Why answer = ask();
  CHECK(reasons(answer) == std::vector<std::string>{"unknown_node"});
  CHECK_THAT(answer.causes[0].text, ContainsSubstring("'pi-9'"));
}

TEST_CASE_METHOD(Fleet, "what is wrong with the repository comes first") {
  SECTION("nothing was fetched yet") {
    status.git.revision.clear();
    status.git.error = "no route to host";
    const Cause cause = main();
    CHECK(cause.reason == "nothing_fetched");
    CHECK_THAT(cause.text, ContainsSubstring("no route to host"));
  }
  SECTION("the newest revision is held") {
    status.git.revision = "r4";
    status.desired.state = DesiredStatus::State::kHeld;
    status.desired.text = "revision 'r4' is held";
    const Cause cause = main();
    CHECK(cause.reason == "revision_held");
    CHECK_THAT(cause.remedy, ContainsSubstring("--confirm-empty"));
  }
  SECTION("stacks.yml of the newest revision cannot be read") {
    status.git.revision = "r4";
    status.desired.state = DesiredStatus::State::kInvalid;
    status.desired.text = "stacks.yml cannot be read";
    status.diagnostics.push_back(
        {Severity::kError, "yaml.parse", {"stacks.yml", 3, 7}, "", "", "is no YAML", "mend it", {}});
    const Why answer = ask();
    CHECK(reasons(answer) == std::vector<std::string>{"revision_invalid", "does_not_compile"});
    CHECK_THAT(answer.causes[1].text, ContainsSubstring("stacks.yml:3:7"));
    CHECK(answer.causes[1].remedy == "mend it");
  }
  SECTION("the newest revision is being compiled") {
    status.git.revision = "r4";
    CHECK(main().reason == "compiling");
  }
  SECTION("a manifest is being made") {
    question.settling = true;
    CHECK(main().reason == "compiling");
  }
}

TEST_CASE_METHOD(Fleet, "a repository that cannot be read now is a note") {
  status.git.state = GitStatus::State::kFailed;
  status.git.error = "no route to host";
  const Why answer = ask();
  CHECK(answer.on_revision());
  REQUIRE(answer.notes.size() == 1);
  CHECK(answer.notes[0].reason == "fetch_failed");
}

TEST_CASE_METHOD(Fleet, "a hub that cannot store or send says so") {
  status.store_error = "disk is full";
  status.broker.connected = false;
  status.broker.error = "connection refused";
  CHECK(reasons(ask()) == std::vector<std::string>{"hub_store_failed", "broker_down"});
}

TEST_CASE_METHOD(Fleet, "a node that stacks.yml names and that never reported has never connected") {
  report.clear_node();
  const Cause cause = main();
  CHECK(cause.reason == "never_connected");
  CHECK(cause.remedy == "let the machine in: hivemind node token create --id pi-1");
}

TEST_CASE_METHOD(Fleet, "an enrolled node that never reported wants its agent started, and no new token") {
  report.clear_node();
  node().membership = Membership::kEnrolled;
  node().certificate_until_ms = kNow + 1'000;
  const Cause cause = main();
  CHECK(cause.reason == "never_connected");
  CHECK(cause.text == "it has never reported");
  CHECK(cause.remedy == "start the agent on it (as a service: systemctl start hivemind-agent)");
}

TEST_CASE_METHOD(Fleet, "a revoked node is told with the day and who can take its place, and nothing else") {
  node().membership = Membership::kRevoked;
  node().presence = Presence::kOffline;
  status.broker.connected = false;
  CHECK(reasons(ask()) == std::vector<std::string>{"revoked"});
  CHECK(main().text == "revoked; it gets nothing any more");
  node().revoked_at_ms = kNow - 86'400'000;
  CHECK(main().text == "revoked on 2026-01-30 12:00:00 UTC; it gets nothing any more");
  CHECK(main().remedy == "'hivemind node replace pi-1' lets new hardware take its place");
}

TEST_CASE_METHOD(Fleet, "of an offline node it is told that its certificate has ended") {
  node().membership = Membership::kEnrolled;
  node().presence = Presence::kOffline;
  node().certificate_until_ms = kNow + 1'000;
  CHECK_THAT(main().text, !ContainsSubstring("certificate"));
  node().certificate_until_ms = kNow - 86'400'000;
  CHECK(
      main().text ==
      "offline since 2026-01-31 09:55:00 UTC (2 h 5 min); its certificate ended on 2026-01-30 12:00:00 UTC");
  CHECK_THAT(main().remedy, ContainsSubstring("check its power") &&
                                ContainsSubstring("too late: hivemind node replace pi-1"));
}

TEST_CASE_METHOD(Fleet, "an offline node is told with its time, and what it said last comes behind") {
  node().presence = Presence::kOffline;
  CHECK(reasons(ask()) == std::vector<std::string>{"offline"});
  CHECK(main().text == "offline since 2026-01-31 09:55:00 UTC (2 h 5 min)");
  say(v1::STATE_APPLYING, v1::REASON_PULLING, "pulling 'x'");
  CHECK(reasons(ask()) == std::vector<std::string>{"offline", "pulling"});
  node().desired = {4, "r4"};
  CHECK(reasons(ask()) == std::vector<std::string>{"offline", "not_received"});
}

TEST_CASE_METHOD(Fleet, "a node without a manifest waits for its first") {
  node().desired = {};
  CHECK(main().reason == "no_manifest");
}

TEST_CASE_METHOD(Fleet, "a manifest on its way is not received yet") {
  node().desired = {4, "r4"};
  const Cause cause = main();
  CHECK(cause.reason == "not_received");
  CHECK(cause.text == "has received generation 3 of its manifest, the newest is 4 (revision r4)");
}

TEST_CASE_METHOD(Fleet, "what keeps the agent from taking the newest manifest is the cause") {
  node().desired = {4, "r4"};
  report.set_text("the manifest's signature is not the hub's");
  report.set_reason(v1::REASON_SIGNATURE_REFUSED);
  CHECK(main().reason == "signature_refused");
  CHECK_THAT(main().remedy, ContainsSubstring("--hub-key") && !ContainsSubstring("signing.key"));
  report.set_hub_key("cccc");  // the hub may have gone back behind a rotation
  CHECK_THAT(main().remedy, ContainsSubstring("newest 'signing.key'"));
  report.set_reason(v1::REASON_STORE_FAILED);
  report.set_text("disk is full");
  CHECK(main().reason == "store_failed");
  CHECK(main().text == "disk is full");
}

TEST_CASE_METHOD(Fleet, "an engine that is away comes before the stacks that wait for it") {
  report.set_reason(v1::REASON_ENGINE_DOWN);
  report.set_text("no answer from /var/run/docker.sock");
  say(v1::STATE_APPLYING, v1::REASON_APPLYING, "steps are under way");
  const Why answer = ask();
  CHECK(reasons(answer) == std::vector<std::string>{"engine_down", "applying"});
  CHECK(answer.causes[0].remedy == "start the engine on the node");
}

TEST_CASE_METHOD(Fleet, "a pull is told in per cent and megabytes") {
  say(v1::STATE_APPLYING, v1::REASON_PULLING, "service 'app': pulling");
  v1::ServiceReport& app = service("app", v1::STATE_APPLYING, v1::REASON_PULLING, "pulling 'app:2'");
  app.set_image("app:2");
  app.set_fetched_bytes(12'040'000);
  app.set_fetch_bytes(28'000'000);
  const Why answer = ask();
  REQUIRE(answer.causes.size() == 1);
  CHECK(answer.causes[0].text == "stack 'web': service 'app': pulling 'app:2': 43 % (12.0 of 28.0 MB)");
  CHECK(answer.causes[0].service == "app");
}

TEST_CASE_METHOD(Fleet, "a pull for a release to come is told while the one before runs") {
  say(v1::STATE_APPLYING, v1::REASON_PULLING, "service 'app': pulls image 'app:2'");
  v1::ServiceReport& app = service("app", v1::STATE_RUNNING, v1::REASON_NONE, "");
  app.set_fetched_bytes(12'040'000);
  app.set_fetch_bytes(28'000'000);
  CHECK(main().text == "stack 'web': pulling 43 % (12.0 of 28.0 MB): service 'app': pulls image 'app:2'");
}

TEST_CASE_METHOD(Fleet, "a service that has failed comes before those that wait for it") {
  say(v1::STATE_FAILED, v1::REASON_UNHEALTHY, "service 'db': unhealthy: exit 1");
  service("app", v1::STATE_FAILED, v1::REASON_DEPENDENCY_FAILED, "service 'db' has failed");
  service("db", v1::STATE_FAILED, v1::REASON_UNHEALTHY, "unhealthy: exit 1");
  service("web", v1::STATE_RUNNING, v1::REASON_NONE, "");
  const Why answer = ask();
  CHECK(reasons(answer) == std::vector<std::string>{"unhealthy", "dependency_failed"});
  CHECK(answer.causes[0].text == "stack 'web': service 'db': unhealthy: exit 1");
  CHECK_THAT(answer.causes[0].remedy, ContainsSubstring("hivemind retry pi-1 web"));
}

TEST_CASE_METHOD(Fleet, "a release that was rolled back names the service, the reason and its last words") {
  say(v1::STATE_ROLLED_BACK, v1::REASON_ROLLED_BACK, "");
  v1::FailedRelease& failed = *stack().mutable_failed();
  failed.set_service("app");
  failed.set_reason(v1::REASON_UNHEALTHY);
  failed.set_output("GET /health\n  connection refused\n");
  failed.set_restored(true);
  const Cause cause = main();
  CHECK(cause.reason == "rolled_back");
  CHECK(cause.service == "app");
  CHECK(cause.text ==
        "stack 'web': rolled back because service 'app' was unhealthy: GET /health connection refused");
  CHECK_THAT(cause.remedy, ContainsSubstring("hivemind retry pi-1 web"));
}

TEST_CASE_METHOD(Fleet, "what a stack as a whole waits for is told with its remedy") {
  SECTION("its window") {
    say(v1::STATE_APPLYING, v1::REASON_WINDOW_CLOSED, "opens Sat 02:00 Europe/Berlin");
    CHECK(main().reason == "window_closed");
    CHECK(main().text == "stack 'web': opens Sat 02:00 Europe/Berlin");
    CHECK_THAT(main().remedy, ContainsSubstring("hivemind apply --now pi-1 web"));
  }
  SECTION("its window, while the release before runs as it should") {
    say(v1::STATE_RUNNING, v1::REASON_WINDOW_CLOSED, "opens Sat 02:00 Europe/Berlin");
    CHECK(main().reason == "window_closed");
  }
  SECTION("its soak time") {
    say(v1::STATE_APPLYING, v1::REASON_SOAKING, "soaks until 12:01:00");
    service("app", v1::STATE_RUNNING, v1::REASON_NONE, "");
    CHECK(main().reason == "soaking");
    CHECK(main().remedy.empty());
  }
  SECTION("room on the disk") {
    say(v1::STATE_FAILED, v1::REASON_DISK_SHORT, "short by 212 MB");
    CHECK(main().text == "stack 'web': short by 212 MB");
  }
  SECTION("an operator") {
    say(v1::STATE_FAILED, v1::REASON_ADOPTION_NEEDED, "docker compose runs 'web'");
    CHECK(main().remedy == "hivemind adopt pi-1 web");
  }
}

TEST_CASE_METHOD(Fleet, "stacks that have failed come before those under way, and scheduled ones last") {
  say(v1::STATE_APPLYING, v1::REASON_WINDOW_CLOSED, "opens Sat");
  for (const auto& [name, state] :
       std::map<std::string, v1::State>{{"x", v1::STATE_APPLYING}, {"y", v1::STATE_FAILED}}) {
    v1::StackReport& other = *report.add_stacks();
    other.set_stack(name);
    other.set_state(state);
  }
  const Why answer = ask();
  REQUIRE(answer.causes.size() == 3);
  CHECK(answer.causes[0].stack == "y");
  CHECK(answer.causes[1].stack == "x");
  CHECK(answer.causes[2].stack == "web");
}

TEST_CASE_METHOD(Fleet, "a stack that does not compile for the node keeps it from the revision") {
  status.diagnostics.push_back({Severity::kError,
                                "compose.unknown-key",
                                {"web.yml", 3, 5},
                                "web",
                                "app",
                                "unknown key 'imgae'",
                                "write 'image'",
                                {}});
  const Cause cause = main();
  CHECK(cause.reason == "does_not_compile");
  CHECK_THAT(cause.text, ContainsSubstring("web.yml:3:5") && ContainsSubstring("unknown key 'imgae'"));
  CHECK(cause.remedy == "write 'image'");
  SECTION("but not one that concerns other nodes") {
    status.diagnostics[0].nodes = {"pi-2"};
    CHECK(ask().on_revision());
  }
  SECTION("nor one of a stack that is not for the node") {
    status.stacks[0].nodes.ids = {"pi-2"};
    CHECK(ask().on_revision());
  }
  SECTION("nor a warning") {
    status.diagnostics[0].severity = Severity::kWarning;
    CHECK(ask().on_revision());
  }
}

TEST_CASE_METHOD(Fleet, "of a stack that was asked for it is told whether the node is to run it at all") {
  question.stack = "web";
  CHECK(ask().on_revision());
  SECTION("not listed") {
    question.stack = "other";
    CHECK(main().reason == "not_listed");
  }
  SECTION("disabled") {
    status.stacks[0].enabled = false;
    CHECK(main().reason == "disabled");
  }
  SECTION("another label") {
    status.stacks[0].nodes.labels["site"] = {"hamburg", "kiel"};
    CHECK(main().reason == "not_selected");
    CHECK_THAT(main().text, ContainsSubstring("it wants site=hamburg or kiel, the node has site=berlin"));
  }
  SECTION("no such label") {
    status.stacks[0].nodes.labels["role"] = {"kiosk"};
    CHECK_THAT(main().text, ContainsSubstring("no label 'role'"));
  }
  SECTION("a label that stacks.yml gives") {
    status.stacks[0].nodes.labels["role"] = {"kiosk"};
    status.node_labels["pi-1"]["role"] = "kiosk";
    CHECK(ask().on_revision());
  }
  SECTION("other ids") {
    status.stacks[0].nodes.ids = {"pi-2"};
    CHECK_THAT(main().text, ContainsSubstring("pi-2"));
  }
  SECTION("another stack's trouble is none of its own") {
    v1::StackReport& other = *report.add_stacks();
    other.set_stack("other");
    other.set_state(v1::STATE_FAILED);
    CHECK(ask().on_revision());
  }
}

TEST_CASE_METHOD(Fleet, "a release that the node says nothing about yet was received just now") {
  node().stacks["web"].digest = "d4";
  CHECK(main().reason == "applying");
}

TEST_CASE_METHOD(Fleet, "what is not a stack's trouble is told when no stack has any") {
  report.set_reason(v1::REASON_ENGINE_REFUSED);
  report.set_text("stack 'old', which is not wanted any more: network in use");
  CHECK(main().reason == "engine_refused");
  CHECK_THAT(main().text, ContainsSubstring("'old'"));
}

TEST_CASE_METHOD(Fleet, "a clock that is far off keeps a node from nothing, and is told") {
  report.set_reason(v1::REASON_CLOCK_SKEW);
  report.set_text("this node's clock says 1970-01-03");
  node().clock_offset_ms = -1'764'000'000'000;
  const Why answer = ask();
  CHECK(answer.causes.empty());
  REQUIRE(answer.notes.size() == 1);
  CHECK(answer.notes[0].reason == "clock_skew");
  CHECK(assess(node()).standing == Standing::kConverged);
}

TEST_CASE_METHOD(Fleet, "a certificate that cannot be renewed is worth a note") {
  report.set_text("the certificate, which lasts until 2026-02-27, cannot be renewed: no answer");
  const Why answer = ask();
  CHECK(answer.causes.empty());
  REQUIRE(answer.notes.size() == 1);
  CHECK(answer.notes[0].reason == "renewal_failed");
}

TEST_CASE_METHOD(Fleet, "a clock that is off is worth a note") {
  node().clock_offset_ms = -1'500;
  CHECK(ask().notes.empty());
  node().clock_offset_ms = -200'000;
  const Why answer = ask();
  CHECK(answer.on_revision());
  REQUIRE(answer.notes.size() == 1);
  CHECK(answer.notes[0].text == "its clock is 3 min behind the hub's, and nobody sets it");
}
