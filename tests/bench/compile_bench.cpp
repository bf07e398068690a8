#include "tests/bench/compile_bench.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include <fmt/core.h>

#include "hub/desired/compiler.h"
#include "tests/support/memory_snapshot.h"

namespace hivemind::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kStacks = 1'000;
constexpr int kNodes = 10'000;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Two services as people write them, with what a web application and its database have.
std::string compose_file(const std::string& tag) {
  return fmt::format(R"(x-logging: &logging
  driver: json-file
  options: {{max-size: 10m, max-file: "3"}}
services:
  web:
    image: example/web:{}
    restart: unless-stopped
    depends_on: {{db: {{condition: service_healthy}}}}
    environment:
      DATABASE_URL: postgres://app@db/app
      GREETING: ${{GREETING:-hello}}
      NODE: $HIVEMIND_NODE
    volumes: ["data:/data", "./conf:/etc/app:ro"]
    healthcheck: {{test: [CMD, wget, -q, "http://localhost/"], interval: 10s, retries: 3}}
    deploy: {{resources: {{limits: {{memory: 256M, cpus: "0.5"}}}}}}
    logging: *logging
    networks: [front, back]
  db:
    image: postgres:16
    environment: [POSTGRES_USER=app, POSTGRES_HOST_AUTH_METHOD=trust]
    volumes: ["db:/var/lib/postgresql/data"]
    healthcheck: {{test: "pg_isready -U app", interval: 5s}}
    logging: *logging
    networks: [back]
networks: {{front: , back: {{internal: true}}}}
volumes: {{data: , db: }}
)",
                     tag);
}

tests::MemorySnapshot repository(int stacks) {
  tests::MemorySnapshot snapshot;
  std::string list = "stacks:\n";
  for (int i = 0; i < stacks; ++i) {
    list += fmt::format("  - {{name: s{0}, compose_file: s{0}/compose.yml}}\n", i);
    snapshot.file(fmt::format("s{}/compose.yml", i), compose_file("1"));
    snapshot.file(fmt::format("s{}/conf/app.conf", i), fmt::format("number = {}\n", i));
  }
  snapshot.file("stacks.yml", list);
  return snapshot;
}

std::vector<hub::NodeIdentity> nodes(int count) {
  std::vector<hub::NodeIdentity> all;
  for (int i = 0; i < count; ++i) all.push_back({fmt::format("node-{}", i), {{"site", "berlin"}}});
  return all;
}

// Milliseconds; throws unless so many releases were made.
double compile(hub::Compiler& compiler, const hub::Snapshot& snapshot,
               const std::vector<hub::NodeIdentity>& all, const std::optional<std::set<std::string>>& changed,
               std::size_t releases) {
  const auto begin = Clock::now();
  const hub::Compilation made = compiler.compile(snapshot, all, changed);
  const double taken = milliseconds_since(begin);
  if (hub::has_errors(made.diagnostics)) {
    throw std::runtime_error("the compiler refuses the sample: " + to_text(made.diagnostics.front()));
  }
  if (made.compiled != releases) {
    throw std::runtime_error(fmt::format("compiled {} releases instead of {}", made.compiled, releases));
  }
  return taken;
}

}  // namespace

void measure_compiler(Results& results, int rounds) {
  const auto one_node = nodes(1);
  const auto many_nodes = nodes(kNodes);
  Samples cold, warm, unchanged, distinct, again;
  for (int i = 0; i < rounds; ++i) {
    tests::MemorySnapshot stacks = repository(kStacks);
    hub::Compiler compiler("");
    cold.push_back(compile(compiler, stacks, one_node, std::nullopt, kStacks));
    stacks.file("s500/compose.yml", compose_file("2"));
    warm.push_back(compile(compiler, stacks, one_node, std::set<std::string>{"s500/compose.yml"}, 1));
    unchanged.push_back(compile(compiler, stacks, one_node, std::set<std::string>{}, 0));

    const tests::MemorySnapshot one_stack = repository(1);
    hub::Compiler of_nodes("");
    distinct.push_back(compile(of_nodes, one_stack, many_nodes, std::nullopt, kNodes));
    again.push_back(compile(of_nodes, one_stack, many_nodes, std::set<std::string>{}, 0));
  }
  results.add({"Compiler: 1,000 stacks, cold", cold, "", {}, Aim{0, 2'000}});
  results.add({"Compiler: 1,000 stacks, one file changed", warm, "the same, cold", cold, Aim{0.05, 0}});
  results.add({"Compiler: 1,000 stacks, nothing changed", unchanged, "", {}, Aim{0, 50}});
  results.add({"Compiler: 10,000 nodes, variables of their own", distinct, "", {}, Aim{0, 5'000}});
  results.add({"Compiler: 10,000 nodes, nothing changed", again, "the same, cold", distinct, Aim{0.2, 0}});
}

}  // namespace hivemind::bench
