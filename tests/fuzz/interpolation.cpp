#include "hub/desired/interpolate.h"
#include "tests/fuzz/fuzz.h"

namespace hivemind::tests {
namespace {

constexpr std::string_view kSeeds[] = {
    "$A ${A} ${E} ${U} $$ $1 $",
    "${U:-default} ${U-} ${E:-$A} ${A:+yes} ${E+set}",
    "${U:-${V:-${W:-deep}}}",
    "${U:?no value} ${A?none}",
    "${U:-{\"a\": {\"b\": 1}}} ${U:-a{b}c} ${U:-{}",
    "prefix${A}suffix}${B}\n${A}{",
    "${A:x} ${} ${ } ${A",
};

}  // namespace

std::span<const std::string_view> fuzz_seeds() {
  return kSeeds;
}

}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
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
