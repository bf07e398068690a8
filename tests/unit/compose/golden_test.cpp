// tests/data/compose: Compose files of our own, with what 'docker compose config' makes of them.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/unit/compose/configuring.h"
#include "tests/unit/compose/model_difference.h"

namespace hivemind::tests {
namespace {

// Cases where the reference is not followed on purpose. tests/data/compose/README.md says why.
constexpr std::string_view kChosen[] = {""};

bool is_chosen(const std::string& name) {
  return std::ranges::find(kChosen, name) != std::end(kChosen);
}

TEST_CASE("our own Compose files mean what they mean to docker compose") {
  const auto cases = model_cases(std::filesystem::path(HIVEMIND_TEST_DATA) / "compose");
  CHECK(cases.size() >= 1);
  for (const ModelCase& one : cases) {
    if (is_chosen(one.name)) continue;
    INFO(one.name);
    const Configured ours = configure(one);
    INFO(ours.errors());
    CHECK(ours.model.has_value() == one.accepted);
    if (!one.accepted) CHECK(hub::has_errors(ours.diagnostics));
    if (!one.accepted || !ours.model) continue;
    std::string text;
    for (const Difference& difference : differences(one.expected, *ours.model))
      text += to_text(difference) + "\n";
    CHECK(text == "");
  }
}

}  // namespace
}  // namespace hivemind::tests
