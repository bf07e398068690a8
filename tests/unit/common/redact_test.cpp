#include "common/redact.h"

#include "common/digest.h"
#include "tests/support/catch.h"

using namespace hivemind;

namespace {

std::string redacted(const std::vector<std::string>& known, std::string_view text) {
  Redactor redactor;
  redactor.learn(known);
  return redactor.redact(text);
}

}  // namespace

TEST_CASE("a known value is taken out of text in every form that it travels in") {
  const std::string value = R"(p"a\s/s+w<o>r&d =1)";
  struct Case {
    const char* name;
    std::string text, expected;
  };
  const Case cases[] = {
      {"as it is", "login with " + value + " failed", "login with *** failed"},
      {"alone", value, "***"},
      {"twice", value + " " + value, "*** ***"},
      {"in JSON", R"({"p":"p\"a\\s/s+w<o>r&d =1"})", R"({"p":"***"})"},
      {"in Go's JSON", R"({"p":"p\"a\\s/s+w\u003co\u003er\u0026d =1"})", R"({"p":"***"})"},
      {"in JSON in JSON", R"("{\"p\":\"p\\\"a\\\\s/s+w<o>r&d =1\"}")", R"("{\"p\":\"***\"}")"},
      {"in a URL", "http://u:p%22a%5Cs%2Fs%2Bw%3Co%3Er%26d%20%3D1@host", "http://u:***@host"},
      {"in a URL in lower case", "p%22a%5cs%2fs%2bw%3co%3er%26d%20%3d1", "***"},
      {"in a form", "p=p%22a%5Cs%2Fs%2Bw%3Co%3Er%26d+%3D1&q=2", "p=***&q=2"},
      {"elsewhere", R"(p"a\s)", R"(p"a\s)"},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    CHECK(redacted({value}, one.text) == one.expected);
  }
}

TEST_CASE("in Base64 a value is found behind whatever stands before it") {
  const std::string value = "hunter2-correct-horse";
  for (const std::string before : {"", "u", "us", "user", "user:", "some-user:"}) {
    const std::string text = redacted({value}, "Basic " + to_base64(before + value + "!"));
    INFO(before << " gives " << text);
    CHECK(text.find("***") != std::string::npos);
    // At most the characters at either end that say something of the neighbours as well.
    CHECK(text.size() <= 6 + to_base64(before + "!").size() + 3 + 4);
  }
}

TEST_CASE("values that overlap or touch leave nothing of either") {
  CHECK(redacted({"abcd", "cdefg"}, "<abcdefg>") == "<***>");
  CHECK(redacted({"abcd", "abcdef"}, "<abcdef>") == "<***>");
  CHECK(redacted({"abcd"}, "<abcdabcd>") == "<***>");
  CHECK(redacted({"aaaa"}, "<aaaaaaa>") == "<***>");
}

TEST_CASE("of a value with several lines each line counts, and its last line end does not") {
  const std::string value = "-----BEGIN KEY-----\r\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n";
  CHECK(redacted({value}, "read MIIEvQIBADANBgkqhkiG here") == "read *** here");
  CHECK(redacted({value}, "a short line") == "a short line");
  CHECK(redacted({value}, "<" + value + ">") == "<***\n>");
  CHECK(redacted({"hunter2\n"}, "password hunter2.") == "password ***.");
}

TEST_CASE("short values are left alone, and nothing known changes nothing") {
  CHECK(redacted({"abc", "", "\n\n\n\n"}, "abc\n\n\n\n") == "abc\n\n\n\n");
  CHECK(redacted({}, "anything") == "anything");
  Redactor redactor;
  CHECK(redactor.redact("anything") == "anything");
  redactor.learn({"anything"});
  CHECK(redactor.redact("anything") == "***");
  std::string text = "nothing";
  CHECK_FALSE(redactor.redact(&text));
  redactor.learn({});
  CHECK(redactor.redact("anything") == "anything");
}

TEST_CASE("bytes that are no text are found, too") {
  const std::string value("\x00\xff\x01\x80\x7f", 5);
  CHECK(redacted({value}, "<" + value + ">") == "<***>");
}
