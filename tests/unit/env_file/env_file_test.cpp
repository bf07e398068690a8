#include "hub/desired/env_file.h"

#include "tests/support/catch.h"

namespace hivemind::hub {
namespace {

Environment environment() {
  return Environment({{"OUT", "outer"}, {"BOTH", "outer"}, {"E", ""}});
}

Variables parsed(std::string_view text) {
  Diagnostics diagnostics;
  const auto variables = parse_env_file(text, "a.env", environment(), diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) UNSCOPED_INFO(to_text(diagnostic));
  REQUIRE(variables.has_value());
  return *variables;
}

// The value of A in a file.
std::string value(std::string_view text) {
  const Variables variables = parsed(text);
  REQUIRE(variables.contains("A"));
  return variables.find("A")->second;
}

std::vector<std::string> refusal(std::string_view text) {
  Diagnostics diagnostics;
  REQUIRE_FALSE(parse_env_file(text, "a.env", environment(), diagnostics).has_value());
  std::vector<std::string> said;
  for (const Diagnostic& diagnostic : diagnostics) said.push_back(to_text(diagnostic));
  return said;
}

}  // namespace

TEST_CASE("an env file is lines of keys and values") {
  CHECK(parsed("A=1\nB_2=two\n\n# comment\nc.d-e[0]=x\n") ==
        Variables{{"A", "1"}, {"B_2", "two"}, {"c.d-e[0]", "x"}});
  CHECK(parsed("").empty());
  CHECK(parsed("\n  # only a comment").empty());
  CHECK(parsed("A=1\r\nB=2\r\n") == Variables{{"A", "1"}, {"B", "2"}});
  CHECK(parsed("\xEF\xBB\xBF"
               "A=1") == Variables{{"A", "1"}});
}

TEST_CASE("the last of equal keys counts") {
  CHECK(parsed("A=1\nA=2\n") == Variables{{"A", "2"}});
}

TEST_CASE("'export' before a key is allowed, and is a key itself") {
  CHECK(parsed("export A=1\n  export\tB=2\n") == Variables{{"A", "1"}, {"B", "2"}});
  CHECK(parsed("export=1\nexported=2\n") == Variables{{"export", "1"}, {"exported", "2"}});
}

TEST_CASE("whitespace around keys and values is no part of them") {
  CHECK(parsed("  A  =  x y  \nB: z\n") == Variables{{"A", "x y"}, {"B", "z"}});
  CHECK(value("A=") == "");
  CHECK(value("A=  \n") == "");
}

TEST_CASE("a comment needs a value and a space before it") {
  CHECK(value("A=x # comment") == "x");
  CHECK(value("A=x\t# comment") == "x\t# comment");
  CHECK(value("A=x\t # comment") == "x");
  CHECK(value("A=x#y") == "x#y");
  CHECK(value("A=#x") == "#x");
  CHECK(value("A= # comment") == "# comment");
  CHECK(value("A=x # y # z") == "x");
  CHECK(value("A=\"x\"# comment") == "x");
  CHECK(value("A='x' # comment") == "x");
  CHECK(value("A=\"x # y\"") == "x # y");
  CHECK(value("A='x # y'") == "x # y");
}

TEST_CASE("quotes are no part of the value") {
  CHECK(value("A=\"a b\"") == "a b");
  CHECK(value("A='a b'") == "a b");
  CHECK(value("A=a\"b\"") == "a\"b\"");
  CHECK(value("A=\"\"") == "");
  CHECK(value("A='{\"k\": 1}'") == "{\"k\": 1}");
  CHECK(value("A=\"it's\"") == "it's");
}

TEST_CASE("single quotes are literal") {
  CHECK(value("A='$OUT ${OUT} $$ \\n \\\\'") == "$OUT ${OUT} $$ \\n \\\\");
  CHECK(value("A='Let\\'s go'") == "Let's go");
}

TEST_CASE("double quotes have escapes") {
  CHECK(value(R"(A="a\nb\tc")") == "a\nb\tc");
  CHECK(value(R"(A="\"x\"")") == "\"x\"");
  CHECK(value(R"(A="a\\nb")") == "a\\nb");
  CHECK(value(R"(A="\d\x")") == "\\d\\x");
  CHECK(value(R"(A="\$OUT")") == "$OUT");
  CHECK(value(R"(A="\0101\0044\044OUT")") == "A$\\44OUT");
  CHECK(value(R"(A="\0044OUT")") == "outer");
  CHECK(value(R"(A="\0351\07\08")") == "\xC3\xA9\\7\\8");
  CHECK(value("A=a\\nb") == "a\\nb");
}

TEST_CASE("quoted values span lines") {
  CHECK(parsed("A=\"one\ntwo # no comment\n\"\nB='x\r\ny'\nC=1\n") ==
        Variables{{"A", "one\ntwo # no comment\n"}, {"B", "x\r\ny"}, {"C", "1"}});
}

TEST_CASE("variables are expanded from the environment and from earlier keys, the environment first") {
  CHECK(value("A=$OUT/x") == "outer/x");
  CHECK(value("A=\"${OUT}\"") == "outer");
  CHECK(value("B=1\nA=$B$B") == "11");
  CHECK(value("BOTH=file\nA=$BOTH") == "outer");
  CHECK(value("A=${U:-d}") == "d");
  CHECK(value("A=$$OUT") == "$OUT");
  CHECK(value("A=$5") == "$5");
  CHECK(parsed("BOTH=file").find("BOTH")->second == "file");
}

TEST_CASE("a key without value is taken from the environment, or left out") {
  CHECK(parsed("OUT\nE\nU\n") == Variables{{"OUT", "outer"}, {"E", ""}});
  CHECK(parsed("export OUT\r\n") == Variables{{"OUT", "outer"}});
}

TEST_CASE("behind a quoted value the next statement starts") {
  CHECK(parsed("A=\"x\"B=1\n") == Variables{{"A", "x"}, {"B", "1"}});
  CHECK(parsed("A='x' B=1\n") == Variables{{"A", "x"}, {"B", "1"}});
}

TEST_CASE("letters and spaces outside of ASCII") {
  CHECK(parsed("\u00e9=1\n") == Variables{{"\u00e9", "1"}});
  CHECK(value("A=1\u00a0\n") == "1");
}

TEST_CASE("an unset variable is an error where the stack says so") {
  Diagnostics diagnostics;
  CHECK_FALSE(
      parse_env_file("A=$U\n", "a.env", environment(), diagnostics, UnsetVariables::kError).has_value());
  REQUIRE(diagnostics.size() == 1);
  CHECK(to_text(diagnostics[0]).starts_with("a.env:1: error: variable 'U' is not set"));
  CHECK(
      parse_env_file("A=${U:-}\n", "a.env", environment(), diagnostics, UnsetVariables::kError).has_value());
}

TEST_CASE("an unset variable is warned of once") {
  Diagnostics diagnostics;
  CHECK(parse_env_file("X=1\nA=$U\nB=$U\n", "a.env", environment(), diagnostics).has_value());
  REQUIRE(diagnostics.size() == 1);
  CHECK(diagnostics[0].code == "compose.unset-variable");
  CHECK(diagnostics[0].location == Location{"a.env", 2, 0});
  CHECK_FALSE(has_errors(diagnostics));
}

TEST_CASE("wrong lines are refused, all of them, with their numbers") {
  CHECK(refusal("A=1\n=x\nB C=2\nD!=3\n") ==
        std::vector<std::string>{
            "a.env:2: error: '=' stands where a key is expected (write KEY=value) [env-file.syntax]",
            "a.env:3: error: key 'B' is followed by 'C', expected '=' (write KEY=value) [env-file.syntax]",
            "a.env:4: error: key 'D' is followed by '!', expected '=' (write KEY=value) [env-file.syntax]"});
  CHECK(refusal("A='x\n\ny") ==
        std::vector<std::string>{
            "a.env:1: error: the value of 'A' has no closing ' (close the quote) [env-file.syntax]",
        });
  CHECK(refusal("X=\"1\n2\"\nA='x''y'\n") ==
        std::vector<std::string>{"a.env:3: error: ''' stands where a key is expected (write KEY=value) "
                                 "[env-file.syntax]"});
  CHECK(
      refusal("\nA=${U\n").front().starts_with("a.env:2: error: the value of 'A': '${U' has no closing '}'"));
  CHECK(refusal("A=${U:?give U}").front().find("variable 'U' is required, but not set: give U") !=
        std::string::npos);
  CHECK(refusal("A=\xFF").front().find("[env-file.encoding]") != std::string::npos);
}

TEST_CASE("names read by an env file are known to the environment") {
  const Environment values = environment();
  Diagnostics diagnostics;
  parse_env_file("A=$OUT\nB\nC='$NOT'\n", "a.env", values, diagnostics);
  CHECK(values.names_read() == std::set<std::string, std::less<>>{"B", "OUT"});
}

}  // namespace hivemind::hub
