#include "hub/desired/compose/scalars/byte_size.h"
#include "hub/desired/compose/scalars/duration.h"
#include "hub/desired/compose/scalars/image_reference.h"
#include "hub/desired/compose/scalars/port_range.h"
#include "hub/desired/compose/scalars/shell_words.h"
#include "hub/desired/compose/suggest.h"
#include "tests/support/catch.h"

namespace hivemind::hub::compose {

using std::chrono::nanoseconds;

TEST_CASE("durations are numbers with units, added up") {
  CHECK(parse_duration("1h5m2s300ms") == nanoseconds(3'902'300'000'000));
  CHECK(parse_duration("1.5m") == nanoseconds(90'000'000'000));
  CHECK(parse_duration("2d") == std::chrono::hours(48));
  CHECK(parse_duration("1w") == std::chrono::hours(168));
  CHECK(parse_duration("10us") == nanoseconds(10'000));
  CHECK(parse_duration("0") == nanoseconds(0));
  CHECK(parse_duration("0s") == nanoseconds(0));
  for (const char* wrong :
       {"", "30", "s", "1x", "-1s", "1s-", "1 s", "1e3s", "inf", "nan", "999999999999h"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong).has_value());
  }
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(parse_byte_size("512") == 512);
  CHECK(parse_byte_size("1k") == 1024);
  CHECK(parse_byte_size("1.5gb") == 1'610'612'736);
  CHECK(parse_byte_size("2MiB") == 2'097'152);
  CHECK(parse_byte_size("0") == 0);
  for (const char* wrong : {"", "m", "-1", "1x", "1kbb", "1e30", "9999999p", "inf"}) {
    INFO(wrong);
    CHECK_FALSE(parse_byte_size(wrong).has_value());
  }
}

TEST_CASE("ports count from 1 to 65535, ranges upwards") {
  CHECK(parse_port_range("80") == PortRange{80, 80});
  CHECK(parse_port_range("80-82") == PortRange{80, 82});
  CHECK(to_string(PortRange{80, 82}) == "80-82");
  for (const char* wrong : {"", "0", "65536", "82-80", "80-", "-80", "80-81-82", " 80", "+80", "8o"}) {
    INFO(wrong);
    CHECK_FALSE(parse_port_range(wrong).has_value());
  }
}

TEST_CASE("shell words are split at white space outside of quotes") {
  using Words = std::vector<std::string>;
  CHECK(split_shell_words(" a  b\tc\n") == Words{"a", "b", "c"});
  CHECK(split_shell_words("'a b'\"c d\"e") == Words{"a bc de"});
  CHECK(split_shell_words(R"("a\"b\c")") == Words{R"(a"bc)"});
  CHECK(split_shell_words(R"(a\ b)") == Words{"a b"});
  CHECK(split_shell_words("''") == Words{""});
  CHECK(split_shell_words("") == Words{});
  CHECK_FALSE(split_shell_words("'a").has_value());
  CHECK_FALSE(split_shell_words("\"a").has_value());
  CHECK_FALSE(split_shell_words("a\\").has_value());
}

TEST_CASE("image references") {
  for (const char* right : {"nginx", "nginx:1.27", "library/nginx", "localhost/x", "reg:5000/a/b:c_D-1.x",
                            "ghcr.io/Owner.x/a", "a/b--c__d:latest"}) {
    INFO(right);
    CHECK(is_image_reference(right) == (std::string(right) != "ghcr.io/Owner.x/a"));
  }
  for (const char* wrong :
       {"", ":", "a:", "A", "a b", "a@sha256:1", "a//b", "/a", "a/", "-a", "a:b c", "http://x/y"}) {
    INFO(wrong);
    CHECK_FALSE(is_image_reference(wrong));
  }
}

TEST_CASE("a typo finds its word, another word does not") {
  const std::string_view known[] = {"environment", "entrypoint", "image", "ports"};
  CHECK(closest("enviroment", known) == "environment");
  CHECK(closest("iamge", known) == "image");
  CHECK(closest("port", known) == "ports");
  CHECK_FALSE(closest("banana", known).has_value());
  CHECK_FALSE(closest("x", known).has_value());
}

}  // namespace hivemind::hub::compose
