#include "hub/cli/table.h"

#include <sstream>

#include "hub/cli/text.h"
#include "tests/support/catch.h"

using namespace hivemind::hub::cli;
using hivemind::tests::ContainsSubstring;

namespace {

const std::vector<Column> kColumns{{"NODE", Overflow::kCut}, {"STATE"}, {"WHY", Overflow::kWrap}};
const std::vector<std::vector<Cell>> kRows{
    {{"pi-kitchen"}, {"failed", Tone::kBad}, {"pull_failed: registry answers with status 503"}},
    {{"a-node-with-a-very-long-name-indeed"}, {"converged", Tone::kGood}, {""}}};

Screen screen(std::size_t width) {
  return {width, Colour::kOff, {}};
}

}  // namespace

TEST_CASE("columns are as wide as their widest cell where there is room") {
  CHECK(layout(kColumns, kRows, screen(120)) ==
        "NODE                                 STATE      WHY\n"
        "pi-kitchen                           failed     pull_failed: registry answers with status 503\n"
        "a-node-with-a-very-long-name-indeed  converged\n");
}

TEST_CASE("on a narrow terminal texts wrap and names are cut") {
  CHECK(layout(kColumns, kRows, screen(48)) ==
        "NODE                 STATE      WHY\n"
        "pi-kitchen           failed     pull_failed:\n"
        "                                registry answers\n"
        "                                with status 503\n"
        "a-node-with-a-very…  converged\n");
}

TEST_CASE("no line is wider than the screen, whatever its width") {
  for (std::size_t width = 45; width < 110; ++width) {
    std::istringstream lines(layout(kColumns, kRows, screen(width)));
    for (std::string line; std::getline(lines, line);) CHECK(display_width(line) <= width);
  }
}

TEST_CASE("a cell that wraps is cut behind the lines that it may have") {
  const std::vector<Column> columns{{"A", Overflow::kWrap, 0, 2}};
  CHECK(layout(columns, {{{"one two three four five six seven eight nine"}}}, screen(18)) ==
        "A\none two three four\nfive six seven …\n");
  CHECK(layout(columns, {{{"one two three four five six"}}}, screen(18)) ==
        "A\none two three four\nfive six\n");
}

TEST_CASE("colour changes nothing but the colour") {
  Screen coloured = screen(48);
  coloured.colour = Colour::kOn;
  std::string text = layout(kColumns, kRows, coloured);
  CHECK_THAT(text, ContainsSubstring("\x1b[31mfailed\x1b[0m"));
  for (std::size_t at = 0; (at = text.find('\x1b')) != std::string::npos;)
    text.erase(at, text.find('m', at) - at + 1);
  CHECK(text == layout(kColumns, kRows, screen(48)));
}

TEST_CASE("a cell cannot forge a line or a colour") {
  CHECK(layout({{"A"}}, {{{"x\ny\x1b[32m"}}}, screen(80)) == "A\nx y [32m\n");
}

TEST_CASE("a table with titles hidden and cells missing is laid out all the same") {
  CHECK(layout({{"A"}, {"B", Overflow::kKeep, 4}, {"C"}}, {{{"1"}}, {{"2"}, {"x"}, {"y"}}}, screen(80),
               Titles::kHidden) == "1\n2  x     y\n");
}
