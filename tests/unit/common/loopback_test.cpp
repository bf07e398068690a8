#include "common/loopback.h"

#include "tests/support/catch.h"

using namespace hivemind;

TEST_CASE("only localhost, 127.0.0.0/8 and ::1 are this machine for certain") {
  for (const char* host : {"localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]", "0:0::1"}) {
    CAPTURE(host);
    CHECK(is_loopback(host));
  }
  for (const char* host : {"", "127.example.org", "127.0.0.1.example.org", "127.1", "127.0.0.256", "127.",
                           "localhost.example.org", "10.127.0.1", "0.0.0.0", "::", "::2", "[::1", "::1:1883",
                           "example.org", "127.0.0.1:1883"}) {
    CAPTURE(host);
    CHECK_FALSE(is_loopback(host));
  }
}
