#include "hub/access/refusal_limit.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;

TEST_CASE("of what a token tries in vain there is a row at once, and then one a minute with their number") {
  RefusalLimit limit;
  const auto begin = RefusalLimit::Clock::now();
  CHECK(limit.refused("vera", "sync", begin) == 1);
  for (int i = 1; i <= 1000; ++i) CHECK_FALSE(limit.refused("vera", "sync", begin + i * 50ms));
  CHECK(limit.refused("vera", "trust.rotate", begin + 1s) == 1);
  CHECK(limit.refused("otto", "sync", begin + 1s) == 1);
  CHECK(limit.refused("vera", "sync", begin + 61s) == 1001);
  CHECK_FALSE(limit.refused("vera", "sync", begin + 62s));
  CHECK(limit.refused("vera", "sync", begin + 1h) == 2);
}

TEST_CASE("however many tokens there are, what is remembered of them has an end") {
  RefusalLimit limit;
  const auto begin = RefusalLimit::Clock::now();
  for (std::size_t i = 0; i < 2 * RefusalLimit::kMostEntries; ++i)
    limit.refused(std::to_string(i), "sync", begin);
  CHECK(limit.size() == RefusalLimit::kMostEntries);
  CHECK(limit.refused("late", "sync", begin + 1min) == 1);
  CHECK(limit.size() == 1);
}
