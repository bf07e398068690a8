#include "common/backoff.h"

#include "tests/support/catch.h"

using hivemind::Backoff;
using std::chrono::milliseconds;

TEST_CASE("a backoff doubles up to its longest and stays within half and all of it") {
  Backoff backoff(milliseconds(100), milliseconds(1000), 7);
  for (const int bound : {100, 200, 400, 800, 1000, 1000, 1000}) {
    const auto wait = backoff.next();
    CHECK(wait >= milliseconds(bound / 2));
    CHECK(wait <= milliseconds(bound));
  }
}

TEST_CASE("a reset backoff starts at its first wait again") {
  Backoff backoff(milliseconds(100), milliseconds(1000), 7);
  for (int i = 0; i < 5; ++i) backoff.next();
  backoff.reset();
  CHECK(backoff.next() <= milliseconds(100));
}

TEST_CASE("two backoffs with different seeds part ways") {
  Backoff a(milliseconds(1000), milliseconds(100000), 1);
  Backoff b(milliseconds(1000), milliseconds(100000), 2);
  bool differ = false;
  for (int i = 0; i < 6; ++i) differ = a.next() != b.next() || differ;
  CHECK(differ);
}
