#include "common/text.h"

#include "tests/support/catch.h"

using namespace hivemind;

TEST_CASE("a trimmed text has no blanks and line ends around it, and keeps those within") {
  CHECK(trimmed(" \t a b\r\n c \r\n") == "a b\r\n c");
  CHECK(trimmed("a") == "a");
  CHECK(trimmed(" \r\n\t").empty());
  CHECK(trimmed("").empty());
}

TEST_CASE("what others have written is one line, without control characters") {
  CHECK(one_line("a\tb\u00e4") == "a\tb\u00e4");
  CHECK(one_line("a\nfake \x1b[2J\r\x7f") == R"(a\nfake \x1b[2J\x0d\x7f)");
}
