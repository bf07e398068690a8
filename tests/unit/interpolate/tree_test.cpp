#include "hub/desired/interpolate.h"
#include "tests/support/catch.h"

namespace hivemind::hub {
namespace {

yaml::Node document(std::string_view text) {
  Diagnostics diagnostics;
  auto node = yaml::parse(text, "compose.yml", diagnostics);
  REQUIRE(node.has_value());
  return *node;
}

Environment environment() {
  return Environment({{"V", "value"}, {"T", "true"}, {"N", "null"}, {"E", ""}});
}

struct Result {
  yaml::Node node;
  std::vector<std::string> said;
};

Result interpolated(std::string_view text) {
  Result result{document(text), {}};
  Diagnostics diagnostics;
  interpolate(result.node, environment(), UnsetVariables::kWarn, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) result.said.push_back(to_text(diagnostic));
  return result;
}

}  // namespace

TEST_CASE("all values of a tree are rewritten, and no key") {
  const auto [node, said] = interpolated("$V: [a, $V, {b: \"${V}\"}]\nc: |\n  $V\n");
  CHECK(said.empty());
  const yaml::Node& list = *node.find("$V");
  CHECK(list.items[0].scalar == "a");
  CHECK(list.items[1].scalar == "value");
  CHECK(list.items[2].find("b")->scalar == "value");
  CHECK(node.find("c")->scalar == "value\n");
}

TEST_CASE("a rewritten value is a string that may be read as another type") {
  const auto [node, said] = interpolated("t: $T\nn: $N\ne: $E\ns: true\n");
  CHECK(node.find("t")->as_bool() == true);
  CHECK(static_cast<int>(node.find("t")->type()) == static_cast<int>(yaml::Type::kString));
  CHECK_FALSE(node.find("n")->is_null());
  CHECK_FALSE(node.find("e")->is_null());
  CHECK(node.find("e")->is_scalar());
  CHECK_FALSE(node.find("s")->substituted);
}

TEST_CASE("errors stand at their value, and all of them are told") {
  const auto [node, said] = interpolated("a: ${V:x}\nb:\n  - ${U?why}\n");
  REQUIRE(said.size() == 2);
  CHECK(said[0] ==
        "compose.yml:1:4: error: '${V:x}' is no variable, expected '${NAME}' or '${NAME:-default}' (write "
        "'$$' for a "
        "'$' that is meant as such) [compose.interpolation]");
  CHECK(said[1] ==
        "compose.yml:3:5: error: variable 'U' is required, but not set: why (set it under 'vars' of the "
        "stack or of the "
        "node, or in the stack's env file) [compose.interpolation]");
  CHECK(node.find("a")->scalar == "${V:x}");
}

TEST_CASE("an unset variable is warned of once, at its first use") {
  const auto [node, said] = interpolated("a: $U\nb: $U\nc: $W\n");
  REQUIRE(said.size() == 2);
  CHECK(said[0] ==
        "compose.yml:1:4: warning: variable 'U' is not set, and taken for an empty string (set it under "
        "'vars' of the "
        "stack or of the node, or in the stack's env file, or give a default with '${U:-…}') "
        "[compose.unset-variable]");
  CHECK(node.find("b")->scalar.empty());
}

TEST_CASE("an alias does not repeat what is said of its anchor") {
  CHECK(interpolated("a: &a [\"${V:x}\", $U]\nb: *a\nc: *a\n").said.size() == 2);
}

TEST_CASE("a document is interpolated for one environment without changing it for the next") {
  const yaml::Node original = document("a: $V\n");
  Diagnostics diagnostics;
  yaml::Node copy = original;
  interpolate(copy, environment(), UnsetVariables::kWarn, diagnostics);
  CHECK(original.find("a")->scalar == "$V");
  CHECK(copy.find("a")->scalar == "value");
}

}  // namespace hivemind::hub
