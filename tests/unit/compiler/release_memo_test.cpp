#include "hub/desired/release_memo.h"

#include "tests/support/catch.h"

namespace hivemind::hub {
namespace {

struct Node {
  NodeIdentity identity{"n", {}};
  Variables none;
  NodeEntry entry;
  StackEntry stack;
  std::string revision;
  NodeVariables variables() const { return {identity, none, &entry, stack, revision, nullptr}; }
};

Node node(Variables vars) {
  Node made;
  made.entry.vars = std::move(vars);
  return made;
}

OutcomePtr outcome(std::initializer_list<std::pair<std::string, std::string>> read) {
  auto made = std::make_shared<Outcome>();
  for (const auto& [name, value] : read) made->read.emplace_back(name, value.empty() ? "" : "=" + value);
  return made;
}

}  // namespace

TEST_CASE("an empty memo knows nothing") {
  CHECK(ReleaseMemo().find(node({}).variables()) == nullptr);
}

TEST_CASE("an outcome that read nothing is everybody's") {
  ReleaseMemo memo;
  const auto only = outcome({});
  memo.insert(only);
  CHECK(memo.find(node({{"A", "1"}}).variables()) == only);
}

TEST_CASE("an outcome is found by the values that it read, whatever the others are") {
  ReleaseMemo memo;
  const auto one = outcome({{"A", "1"}, {"B", ""}});
  const auto two = outcome({{"A", "2"}, {"C", "x"}});
  memo.insert(one);
  memo.insert(two);
  CHECK(memo.find(node({{"A", "1"}, {"C", "any"}}).variables()) == one);
  CHECK(memo.find(node({{"A", "2"}, {"B", "any"}, {"C", "x"}}).variables()) == two);
  CHECK(memo.find(node({{"A", "1"}, {"B", "set"}}).variables()) == nullptr);
  CHECK(memo.find(node({{"A", "3"}}).variables()) == nullptr);
}

TEST_CASE("an empty value is not an absent one") {
  ReleaseMemo memo;
  memo.insert(outcome({{"A", ""}}));
  CHECK(memo.find(node({}).variables()) != nullptr);
  CHECK(memo.find(node({{"A", ""}}).variables()) == nullptr);
}

TEST_CASE("what is not kept is forgotten") {
  ReleaseMemo memo;
  const auto one = outcome({{"A", "1"}});
  memo.insert(one);
  memo.insert(outcome({{"A", "2"}}));
  memo.keep({one});
  CHECK(memo.find(node({{"A", "1"}}).variables()) == one);
  CHECK(memo.find(node({{"A", "2"}}).variables()) == nullptr);
}

TEST_CASE("another order of reading replaces what was remembered in the old one") {
  ReleaseMemo memo;
  memo.insert(outcome({{"A", "1"}, {"B", "1"}}));
  const auto other = outcome({{"B", "2"}, {"A", "1"}});
  memo.insert(other);
  CHECK(memo.find(node({{"A", "1"}, {"B", "2"}}).variables()) == other);
  CHECK(memo.find(node({{"A", "1"}, {"B", "1"}}).variables()) == nullptr);
}

TEST_CASE("a hundred thousand names need no deep stack") {
  auto deep = std::make_shared<Outcome>();
  for (int i = 0; i < 100'000; ++i) deep->read.emplace_back("N" + std::to_string(i), "");
  ReleaseMemo memo;
  memo.insert(deep);
  CHECK(memo.find(node({}).variables()) == deep);
}

}  // namespace hivemind::hub
