#include "tests/unit/fleet/loading.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;

std::string with(const std::string& nodes) {
  return "stacks: [{name: web, compose_file: a.yml, nodes: " + nodes + "}]";
}

bool selects(const std::string& nodes, const NodeIdentity& node) {
  return fleet(with(nodes)).stacks[0].nodes.selects(node);
}

}  // namespace

TEST_CASE("an empty selector selects every node") {
  CHECK(selects("{}", {"a", {}}));
}

TEST_CASE("all labels have to hold, each for one of its values") {
  const std::string nodes = "{site: berlin, role: [kiosk, wall]}";
  CHECK(selects(nodes, {"a", {{"site", "berlin"}, {"role", "wall"}, {"more", "x"}}}));
  CHECK_FALSE(selects(nodes, {"a", {{"site", "berlin"}, {"role", "desk"}}}));
  CHECK_FALSE(selects(nodes, {"a", {{"site", "berlin"}}}));
  CHECK_FALSE(selects(nodes, {"a", {{"site", "ulm"}, {"role", "wall"}}}));
}

TEST_CASE("values of labels are compared as texts") {
  CHECK(selects("{floor: 2, lit: true}", {"a", {{"floor", "2"}, {"lit", "true"}}}));
  CHECK_FALSE(selects("{floor: 02}", {"a", {{"floor", "2"}}}));
}

TEST_CASE("with ids the node has to be one of them") {
  CHECK(selects("{ids: [pi-2, pi-1]}", {"pi-1", {}}));
  CHECK(selects("{ids: [pi-2, pi-1]}", {"pi-2", {}}));
  CHECK_FALSE(selects("{ids: [pi-2, pi-1]}", {"pi-3", {}}));
}

TEST_CASE("ids and labels both have to hold") {
  CHECK(selects("{ids: [a], site: x}", {"a", {{"site", "x"}}}));
  CHECK_FALSE(selects("{ids: [a], site: x}", {"a", {{"site", "y"}}}));
}

TEST_CASE("a selector that would surprise is refused") {
  CHECK_THAT(one_refusal(with("")), ContainsSubstring("leave the key out for every node"));
  CHECK_THAT(one_refusal(with("[pi-1]")), ContainsSubstring("write 'nodes: {ids: [...]}'"));
  CHECK_THAT(one_refusal(with("{ids: []}")), ContainsSubstring("expected at least one entry"));
  CHECK_THAT(one_refusal(with("{ids: pi-1}")),
             ContainsSubstring("'nodes.ids' is given the string 'pi-1', expected a list"));
  CHECK_THAT(one_refusal(with("{ids: [Pi_1]}")), ContainsSubstring("'Pi_1' is no node id"));
  CHECK_THAT(one_refusal(with("{site: []}")), ContainsSubstring("expected at least one entry"));
  CHECK_THAT(one_refusal(with("{site: }")), ContainsSubstring("'site' is given nothing"));
  CHECK_THAT(one_refusal(with("{.x: y}")), ContainsSubstring("'.x' is no label"));
}

}  // namespace hivemind::hub
