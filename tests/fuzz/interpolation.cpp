#include "hub/desired/interpolate.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view text = tests::text_of(data, size);
  const hub::Environment environment(hub::Variables{{"A", "a"}, {"B", "$A"}, {"E", ""}});
  hub::InterpolationError error;
  std::set<std::string> unset;
  const auto result = hub::interpolate(text, environment, error, &unset);
  tests::require(result.has_value() == error.message.empty(), "failed without a reason, or in spite of one");
  if (text.find('$') == std::string_view::npos) tests::require(result == text, "a text without '$' changed");
  for (const std::string& name : unset) {
    tests::require(environment.names_read().contains(name), "an unset name was never asked for");
    tests::require(name != "A" && name != "E", "a set name is called unset");
  }
  // What is escaped comes out as it went in.
  std::string escaped;
  for (const char c : text) escaped += c == '$' ? std::string("$$") : std::string(1, c);
  tests::require(hub::interpolate(escaped, environment, error) == text, "escaping does not keep a text");
  return 0;
}
