// Images on their way to a node: private ones, those that do not fit, and those that nothing needs any more.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/digest.h"
#include "tests/support/catch.h"
#include "tests/support/docker_registry.h"
#include "tests/support/fleet.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kPassword = "secret";  // as DockerRegistry has it
constexpr const char* kWrongPassword = "f4lse-p4ssword";

// Images that a registry has, and the engine has not.
class Remote {
 public:
  explicit Remote(const Fleet& fleet, DockerRegistry::Access access)
      : registry(access), http_(EngineClient::url()), name_(registry.host() + "/" + fleet.node("app")) {}
  ~Remote() {
    try {
      remove_all();
    } catch (const std::exception&) {
      // The engine is the test's own and goes with it; a destructor has nobody to tell.
    }
  }

  std::string reference(const std::string& tag) const { return name_ + ":" + tag; }
  // Gives the tag a content that it never had; the engine forgets it. Returns the image's id.
  std::string push(const std::string& tag) {
    const Outcome archive = run({"tar", "-C", "/", "-c", "--dereference", "bin/busybox"});
    REQUIRE(archive.exit_code == 0);
    const std::string local = "hivemind-push-" + name_.substr(name_.rfind('/') + 1);
    REQUIRE(http_
                .send("POST",
                      "/images/create?fromSrc=-&repo=" + local + "&tag=1&changes=LABEL%20n%3D" +
                          std::to_string(++made_) +
                          "&changes=CMD%20%5B%22%2Fbin%2Fbusybox%22%2C%22sleep%22%2C%223600%22%5D",
                      archive.output)
                .ok());
    const std::string id = http_.get("/images/" + local + ":1/json").at("Id");
    // What the engine has under that name is put back, or taken away again.
    const http::Response had = http_.send("GET", "/images/" + reference(tag) + "/json");
    REQUIRE(http_.send("POST", "/images/" + id + "/tag?repo=" + name_ + "&tag=" + tag).ok());
    const std::string auth = R"({"username":"user","password":")" + std::string(kPassword) + "\"}";
    const http::Response pushed = http_.send({.method = "POST",
                                              .target = "/images/" + name_ + "/push?tag=" + tag,
                                              .headers = {{"X-Registry-Auth", to_base64(auth)}},
                                              .body = ""});
    REQUIRE(pushed.ok());
    REQUIRE(pushed.body.find("errorDetail") == std::string::npos);
    if (had.ok()) {
      const std::string before = nlohmann::json::parse(had.body).at("Id");
      REQUIRE(http_.send("POST", "/images/" + before + "/tag?repo=" + name_ + "&tag=" + tag).ok());
    }
    REQUIRE(http_.send("DELETE", "/images/" + id + "?force=1").ok());
    return id;
  }
  bool has(const std::string& id) const { return http_.send("GET", "/images/" + id + "/json").ok(); }

  DockerRegistry registry;

 private:
  void remove_all() {
    for (const nlohmann::json& image : http_.get("/images/json")) {
      for (const nlohmann::json& digest : image.at("RepoDigests")) {
        if (digest.get<std::string>().starts_with(name_ + "@"))
          http_.send("DELETE", "/images/" + image.at("Id").get<std::string>() + "?force=1");
      }
    }
  }

  BlockingHttp http_;
  std::string name_;
  int made_ = 0;
};

bool is_installed() {
  if (DockerRegistry::is_installed()) return true;
  WARN("skipped: docker-registry is not installed");
  return false;
}

void commit(Fleet& fleet, const std::string& image, const std::string& version) {
  fleet.repository().write("web.yml", "x-hivemind: {soak: 1s}\nservices:\n  app:\n    image: " + image +
                                          "\n    pull_policy: always\n    environment: {VERSION: '" +
                                          version + "'}\n    stop_grace_period: 1s\n");
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "web")).commit();
}

