#include "hub/inventory/convergence.h"

#include "common/report_text.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

// A node that has received, applied and runs generation 3 with one stack.
struct Builder {
  v1::Report report;
  Node node;

  Builder() {
    node.id = "pi-1";
    node.presence = Presence::kOnline;
    node.desired = {3, "r3"};
    node.stacks = {{"web", {"d3", "r3"}}};
    report.set_node("pi-1");
    report.mutable_received()->set_generation(3);
    report.mutable_applied()->set_generation(3);
    v1::StackReport* stack = report.add_stacks();
    stack->set_stack("web");
    stack->set_desired_digest("d3");
    stack->set_running_digest("d3");
    stack->set_state(v1::STATE_RUNNING);
  }
  v1::StackReport& stack() { return *report.mutable_stacks(0); }
  Node built() {
    node.report = std::make_shared<const v1::Report>(report);
    return node;
  }
};

std::string standing(Builder builder) {
  return std::string(to_string(assess(builder.built()).standing));
}

}  // namespace

TEST_CASE("a node that runs all of its newest manifest is converged") {
  CHECK(standing(Builder()) == "converged");
}

TEST_CASE("a node that is ahead of what the hub remembers is converged") {
  Builder b;
  b.node.desired.generation = 2;
  CHECK(standing(b) == "converged");
}

TEST_CASE("a completed stack is as good as a running one") {
  Builder b;
  b.stack().set_state(v1::STATE_COMPLETED);
  CHECK(standing(b) == "converged");
}

TEST_CASE("a node that never reported is unknown") {
  Builder b;
  CHECK(assess(b.node).standing == Standing::kUnknown);
}

TEST_CASE("a node without a connection is offline whatever it reported last") {
  Builder b;
  b.node.presence = Presence::kOffline;
  CHECK(standing(b) == "offline");
  b.stack().set_state(v1::STATE_FAILED);
  CHECK(standing(b) == "offline");
}

TEST_CASE("a node is pending until it has a manifest and has received the newest one") {
  Builder b;
  b.node.desired = {};
  CHECK(standing(b) == "pending");
  b.node.desired = {4, "r4"};
  CHECK(standing(b) == "pending");
}

TEST_CASE("what failed at an older generation says nothing about the newest") {
  Builder b;
  b.node.desired = {4, "r4"};
  b.stack().set_state(v1::STATE_FAILED);
  b.report.mutable_failed()->set_generation(3);
  CHECK(standing(b) == "pending");
}

TEST_CASE("a node that has received the newest manifest and not applied it is applying") {
  Builder b;
  b.report.mutable_applied()->set_generation(2);
  CHECK(standing(b) == "applying");
  b.report.mutable_applied()->set_generation(3);
  b.report.set_reason(v1::REASON_PULLING);
  CHECK(standing(b) == "applying");
  b.report.set_reason(v1::REASON_NONE);
  b.stack().set_state(v1::STATE_PENDING);
  CHECK(standing(b) == "applying");
}

TEST_CASE("a failed stack makes the node failed, with the stack's reason and text") {
  Builder b;
  b.stack().set_state(v1::STATE_FAILED);
  b.stack().set_reason(v1::REASON_PULL_FAILED);
  b.stack().set_text("image 'x:1' not pulled");
  const Assessment assessment = assess(b.built());
  CHECK(assessment.standing == Standing::kFailed);
  CHECK(reason_name(assessment.reason) == "pull_failed");
  CHECK(assessment.text == "stack 'web': image 'x:1' not pulled");
}

TEST_CASE("a failed stack tells more than one that is under way") {
  Builder b;
  b.stack().set_state(v1::STATE_APPLYING);
  v1::StackReport* second = b.report.add_stacks();
  second->set_stack("zoo");
  second->set_state(v1::STATE_FAILED);
  second->set_reason(v1::REASON_UNHEALTHY);
  const Assessment assessment = assess(b.built());
  CHECK(assessment.standing == Standing::kFailed);
  CHECK(assessment.reason == v1::REASON_UNHEALTHY);
}

TEST_CASE("a manifest that was refused makes the node failed although it was never received") {
  Builder b;
  b.node.desired = {4, "r4"};
  b.report.mutable_failed()->set_generation(4);
  b.report.set_reason(v1::REASON_SIGNATURE_REFUSED);
  const Assessment assessment = assess(b.built());
  CHECK(assessment.standing == Standing::kFailed);
  CHECK(assessment.reason == v1::REASON_SIGNATURE_REFUSED);
}

TEST_CASE("a stack on a node stands as the node reports it, once that is about the assigned release") {
  Builder b;
  CHECK(assess_stack(b.built(), "web").standing == Standing::kConverged);
  b.stack().set_state(v1::STATE_APPLYING);
  CHECK(assess_stack(b.built(), "web").standing == Standing::kApplying);
  b.stack().set_state(v1::STATE_FAILED);
  CHECK(assess_stack(b.built(), "web").standing == Standing::kFailed);
  b.stack().set_desired_digest("d2");
  CHECK(assess_stack(b.built(), "web").standing == Standing::kPending);
  CHECK(assess_stack(b.built(), "other").standing == Standing::kPending);
  b.node.presence = Presence::kOffline;
  CHECK(assess_stack(b.built(), "web").standing == Standing::kOffline);
}

