#pragma once

#include <string>
#include <string_view>

#include "hub/desired/yaml/node.h"
#include "tests/support/catch.h"

namespace hivemind::hub::yaml {

// The document that the text holds; fails the test when it has an error.
inline Node parsed(std::string_view text) {
  Diagnostics diagnostics;
  const auto node = parse(text, "f.yml", diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) UNSCOPED_INFO(to_text(diagnostic));
  REQUIRE(node.has_value());
  REQUIRE(diagnostics.empty());
  return *node;
}

// What is said of a text that is refused, one line each; fails the test when it is not.
inline std::string refusal(std::string_view text, const Limits& limits = {}) {
  Diagnostics diagnostics;
  REQUIRE_FALSE(parse(text, "f.yml", diagnostics, limits).has_value());
  std::string said;
  for (const Diagnostic& diagnostic : diagnostics) said += (said.empty() ? "" : "\n") + to_text(diagnostic);
  return said;
}

// The tree on one line, quoted scalars in quotes: "{a: [1, 'x'], b: ~}".
inline std::string flat(const Node& node) {
  std::string text = node.tag.empty() ? "" : node.tag + " ";
  switch (node.kind) {
    case Kind::kNull:
      return text + "~";
    case Kind::kScalar:
      return text + (node.plain ? node.scalar : "'" + node.scalar + "'");
    case Kind::kSequence:
      text += "[";
      for (const Node& item : node.items) text += (&item == &node.items.front() ? "" : ", ") + flat(item);
      return text + "]";
    case Kind::kMap:
      text += "{";
      for (const auto& member : node.members) {
        text +=
            (&member == &node.members.front() ? "" : ", ") + flat(member.first) + ": " + flat(member.second);
      }
      return text + "}";
  }
  return text;
}

}  // namespace hivemind::hub::yaml