void write_logins(const fs::path& file, const std::string& registry, const std::string& password) {
  std::ofstream(file) << nlohmann::json{{"auths", {{registry, {{"auth", to_base64("user:" + password)}}}}}};
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

std::string version_of(const Fleet& fleet) {
  return fleet.engine().variable(fleet.container("web", "app"), "VERSION");
}

// What the hub shows of the node, as far as it has been told.
std::string told(const Fleet& fleet, const std::string& name) {
  try {
    return fleet.node_state(name).dump();
  } catch (const std::exception&) {
    return "";
  }
}

bool is_told(const Fleet& fleet, const std::string& name, const std::string& words) {
  return wait_until([&] { return told(fleet, name).find(words) != std::string::npos; }, 30s);
}

std::string all_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a private image is pulled with the login that the hub was given", "[pulls]") {
  if (!is_installed()) return;
  Fleet fleet;
  Remote remote(fleet, DockerRegistry::Access::kLogin);
  remote.push("1");
  remote.push("2");
  const fs::path logins = fleet.directory() / "logins.json";
  write_logins(logins, remote.registry.host(), kPassword);
  commit(fleet, remote.reference("1"), "1");
  Fleet::HubOptions hub;
  hub.flags = {"--registry-credentials", logins};
  fleet.start_hub(hub);
  fleet.start_agent("a");
  fleet.converge();
  CHECK(version_of(fleet) == "1");

  // A wrong password is told in the registry's words, and shown to nobody; what runs, runs on.
  write_logins(logins, remote.registry.host(), kWrongPassword);
  commit(fleet, remote.reference("2"), "2");
  fleet.sync();
  CHECK(is_told(fleet, "a", "pull_failed"));
  CHECK_THAT(told(fleet, "a"), ContainsSubstring("not pulled: pull image '" + remote.reference("2") + "'"));
  CHECK_THAT(told(fleet, "a"), ContainsSubstring("auth"));
  CHECK(version_of(fleet) == "1");

  // The next commit brings the right one, and the pull does not wait for its time.
  write_logins(logins, remote.registry.host(), kPassword);
  fleet.repository().write("README", "changed").commit();
  fleet.converge();
  CHECK(version_of(fleet) == "2");
  for (const std::string& text :
       {all_of(fleet.directory() / "hub.log"), all_of(fleet.directory() / "agent-a.log"), told(fleet, "a"),
        fleet.cli({"status", "--output", "json"}).output, fleet.cli({"events"}).output}) {
    CHECK(text.find(kWrongPassword) == std::string::npos);
    CHECK(text.find(to_base64(std::string("user:") + kWrongPassword)) == std::string::npos);
  }
  fleet.stop_agent("a");
  fleet.engine().remove(fleet.container("web", "app"));
}

TEST_CASE("images that nothing needs any more go, and those of others stay", "[pulls]") {
  if (!is_installed()) return;
  Fleet fleet;
  Remote remote(fleet, DockerRegistry::Access::kOpen);
  const std::string first = remote.push("1");
  commit(fleet, remote.reference("1"), "1");
  fleet.start_hub();
  fleet.start_agent("a");
  fleet.converge();
  CHECK(remote.has(first));

  // The tag moves: the image of before goes when the release with the new one has proved good.
  const std::string second = remote.push("1");
  REQUIRE(first != second);
  commit(fleet, remote.reference("1"), "2");
  fleet.converge();
  CHECK(version_of(fleet) == "2");
  CHECK(wait_until([&] { return !remote.has(first); }, 30s));
  CHECK(remote.has(second));

  // A stack on an image that was there before, and that is therefore not the agent's.
  fleet.repository().write("web.yml", compose({{"app", "3"}})).commit();
  fleet.converge();
  CHECK(wait_until([&] { return !remote.has(second); }, 30s));
  CHECK(remote.has(test_image()));
}

TEST_CASE("an image that does not fit is told with numbers, and comes when there is room", "[pulls]") {
  if (!is_installed()) return;
  Fleet fleet;
  Remote remote(fleet, DockerRegistry::Access::kOpen);
  remote.push("1");
  commit(fleet, remote.reference("1"), "1");
  fleet.start_hub();
  Fleet::AgentOptions options;
  options.flags = {"--disk-reserve", "900TiB"};
  fleet.start_agent("a", options);
  fleet.sync();
  if (!is_told(fleet, "a", "disk_short")) {
    // An engine whose disk cannot be seen from here.
    CHECK_FALSE(fs::exists(fleet.engine().http().get("/info").at("DockerRootDir").get<std::string>()));
    return;
  }
  CHECK_THAT(told(fleet, "a"), ContainsSubstring("disk short: "));
  CHECK_THAT(told(fleet, "a"), ContainsSubstring(" MB are kept free"));
  CHECK(fleet.containers("a").empty());
  fleet.stop_agent("a");
  options.flags.clear();
  fleet.start_agent("a", options);
  CHECK(wait_until([&] { return version_of(fleet) == "1"; }, 60s));
  fleet.stop_agent("a");
  fleet.engine().remove(fleet.container("web", "app"));
}

}  // namespace hivemind::tests
