#include "agent/apply/images.h"

#include <boost/asio/co_spawn.hpp>

#include "tests/support/catch.h"
#include "tests/support/fake_engine.h"
#include "tests/support/manifest_builder.h"
#include "tests/unit/apply/loop.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

struct Bench {
  Bench() : engine(loop.get_executor()) {}

  std::size_t clean() {
    std::optional<std::size_t> removed;
    boost::asio::co_spawn(loop, images.clean(), [&](std::exception_ptr failure, std::size_t count) {
      REQUIRE(failure == nullptr);
      removed = count;
    });
    REQUIRE(run_until(loop, [&] { return removed.has_value(); }));
    return *removed;
  }
  void run(boost::asio::awaitable<void> task) {
    bool over = false;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr failure) {
      REQUIRE(failure == nullptr);
      over = true;
    });
    REQUIRE(run_until(loop, [&] { return over; }));
  }
  // As a pull that gives the reference that id.
  void pull(const std::string& reference, const std::string& id) {
    run(images.begin(reference));
    engine.model.add_image(reference, id);
    run(images.end(reference));
  }
  bool has(const std::string& id) const { return engine.model.image_id(id).has_value(); }

  boost::asio::io_context loop;
  FakeEngine engine;
  std::set<PulledImage> pulled;
  Desired wanted;
  std::map<std::string, GoodRelease> good;
  int changes = 0;
  Images images{
      engine,
      pulled,
      {[this] { return &wanted; }, [this]() -> const std::map<std::string, GoodRelease>& { return good; },
       [this] { ++changes; }}};
};

Desired wants(const std::string& image) {
  v1::Service app = service("app");
  app.set_image(image);
  return desired({release("web", {app})});
}

}  // namespace

TEST_CASE("what was pulled and is needed by nobody goes, and what others brought stays") {
  Bench bench;
  bench.wanted = wants("app:2");
  bench.engine.model.add_image("foreign:1", "sha256:f");
  bench.pull("app:1", "sha256:1");
  bench.pull("app:2", "sha256:2");
  CHECK(bench.pulled == std::set<PulledImage>{{"app:1", "sha256:1"}, {"app:2", "sha256:2"}});
  CHECK(bench.clean() == 1);
  CHECK_FALSE(bench.has("sha256:1"));
  CHECK(bench.has("sha256:2"));
  CHECK(bench.has("sha256:f"));
  CHECK(bench.pulled == std::set<PulledImage>{{"app:2", "sha256:2"}});
  CHECK(bench.clean() == 0);
}

TEST_CASE("a pull that brought nothing new makes nobody's image ours") {
  Bench bench;
  bench.engine.model.add_image("app:1", "sha256:1");
  bench.pull("app:1", "sha256:1");
  CHECK(bench.pulled.empty());
  CHECK(bench.clean() == 0);
  CHECK(bench.has("sha256:1"));
}

TEST_CASE("the image that a moved tag leaves behind stays as long as the good release needs it") {
  Bench bench;
  bench.wanted = wants("docker.io/library/app");
  bench.pull("app:latest", "sha256:old");
  bench.good["web"].images["app"] = "sha256:old";
  bench.pull("app:latest", "sha256:new");
  CHECK(bench.clean() == 0);
  CHECK(bench.has("sha256:old"));
  bench.good["web"].images["app"] = "sha256:new";
  CHECK(bench.clean() == 1);
  CHECK_FALSE(bench.has("sha256:old"));
  CHECK(bench.has("sha256:new"));
}

TEST_CASE("an image that the body of a good release names stays") {
  Bench bench;
  v1::Service app = service("app");
  app.set_image("app:1");
  bench.good["web"].release = release("web", {app}).SerializeAsString();
  bench.pull("app:1", "sha256:1");
  CHECK(bench.clean() == 0);
  bench.good.clear();
  CHECK(bench.clean() == 1);
}

TEST_CASE("an image of any container stays, also of one that is not ours and does not run") {
  Bench bench;
  bench.pull("app:1", "sha256:1");
  const std::string id = bench.engine.model.create_container("somebody", R"({"Image":"app:1"})");
  CHECK(bench.clean() == 0);
  CHECK(bench.engine.writes.empty());
  bench.engine.model.remove_container(id, true);
  CHECK(bench.clean() == 1);
}

TEST_CASE("a name that somebody else gave an image stays, and the image with it") {
  Bench bench;
  bench.pull("app:1", "sha256:1");
  bench.engine.model.add_image("theirs:1", "sha256:1");
  CHECK(bench.clean() == 1);
  CHECK_FALSE(bench.has("app:1"));
  CHECK(bench.has("theirs:1"));
  CHECK(bench.clean() == 0);
}

TEST_CASE("what the engine will not let go stays, and the others go") {
  Bench bench;
  bench.pull("app:1", "sha256:1");
  bench.pull("app:2", "sha256:2");
  bench.engine.fail_writes_like("remove image app:1", Error(ErrorCode::kConflict, "a child needs it"));
  CHECK(bench.clean() == 1);
  CHECK(bench.has("sha256:1"));
  CHECK_FALSE(bench.has("sha256:2"));
  bench.engine.mend();
  CHECK(bench.clean() == 1);
}

TEST_CASE("a pull whose end an agent did not live to see is found again") {
  Bench bench;
  SECTION("it had come to its end") {
    bench.run(bench.images.begin("app:1"));
    CHECK(bench.pulled == std::set<PulledImage>{{"app:1", "", ""}});
    bench.engine.model.add_image("app:1", "sha256:1");
    CHECK(bench.clean() == 0);  // under way
    bench.images.broken_off("app:1");
    CHECK(bench.clean() == 1);
    CHECK(bench.pulled.empty());
  }
  SECTION("it had not, and what was there before is not ours") {
    bench.engine.model.add_image("app:1", "sha256:0");
    bench.run(bench.images.begin("app:1"));
    bench.images.broken_off("app:1");
    CHECK(bench.clean() == 0);
    CHECK(bench.pulled.empty());
    CHECK(bench.has("sha256:0"));
  }
}

TEST_CASE("images that somebody else removed are forgotten") {
  Bench bench;
  bench.wanted = wants("app:1");
  bench.pull("app:1", "sha256:1");
  bench.engine.model.remove_image("app:1");
  const int changes = bench.changes;
  CHECK(bench.clean() == 0);
  CHECK(bench.pulled.empty());
  CHECK(bench.changes == changes + 1);
}
