#include "tests/unit/yaml/parsing.h"

namespace hivemind::hub::yaml {

TEST_CASE("an empty file is nothing") {
  CHECK(parsed("").is_null());
  CHECK(parsed("# only a comment\n").is_null());
  CHECK(parsed("---\n").is_null());
  CHECK(parsed("\xEF\xBB\xBF").is_null());
}

TEST_CASE("maps keep the order of the file") {
  CHECK(flat(parsed("b: 1\na: 2\nc: 3\n")) == "{b: 1, a: 2, c: 3}");
}

TEST_CASE("block and flow style give the same tree") {
  CHECK(flat(parsed("a:\n  - 1\n  - b: x\n    c: [2]\n")) == "{a: [1, {b: x, c: [2]}]}");
  CHECK(flat(parsed("{a: [1, {b: x, c: [2]}]}")) == "{a: [1, {b: x, c: [2]}]}");
}

TEST_CASE("quoted and block scalars are told from plain ones") {
  CHECK(flat(parsed("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: >-\n  x\n")) ==
        "{a: x, b: 'x', c: 'x', d: 'x\n', e: 'x'}");
}

TEST_CASE("an absent value is nothing, at the place of its key") {
  const Node node = parsed("a:\n\nb: ~\nc: null\nd: \"\"\n");
  CHECK(flat(node) == "{a: ~, b: ~, c: ~, d: ''}");
  CHECK(node.find("a")->location == Location{"f.yml", 1, 1});
  CHECK(node.find("b")->location == Location{"f.yml", 3, 4});
}

TEST_CASE("every node knows where it stands") {
  const Node node = parsed("services:\n  web:\n    ports:\n      - \"80:80\"\n");
  CHECK(node.find_key("services")->location == Location{"f.yml", 1, 1});
  const Node& web = *node.find("services")->find("web");
  CHECK(web.find_key("ports")->location == Location{"f.yml", 3, 5});
  CHECK(web.find("ports")->items.at(0).location == Location{"f.yml", 4, 9});
}

TEST_CASE("a byte order mark and Windows line ends are no part of the text") {
  const Node node = parsed(
      "\xEF\xBB\xBF"
      "a: x\r\nb: y\r\n");
  CHECK(flat(node) == "{a: x, b: y}");
  CHECK(node.find_key("b")->location == Location{"f.yml", 2, 1});
}

TEST_CASE("text beyond ASCII is kept as it is") {
  CHECK(parsed("a: Grüße ☃ 😀").find("a")->scalar == "Grüße ☃ 😀");
  CHECK(parsed("a: \"\\u2603\"").find("a")->scalar == "☃");
}

TEST_CASE("a tag of one's own stays with its node, whatever the node") {
  CHECK(flat(parsed("a: !reset null\nb: !override [1]\nc: !reset {}\nd: !reset\ne: !x 'y'\nf: !x y\n")) ==
        "{a: !reset null, b: !override [1], c: !reset {}, d: !reset ~, e: !x 'y', f: !x y}");
  CHECK(parsed("a: !reset null").find("a")->is_null());
}

TEST_CASE("the tags of the core schema are applied") {
  const Node node =
      parsed("a: !!str 8\nb: !!int \"8\"\nc: !!null ''\nd: !!map {x: 1}\ne: !!seq [1]\nf: !!float 2\n");
  CHECK(flat(node) == "{a: '8', b: 8, c: ~, d: {x: 1}, e: [1], f: 2}");
}

TEST_CASE("a tagged and anchored scalar is plain or not as it is written") {
  CHECK(flat(parsed("ü: ü\na: !x &b 'y'\nc: &d !x y\ne: !x  \"z\"\n")) ==
        "{ü: ü, a: !x 'y', c: !x y, e: !x 'z'}");
}

TEST_CASE("a document may end with markers") {
  CHECK(flat(parsed("---\na: 1\n...\n")) == "{a: 1}");
  CHECK(flat(parsed("a: 1\n---\n")) == "{a: 1}");
}

TEST_CASE("a copy of a node is changed without changing the original") {
  const Node node = parsed("a: &x {k: v}\nb: *x\n");
  Node copy = node;
  copy.members[1].second.members[0].second.scalar = "changed";
  CHECK(flat(node) == "{a: {k: v}, b: {k: v}}");
  CHECK(flat(copy) == "{a: {k: v}, b: {k: changed}}");
}

TEST_CASE("members are found by key") {
  const Node node = parsed("a: 1\n'b': 2\n");
  CHECK(node.find("b")->scalar == "2");
  CHECK(node.find("c") == nullptr);
  CHECK(node.find("a")->find("a") == nullptr);
}

TEST_CASE("a text may hold several documents, each with anchors of its own") {
  Diagnostics diagnostics;
  const auto documents = parse_all("a: &x 1\nb: *x\n---\na: &x 2\nb: *x\n...\n", "f.yml", diagnostics);
  REQUIRE(documents.has_value());
  REQUIRE(documents->size() == 2);
  CHECK(flat(documents->at(0)) == "{a: 1, b: 1}");
  CHECK(flat(documents->at(1)) == "{a: 2, b: 2}");
  CHECK(documents->at(1).location == Location{"f.yml", 4, 1});
  CHECK(parse_all("", "f.yml", diagnostics)->empty());
  CHECK_FALSE(parse_all("a: 1\n---\nb: *x\n", "f.yml", diagnostics).has_value());
}

}  // namespace hivemind::hub::yaml
