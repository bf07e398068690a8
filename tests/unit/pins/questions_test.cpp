#include "hub/pins/questions.h"

#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;

namespace {

using Clock = PinQuestions::Clock;

const Clock::time_point kStart{1000s};

struct Fixture {
  PinQuestions questions{{.first = 1000ms, .longest = 60'000ms}};

  explicit Fixture(std::initializer_list<std::string> references) {
    for (const std::string& reference : references) questions.ask(reference);
  }
  // All that may be asked at that time.
  std::string taken(Clock::time_point now) {
    std::string all;
    while (const auto reference = questions.take(now)) all += (all.empty() ? "" : " ") + *reference;
    return all;
  }
  void refuse(const std::string& reference, ErrorCode code, Clock::time_point now,
              std::optional<std::chrono::seconds> retry_after = std::nullopt) {
    questions.refused(reference, {Error(code, "no"), retry_after}, now);
  }
};

}  // namespace

TEST_CASE("a registry is asked few things at once, whatever the others do") {
  Fixture fixture{"a.example/1", "a.example/2", "a.example/3", "b.example/1"};
  CHECK(fixture.taken(kStart) == "a.example/1 a.example/2 b.example/1");
  CHECK(fixture.taken(kStart).empty());
  fixture.questions.answered("a.example/2");
  fixture.questions.drop("a.example/2");
  CHECK(fixture.taken(kStart) == "a.example/3");
}

TEST_CASE("a registry that does not answer is left alone for a while, with all that is to be asked there") {
  Fixture fixture{"a.example/1", "a.example/2", "a.example/3", "b.example/1"};
  fixture.taken(kStart);
  fixture.refuse("a.example/1", ErrorCode::kUnavailable, kStart);
  fixture.refuse("a.example/2", ErrorCode::kUnavailable, kStart);
  CHECK(fixture.taken(kStart).empty());
  REQUIRE(fixture.questions.next(kStart).has_value());
  CHECK(*fixture.questions.next(kStart) > kStart);
  CHECK(*fixture.questions.next(kStart) <= kStart + 2s);
  CHECK_THAT(fixture.taken(kStart + 3s),
             tests::ContainsSubstring("a.example/3 a."));  // who has not been asked yet comes first
}

TEST_CASE("a tag that is not there is asked for later, and keeps no other from being asked for") {
  Fixture fixture{"a.example/1", "a.example/2", "a.example/3"};
  fixture.taken(kStart);
  fixture.refuse("a.example/1", ErrorCode::kNotFound, kStart);
  CHECK(fixture.taken(kStart) == "a.example/3");
}

TEST_CASE("a registry that says how long it wants to be left alone is left alone for so long") {
  Fixture fixture{"a.example/1"};
  fixture.taken(kStart);
  fixture.refuse("a.example/1", ErrorCode::kUnavailable, kStart, 100s);
  CHECK(fixture.taken(kStart + 99s).empty());
  CHECK(fixture.questions.next(kStart + 99s) == kStart + 100s);
  CHECK(fixture.taken(kStart + 100s) == "a.example/1");
}

TEST_CASE("the pauses grow up to the longest one") {
  Fixture fixture{"a.example/1"};
  Clock::time_point now = kStart;
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 20; ++i) {
    REQUIRE(fixture.taken(now) == "a.example/1");
    fixture.refuse("a.example/1", ErrorCode::kUnavailable, now);
    last = std::chrono::duration_cast<std::chrono::milliseconds>(*fixture.questions.next(now) - now);
    CHECK(last <= 60s);
    now += last;
  }
  CHECK(last >= 30s);
}

TEST_CASE("what was asked before the last commit is asked again at once") {
  Fixture fixture{"a.example/1"};
  fixture.taken(kStart);
  fixture.questions.find("a.example/1")->outdated = true;
  SECTION("when there was an answer") {
    fixture.questions.answered("a.example/1");
  }
  SECTION("when there was no such tag") {
    fixture.refuse("a.example/1", ErrorCode::kNotFound, kStart);
  }
  CHECK(fixture.taken(kStart) == "a.example/1");
}
