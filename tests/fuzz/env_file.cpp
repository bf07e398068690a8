#include "hub/desired/env_file.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace hivemind::tests {
namespace {

constexpr std::string_view kSeeds[] = {
    "A=1\nexport B=2 # comment\nC: three\n\n# comment\nOUT\n",
    "A=\"a $OUT\\n\\\"q\\\" \\0101\"\nB='it\\'s $A'\n",
    "A=\"one\ntwo\"B=3\r\nC='x\r\ny'\r\n",
    "A=${U:-d}${OUT:?no}$$\nB=$A\n",
    "\xEF\xBB\xBFk.e-y[0]=v\nA= # no comment\nB=x#y #z\n",
    "A='open\nB=\"open\nC\n=D\n",
};

}  // namespace

std::span<const std::string_view> fuzz_seeds() {
  return kSeeds;
}

}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
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
