// Secrets from the command line to a container, and nowhere else: planted values are looked for in all that
// is left behind.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/fleet.h"
#include "tests/support/memory_place.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// A hub that wants certificates, one enrolled node, and values that stand nowhere but in files of the test.
class Planted {
 public:
  Planted() {
    fs::create_directories(fleet.directory() / "planted");
    Fleet::HubOptions options;
    options.is_secure = true;
    fleet.start_hub(options);
  }

  // The file with a new value under the name.
  std::string file(const std::string& name) {
    const fs::path file = fleet.directory() / "planted" / name;
    values.push_back("planted-" + name + "-" + random_hex(8));
    std::ofstream(file) << values.back();
    return file.string();
  }

  std::string cli(const std::vector<std::string>& arguments) {
    const Outcome outcome = fleet.cli(arguments);
    INFO(outcome.output << outcome.errors << fleet.logs());
    REQUIRE(outcome.exit_code == 0);
    said += outcome.output + outcome.errors;
    return outcome.output;
  }
  void set(const std::string& name) { cli({"secret", "set", name, "--file", file(name)}); }

  void start_node() {
    const Outcome enrolled = fleet.enrol("a", fleet.make_token({"--id", fleet.node("a")}));
    INFO(enrolled.output << enrolled.errors);
    REQUIRE(enrolled.exit_code == 0);
    Fleet::AgentOptions options;
    options.is_enrolled = true;
    options.flags = {"--secrets-dir", place.path().string()};
    fleet.start_agent("a", options);
  }

  void commit(const std::string& stacks, const std::map<std::string, std::string>& files) {
    for (const auto& [path, content] : files) fleet.repository().write(path, content);
    fleet.repository().write("stacks.yml", "stacks:\n" + stacks).commit();
  }

  std::string id(const std::string& service) const {
    const auto found = fleet.containers("a");
    const auto one = found.find(fleet.container("web", service));
    return one == found.end() ? "" : one->second.id;
  }
  bool runs(const std::string& service) const {
    const auto found = fleet.containers("a");
    const auto one = found.find(fleet.container("web", service));
    return one != found.end() && one->second.state == "running";
  }
  // As the process in the container sees it.
  std::string inside(const std::string& service, const std::string& path) const {
    const nlohmann::json inspected = fleet.engine().inspect(fleet.container("web", service));
    const int pid = inspected.at("State").at("Pid").get<int>();
    return read_file(fs::path("/proc") / std::to_string(pid) / "root" / path);
  }

  MemoryPlace place;
  Fleet fleet;
  std::vector<std::string> values;
  std::string said;  // by the command line
};

std::string service(const std::string& name, const std::string& more) {
  return "  " + name + ":\n    image: " + test_image() + "\n" + more;
}

const std::string kSoak = "x-hivemind: {soak: 0s}\n";

// Where any of the values stands in the text, as it is or in Base64; empty: nowhere.
std::string leak(const std::vector<std::string>& values, const std::string& text) {
  for (const std::string& value : values) {
    for (std::size_t before = 0; before < 3; ++before) {
      const std::string encoded = to_base64(std::string(before, 'x') + value);
      if (text.find(encoded.substr(4, encoded.size() - 8)) != std::string::npos) return value + " in Base64";
    }
    if (text.find(value) != std::string::npos) return value;
  }
  return {};
}

// A file may be gone by now: processes are at work.
std::string content_of(const fs::path& file) {
  try {
    return read_file(file);
  } catch (const Error&) {
    return {};
  }
}

// All that the hub, its broker and the agent have written, logs and databases among it.
std::vector<std::string> leaking_files(const Planted& planted) {
  std::vector<std::string> leaking;
  int looked_at = 0;
  std::error_code gone;  // a directory that was there a moment ago: processes are at work
  for (auto entry = fs::recursive_directory_iterator(planted.fleet.directory());
       entry != fs::recursive_directory_iterator(); entry.increment(gone)) {
    const std::string name = entry->path().filename().string();
    if (entry.depth() == 0 && (name == "planted" || name == "repository")) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file(gone)) {
      ++looked_at;
      const std::string found = leak(planted.values, content_of(entry->path()));
      if (!found.empty()) leaking.push_back(entry->path().string() + ": " + found);
    }
  }
  CHECK(looked_at > 10);
  for (const char* file :
       {"hub/hub.db", "hub/broker/mosquitto-tls.db", "hub.log", "agent-a/agent.db", "agent-a.log"}) {
    INFO(file);
    CHECK(fs::exists(planted.fleet.directory() / file));
  }
  return leaking;
}

std::string all_answers(const Planted& planted) {
  std::string all;
  const std::string node = planted.fleet.node("a"), stack = planted.fleet.stack("web");
  for (const std::string& target :
       {std::string("/api/v1/status"), std::string("/api/v1/nodes"), "/api/v1/nodes/" + node,
        "/api/v1/nodes/" + node + "/why", std::string("/api/v1/stacks"), "/api/v1/stacks/" + stack,
        std::string("/api/v1/events?limit=1000"), std::string("/api/v1/secrets"),
        std::string("/api/v1/registries"), std::string("/api/v1/convergence")}) {
    all += planted.fleet.api().get(target).dump() + "\n";
  }
  return all;
}

