#include "tests/unit/yaml/parsing.h"

namespace hivemind::hub::yaml {

TEST_CASE("an alias stands for a copy of what its anchor names") {
  CHECK(flat(parsed("a: &x [1, {b: 2}]\nc: *x\n")) == "{a: [1, {b: 2}], c: [1, {b: 2}]}");
  CHECK(flat(parsed("a: &x k\n*x : v\n")) == "{a: k, k: v}");
}

TEST_CASE("the newest anchor of a name counts") {
  CHECK(flat(parsed("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")) == "{a: 1, b: 1, c: 2, d: 2}");
}

TEST_CASE("a merge key adds the members that are not there") {
  CHECK(flat(parsed("base: &b {x: 1, y: 2}\nm:\n  <<: *b\n  y: 3\n")) ==
        "{base: {x: 1, y: 2}, m: {y: 3, x: 1}}");
}

TEST_CASE("keys of the map itself win wherever the merge key stands") {
  CHECK(flat(*parsed("b: &b {x: 1}\nm: {x: 2, <<: *b}\n").find("m")) == "{x: 2}");
  CHECK(flat(*parsed("b: &b {x: 1}\nm: {<<: *b, x: 2}\n").find("m")) == "{x: 2}");
}

TEST_CASE("of several merged maps the earlier one wins") {
  CHECK(flat(*parsed("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nm: {<<: [*a, *b]}\n").find("m")) == "{x: 1, y: 2}");
}

TEST_CASE("merged maps may merge others and stand in place") {
  CHECK(flat(*parsed("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nm: {<<: *b}\n").find("m")) == "{y: 2, x: 1}");
  CHECK(flat(*parsed("m: {<<: {x: 1}, y: 2}\n").find("m")) == "{y: 2, x: 1}");
  CHECK(flat(*parsed("l: &l [{x: 1}, {y: 2}]\nm: {<<: *l}\n").find("m")) == "{x: 1, y: 2}");
}

TEST_CASE("a merged member keeps the place where it is written") {
  const Node node = parsed("b: &b\n  x: 1\nm:\n  <<: *b\n");
  CHECK(node.find("m")->find("x")->location == Location{"f.yml", 2, 6});
}

TEST_CASE("a merge key in quotes is a key like any other") {
  CHECK(flat(parsed("'<<': {x: 1}\n")) == "{'<<': {x: 1}}");
}

TEST_CASE("nothing but maps can be merged") {
  CHECK(refusal("m: {<<: 1}") ==
        "f.yml:1:9: error: '<<' is given the number '1', expected a map or a list of maps [yaml.merge]");
  CHECK(refusal("m:\n  <<:\n") ==
        "f.yml:3:1: error: '<<' is given nothing, expected a map or a list of maps [yaml.merge]");
  CHECK(refusal("m: {<<: [{x: 1}, [y]]}") ==
        "f.yml:1:9: error: '<<' is given a list, expected a map or a list of maps [yaml.merge]");
}

TEST_CASE("two merge keys in one map are refused") {
  CHECK(refusal("a: &a {x: 1}\nm:\n  <<: *a\n  <<: *a\n") ==
        "f.yml:4:3: error: key '<<' is already there at line 3 (give one '<<' a list) [yaml.duplicate-key]");
}

TEST_CASE("a reset member does not keep the merge key from bringing it") {
  CHECK(flat(parsed("b: &b {x: 1}\nm: {<<: *b, x: !reset null}\n")) == "{b: {x: 1}, m: {x: !override 1}}");
}

}  // namespace hivemind::hub::yaml