TEST_CASE("a fleet converges without the nodes that are offline, and not with one that failed or is late") {
  Inventory inventory;
  const auto put = [&](const std::string& id, Builder builder) {
    builder.node.id = id;
    inventory.node(id) = builder.built();
  };
  put("good", Builder());
  Builder offline;
  offline.node.presence = Presence::kOffline;
  put("gone", offline);
  inventory.node("named-only");
  CHECK(assess(inventory).converged());
  CHECK(assess(inventory).offline == std::vector<std::string>{"gone", "named-only"});

  Builder late;
  late.node.desired.generation = 4;
  put("late", late);
  CHECK_FALSE(assess(inventory).converged());
  CHECK(assess(inventory).waiting.at(0).node == "late");

  Builder failed;
  failed.stack().set_state(v1::STATE_FAILED);
  put("late", failed);
  CHECK_FALSE(assess(inventory).converged());
  CHECK(assess(inventory).failed.at(0).node == "late");
}

TEST_CASE("only nodes that have reported take part in the compilation, with their well-formed labels") {
  Inventory inventory;
  inventory.node("named-only");
  Builder b;
  (*b.report.mutable_labels())["site"] = "berlin";
  (*b.report.mutable_labels())["not a key"] = "x";
  inventory.node("pi-1") = b.built();
  const std::vector<NodeIdentity> expected{{"pi-1", {{"site", "berlin"}}}};
  CHECK(inventory.identities() == expected);
}

TEST_CASE("enumerations are told by their lower-case names") {
  CHECK(reason_name(v1::REASON_NONE) == "none");
  CHECK(reason_name(static_cast<v1::Reason>(9999)) == "unknown");
  CHECK(state_name(v1::STATE_COMPLETED) == "completed");
}

TEST_CASE("a release that was rolled back makes the node failed, and names its service") {
  Builder b;
  b.stack().set_state(v1::STATE_ROLLED_BACK);
  b.stack().mutable_failed()->set_service("app");
  b.stack().mutable_failed()->set_reason(v1::REASON_EXITED);
  b.stack().mutable_failed()->set_exit_code(3);
  b.stack().mutable_failed()->set_restored(true);
  const Assessment assessment = assess(b.built());
  CHECK(assessment.standing == Standing::kFailed);
  CHECK(assessment.reason == v1::REASON_ROLLED_BACK);
  CHECK(assessment.text == "stack 'web': rolled back because service 'app' ended with code 3");
  CHECK(assessment.stack == "web");
  CHECK(assessment.service == "app");
  CHECK(assess_stack(b.built(), "web").standing == Standing::kFailed);
}

TEST_CASE("a release that soaks, or waits for its 'pre' service, is waited for") {
  for (const v1::Reason reason : {v1::REASON_SOAKING, v1::REASON_PRE_RUNNING, v1::REASON_PULLING}) {
    Builder b;
    b.stack().set_state(v1::STATE_APPLYING);
    b.stack().set_reason(reason);
    b.report.mutable_applied()->set_generation(2);
    CHECK(standing(b) == "applying");
  }
}

TEST_CASE("a release whose 'post' service still runs is in place") {
  Builder b;
  b.stack().set_state(v1::STATE_RUNNING);
  b.stack().set_reason(v1::REASON_POST_RUNNING);
  CHECK(standing(b) == "converged");
}

TEST_CASE("a release that waits for its window is scheduled, and not waited for") {
  for (const v1::Reason reason : {v1::REASON_WINDOW_CLOSED, v1::REASON_CLOCK_UNSET}) {
    Builder b;
    b.stack().set_state(v1::STATE_APPLYING);
    b.stack().set_reason(reason);
    b.report.mutable_applied()->set_generation(2);
    CHECK(standing(b) == "scheduled");
    CHECK(assess_stack(b.built(), "web").standing == Standing::kScheduled);
    Inventory inventory;
    inventory.node("pi-1") = b.built();
    const Convergence convergence = assess(inventory);
    CHECK(convergence.converged());
    REQUIRE(convergence.scheduled.size() == 1);
    CHECK(convergence.scheduled[0].stack == "web");
    v1::StackReport* second = b.report.add_stacks();
    second->set_stack("zoo");
    second->set_state(v1::STATE_APPLYING);
    CHECK(standing(b) == "applying");
    second->set_state(v1::STATE_ROLLED_BACK);
    CHECK(standing(b) == "failed");
  }
}

TEST_CASE(
    "a node that was revoked is that, whatever it reported last, and no part of the fleet's convergence") {
  Builder b;
  b.node.membership = Membership::kRevoked;
  CHECK(standing(b) == "revoked");
  b.node.presence = Presence::kOffline;
  b.stack().set_state(v1::STATE_FAILED);
  const Assessment assessment = assess(b.built());
  CHECK(assessment.standing == Standing::kRevoked);
  CHECK(assessment.text == "new hardware can take its place ('hivemind node replace pi-1')");
  Inventory inventory;
  inventory.node("pi-1") = b.built();
  inventory.node("pi-2").membership = Membership::kRevoked;  // it has never reported
  const Convergence convergence = assess(inventory);
  CHECK(convergence.converged());
  CHECK(convergence.offline.empty());
}
