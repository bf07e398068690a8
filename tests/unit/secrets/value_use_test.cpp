#include "hub/secrets/value_use.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

// Two sites, with a node each, and a third that has no labels.
const std::vector<NodeIdentity> kNodes{
    {"b-1", {{"site", "berlin"}}}, {"m-1", {{"site", "munich"}}}, {"x-1", {}}};

Selector site(const std::string& name) {
  Selector selector;
  selector.labels["site"] = {name};
  return selector;
}

// "used: web; without: web; next: the fleet: web" of a value, among all of its name.
std::string use(const std::string& scope, const std::vector<std::string>& all,
                const std::vector<SecretUser>& users) {
  std::vector<SecretScope> scopes;
  for (const std::string& text : all) scopes.push_back(SecretScope::parse(text));
  const ValueUse use = use_of(SecretScope::parse(scope), scopes, users, kNodes);
  std::string text =
      fmt::format("used: {}; without: {}", fmt::join(use.stacks, ", "), fmt::join(use.bereft, ", "));
  for (const auto& [next, stacks] : use.instead)
    text += fmt::format("; {}: {}", next, fmt::join(stacks, ", "));
  return text;
}

}  // namespace

TEST_CASE("a value is used by the stacks for which it counts on a node of theirs") {
  const std::vector<SecretUser> everywhere{{"web", {}}};
  CHECK(use("fleet", {"fleet"}, everywhere) == "used: web; without: web");
  CHECK(use("fleet", {"fleet", "selector:site=berlin"}, everywhere) == "used: web; without: web");
  CHECK(use("selector:site=berlin", {"fleet", "selector:site=berlin"}, everywhere) ==
        "used: web; without: ; the fleet: web");
  CHECK(use("selector:site=berlin", {"selector:site=berlin"}, everywhere) == "used: web; without: web");
  CHECK(use("node:m-1", {"fleet", "selector:site=munich", "node:m-1"}, everywhere) ==
        "used: web; without: ; nodes with 'site=munich': web");
}

TEST_CASE("a value that counts on no node of a stack is not used by it") {
  const std::vector<SecretUser> users{{"db", site("munich")}, {"web", site("berlin")}};
  CHECK(use("node:b-1", {"node:b-1", "fleet"}, users) == "used: web; without: ; the fleet: web");
  CHECK(use("node:x-1", {"node:x-1", "fleet"}, users) == "used: ; without: ");
  CHECK(use("fleet", {"node:b-1", "fleet"}, users) == "used: db; without: db");
  CHECK(use("stack:web", {"node:b-1", "stack:web", "fleet"}, users) == "used: ; without: ");
  CHECK(use("fleet", {"fleet"}, {}) == "used: ; without: ");
}

TEST_CASE("a stack that no node runs yet counts for the values that would hold for any") {
  const std::vector<SecretUser> users{{"web", site("nowhere")}};
  CHECK(use("fleet", {"fleet"}, users) == "used: web; without: web");
  CHECK(use("stack:web", {"fleet", "stack:web"}, users) == "used: web; without: ; the fleet: web");
  CHECK(use("node:b-1", {"fleet", "node:b-1"}, users) == "used: ; without: ");
}
