// Images that the hub resolves to digests.
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/docker_registry.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

// The fixture's image under names of a registry, moved there by the engine.
class Published {
 public:
  explicit Published(const Fleet& fleet)
      : http_(EngineClient::url()), name_(registry.host() + "/" + fleet.node("app")) {}
  ~Published() {
    try {
      for (const std::string& id : ids_) http_.send("DELETE", "/images/" + id + "?force=1");
    } catch (const std::exception&) {
      // The engine is the test's own and goes with it; a destructor has nobody to tell.
    }
  }

  // Gives the tag a content that it never had; returns its digest.
  std::string push() {
    const http::Response committed = http_.send(
        "POST",
        "/images/create?fromSrc=-&repo=" + name_ + "&tag=1&changes=LABEL%20n%3D" + std::to_string(++made_) +
            "&changes=CMD%20%5B%22%2Fbin%2Fbusybox%22%2C%22sleep%22%2C%223600%22%5D",
        image_archive());
    REQUIRE(committed.ok());
    const http::Response pushed = http_.send({.method = "POST",
                                              .target = "/images/" + name_ + "/push?tag=1",
                                              .headers = {{"X-Registry-Auth", "e30="}},
                                              .body = ""});
    REQUIRE(pushed.ok());
    REQUIRE(pushed.body.find("errorDetail") == std::string::npos);
    const nlohmann::json image = http_.get("/images/" + name_ + ":1/json");
    ids_.push_back(image.at("Id"));
    const std::string full = image.at("RepoDigests").at(0);
    return full.substr(full.find('@') + 1);
  }
  std::string reference() const { return name_ + ":1"; }

  DockerRegistry registry;

 private:
  static std::string image_archive();

  BlockingHttp http_;
  std::string name_;
  std::vector<std::string> ids_;
  int made_ = 0;
};

std::string Published::image_archive() {
  const Outcome tar = run({"tar", "-C", "/", "-c", "--dereference", "bin/busybox"});
  REQUIRE(tar.exit_code == 0);
  return tar.output;
}

void commit(Fleet& fleet, const std::string& image, const std::string& version) {
  fleet.repository().write("web.yml", "services:\n  app:\n    image: " + image +
                                          "\n    environment: {VERSION: '" + version +
                                          "'}\n    stop_grace_period: 1s\n");
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web", "    pin: true\n")).commit();
}

std::string image_of(const Fleet& fleet) {
  const nlohmann::json container = fleet.engine().find(fleet.container("web", "app"));
  return container.is_null() ? "" : container.at("Config").at("Image").get<std::string>();
}

}  // namespace

TEST_CASE("a pinned stack runs the digest of its last commit, on every node and after every restart",
          "[pins]") {
  if (!DockerRegistry::is_installed()) {
    WARN("skipped: docker-registry is not installed");
    return;
  }
  Fleet fleet;
  Published published(fleet);
  const std::string first = published.push();
  commit(fleet, published.reference(), "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  CHECK(image_of(fleet) == published.reference() + "@" + first);

  // The tag moves; commits that have nothing to do with the stack, and a hub that starts again without the
  // registry, make no difference.
  const std::string second = published.push();
  REQUIRE(first != second);
  fleet.repository().write("README", "changed").commit();
  fleet.converge();
  CHECK(image_of(fleet) == published.reference() + "@" + first);
  published.registry.stop();
  fleet.stop_hub();
  fleet.start_hub();
  fleet.converge();
  CHECK(image_of(fleet) == published.reference() + "@" + first);

  // A commit that changes it does, as soon as the registry answers.
  const auto before = fleet.containers("a");
  commit(fleet, published.reference(), "2");
  const Outcome sync = fleet.sync();
  CAPTURE(sync.output, sync.errors, fleet.logs());
  CHECK_THAT(sync.output, ContainsSubstring("compose.pin-pending"));
  CHECK_THAT(sync.output, ContainsSubstring(published.registry.host()));
  CHECK(fleet.containers("a") == before);
  published.registry.start();
  CHECK(wait_until([&] { return image_of(fleet) == published.reference() + "@" + second; }, 30s));
  CHECK(wait_until([&] { return fleet.status().at("diagnostics").empty(); }, 10s));

  fleet.stop_agent("a");  // its container holds the image that goes with the registry
  fleet.engine().remove(fleet.container("web", "app"));
}

}  // namespace hivemind::tests
