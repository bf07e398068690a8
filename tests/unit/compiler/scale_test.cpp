#include <chrono>
#include <functional>

#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

constexpr int kNodes = 10'000;
constexpr int kStacks = 10;

// Generous limits: they are to find a step that grows with nodes × nodes, on a slow machine under a
// sanitizer, too.
constexpr std::chrono::seconds kMaxShared{5};
constexpr std::chrono::seconds kMaxDistinct{60};

tests::MemorySnapshot fleet_of(int stacks, const std::string& tag) {
  tests::MemorySnapshot snapshot;
  std::string list = "stacks:\n";
  for (int i = 0; i < stacks; ++i) {
    const std::string name = "stack" + std::to_string(i);
    list += "  - {name: " + name + ", compose_file: " + name +
            ".yml, vars: {GREETING: hello}, unset_variables: warn}\n";
    snapshot.file(name + ".yml", image("app:" + tag) +
                                     "    environment: {GREETING: $GREETING}\n    ports: ['" +
                                     std::to_string(8000 + i) + ":80']\n");
  }
  snapshot.file("stacks.yml", list);
  return snapshot;
}

Nodes many() {
  Nodes all;
  for (int i = 0; i < kNodes; ++i)
    all.push_back({"node-" + std::to_string(i), {{"site", "s" + std::to_string(i % 7)}}});
  return all;
}

std::chrono::milliseconds time_of(const std::string& what, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const auto taken =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  WARN(what << ": " << taken.count() << " ms");
  return taken;
}

}  // namespace

TEST_CASE("ten thousand nodes with equal variables cost what one costs") {
  const tests::MemorySnapshot snapshot = fleet_of(kStacks, "1");
  const Nodes all = many();
  Compiler compiler("");
  Compilation made;
  CHECK(time_of("10,000 nodes, 10 stacks, equal variables",
                [&] { made = compiler.compile(snapshot, all, std::nullopt); }) < kMaxShared);
  CHECK(made.compiled == kStacks);
  CHECK(made.nodes.size() == kNodes);
  CHECK(time_of("the same again", [&] { made = compiler.compile(snapshot, all, std::set<std::string>{}); }) <
        kMaxShared);
  CHECK(made.compiled == 0);
}

TEST_CASE("ten thousand nodes with variables of their own are compiled one by one, once") {
  const tests::MemorySnapshot snapshot = fleet_of(1, "$HIVEMIND_NODE$UNSET");
  const Nodes all = many();
  Compiler compiler("");
  Compilation made;
  CHECK(time_of("10,000 nodes, 1 stack, distinct variables",
                [&] { made = compiler.compile(snapshot, all, std::nullopt); }) < kMaxDistinct);
  CHECK(made.compiled == kNodes);
  CHECK(made.diagnostics.size() == 1);
  CHECK(runs(made, "node-77") == "stack0=app:node-77");
  CHECK(time_of("the same again", [&] { made = compiler.compile(snapshot, all, std::set<std::string>{}); }) <
        kMaxShared);
  CHECK(made.compiled == 0);
}

}  // namespace hivemind::hub
