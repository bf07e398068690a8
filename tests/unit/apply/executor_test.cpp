#include "agent/apply/executor.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/support/catch.h"
#include "tests/unit/apply/loop.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

namespace asio = boost::asio;

Step step(const std::string& name, std::vector<std::size_t> after = {}) {
  Step step;
  step.stack = "web";
  step.service = name;
  step.action = StartContainer{{"", name}};
  step.after = std::move(after);
  return step;
}

enum class Speed { kAtOnce, kLater };

// Runs the steps; those named "bad…" fail. What ran, in order, and a letter for each outcome: d(one),
// f(ailed), s(kipped).
struct Walk {
  explicit Walk(std::vector<Step> steps, Speed speed) {
    const RunStep run = [this, speed](Step step) { return perform(std::move(step), speed); };
    asio::co_spawn(loop, walk(std::move(steps), run), asio::detached);
    finished = run_until(loop, [this] { return done; });
  }

  asio::awaitable<void> perform(Step step, Speed speed) {
    if (speed == Speed::kLater) co_await asio::post(loop, asio::use_awaitable);
    ran += step.service + " ";
    if (step.service.starts_with("bad")) throw Error(ErrorCode::kInternal, "no");
  }

  asio::awaitable<void> walk(std::vector<Step> steps, RunStep run) {
    const std::vector<Outcome> outcomes = co_await execute(loop.get_executor(), steps, run);
    for (const Outcome& outcome : outcomes) results += "dfs"[static_cast<int>(outcome.state)];
    done = true;
  }

  asio::io_context loop;
  std::string ran;
  std::string results;
  bool done = false;
  bool finished = false;
};

}  // namespace

TEST_CASE("steps run once each, after those that they come after") {
  const auto speed = GENERATE(Speed::kAtOnce, Speed::kLater);
  const Walk walk({step("a"), step("b", {0}), step("c", {1}), step("d", {0, 2})}, speed);
  CHECK(walk.finished);
  CHECK(walk.ran == "a b c d ");
  CHECK(walk.results == "dddd");
}

TEST_CASE("a step that fails stops those after it, and no others") {
  const auto speed = GENERATE(Speed::kAtOnce, Speed::kLater);
  const Walk walk({step("a"), step("bad", {0}), step("c", {1}), step("d", {0, 2}), step("e", {0})}, speed);
  CHECK(walk.finished);
  CHECK(walk.ran == "a bad e ");
  CHECK(walk.results == "dfssd");
}

TEST_CASE("a plan without steps is done") {
  const Walk walk({}, Speed::kLater);
  CHECK(walk.finished);
  CHECK(walk.results.empty());
}
