#include "hub/desired/env_file.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view text = tests::text_of(data, size);
  const hub::Environment environment(hub::Variables{{"OUT", "outer"}});
  hub::Diagnostics diagnostics;
  const auto variables = hub::parse_env_file(text, "f.env", environment, diagnostics);
  tests::require(variables.has_value() == !hub::has_errors(diagnostics),
                 "refused without a reason, or in spite");
  const auto lines = std::ranges::count(text, '\n') + 1;
  for (const hub::Diagnostic& one : diagnostics) {
    tests::require(one.location.line >= 1 && one.location.line <= lines, "a line is not in the file");
  }
  if (!variables) return 0;
  for (const auto& [name, value] : *variables) {
    tests::require(!name.empty() && name.find_first_of("= \n") == std::string::npos, "this is no key");
  }
  return 0;
}
