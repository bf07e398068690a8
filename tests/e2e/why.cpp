// One answer to why a node is not where it should be, and what an operator can do about it.
#include <chrono>
#include <filesystem>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

std::string quoted_list(const std::vector<std::string>& words) {
  return json(words).dump();
}

// One service 'app' that runs this command, in a stack that is good as soon as it has run for a second.
std::string running(const std::vector<std::string>& command, const std::string& more = "") {
  return "x-hivemind: {soak: 1s" + more + "}\nservices:\n  app:\n    image: " + test_image() +
         "\n    command: " + quoted_list(command) + "\n";
}

class Asked {
 public:
  explicit Asked(Fleet& fleet) : fleet_(fleet) {
    fleet_.repository().write("stacks.yml", stacks());
    fleet_.repository().write("web.yml", running({"serve"})).commit();
    fleet_.start_hub();
  }

  std::string stacks() const {
    return "stacks:\n" + stack_entry(fleet_, "web") + "nodes:\n  " + fleet_.node("a") +
           ": {labels: {site: berlin}}\n";
  }
  void commit(const std::string& file, const std::string& content) {
    fleet_.repository().write(file, content).commit();
    fleet_.cli({"sync"});
  }
  // The answer's first cause; empty: the node is on the revision.
  std::string reason(const std::string& stack = "") {
    std::vector<std::string> words{"why", fleet_.node("a")};
    if (!stack.empty()) words.push_back(stack);
    words.insert(words.end(), {"--output", "json"});
    const Outcome outcome = fleet_.cli(words);
    answer = outcome.exit_code <= 1 ? json::parse(outcome.output) : json(outcome.errors);
    if (outcome.exit_code > 1) return "error";
    const std::string found = answer.at("causes").empty() ? "" : answer.at("causes").at(0).at("reason");
    CHECK(outcome.exit_code == (found.empty() ? 0 : 1));
    return found;
  }
  bool becomes(const std::string& wanted, std::chrono::seconds most = 30s) {
    return wait_until([&] { return reason() == wanted; }, most);
  }

  json answer;

 private:
  Fleet& fleet_;
};

// There is something to come back to once the release has lasted its soak time.
bool is_good(const Fleet& fleet) {
  const json reports = fleet.node_state("a").at("stack_reports");
  return reports.size() == 1 && reports.at(0).at("good_digest") == reports.at(0).at("desired_digest");
}

int count_events(const Fleet& fleet, const std::string& kind) {
  int count = 0;
  const json events = fleet.api().get("/api/v1/events?limit=1000");
  for (const json& event : events.at("events")) count += event.at("kind") == kind;
  return count;
}

TEST_CASE("why a node is not on the newest revision is answered from the repository to the agent", "[why]") {
  Fleet fleet;
  Asked asked(fleet);
  CHECK(fleet.cli({"why", "nobody"}).exit_code == 4);
  REQUIRE(asked.becomes("never_connected"));
  fleet.start_agent("a");
  REQUIRE(asked.becomes(""));
  CHECK_THAT(fleet.cli({"why", fleet.node("a")}).output, ContainsSubstring(fleet.node("a") + " is on "));

  asked.commit("web.yml", "services:\n  app:\n    imgae: x\n");
  REQUIRE(asked.becomes("does_not_compile"));
  CHECK_THAT(asked.answer.at("text").get<std::string>(), ContainsSubstring("web.yml:2:3: error: stack"));
  asked.commit("web.yml", running({"serve"}));
  REQUIRE(asked.becomes(""));

  asked.commit("stacks.yml", "stacks: [\n");
  CHECK(asked.reason() == "revision_invalid");
  asked.commit("stacks.yml", asked.stacks());
  REQUIRE(asked.becomes(""));
  CHECK(asked.reason("other") == "not_listed");
  asked.commit("stacks.yml", "stacks:\n" + stack_entry(fleet, "web", "    nodes: {site: berlin}\n") +
                                 stack_entry(fleet, "web2", "    nodes: {site: kiel}\n    enabled: true\n") +
                                 "nodes:\n  " + fleet.node("a") + ": {labels: {site: berlin}}\n");
  CHECK(asked.reason(fleet.stack("web2")) == "not_selected");
  CHECK(asked.reason(fleet.stack("web")).empty());

  fleet.stop_agent("a");
  REQUIRE(asked.becomes("offline"));
  CHECK_THAT(asked.answer.at("text").get<std::string>(), ContainsSubstring("offline since "));
  const Outcome told = fleet.cli({"retry", fleet.node("a")});
  CHECK(told.exit_code == 1);
  CHECK_THAT(told.errors, ContainsSubstring("offline"));
}

