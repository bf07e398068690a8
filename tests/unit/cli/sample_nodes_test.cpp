#include "hub/cli/sample_nodes.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace hivemind::hub;

namespace {

StackEntry stack(const std::string& name, Selector selector) {
  StackEntry entry;
  entry.name = name;
  entry.nodes = std::move(selector);
  return entry;
}

std::string text_of(const std::vector<NodeIdentity>& nodes) {
  std::string text;
  for (const NodeIdentity& node : nodes) {
    text += node.id + "{";
    for (const auto& [key, value] : node.labels) text += key + "=" + value + " ";
    text += "} ";
  }
  return text;
}

}  // namespace

TEST_CASE("a fleet that names no node is checked for one without labels") {
  Fleet fleet;
  fleet.stacks.push_back(stack("web", {}));
  CHECK(text_of(cli::sample_nodes(fleet)) == "lint-1{} ");
}

TEST_CASE("each choice of label values that no named node has gets a node") {
  Fleet fleet;
  fleet.nodes["pi-1"].labels = {{"role", "kiosk"}};
  fleet.stacks.push_back(stack("web", {}));
  fleet.stacks.push_back(stack("screen", {{{"role", {"kiosk", "wall"}}}, {}}));
  fleet.stacks.push_back(stack("again", {{{"role", {"wall"}}}, {}}));
  CHECK(text_of(cli::sample_nodes(fleet)) == "lint-1{role=wall } pi-1{role=kiosk } ");
}

TEST_CASE("a node that a selector names by id is taken to have the labels that it asks for") {
  Fleet fleet;
  fleet.stacks.push_back(stack("web", {{{"site", {"berlin"}}}, {"pi-1", "pi-2"}}));
  CHECK(text_of(cli::sample_nodes(fleet)) == "pi-1{site=berlin } pi-2{} ");
}

TEST_CASE("an invented node never takes the id of a named one") {
  Fleet fleet;
  fleet.nodes["lint-1"].labels = {{"a", "b"}};
  fleet.stacks.push_back(stack("web", {{{"role", {"kiosk"}}}, {}}));
  CHECK(text_of(cli::sample_nodes(fleet)) == "lint-1{a=b } lint-2{role=kiosk } ");
}

TEST_CASE("every stack is selected by at least one sample, whatever its selector") {
  Fleet fleet;
  fleet.nodes["x"];
  for (int i = 0; i < 40; ++i) {
    Selector selector;
    if (i % 2 == 1) selector.labels["a"] = {std::to_string(i % 3), std::to_string(i % 5)};
    if (i % 3 == 1) selector.labels["b"] = {std::to_string(i % 7)};
    if (i % 5 == 1) selector.ids = {"y" + std::to_string(i)};
    fleet.stacks.push_back(stack("s" + std::to_string(i), selector));
  }
  const auto nodes = cli::sample_nodes(fleet);
  for (const StackEntry& entry : fleet.stacks) {
    CAPTURE(entry.name);
    CHECK(
        std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return entry.nodes.selects(node); }));
  }
}
