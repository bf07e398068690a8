// Restart policies, by the step runner over an engine in memory.
#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "agent/apply/step_runner.h"
#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/apply/loop.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

class Bench {
 public:
  Bench()
      : engine(loop.get_executor()),
        runner_(loop.get_executor(), engine, Files(directory_.path()),
                SecretFiles(directory_.path() / "secrets", "n"), std::make_shared<Vault>()) {
    engine.model.add_image("app:1");
    id = engine.model.create_container("app", R"({"Image":"app:1"})");
  }

  // What the step failed with.
  std::optional<ErrorCode> set_policy(const std::string& container) {
    Step step;
    step.action = SetRestartPolicy{{container, "app"}, "always"};
    std::optional<ErrorCode> code;
    bool done = false;
    boost::asio::co_spawn(loop, runner_.run(occasion, step), [&](std::exception_ptr failure) {
      done = true;
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const Error& error) {
        code = error.code();
      }
    });
    REQUIRE(run_until(loop, [&] { return done; }));
    return code;
  }

  boost::asio::io_context loop;
  FakeEngine engine;
  std::string id;
  std::shared_ptr<Occasion> occasion = std::make_shared<Occasion>();

 private:
  TemporaryDirectory directory_;
  StepRunner runner_;
};

}  // namespace

TEST_CASE("an engine that cannot change restart policies is found out, and is no failure") {
  Bench bench;
  SECTION("it can") {
    CHECK_FALSE(bench.set_policy(bench.id));
    CHECK(bench.engine.model.container("app").restart_policy == "always");
    CHECK_FALSE(bench.occasion->fixed_policies);
  }
  SECTION("it knows no such call") {
    bench.engine.fail_writes_like("policy ", Error(ErrorCode::kNotFound, "Not Found"));
    CHECK_FALSE(bench.set_policy(bench.id));
    CHECK(bench.occasion->fixed_policies);
  }
  SECTION("the container is gone") {
    CHECK(bench.set_policy("another") == ErrorCode::kNotFound);
    CHECK_FALSE(bench.occasion->fixed_policies);
  }
  SECTION("it refuses") {
    bench.engine.fail_writes_like("policy ", Error(ErrorCode::kInternal, "no"));
    CHECK(bench.set_policy(bench.id) == ErrorCode::kInternal);
    CHECK_FALSE(bench.occasion->fixed_policies);
  }
}
