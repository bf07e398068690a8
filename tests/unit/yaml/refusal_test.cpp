#include <chrono>

#include "tests/unit/yaml/parsing.h"

namespace hivemind::hub::yaml {
namespace {

using tests::ContainsSubstring;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Ten aliases of ten aliases of …: nine lines for a thousand million values.
std::string bomb() {
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i < 10; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    text += "]\n";
  }
  return text;
}

template <typename Work>
std::chrono::milliseconds time_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

TEST_CASE("a key that is there already is refused with both lines") {
  CHECK(refusal("a: 1\nb: 2\na: 3\n") ==
        "f.yml:3:1: error: key 'a' is already there at line 1 (remove one of them) [yaml.duplicate-key]");
  CHECK_THAT(refusal("a: 1\n'a': 3\n"), ContainsSubstring("key 'a' is already there at line 1"));
  CHECK_THAT(refusal("{a: 1, a: 3}"), ContainsSubstring("f.yml:1:8"));
}

TEST_CASE("all duplicate keys are named, each once although an alias repeats them") {
  CHECK(refusal("x: &x {a: 1, a: 2}\ny: *x\nz: *x\nb: 1\nb: 2\n") ==
        "f.yml:1:14: error: key 'a' is already there at line 1 (remove one of them) [yaml.duplicate-key]\n"
        "f.yml:5:1: error: key 'b' is already there at line 4 (remove one of them) [yaml.duplicate-key]");
}

TEST_CASE("keys that are no strings are refused") {
  CHECK_THAT(refusal("[a]: 1"), ContainsSubstring("a key is a list, expected a string"));
  CHECK_THAT(refusal("? {a: 1}\n: 2\n"), ContainsSubstring("a key is a map"));
  CHECK_THAT(refusal("~: 1"), ContainsSubstring("a key is nothing"));
  CHECK(refusal("a: {123: x}") ==
        "f.yml:1:5: error: a key is the number '123', expected a string (put it in quotes) [yaml.key]");
  CHECK_THAT(refusal("true: 1"), ContainsSubstring("a key is the boolean 'true'"));
  CHECK(flat(parsed("'123': 1\non: 2\n")) == "{'123': 1, on: 2}");
}

TEST_CASE("broken YAML is refused at its place") {
  CHECK_THAT(refusal("a: [1, 2\n"), ContainsSubstring("[yaml.syntax]"));
  CHECK_THAT(refusal("a: b: c\n"), ContainsSubstring("f.yml:1:5: error:"));
  CHECK_THAT(refusal("a: \"x\n"), ContainsSubstring("[yaml.syntax]"));
  CHECK_THAT(refusal("a:\n  b: 1\n c: 2\n"), ContainsSubstring("f.yml:3"));
  CHECK_THAT(refusal("a: \"x\" y\n"), ContainsSubstring("f.yml:1"));
  CHECK_THAT(refusal("a: 1\n- b\n"), ContainsSubstring("f.yml:2:1"));
  CHECK_THAT(refusal("- b\na: 1\n"), ContainsSubstring("f.yml:2:1"));
  CHECK_THAT(refusal("{a: 1} b\n"), ContainsSubstring("f.yml:1:8"));
}

TEST_CASE("a quoted string that does not end is refused, also at the end of the file") {
  for (const std::string text :
       {"a: \"x", "a: \"x\n", "a: 'x\n", "a: 'it''s\n", "a: \"x\\\"\n", "a: !x 'y\n", "a: \"x\n\n\n"}) {
    INFO(text);
    CHECK_THAT(refusal(text), ContainsSubstring("[yaml.syntax]"));
  }
  CHECK(flat(parsed("a: 'it''s'\nb: \"x\\\"\"\n")) == "{a: 'it's', b: 'x\"'}");
}

TEST_CASE("indentation by tabs is refused") {
  CHECK_THAT(refusal("a:\n\tb: 1\n"), ContainsSubstring("f.yml:2"));
}

TEST_CASE("an alias to nothing is refused") {
  CHECK_THAT(refusal("a: *x\n"), ContainsSubstring("f.yml:1:4: error: the referenced anchor is not defined"));
}

TEST_CASE("an alias inside of what it refers to is refused") {
  CHECK_THAT(
      refusal("a: &x [1, *x]\n"),
      ContainsSubstring("f.yml:1:11: error: an alias stands inside of what it refers to [yaml.alias]"));
  CHECK_THAT(refusal("a: &x {<<: *x}\n"), ContainsSubstring("[yaml.alias]"));
}

TEST_CASE("a second document is refused") {
  CHECK_THAT(refusal("a: 1\n---\nb: 2\n"),
             ContainsSubstring("f.yml:3:1: error: a second document starts here"));
  CHECK_THAT(refusal("a: 1\n---\nb\n"), ContainsSubstring("a second document"));
  CHECK_THAT(refusal("a: 1\n---\n[b]\n"), ContainsSubstring("a second document"));
}

TEST_CASE("tags that do not fit their value are refused") {
  CHECK_THAT(refusal("a: !!int x\n"),
             ContainsSubstring("f.yml:1:4: error: tag '!!int' does not fit the value"));
  CHECK_THAT(refusal("a: !!map [x]\n"), ContainsSubstring("tag '!!map'"));
  CHECK_THAT(refusal("a: !!binary aGk=\n"), ContainsSubstring("tag '!!binary'"));
  CHECK_THAT(refusal("a: !!set {x}\n"), ContainsSubstring("tag '!!set'"));
}

TEST_CASE("bytes that are not UTF-8 are refused with their place") {
  CHECK(refusal("a: 1\nb: \xFF\n") ==
        "f.yml:2:4: error: byte 0xff is not UTF-8 (save the file as UTF-8) [yaml.encoding]");
  CHECK_THAT(refusal("\xC0\x80"), ContainsSubstring("byte 0xc0"));          // overlong
  CHECK_THAT(refusal("\xE0\x80\x80"), ContainsSubstring("byte 0xe0"));      // overlong
  CHECK_THAT(refusal("\xED\xA0\x80"), ContainsSubstring("byte 0xed"));      // surrogate
  CHECK_THAT(refusal("\xF4\x90\x80\x80"), ContainsSubstring("byte 0xf4"));  // above U+10FFFF
  CHECK_THAT(refusal("a: \xE2\x98"), ContainsSubstring("byte 0xe2"));       // cut off
}

TEST_CASE("control characters are refused, also the one that yaml-cpp takes for the end") {
  CHECK_THAT(refusal("a: 1\nb: x\x04y\nc: 2\n"),
             ContainsSubstring("f.yml:2:5: error: control character U+0004"));
  CHECK_THAT(refusal(std::string_view("a: \0", 4)), ContainsSubstring("U+0000"));
  CHECK_THAT(refusal("a: \x1b[31m"), ContainsSubstring("U+001B"));
  CHECK_THAT(refusal("\xFF\xFE"
                     "a"),
             ContainsSubstring("byte 0xff"));  // UTF-16
}

TEST_CASE("a file above the limit of bytes is refused unread") {
  CHECK(refusal("a: 12345", {.max_bytes = 4}) ==
        "f.yml: error: the file has 8 bytes, at most 4 are read (split it) [yaml.too-large]");
}

TEST_CASE("nesting is limited, exactly") {
  CHECK(flat(parsed(repeated("[", 64) + repeated("]", 64))).size() == 128);
  CHECK_THAT(refusal(repeated("[", 65) + repeated("]", 65)), ContainsSubstring("[yaml.too-deep]"));
  CHECK_THAT(refusal("a: &a [[[x]]]\nb: [[*a]]\n", {.max_depth = 5}), ContainsSubstring("[yaml.too-deep]"));
}

TEST_CASE("absurd nesting is refused quickly and without a deep stack") {
  for (const std::string_view text :
       {"[", "{", "{a: ", "[a: ", "- ", "? ", "!x ", "&x ", "*x ", "a: ", "[{", "? - "}) {
    INFO(text);
    Diagnostics diagnostics;
    const std::string all = repeated(text, (1u << 20) / text.size());
    CHECK(time_of([&] { CHECK_FALSE(parse(all, "f.yml", diagnostics)); }) < std::chrono::seconds(5));
  }
  std::string stairs;
  for (std::size_t i = 0; i < 1400; ++i) stairs += std::string(i, ' ') + "a:\n";
  CHECK_THAT(refusal(stairs), ContainsSubstring("[yaml.too-deep]"));
}

TEST_CASE("an alias bomb is refused quickly") {
  CHECK(time_of([] {
          CHECK_THAT(refusal(bomb()),
                     ContainsSubstring("more than 100000 values once its aliases are expanded"));
        }) < std::chrono::seconds(1));
}

TEST_CASE("a document with too many values is refused") {
  CHECK_THAT(refusal("[1, 2, 3]", {.max_nodes = 3}), ContainsSubstring("more than 3 values"));
  CHECK(flat(parsed("[1, 2, 3]")) == "[1, 2, 3]");
}

TEST_CASE("documents of one file share the limit of values") {
  Diagnostics diagnostics;
  const std::string one = "a: &a [1, 2, 3]\nb: [*a, *a]\n";
  CHECK(parse_all(one + "---\n" + one, "f.yml", diagnostics, {.max_nodes = 36}).has_value());
  CHECK_FALSE(parse_all(one + "---\n" + one, "f.yml", diagnostics, {.max_nodes = 25}).has_value());
  REQUIRE(diagnostics.size() == 1);
  CHECK(diagnostics.front().code == "yaml.too-many-nodes");
  std::string many;
  for (int i = 0; i < 250'000; ++i) many += "---\n";
  CHECK(time_of([&] { CHECK_FALSE(parse_all(many, "f.yml", diagnostics)); }) < std::chrono::seconds(5));
}

}  // namespace hivemind::hub::yaml
