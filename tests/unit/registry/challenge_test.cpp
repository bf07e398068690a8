#include "hub/registry/challenge.h"

#include "tests/support/catch.h"

using namespace hivemind::hub::registry;

namespace {

// "bearer realm=… service=…; basic realm=…"
std::string read(const std::string& header) {
  std::string text;
  for (const Challenge& one : parse_challenges(header)) {
    text += (text.empty() ? "" : "; ") + one.scheme;
    for (const auto& [name, value] : one.parameters) text += " " + name + "=" + value;
  }
  return text;
}

}  // namespace

TEST_CASE("a bearer challenge names its token service") {
  CHECK(read("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
             "scope=\"repository:library/nginx:pull\"") ==
        "bearer realm=https://auth.docker.io/token scope=repository:library/nginx:pull "
        "service=registry.docker.io");
}

TEST_CASE("a comma in quotes separates nothing, and quotes may be escaped") {
  CHECK(read("Bearer scope=\"repository:a:pull,push\" , error=\"say \\\"no\\\"\"") ==
        "bearer error=say \"no\" scope=repository:a:pull,push");
}

TEST_CASE("several challenges may stand in one header") {
  CHECK(read("Basic realm=\"a b\", Bearer realm=\"https://x/t\", service=y") ==
        "basic realm=a b; bearer realm=https://x/t service=y");
  CHECK(read("Negotiate, BASIC Realm=x") == "negotiate; basic realm=x");
}

TEST_CASE("what is no challenge is left out, and nothing hangs") {
  CHECK(read("").empty());
  CHECK(read(" , ,,").empty());
  CHECK(read("Basic realm=\"never ends") == "basic realm=never ends");
  CHECK(read("=x, \"y\", Basic") == "x; y; basic");
  CHECK(read(std::string(10'000, '"')).empty());
}
