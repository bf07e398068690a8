#include "agent/apply/pulls.h"

#include <algorithm>

#include "agent/apply/pull_delay.h"
#include "tests/support/catch.h"
#include "tests/support/fake_engine.h"
#include "tests/support/manifest_builder.h"
#include "tests/unit/apply/loop.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t kMega = 1'000'000;

struct Bench {
  explicit Bench(Pulls::Options options = {}) : engine(loop.get_executor()) {
    Pulls::Callbacks on;
    on.on_done = [this](const std::string& key) { done.push_back(key); };
    on.on_failed = [this] { ++failures; };
    on.on_progress = [this] { ++reports; };
    pulls = std::make_shared<Pulls>(loop.get_executor(), engine, images, std::move(options), std::move(on));
  }
  std::string text_of(const std::string& key) const {
    const auto found = pulls->states().find(key);
    return found == pulls->states().end() ? "" : found->second.text;
  }
  bool until_done(std::size_t count) {
    return run_until(loop, [this, count] { return done.size() == count; });
  }
  bool until_failed(int count) {
    return run_until(loop, [this, count] { return failures == count; });
  }
  std::vector<std::string> asked_for() const {
    std::vector<std::string> names;
    for (const PullRequest& request : engine.pulls) names.push_back(request.reference);
    return names;
  }

  boost::asio::io_context loop;
  FakeEngine engine;
  std::set<PulledImage> pulled;
  Desired wanted;
  std::map<std::string, GoodRelease> good;
  Images images{engine,
                pulled,
                {[this] { return &wanted; },
                 [this]() -> const std::map<std::string, GoodRelease>& { return good; }, [] {}}};
  std::shared_ptr<Pulls> pulls;
  std::vector<std::string> done;
  int failures = 0;
  int reports = 0;
};

Pulls::Options on_disk(std::int64_t free_megabytes, std::optional<std::int64_t> reserve = 10 * kMega) {
  Pulls::Options options;
  options.reserve_bytes = reserve;
  options.disk = [free_megabytes] {
    return DiskSpace{"/var/lib/docker", free_megabytes * kMega, 100'000 * kMega};
  };
  return options;
}

}  // namespace

TEST_CASE("images are pulled one after the other, in the order in which they were asked for") {
  Bench bench;
  bench.engine.hold_pull("b:1");
  for (const char* image : {"b:1", "a:1", "c:1"}) bench.pulls->begin({image});
  bench.pulls->begin({"a:1"});
  run_for(bench.loop, milliseconds(20));
  CHECK(bench.asked_for() == std::vector<std::string>{"b:1"});
  CHECK(bench.text_of("b:1") == "pulls image 'b:1'");
  CHECK(bench.text_of("a:1") == "pulls image 'a:1': waits for its turn");
  bench.engine.release();
  REQUIRE(bench.until_done(3));
  CHECK(bench.done == std::vector<std::string>{"b:1", "a:1", "c:1"});
  CHECK(bench.pulls->states().empty());
}

TEST_CASE("as many images are pulled at a time as the operator allows") {
  Pulls::Options options;
  options.at_once = 2;
  Bench bench(options);
  for (const char* image : {"a:1", "b:1", "c:1"}) {
    bench.engine.hold_pull(image);
    bench.pulls->begin({image});
  }
  run_for(bench.loop, milliseconds(20));
  CHECK(bench.asked_for() == std::vector<std::string>{"a:1", "b:1"});
  bench.engine.release();
  CHECK(bench.until_done(3));
}

TEST_CASE("an image that nobody waits for any more makes place for the next") {
  Bench bench;
  bench.engine.hold_pull("a:1");
  bench.pulls->begin({"a:1"});
  bench.pulls->begin({"b:1"});
  bench.pulls->begin({"c:1"});
  run_for(bench.loop, milliseconds(20));
  bench.pulls->keep_only({"c:1"});
  REQUIRE(bench.until_done(1));
  CHECK(bench.done == std::vector<std::string>{"c:1"});
  CHECK(bench.asked_for() == std::vector<std::string>{"a:1", "c:1"});
}

TEST_CASE("a pull says how far it is, and is told of once a second at most") {
  Bench bench;
  bench.engine.hold_pull("a:1");
  std::vector<PullProgress> told;
  for (std::int64_t i = 1; i <= 12; ++i) told.push_back({i * kMega, 28 * kMega});
  bench.engine.progress["a:1"] = told;
  bench.pulls->begin({"a:1"});
  REQUIRE(run_until(bench.loop, [&] { return bench.reports > 0; }));
  run_for(bench.loop, milliseconds(20));
  CHECK(bench.text_of("a:1") == "pulls image 'a:1': 42 % (12 of 28 MB)");
  CHECK(bench.pulls->states().at("a:1").done_bytes == 12 * kMega);
  CHECK(bench.pulls->states().at("a:1").total_bytes == 28 * kMega);
  CHECK(bench.reports == 1);
  bench.engine.release();
  CHECK(bench.until_done(1));
}

