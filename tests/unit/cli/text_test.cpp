#include "hub/cli/text.h"

#include "tests/support/catch.h"

using namespace hivemind::hub::cli;
using namespace std::chrono_literals;

TEST_CASE("control characters and broken bytes cannot reach the terminal") {
  CHECK(printable("a\x1b[31mb\nc") == "a [31mb c");
  CHECK(printable("caf\xc3\xa9 \xff\xc3") == "café ??");
  CHECK(printable("\xc2\x9b") == " ");  // C1's own escape
  CHECK(printable("a\xe2\x80\xae"
                  "b") == "a b");  // right-to-left override
}

TEST_CASE("width counts columns, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("café") == 4);
  CHECK(display_width("cafe\xcc\x81") == 4);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("🚀") == 2);
}

TEST_CASE("text that does not fit ends in an ellipsis and never exceeds its width") {
  CHECK(fit("kitchen", 7) == "kitchen");
  CHECK(fit("kitchen", 6) == "kitch…");
  CHECK(fit("日本語", 4) == "日…");
  CHECK(fit("abc", 1) == "…");
  for (std::size_t width = 1; width < 12; ++width) CHECK(display_width(fit("aé日本🚀xyz", width)) <= width);
}

TEST_CASE("lines break at spaces, and inside a word only where it is longer than a line") {
  CHECK(wrap("one two three", 8) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("abcdefghij", 4) == std::vector<std::string>{"abcd", "efgh", "ij"});
  CHECK(wrap("", 4) == std::vector<std::string>{""});
  CHECK(wrap("a   b", 2) == std::vector<std::string>{"a ", "b"});
  CHECK(wrap("日本", 1) == std::vector<std::string>{"日", "本"});
}

TEST_CASE("a revision is shown by its first twelve digits, and only when it is one") {
  CHECK(short_revision("0123456789abcdef0123456789abcdef01234567") == "0123456789ab");
  CHECK(short_revision("working-tree") == "working-tree");
  CHECK(short_digest("sha256:0123456789abcdef") == "sha256:0123456789ab");
}

TEST_CASE("times are read with fractions and offsets, and refused when they are none") {
  const auto time = parse_time("2026-01-31T12:00:05Z");
  REQUIRE(time);
  CHECK(parse_time("2026-01-31T12:00:05.123456Z") == time);
  CHECK(parse_time("2026-01-31T13:30:05+01:30") == time);
  CHECK(parse_time("2026-01-31T07:00:05-05:00") == time);
  for (const char* wrong : {"", "yesterday", "2026-02-30T12:00:05Z", "2026-01-31T25:00:05Z",
                            "2026-01-31T12:00:05", "2026-01-31T12:00:05+1", "2026-01-31T1-:00:05Z"}) {
    CHECK_FALSE(parse_time(wrong));
  }
}

TEST_CASE("ages are told in the largest unit that says enough") {
  const auto now = *parse_time("2026-01-31T12:00:00Z");
  CHECK(age("2026-01-31T11:59:48Z", now) == "12s ago");
  CHECK(age("2026-01-31T11:57:00Z", now) == "3m ago");
  CHECK(age("2026-01-31T05:00:00Z", now) == "7h ago");
  CHECK(age("2026-01-20T12:00:00Z", now) == "11d ago");
  CHECK(age("2026-01-31T12:00:30Z", now) == "just now");  // the node's clock is ahead
  CHECK(age("", now) == "-");
  CHECK(clock_text("2026-01-31T12:00:05.9Z") == "2026-01-31 12:00:05");
}

TEST_CASE("durations are read with units and printed for people") {
  CHECK(parse_duration("5m") == 300s);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("90") == 90s);
  for (const char* wrong : {"", "0", "-1s", "m", "5x", "5m30", "1.5m", "99999999999999999999s", "9999h"}) {
    CHECK_FALSE(parse_duration(wrong));
  }
  CHECK(duration_text(1240ms) == "1.2s");
  CHECK(duration_text(250s) == "4m 10s");
  CHECK(duration_text(125min) == "2h 5m");
}

TEST_CASE("spans are durations, and whole days") {
  CHECK(parse_span("30d") == std::chrono::hours(720));
  CHECK(parse_span("90m") == 90min);
  for (const char* wrong : {"", "d", "0d", "-1d", "1.5d", "3654d", "1d2h", "30 d", "99999999999d"})
    CHECK_FALSE(parse_span(wrong));
}
