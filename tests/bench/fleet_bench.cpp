#include "tests/bench/fleet_bench.h"

#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "common/file.h"
#include "tests/bench/compose_command.h"
#include "tests/bench/engine_events.h"
#include "tests/bench/raw_calls.h"
#include "tests/support/fleet.h"

namespace hivemind::bench {
namespace {

using tests::Fleet;

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double timed(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return milliseconds(Clock::now() - begin);
}

// From the sync to the last of these events.
double sync_until(Fleet& fleet, EngineEvents& events, const std::string& action,
                  const std::set<std::string>& containers) {
  const auto begin = Clock::now();
  fleet.api().json("POST", "/api/v1/sync", "{}");
  const double time = milliseconds(events.await_all(action, containers, begin) - begin);
  fleet.converge();  // what is left to do must not run into the next measurement
  return time;
}

std::vector<std::string> ten_services() {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back(fmt::format("s{}", i));
  return names;
}

std::string compose_of(const std::vector<std::string>& services, const std::string& changed_version) {
  std::map<std::string, std::string> versions;
  for (const std::string& service : services) versions[service] = "1";
  versions[services.front()] = changed_version;
  return tests::compose(versions);
}

struct TenServices {
  Samples first, unchanged, changed, gone;
};

// One round through the whole product.
void round_of_ours(Fleet& fleet, EngineEvents& events, TenServices& times) {
  const std::vector<std::string> services = ten_services();
  std::set<std::string> containers;
  for (const std::string& service : services) containers.insert(fleet.container("ten", service));
  const std::string with = "stacks:\n" + stack_entry(fleet, "keep") + stack_entry(fleet, "ten");

  fleet.repository().write("ten.yml", compose_of(services, "1")).write("stacks.yml", with).commit();
  times.first.push_back(sync_until(fleet, events, "start", containers));
  times.unchanged.push_back(timed([&] { fleet.api().json("POST", "/api/v1/sync", "{}"); }));
  fleet.repository().write("ten.yml", compose_of(services, "2")).commit();
  times.changed.push_back(sync_until(fleet, events, "start", {fleet.container("ten", services.front())}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "keep")).commit();
  times.gone.push_back(sync_until(fleet, events, "destroy", containers));
}

void round_of_raw(const tests::EngineClient& engine, unsigned lanes, TenServices& times) {
  RawCalls raw(engine, fmt::format("hivemind-bench-raw{}", lanes));
  raw.remove_all();
  const std::vector<std::string> services = ten_services();
  times.first.push_back(timed([&] {
    raw.make_network();
    raw.run_all(services, "1", lanes);
  }));
  times.unchanged.push_back(timed([&] {
    for (const std::string& service : services) engine.inspect(raw.name(service));
  }));
  times.changed.push_back(timed([&] { raw.replace(services.front(), "2"); }));
  times.gone.push_back(timed([&] { raw.remove_all(); }));
}

void round_of_compose(const Fleet& fleet, std::vector<std::string> command, TenServices& times) {
  const std::string file = fleet.directory() / "compose.yml";
  const auto call = [&](const std::string& version, std::vector<std::string> arguments) {
    write_file_durably(file, compose_of(ten_services(), version), 0644);
    std::vector<std::string> whole = command;
    whole.insert(whole.end(), {"-p", "hivemind-bench-compose", "-f", file});
    whole.insert(whole.end(), arguments.begin(), arguments.end());
    return timed([&] {
      const tests::Outcome outcome = tests::run(whole);
      if (outcome.exit_code != 0) throw std::runtime_error("compose: " + outcome.errors);
    });
  };
  times.first.push_back(call("1", {"up", "-d"}));
  times.unchanged.push_back(call("1", {"up", "-d"}));
  times.changed.push_back(call("2", {"up", "-d"}));
  times.gone.push_back(call("2", {"down"}));
}

}  // namespace

void measure_commits(Results& results, int commits) {
  Fleet fleet;
  EngineEvents events(tests::EngineClient::url());
  RawCalls raw(fleet.engine(), "hivemind-bench-one");
  raw.remove_all();
  raw.make_network();
  std::string stacks = "stacks:\n" + stack_entry(fleet, "keep");
  fleet.repository().write("keep.yml", tests::compose({{"app", "0"}})).write("stacks.yml", stacks).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();

  Samples changed, added, raw_replace, raw_run;
  raw.run("changed", "0");
  std::map<std::string, std::string> services = {{"app", "0"}};
  // Ours and the raw calls take turns, so that a slow moment of the machine meets both.
  for (int i = 1; i <= commits; ++i) {
    const std::string version = std::to_string(i);
    services["app"] = version;
    fleet.repository().write("keep.yml", tests::compose(services)).commit();
    changed.push_back(sync_until(fleet, events, "start", {fleet.container("keep", "app")}));
    raw_replace.push_back(timed([&] { raw.replace("changed", version); }));
    raw.remove_old("changed");

    services["extra"] = version;
    fleet.repository().write("keep.yml", tests::compose(services)).commit();
    added.push_back(sync_until(fleet, events, "start", {fleet.container("keep", "extra")}));
    raw_run.push_back(timed([&] { raw.run("added", version); }));
    fleet.engine().remove(raw.name("added"));
    services.erase("extra");
    fleet.repository().write("keep.yml", tests::compose(services)).commit();
    fleet.converge();
  }
  const Aim aim{1.3, 100};
  results.add({"commit -> running, a service added", added, "raw create+start", raw_run, aim});
  results.add({"commit -> running, a service changed", changed, "raw create+start", raw_run, std::nullopt});
  results.add({"commit -> running, a service changed", changed, "raw create+stop+start", raw_replace, aim});
}

void measure_ten_services(Results& results, int rounds) {
  Fleet fleet;
  EngineEvents events(tests::EngineClient::url());
  fleet.repository().write("keep.yml", tests::compose({{"app", "0"}}));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "keep")).commit();
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();

  const std::vector<std::string> compose = compose_command();
  TenServices ours, raw1, raw4, composed;
  for (int i = 0; i < rounds; ++i) {
    round_of_ours(fleet, events, ours);
    round_of_raw(fleet.engine(), 1, raw1);
    round_of_raw(fleet.engine(), 4, raw4);
    if (!compose.empty()) round_of_compose(fleet, compose, composed);
  }
  results.add({"10 services, first apply", ours.first, "raw calls, one by one", raw1.first, Aim{1.10, 0}});
  results.add({"10 services, first apply", ours.first, "raw calls, 4 at a time", raw4.first, std::nullopt});
  results.add({"10 services, one changed", ours.changed, "raw calls", raw1.changed, Aim{1.10, 0}});
  results.add({"10 services, sync of nothing new", ours.unchanged, "", {}, std::nullopt});
  results.add({"10 services, gone", ours.gone, "raw calls, one by one", raw1.gone, std::nullopt});
  if (compose.empty()) return;
  const std::string name = compose.size() == 1 ? "docker-compose" : "docker compose";
  results.add({"10 services, first apply", ours.first, name, composed.first, Aim{0.95, 0}});
  results.add({"10 services, sync of nothing new", ours.unchanged, name, composed.unchanged, std::nullopt});
  results.add({"10 services, one changed", ours.changed, name, composed.changed, std::nullopt});
  results.add({"10 services, gone", ours.gone, name, composed.gone, std::nullopt});
}

}  // namespace hivemind::bench