TEST_CASE("a pull logs in as it was told") {
  Bench bench;
  bench.pulls->begin({"reg:5000/a:1", "linux/arm64", RegistryLogin{"reg:5000", "u", "p", ""}});
  REQUIRE(bench.until_done(1));
  REQUIRE(bench.engine.pulls.size() == 1);
  CHECK(bench.engine.pulls[0].platform == "linux/arm64");
  REQUIRE(bench.engine.pulls[0].login.has_value());
  CHECK(bench.engine.pulls[0].login->password == "p");
}

TEST_CASE("a pull that failed waits longer each time, and the last failure stays to be seen") {
  Bench bench;
  bench.engine.fail_pull("a:1", Error(ErrorCode::kUnavailable, "no route"));
  bench.pulls->begin({"a:1"});
  REQUIRE(bench.until_failed(1));
  const Fetch& state = bench.pulls->states().at("a:1");
  CHECK((state.state == Fetch::State::kFailed));
  CHECK(state.reason == v1::REASON_PULL_FAILED);
  CHECK(state.text == "image 'a:1' not pulled: no route");
  CHECK(state.not_before > std::chrono::steady_clock::now() + milliseconds(500));
  bench.engine.hold_pull("a:1");
  bench.pulls->begin({"a:1"});
  CHECK(bench.text_of("a:1") == "pulls image 'a:1'; the last attempt: image 'a:1' not pulled: no route");
}

TEST_CASE("whoever commits has failed pulls tried again, but not where a registry asked to be left alone") {
  Bench bench;
  bench.engine.fail_pull("a:1", Error(ErrorCode::kUnavailable, "no route"));
  bench.engine.fail_pull("b:1",
                         Error(ErrorCode::kUnavailable, "toomanyrequests: You have reached your limit"));
  bench.pulls->begin({"a:1"});
  bench.pulls->begin({"b:1"});
  REQUIRE(bench.until_failed(2));
  const auto waits = [&](const char* key) { return bench.pulls->states().at(key).not_before != TimePoint{}; };
  CHECK(bench.pulls->states().at("b:1").not_before >
        std::chrono::steady_clock::now() + std::chrono::seconds(50));
  bench.pulls->retry(Pulls::Retry::kPolitely);
  CHECK_FALSE(waits("a:1"));
  CHECK(waits("b:1"));
  bench.pulls->retry(Pulls::Retry::kAtOnce);
  CHECK_FALSE(waits("b:1"));
}

TEST_CASE("a pull that fails when somebody has committed meanwhile is begun anew at once") {
  Bench bench;
  bench.engine.hold_pull("a:1");
  bench.engine.fail_pull("a:1", Error(ErrorCode::kUnavailable, "authentication required"));
  bench.pulls->begin({"a:1"});
  run_for(bench.loop, milliseconds(20));
  bench.pulls->retry(Pulls::Retry::kPolitely);
  bench.engine.release();
  REQUIRE(bench.until_failed(1));
  CHECK(bench.pulls->states().at("a:1").is_tried_anew());
  CHECK(bench.pulls->states().at("a:1").reason == v1::REASON_PULLING);
  bench.pulls->begin({"a:1"});
  REQUIRE(bench.until_failed(2));
  CHECK_FALSE(bench.pulls->states().at("a:1").is_tried_anew());
}

