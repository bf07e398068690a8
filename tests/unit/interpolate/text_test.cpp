#include "hub/desired/interpolate.h"
#include "tests/support/catch.h"

namespace hivemind::hub {
namespace {

using tests::ContainsSubstring;

// V has a value, E is empty, and nothing else is set.
Environment environment() {
  return Environment({{"V", "value"}, {"E", ""}, {"_x9", "under"}, {"v", "small"}});
}

std::string result(std::string_view text) {
  InterpolationError error;
  const auto made = interpolate(text, environment(), error);
  return made ? *made : "error: " + error.message;
}

struct Case {
  std::string text;
  std::string expected;
};

void check(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    INFO(one.text);
    CHECK(result(one.text) == one.expected);
  }
}

}  // namespace

TEST_CASE("a variable is replaced by its value") {
  check({{"$V", "value"},
         {"${V}", "value"},
         {"a${V}b", "avalueb"},
         {"$V$V", "valuevalue"},
         {"$V.x", "value.x"},
         {"$Vx", ""},
         {"$_x9-", "under-"},
         {"$v", "small"},
         {"${E}", ""},
         {"$UNSET", ""},
         {"a${UNSET}b", "ab"},
         {"", ""},
         {"no variable", "no variable"}});
}

TEST_CASE("two dollars are one, and stop the substitution") {
  check({{"$$", "$"},
         {"$$V", "$V"},
         {"$${V}", "${V}"},
         {"$$$V", "$value"},
         {"$$$$V", "$$V"},
         {"a$$b$$", "a$b$"}});
}

TEST_CASE("a dollar before anything else stays") {
  check({{"$", "$"},
         {"a$", "a$"},
         {"$ V", "$ V"},
         {"$1", "$1"},
         {"^a$|^b$", "^a$|^b$"},
         {"$(date)", "$(date)"},
         {"$.x", "$.x"},
         {"$-", "$-"},
         {"costs 5$, $V", "costs 5$, value"}});
}

TEST_CASE("a default stands in for what is unset, with ':' for what is empty, too") {
  check({{"${UNSET-d}", "d"},
         {"${UNSET:-d}", "d"},
         {"${E-d}", ""},
         {"${E:-d}", "d"},
         {"${V-d}", "value"},
         {"${V:-d}", "value"},
         {"${UNSET-}", ""},
         {"${UNSET:-}", ""},
         {"${UNSET:-a b: c}", "a b: c"},
         {"${UNSET:-a:-b}", "a:-b"},
         {"${UNSET--}", "-"},
         {"${UNSET-:-x}", ":-x"},
         {"${UNSET:-?}", "?"},
         {"${UNSET:-http://h:80/p?q=1}", "http://h:80/p?q=1"}});
}

TEST_CASE("a replacement stands for what is set, with ':' for what is not empty only") {
  check({{"${V+r}", "r"},
         {"${V:+r}", "r"},
         {"${E+a}", "a"},
         {"${E:+a}", ""},
         {"${UNSET+r}", ""},
         {"${UNSET:+r}", ""},
         {"${V:+}", ""},
         {"${V:+--flag=$V}", "--flag=value"}});
}

TEST_CASE("a required variable that is missing is an error with its text") {
  check({{"${V:?e}", "value"},
         {"${V?e}", "value"},
         {"${E?e}", ""},
         {"${E:?give E}", "error: variable 'E' is required, but empty: give E"},
         {"${UNSET?give it}", "error: variable 'UNSET' is required, but not set: give it"},
         {"${UNSET:?give it}", "error: variable 'UNSET' is required, but not set: give it"},
         {"${UNSET:?}", "error: variable 'UNSET' is required, but not set"},
         {"${UNSET:?not $V}", "error: variable 'UNSET' is required, but not set: not value"},
         {"a ${V} ${UNSET:?x} b", "error: variable 'UNSET' is required, but not set: x"}});
}

