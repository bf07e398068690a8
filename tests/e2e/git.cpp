// What people do to a repository besides adding commits.
#include <chrono>
#include <filesystem>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

std::string commit_version(Fleet& fleet, const std::string& version) {
  fleet.repository().write("web.yml", compose({{"app", version}}));
  return fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
}

std::string version_of(const Fleet& fleet) {
  return fleet.engine().variable(fleet.container("web", "app"), "VERSION");
}

TEST_CASE("a branch that is pushed by force is followed", "[git]") {
  Fleet fleet;
  const std::string first = commit_version(fleet, "1");
  commit_version(fleet, "2");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  REQUIRE(version_of(fleet) == "2");

  fleet.repository().reset(first);
  const std::string rewritten = commit_version(fleet, "3");
  fleet.converge();
  CHECK(version_of(fleet) == "3");
  CHECK(fleet.status().at("git").at("revision") == rewritten);

  fleet.repository().reset(first);
  fleet.converge();
  CHECK(version_of(fleet) == "1");
}

TEST_CASE("a commit that would empty every node is held until it is confirmed", "[git]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");

  const std::string how = GENERATE(std::string("deleted"), std::string("empty"));
  CAPTURE(how);
  if (how == "deleted") {
    fleet.repository().remove("stacks.yml").commit();
  } else {
    fleet.repository().write("stacks.yml", "stacks: []\n").commit();
  }
  CHECK(fleet.sync().exit_code == 1);
  CHECK(fleet.status().at("desired").at("state") != "applied");
  CHECK(fleet.containers("a") == before);

  fleet.kill_hub();
  fleet.start_hub();
  fleet.sync();
  CHECK(fleet.containers("a") == before);

  if (how == "deleted") {
    // Nothing says that nothing is wanted: an absent file is never confirmed away.
    commit_version(fleet, "1");
    fleet.converge();
    CHECK(fleet.containers("a") == before);
  } else {
    const auto answer = fleet.api().json("POST", "/api/v1/sync", R"({"confirm_empty":true})");
    CHECK(answer.at("state") == "applied");
    CHECK(wait_until([&] { return fleet.containers("a").empty(); }, 30s));
  }
}

TEST_CASE("a repository that cannot be reached is told, keeps all running, and is found again", "[git]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  const auto before = fleet.containers("a");

  const auto away = fleet.directory() / "away";
  std::filesystem::rename(fleet.repository().path(), away);
  CHECK(fleet.sync().exit_code != 0);
  CHECK(fleet.status().at("git").at("state") == "failed");
  CHECK_THAT(fleet.cli({"status"}).output, ContainsSubstring("repository"));
  CHECK(fleet.containers("a") == before);

  std::filesystem::rename(away, fleet.repository().path());
  commit_version(fleet, "2");
  fleet.converge();
  CHECK(version_of(fleet) == "2");
  CHECK(fleet.status().at("git").at("state") == "ok");
}

TEST_CASE("a branch that does not exist is a clear error and no crash", "[git]") {
  Fleet fleet;
  commit_version(fleet, "1");
  fleet.repository().git({"branch", "-m", "main", "trunk"});
  fleet.start_hub();
  CHECK(fleet.sync().exit_code != 0);
  const auto git = fleet.status().at("git");
  CHECK(git.at("state") == "failed");
  CHECK_THAT(git.at("error").get<std::string>(), ContainsSubstring("'main'"));

  fleet.repository().git({"branch", "-m", "trunk", "main"});
  fleet.start_agent("a");
  fleet.converge();
  CHECK(version_of(fleet) == "1");
}

}  // namespace
}  // namespace hivemind::tests
