// Pulls from a real registry on loopback, which the engine takes without TLS.
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/integration/engine/live_engine.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::tests;
using agent::PullProgress;

namespace {

constexpr const char* kRegistry = "/usr/bin/docker-registry";

class Registry {
 public:
  Registry() : port_(free_port()) {
    std::ofstream(configuration())
        << "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: "
        << (directory_ / "images").string() << "}}\nhttp: {addr: '" << host() << "'}\n";
    process_.emplace(std::vector<std::string>{kRegistry, "serve", configuration()});
    const bool up = wait_until(
        [this] {
          return run({"curl", "-sf", "http://" + host() + "/v2/"}).exit_code == 0;
        },
        std::chrono::seconds(10));
    if (!up) throw std::runtime_error("the registry does not answer");
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  std::string configuration() const { return directory_ / "config.yml"; }

  TemporaryDirectory directory_;
  int port_;
  std::optional<Process> process_;
};

// Moves the test's image to the registry: the engine has it no more.
std::string push_away(LiveEngine& live, const std::string& repository) {
  REQUIRE(live.raw("POST", "/images/" + live.image() + "/tag?repo=" + repository + "&tag=1").ok());
  const http::Response pushed = live.raw("POST", "/images/" + repository + "/push?tag=1", "{}");
  REQUIRE(pushed.ok());
  REQUIRE(pushed.body.find("errorDetail") == std::string::npos);
  const auto image = nlohmann::json::parse(live.raw("GET", "/images/" + repository + ":1/json").body);
  REQUIRE(live.raw("DELETE", "/images/" + image.at("Id").get<std::string>() + "?force=1").ok());
  return image.at("RepoDigests").at(0);
}

}  // namespace

TEST_CASE("an image comes from a registry by tag and by digest, with its progress") {
  if (!LiveEngine::is_reachable()) return;
  if (!std::filesystem::exists(kRegistry)) {
    WARN("skipped: docker-registry is not installed");
    return;
  }
  LiveEngine live;
  Registry registry;
  const std::string repository = registry.host() + "/" + live.node;
  const std::string digest = push_away(live, repository);
  const std::string tag = repository + ":1";
  REQUIRE_FALSE(live.await(live.engine.image_id(tag)).has_value());

  std::int64_t most = 0;
  live.await(
      live.engine.pull({tag}, [&](PullProgress progress) { most = std::max(most, progress.total_bytes); }));
  const auto by_tag = live.await(live.engine.image_id(tag));
  REQUIRE(by_tag.has_value());
  CHECK(most > 0);

  // A container of it is known by the digest of the registry.
  const agent::Created made = live.await(live.engine.create_container(
      live.name("digest"), "",
      R"({"Image":")" + tag + R"(","Cmd":["true"],"Labels":)" + live.labels() + "}"));
  const auto observed = live.await(live.engine.observe());
  REQUIRE(observed.containers.size() == 1);
  CHECK(observed.containers[0].image_digest == digest.substr(digest.find('@') + 1));
  live.await(live.engine.remove_container(made.id, true));

  REQUIRE(live.raw("DELETE", "/images/" + *by_tag + "?force=1").ok());
  live.await(live.engine.pull({digest}, nullptr));
  CHECK(live.await(live.engine.image_id(digest)) == by_tag);
  live.raw("DELETE", "/images/" + *by_tag + "?force=1");

  // Whoever is told of the progress can break the pull off; the engine then gives it up.
  CHECK_THROWS_WITH(live.await(live.engine.pull({tag},
                                                [](PullProgress progress) {
                                                  if (progress.total_bytes > 0)
                                                    throw Error(ErrorCode::kExhausted, "no room");
                                                })),
                    ContainsSubstring("pull image '" + tag + "': no room"));
  CHECK_FALSE(live.await(live.engine.image_id(tag)).has_value());

  CHECK_THROWS_WITH(live.await(live.engine.pull({repository + ":absent"}, nullptr)),
                    ContainsSubstring("absent"));
}