TEST_CASE("a secret reaches the services that use it, and a new value replaces exactly those", "[secrets]") {
  Planted planted;
  planted.set("FILE");
  planted.set("VARIABLE");
  planted.commit(stack_entry(planted.fleet, "web", "    vars: {PW: {secret: VARIABLE}}\n"),
                 {{"web.yml", kSoak + "services:\n" + service("file", "    secrets: [key]\n") +
                                  service("variable", "    environment: {PW: 'is ${PW}'}\n") +
                                  service("none", "") + "secrets: {key: {external: true, name: FILE}}\n"}});
  planted.start_node();
  planted.fleet.converge();
  CHECK(planted.inside("file", "run/secrets/key") == planted.values[0]);
  CHECK(planted.fleet.engine().variable(planted.fleet.container("web", "variable"), "PW") ==
        "is " + planted.values[1]);

  const std::string file = planted.id("file"), variable = planted.id("variable"), none = planted.id("none");
  planted.set("FILE");
  CHECK(wait_until([&] { return planted.id("file") != file && planted.fleet.converged("a"); }, 30s));
  CHECK(planted.inside("file", "run/secrets/key") == planted.values[2]);
  CHECK(planted.id("variable") == variable);
  CHECK(planted.id("none") == none);
  const Outcome used = planted.fleet.cli({"secret", "rm", "FILE"});
  CHECK(used.exit_code != 0);
  CHECK_THAT(used.errors, ContainsSubstring(planted.fleet.stack("web")));
}

TEST_CASE("planted values stand in no file, log, database or answer of a whole fleet", "[secrets]") {
  Planted planted;
  planted.set("STORED");
  planted.set("VARIABLE");
  planted.cli({"secret", "set", "STORED", "--node", planted.fleet.node("a"), "--file", planted.file("NODE")});
  planted.cli(
      {"registry", "login", "docker.io", "--username", "me", "--password-file", planted.file("LOGIN")});
  const std::string sealed = planted.cli({"secret", "seal", "SEALED", "--file", planted.file("SEALED")});
  planted.file("GIT");
  const std::string web =
      kSoak + "services:\n" +
      service("app",
              "    secrets: [stored, sealed, git]\n    environment: {PW: '${PW}'}\n"
              "    healthcheck: {test: [CMD, /app, healthcheck, '${PW}'], interval: 1s}\n") +
      "secrets:\n  stored: {external: true, name: STORED}\n  sealed: {external: true, name: SEALED}\n"
      "  git: {file: ./git.txt}\n";
  // Its health check tells that it does not know the command, and with it the value.
  const std::string broken =
      kSoak + "services:\n" +
      service("quotes", "    healthcheck: {test: [CMD, /app, '${PW}'], interval: 1s, retries: 1}\n");
  const std::string vars = "    vars: {PW: {secret: VARIABLE}}\n";
  planted.commit(stack_entry(planted.fleet, "web", vars) + stack_entry(planted.fleet, "broken", vars),
                 {{"web.yml", web},
                  {"broken.yml", broken},
                  {"secrets.yml", sealed},
                  {"git.txt", planted.values.back()}});
  planted.start_node();
  const Outcome synced = planted.fleet.sync();
  planted.said += synced.output + synced.errors;
  INFO(planted.fleet.logs());
  REQUIRE(wait_until([&] { return planted.runs("app"); }, 30s));
  CHECK(planted.inside("app", "run/secrets/stored") == planted.values[2]);
  CHECK(planted.inside("app", "run/secrets/sealed") == planted.values[4]);
  CHECK(planted.inside("app", "run/secrets/git") == planted.values[5]);
  // What the container said has come to the hub, without the value.
  const bool told = wait_until(
      [&] { return all_answers(planted).find("unknown command '***'") != std::string::npos; }, 60s);
  INFO(all_answers(planted));
  CHECK(told);

  // A file of the hub's that is read again, a broker that has saved, and a second release.
  planted.set("STORED");
  planted.fleet.stop_hub();
  Fleet::HubOptions again;
  again.is_secure = true;
  planted.fleet.start_hub(again);
  planted.fleet.sync();
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"status"},
        {"secret", "ls"},
        {"registry", "ls"},
        {"events"},
        {"node", "show", planted.fleet.node("a")},
        {"stack", "show", planted.fleet.stack("broken")},
        {"why", planted.fleet.node("a")},
        {"render", (planted.fleet.directory() / "repository").string(), "--node", planted.fleet.node("a")}}) {
    const Outcome outcome = planted.fleet.cli(command);
    planted.said += outcome.output + outcome.errors;
  }
  CHECK(leak(planted.values, planted.said) == "");
  CHECK(leak(planted.values, all_answers(planted)) == "");
  for (const std::string& file : leaking_files(planted)) FAIL_CHECK(file);
}

TEST_CASE("another master key stops the hub before it changes anything, and the right one has all of it",
          "[secrets]") {
  Planted planted;
  planted.set("STORED");
  planted.fleet.stop_hub();
  const fs::path key = planted.fleet.hub_data() / "master.key";
  const fs::path aside = planted.fleet.directory() / "master.key";
  fs::rename(key, aside);
  Fleet::HubOptions options;
  options.is_secure = true;
  CHECK_THROWS(planted.fleet.start_hub(options));
  CHECK_THAT(read_file(planted.fleet.directory() / "hub.log"), ContainsSubstring("is not there"));
  CHECK_FALSE(fs::exists(key));
  fs::rename(aside, key);
  planted.fleet.start_hub(options);
  CHECK_THAT(planted.cli({"secret", "ls"}), ContainsSubstring("STORED"));
}

}  // namespace
}  // namespace hivemind::tests
