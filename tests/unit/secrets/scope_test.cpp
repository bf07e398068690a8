#include "hub/secrets/scope.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

// The text of the scope that counts, for a node of these labels.
std::string counts(const std::vector<std::string>& texts, const NodeIdentity& node,
                   std::string_view stack = "web") {
  std::vector<SecretScope> scopes;
  for (const std::string& text : texts) scopes.push_back(SecretScope::parse(text));
  const int index = most_specific(scopes, stack, node);
  return index < 0 ? "-" : scopes[static_cast<std::size_t>(index)].text();
}

}  // namespace

TEST_CASE("the most specific value counts: node, selector, stack, fleet") {
  const NodeIdentity node{"pi-1", {{"site", "berlin"}, {"rack", "7"}}};
  struct Case {
    const char* name;
    std::vector<std::string> set;
    std::string expected;
  };
  const Case cases[] = {
      {"nothing", {}, "-"},
      {"the fleet's", {"fleet"}, "fleet"},
      {"a stack's over the fleet's", {"fleet", "stack:web"}, "stack:web"},
      {"a selector's over a stack's", {"selector:site=berlin", "stack:web"}, "selector:site=berlin"},
      {"a node's over all", {"node:pi-1", "selector:rack=7,site=berlin", "stack:web", "fleet"}, "node:pi-1"},
      {"more labels over fewer",
       {"selector:site=berlin", "selector:rack=7,site=berlin"},
       "selector:rack=7,site=berlin"},
      {"as many labels: by the text", {"selector:site=berlin", "selector:rack=7"}, "selector:rack=7"},
      {"another stack's is none", {"stack:db"}, "-"},
      {"another node's is none", {"node:pi-2", "fleet"}, "fleet"},
      {"a selector that does not hold whole is none", {"selector:rack=8,site=berlin"}, "-"},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    CHECK(counts(one.set, node) == one.expected);
    CHECK(counts({one.set.rbegin(), one.set.rend()}, node) == one.expected);
  }
}

TEST_CASE("a scope reads back from its text, and what is none is refused") {
  for (const char* text : {"fleet", "stack:web", "node:pi-1", "selector:site=berlin", "selector:a=,b=x=y"})
    CHECK(SecretScope::parse(text).text() == text);
  CHECK(SecretScope::parse("selector:b=2,a=1").text() == "selector:a=1,b=2");
  for (const char* text :
       {"", "all", "node:", "node:Pi", "stack:", "stack:A", "selector:", "selector:a", "selector:=x"})
    CHECK_THROWS_AS(SecretScope::parse(text), Error);
}