TEST_CASE("defaults nest") {
  check({{"${UNSET:-$V}", "value"},
         {"${UNSET:-${V}}", "value"},
         {"${UNSET:-a${V}b}c", "avaluebc"},
         {"${UNSET:-${OTHER:-deep}}", "deep"},
         {"${UNSET-${E:-${OTHER-${V}!}}}", "value!"},
         {"${UNSET:-${V:+r}}", "r"},
         {"${UNSET:-$$V}", "$V"},
         {"${UNSET:-${OTHER:-a}-${OTHER:-b}}", "a-b"},
         {"${V:+${UNSET:-x}}", "x"},
         {"${UNSET:-${OTHER?nested}}", "error: variable 'OTHER' is required, but not set: nested"}});
}

TEST_CASE("braces nest as in the reference") {
  check({{"${UNSET:-{}}", "{}"},
         {"${V:-{}}", "value"},
         {"${UNSET:-a{b}c}d", "a{b}cd"},
         {"${UNSET:-{}", "{"},
         {"${UNSET:-{\"a\":1}}", "{\"a\":1}"},
         {"{$V}", "{value}"}});
}

TEST_CASE("what is not asked for is not evaluated") {
  check({{"${V:-${UNSET?no}}", "value"}, {"${UNSET:+${OTHER?no}}", ""}, {"${V?${OTHER?no}}", "value"}});
}

TEST_CASE("malformed text is an error even where its value does not count") {
  const std::string kExpected = "' is no variable, expected '${NAME}' or '${NAME:-default}'";
  check({{"${V:x}", "error: '${V:x}" + kExpected},
         {"${V:}", "error: '${V:}" + kExpected},
         {"${}", "error: '${}" + kExpected},
         {"${ V}", "error: '${ V}" + kExpected},
         {"${V }", "error: '${V }" + kExpected},
         {"${1}", "error: '${1}" + kExpected},
         {"${V!x}", "error: '${V!x}" + kExpected},
         {"${a.b}", "error: '${a.b}" + kExpected},
         {"${V=x}", "error: '${V=x}" + kExpected},
         {"${V/a/b}", "error: '${V/a/b}" + kExpected},
         {"${#V}", "error: '${#V}" + kExpected},
         {"${V:-${x:y}}", "error: '${x:y}" + kExpected},
         {"${UNSET:+${x:y}}", "error: '${x:y}" + kExpected},
         {"${V", "error: '${V' has no closing '}'"},
         {"${", "error: '${' has no closing '}'"},
         {"a ${V:-x", "error: '${V:-x' has no closing '}'"},
         {"${V:-${x}", "error: '${x' has no closing '}'"}});
}

TEST_CASE("an error says what to do") {
  InterpolationError error;
  CHECK_FALSE(interpolate("${V:x}", environment(), error));
  CHECK_THAT(error.remedy, ContainsSubstring("'$$'"));
  CHECK_FALSE(interpolate("${U?}", environment(), error));
  CHECK_THAT(error.remedy, ContainsSubstring("'vars'"));
}

TEST_CASE("values are not substituted again") {
  const Environment values(Variables{{"A", "$B ${B} $$"}, {"B", "b"}});
  InterpolationError error;
  CHECK(interpolate("$A", values, error) == "$B ${B} $$");
  CHECK(interpolate("${U:-$A}", values, error) == "$B ${B} $$");
}

TEST_CASE("names without value and default are told, those with one are not") {
  InterpolationError error;
  std::set<std::string> unset;
  interpolate("$A ${B} ${C:-} ${D+x} ${E} ${F:-$G} ${V:-$H}", environment(), error, &unset);
  CHECK(unset == std::set<std::string>{"A", "B", "G"});
}

TEST_CASE("only names that the result depends on are read") {
  const Environment values(Variables{{"V", "value"}});
  InterpolationError error;
  interpolate("${V:-$NOT} ${U-$YES} ${X+$NEITHER} $$Z", values, error);
  CHECK(values.names_read() == std::set<std::string, std::less<>>{"U", "V", "X", "YES"});
}

TEST_CASE("absurd nesting is refused") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "${U:-";
  CHECK_THAT(result(text), ContainsSubstring("has no closing"));
  text += std::string(100'000, '}');
  CHECK_THAT(result(text), ContainsSubstring("nested more than 32 deep"));
}

}  // namespace hivemind::hub
