#include "tests/unit/fleet/loading.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;

std::string with(const std::string& rollout) {
  return "stacks: []\nrollouts:\n  r: " + rollout + "\n";
}

RolloutPolicy policy(const std::string& rollout) {
  return fleet(with(rollout)).rollouts.at("r");
}

std::string waves(const RolloutPolicy& policy) {
  std::string text;
  for (const Wave& wave : policy.waves) text += std::to_string(wave.amount) + (wave.percent ? "% " : " ");
  return text;
}

}  // namespace

TEST_CASE("a rollout has waves, a soak time, a limit of failures and a way back") {
  const RolloutPolicy read = policy("{waves: [1, 10%, 50%, 100%], soak: 1m30s, max_failed: 2, revert: auto}");
  CHECK(waves(read) == "1 10% 50% 100% ");
  CHECK(read.soak == std::chrono::seconds(90));
  CHECK(read.max_failed == 2);
  CHECK(read.revert);
}

TEST_CASE("what a rollout leaves out has a default: all at once, and no way back") {
  const RolloutPolicy read = policy("{}");
  CHECK(waves(read) == "100% ");
  CHECK(read.soak == std::chrono::seconds(0));
  CHECK(read.max_failed == 0);
  CHECK_FALSE(read.revert);
  CHECK_FALSE(policy("{revert: none}").revert);
}

TEST_CASE("a soak time below a second is rounded up") {
  CHECK(policy("{soak: 1500ms}").soak == std::chrono::seconds(2));
}

TEST_CASE("waves that shrink are refused") {
  CHECK(one_refusal(with("{waves: [50%, 10%, 100%]}")) ==
        "stacks.yml:3:20: error: rollout 'r': wave '10%' is smaller than one before it (every wave names all "
        "nodes that "
        "have the release by then) [fleet.rollout]");
  CHECK_THAT(one_refusal(with("{waves: [5, 50%, 4, 100%]}")), ContainsSubstring("wave '4' is smaller"));
  CHECK(waves(policy("{waves: [5, 5, 1%, 100%]}")) == "5 5 1% 100% ");
}

TEST_CASE("waves that may not reach every node are warned of") {
  const Loaded loaded = load(with("{waves: [1, 50%]}"));
  CHECK(loaded.fleet.has_value());
  CHECK(loaded.said ==
        std::vector<std::string>{"stacks.yml:3:14: warning: rollout 'r': the last wave '50%' may leave nodes "
                                 "out (end with '100%') [fleet.rollout]"});
  CHECK(load(with("{waves: [7]}")).said.size() == 1);
}

TEST_CASE("wrong values are refused") {
  for (const std::string wave :
       {"0", "0%", "101%", "-1", "x", "1.5", "5 %", "[1]", "''", "'%'", "99999999999"}) {
    INFO(wave);
    CHECK_THAT(one_refusal(with("{waves: [" + wave + "]}")),
               ContainsSubstring("expected a number of nodes or a share"));
  }
  CHECK_THAT(one_refusal(with("{waves: []}")), ContainsSubstring("expected at least one wave"));
  CHECK_THAT(one_refusal(with("{waves: 50%}")), ContainsSubstring("expected a list"));
  CHECK_THAT(one_refusal(with("{soak: 90}")),
             ContainsSubstring("write it with a unit, such as '90s' or '2m'"));
  CHECK_THAT(one_refusal(with("{soak: -1s}")), ContainsSubstring("expected a duration"));
  CHECK_THAT(one_refusal(with("{max_failed: -1}")),
             ContainsSubstring("expected a number of nodes, 0 or more"));
  CHECK_THAT(one_refusal(with("{max_failed: 10%}")),
             ContainsSubstring("expected a number of nodes, 0 or more"));
  CHECK_THAT(one_refusal(with("{revert: true}")), ContainsSubstring("expected 'auto' or 'none'"));
  CHECK_THAT(one_refusal(with("[1]")), ContainsSubstring("'r' is given a list, expected a map"));
}

TEST_CASE("a stack can only name a rollout that is there") {
  const std::string stack = "stacks:\n  - {name: web, compose_file: a.yml, rollout: careful}\n";
  CHECK(one_refusal(stack) ==
        "stacks.yml:2:47: error: stack 'web': rollout 'careful' is not there (add it under 'rollouts:') "
        "[fleet.rollout]");
  CHECK(fleet(stack + "rollouts: {careful: {}}").stacks[0].rollout == "careful");
}

}  // namespace hivemind::hub