TEST_CASE("a registry's wish to be left alone is understood") {
  CHECK(asked_delay("toomanyrequests: retry-after: 90.5s, allowed: 44000/minute") == milliseconds(90'500));
  CHECK(asked_delay("denied: Retry-After: 1m30s") == milliseconds(90'000));
  CHECK(asked_delay("HTTP 429 (retry-after: 120)") == milliseconds(120'000));
  CHECK(asked_delay("retry-after: 297.611\xc2\xb5s") == milliseconds(0));
  CHECK(asked_delay("retry-after: 99999999999999999999999h") == milliseconds(3'600'000));
  CHECK(asked_delay("unexpected HTTP status: 429 Too Many Requests") == milliseconds(60'000));
  CHECK(asked_delay("retry-after: soon; toomanyrequests") == milliseconds(60'000));
  CHECK_FALSE(asked_delay("no such host").has_value());
}

TEST_CASE("pulls are tried for ever, between 1 s and 5 min apart unless the registry wants more") {
  for (const double random : {0.0, 0.5, 1.0}) {
    const auto delay = [&](unsigned failures, std::string_view words) {
      return pull_delay(failures, words, [random] { return random; });
    };
    CHECK(delay(1, "x") >= milliseconds(1'000));
    CHECK(delay(1, "x") <= milliseconds(2'000));
    CHECK(delay(4, "x") >= milliseconds(8'000));
    CHECK(delay(4'000'000'000, "x") >= milliseconds(150'000));
    CHECK(delay(4'000'000'000, "x") <= milliseconds(300'000));
    CHECK(delay(1, "toomanyrequests") >= milliseconds(60'000));
    CHECK(delay(20, "retry-after: 1s") >= milliseconds(150'000));
    CHECK(delay(1, "retry-after: 20m") >= milliseconds(1'200'000));
  }
}

TEST_CASE("an image that does not fit is not begun, with the numbers") {
  Bench bench(on_disk(200, 256 * kMega));
  bench.pulls->begin({"a:1", "", {}, 165 * kMega});
  REQUIRE(bench.until_failed(1));
  CHECK(bench.engine.pulls.empty());
  CHECK(bench.pulls->states().at("a:1").reason == v1::REASON_DISK_SHORT);
  CHECK(
      bench.text_of("a:1") ==
      "image 'a:1' not pulled: disk short: needs about 413 MB, 200 MB free at '/var/lib/docker', 256 MB are "
      "kept free");
}

TEST_CASE("an image whose size shows only while it is pulled is broken off") {
  Bench bench(on_disk(100));
  bench.engine.progress["a:1"] = {{1, 20 * kMega}, {2, 30 * kMega}, {3, 40 * kMega}};
  bench.pulls->begin({"a:1"});
  REQUIRE(bench.until_failed(1));
  CHECK(bench.pulls->states().at("a:1").reason == v1::REASON_DISK_SHORT);
  CHECK_THAT(bench.text_of("a:1"), ContainsSubstring("needs about 100 MB, 100 MB free"));
  CHECK_FALSE(bench.engine.model.image_id("a:1").has_value());
}

TEST_CASE("a newer version of an image that is here needs no more than the pull says") {
  Bench bench(on_disk(100));
  bench.engine.model.add_image("reg:5000/a:1");
  bench.engine.progress["reg:5000/a:2"] = {{1, 3 * kMega}};
  bench.pulls->begin({"reg:5000/a:2", "", {}, 500 * kMega});
  CHECK(bench.until_done(1));
}

TEST_CASE("unused images make room, and the pull goes on at once") {
  std::int64_t free_megabytes = 20;
  Pulls::Options options = on_disk(0);
  options.disk = [&free_megabytes] { return DiskSpace{"/d", free_megabytes * kMega, 1'000 * kMega}; };
  Bench bench(options);
  bench.engine.model.add_image("old:1");
  bench.pulled.insert({"old:1", "sha256:old:1"});
  bench.engine.progress["a:1"] = {{1, 20 * kMega}};
  bench.pulls->begin({"a:1"});
  // What is removed frees its space.
  REQUIRE(run_until(bench.loop, [&] { return !bench.engine.model.image_id("old:1").has_value(); }));
  free_megabytes = 100;
  REQUIRE(bench.until_done(1));
  CHECK(bench.failures == 0);
  CHECK(bench.pulled == std::set<PulledImage>{{"a:1", "sha256:a:1"}});
}

TEST_CASE("without a look at the disk nothing is held back") {
  Bench unseen;
  unseen.pulls->begin({"a:1", "", {}, 5'000 * kMega});
  CHECK(unseen.until_done(1));
  Bench off(on_disk(1, 0));
  off.pulls->begin({"a:1", "", {}, 5'000 * kMega});
  CHECK(off.until_done(1));
}

TEST_CASE("what is kept free is a little of a small disk, and 256 MiB of a large one") {
  CHECK(default_reserve({"/", 0, 2'000 * kMega}) == 100 * kMega);
  CHECK(default_reserve({"/", 0, 2'000'000 * kMega}) == std::int64_t{256} << 20);
  CHECK_FALSE(disk_space("/no/such/place").has_value());
  CHECK_FALSE(disk_space("").has_value());
  const auto here = disk_space("/");
  REQUIRE(here.has_value());
  CHECK(here->total_bytes >= here->free_bytes);
  CHECK(here->total_bytes > 0);
}
