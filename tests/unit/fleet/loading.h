#pragma once

#include <string>
#include <vector>

#include "hub/desired/fleet.h"
#include "tests/support/catch.h"
#include "tests/support/memory_snapshot.h"

namespace hivemind::hub {

struct Loaded {
  std::optional<Fleet> fleet;
  std::vector<std::string> said;
};

inline Loaded load(const std::string& text) {
  Diagnostics diagnostics;
  Loaded loaded{load_fleet(tests::MemorySnapshot{{"stacks.yml", text}}, "", diagnostics), {}};
  for (const Diagnostic& diagnostic : diagnostics) loaded.said.push_back(to_text(diagnostic));
  return loaded;
}

// The fleet of a file without errors or warnings.
inline Fleet fleet(const std::string& text) {
  Loaded loaded = load(text);
  CHECK(loaded.said == std::vector<std::string>{});
  REQUIRE(loaded.fleet.has_value());
  return *loaded.fleet;
}

// What is said of a file that is refused.
inline std::vector<std::string> refusal(const std::string& text) {
  const Loaded loaded = load(text);
  CHECK_FALSE(loaded.fleet.has_value());
  return loaded.said;
}

inline std::string one_refusal(const std::string& text) {
  const auto said = refusal(text);
  CHECK(said.size() == 1);
  return said.empty() ? "" : said.front();
}

}  // namespace hivemind::hub
