#include "tests/bench/rollback_bench.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "common/file.h"
#include "tests/bench/compose_command.h"
#include "tests/bench/engine_events.h"
#include "tests/support/fleet.h"

namespace hivemind::bench {
namespace {

using tests::Fleet;

constexpr const char* kProject = "hivemind-bench-rollback";

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string compose_of(const std::string& more) {
  return "x-hivemind: {soak: 30s}\nservices:\n  app:\n    image: " + tests::test_image() + "\n" + more;
}

std::string good() {
  return compose_of("");
}

// Another one each time: a release that failed is not tried again.
std::string bad(int round) {
  return compose_of(fmt::format("    command: [job, '1']\n    environment: {{ROUND: '{}'}}\n", round));
}

struct Times {
  Samples back;  // from the end of the bad container
  Samples away;  // from the end of the good one
};

// Names are those of the moment: the good container has another one while it is kept, and may start before it
// has its own again.
void round_of_ours(Fleet& fleet, EngineEvents& events, int round, Times& times) {
  const std::string name = fleet.container("web", "app");
  const std::string kept = name + "." + fleet.engine().inspect(name).at("Id").get<std::string>().substr(0, 8);
  fleet.repository().write("web.yml", bad(round)).commit();
  const auto begin = Clock::now();
  fleet.api().json("POST", "/api/v1/sync", "{}");
  const Clock::time_point stopped = events.await_all("die", {kept}, begin);
  const Clock::time_point failed = events.await_all("die", {name}, stopped);
  const Clock::time_point back = events.await_any("start", {name, kept}, failed);
  times.back.push_back(milliseconds(back - failed));
  times.away.push_back(milliseconds(back - stopped));
  fleet.repository().write("web.yml", good()).commit();
  fleet.converge();
}

void round_of_compose(const Fleet& fleet, EngineEvents& events, int round, Times& times) {
  const std::string file = fleet.directory() / "compose.yml";
  const auto up = [&](const std::string& content) {
    write_file_durably(file, content, 0644);
    std::vector<std::string> whole = compose_command();
    whole.insert(whole.end(), {"-p", kProject, "-f", file, "up", "-d"});
    const tests::Outcome outcome = tests::run(whole);
    if (outcome.exit_code != 0) throw std::runtime_error("compose: " + outcome.errors);
  };
  up(good());
  // Compose 1 joins the parts with '_', compose 2 with '-'.
  const bool is_first = fleet.engine().find(fmt::format("{}-app-1", kProject)).is_null();
  const std::string name = fmt::format("{0}{1}app{1}1", kProject, is_first ? '_' : '-');
  const auto begin = Clock::now();
  up(bad(round));
  const auto noticed = Clock::now();
  up(good());
  const Clock::time_point back = events.await_all("start", {name}, noticed);
  const Clock::time_point stopped = events.await_all("die", {name}, begin);  // the good one's, it comes first
  times.back.push_back(milliseconds(back - noticed));
  times.away.push_back(milliseconds(back - stopped));
}

}  // namespace

void measure_rollback(Results& results, int rounds) {
  Fleet fleet;
  EngineEvents events(tests::EngineClient::url());
  fleet.repository().write("web.yml", compose_of("    environment: {FIRST: '1'}\n"));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  fleet.repository().write("web.yml", good()).commit();
  fleet.converge();

  const bool has_compose = !compose_command().empty();
  Times ours, composed;
  for (int round = 0; round < rounds; ++round) {
    round_of_ours(fleet, events, round, ours);
    if (has_compose) round_of_compose(fleet, events, round, composed);
  }
  if (has_compose) {
    std::vector<std::string> down = compose_command();
    down.insert(down.end(), {"-p", kProject, "-f", fleet.directory() / "compose.yml", "down", "-t", "1"});
    tests::run(down);
  }
  const std::string name = has_compose ? "compose up of the old file" : "";
  results.add({"rollback, bad ended -> old runs", ours.back, name, composed.back, Aim{0, 2'000}});
  results.add({"rollback, service away in all", ours.away, name, composed.away, std::nullopt});
}

}  // namespace hivemind::bench