TEST_CASE("a release that was rolled back is told everywhere, and tried again when an operator says so",
          "[why]") {
  Fleet fleet;
  Asked asked(fleet);
  fleet.start_agent("a");
  fleet.converge();
  const std::string app = fleet.container("web", "app");
  REQUIRE(wait_until([&] { return is_good(fleet); }, 20s));
  const std::string good = fleet.containers("a").at(app).id;

  fleet.repository().write("web.yml", running({"job", "7", "200"})).commit();
  const Outcome synced = fleet.sync();
  INFO(synced.output << synced.errors << fleet.logs());
  CHECK(synced.exit_code == 1);
  CHECK_THAT(synced.output, ContainsSubstring("rolled_back") && ContainsSubstring(fleet.node("a")) &&
                                ContainsSubstring(fleet.stack("web")) && ContainsSubstring("'app'"));
  REQUIRE(asked.becomes("rolled_back"));
  const json cause = asked.answer.at("causes").at(0);
  CHECK(cause.at("service") == "app");
  CHECK_THAT(cause.at("text").get<std::string>(), ContainsSubstring("ended with code 7"));
  CHECK(fleet.cli({"status"}).exit_code == 1);
  CHECK_THAT(fleet.cli({"node", "show", fleet.node("a")}).output, ContainsSubstring("rolled_back"));
  CHECK(wait_until([&] { return count_events(fleet, "rolled_back") == 1; }, 20s));
  const auto is_back = [&] {
    const auto now = fleet.containers("a");
    return now.contains(app) && now.at(app).id == good && now.at(app).state == "running";
  };
  CHECK(wait_until(is_back, 20s));

  const Outcome retried = fleet.cli({"retry", fleet.node("a"), fleet.stack("web")});
  INFO(retried.output << retried.errors);
  CHECK(retried.exit_code == 0);
  CHECK_THAT(retried.output, ContainsSubstring("tried again: " + fleet.stack("web")));
  CHECK(wait_until([&] { return count_events(fleet, "rolled_back") == 2; }, 30s));
  REQUIRE(asked.becomes("rolled_back"));
  CHECK(wait_until(is_back, 20s));
  CHECK(fleet.cli({"retry", fleet.node("a"), "other"}).exit_code == 4);

  fleet.repository().write("web.yml", running({"serve"}) + "    environment: {VERSION: \"2\"}\n").commit();
  CHECK(fleet.sync().exit_code == 0);
  CHECK(asked.reason().empty());
  const Outcome nothing = fleet.cli({"retry", fleet.node("a")});
  CHECK_THAT(nothing.output, ContainsSubstring("nothing has failed"));
}

TEST_CASE(
    "what waits for its window is neither failed nor waited for, and is applied when an operator says so",
    "[why]") {
  Fleet fleet;
  Asked asked(fleet);
  fleet.start_agent("a");
  fleet.converge();
  REQUIRE(wait_until([&] { return is_good(fleet); }, 20s));
  // A window of a minute, half a day away.
  const auto now = std::chrono::system_clock::now();
  const auto hour = std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count() % 24;
  const std::string other = std::to_string((hour + 12) % 24);
  const std::string at = std::string(other.size() < 2 ? "0" : "") + other;
  const std::string window = ", window: \"" + at + ":00-" + at + ":01\"";
  fleet.repository()
      .write("web.yml", running({"serve"}, window) + "    environment: {VERSION: \"2\"}\n")
      .commit();
  const Outcome synced = fleet.sync();
  INFO(synced.output << synced.errors << fleet.logs());
  CHECK(synced.exit_code == 0);
  CHECK_THAT(synced.output, ContainsSubstring("scheduled") && ContainsSubstring("waits for a window"));
  const std::string reason = asked.reason();
  CHECK(reason == "window_closed");
  CHECK_THAT(asked.answer.at("text").get<std::string>(),
             ContainsSubstring("which opens on ") && ContainsSubstring(at + ":00"));
  CHECK(fleet.cli({"status"}).exit_code == 0);

  const Outcome opened = fleet.cli({"apply", "--now", fleet.node("a"), fleet.stack("web")});
  INFO(opened.output << opened.errors);
  CHECK(opened.exit_code == 0);
  CHECK_THAT(opened.output, ContainsSubstring("applied now: " + fleet.stack("web")));
  REQUIRE(asked.becomes(""));
  CHECK(fleet.engine().variable(fleet.container("web", "app"), "VERSION") == "2");
}

TEST_CASE("what a stack has left goes with a purge only, as it was shown", "[why]") {
  Fleet fleet;
  Asked asked(fleet);
  const std::string keeping = "    volumes: [\"data:/data\", \"./kept:/kept\"]\nvolumes: {data: {}}\n";
  fleet.repository().write("web.yml", running({"serve"}) + keeping).commit();
  fleet.start_agent("a");
  fleet.converge();
  const std::string volume = fleet.stack("web") + "_data";
  const std::vector<std::string> look{"stack",    "purge", fleet.node("a"), fleet.stack("web"),
                                      "--output", "json"};
  const Outcome refused = fleet.cli(look);
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.errors, ContainsSubstring("is to run stack"));

  fleet.repository().write("stacks.yml", "stacks: []\n").commit();
  REQUIRE(fleet.cli({"sync", "--wait", "--confirm-empty"}).exit_code == 0);
  REQUIRE(wait_until([&] { return fleet.containers("a").empty(); }, 20s));
  Outcome shown = fleet.cli(look);
  INFO(shown.output << shown.errors << fleet.logs());
  REQUIRE(shown.exit_code == 0);
  const json answer = json::parse(shown.output);
  CHECK(answer.at("state") == "shown");
  CHECK(answer.at("volumes") == json({volume}));
  CHECK(answer.at("directories") == json({"stacks/" + fleet.stack("web") + "/data/kept"}));

  std::vector<std::string> take = look;
  take.insert(take.end(), {"--yes", "0123456789abcdef"});
  CHECK(fleet.cli(take).exit_code == 1);
  const std::filesystem::path kept = fleet.directory() / "agent-a" / "stacks" / fleet.stack("web");
  CHECK(std::filesystem::exists(kept));
  take.back() = answer.at("confirm").get<std::string>();
  const Outcome taken = fleet.cli(take);
  INFO(taken.output << taken.errors);
  REQUIRE(taken.exit_code == 0);
  CHECK(json::parse(taken.output).at("state") == "purged");
  CHECK_FALSE(std::filesystem::exists(kept));
  shown = fleet.cli(look);
  REQUIRE(shown.exit_code == 0);
  CHECK(json::parse(shown.output).at("volumes").empty());
  CHECK(json::parse(shown.output).at("directories").empty());
}

}  // namespace
}  // namespace hivemind::tests
