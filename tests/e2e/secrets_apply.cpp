// Secrets on a node, with a real engine and a real agent; the test is the hub. What is planted must be where
// the container looks for it, and nowhere else.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/sealing.h"
#include "tests/support/catch.h"
#include "tests/support/memory_place.h"
#include "tests/support/node_rig.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

std::string image() {
  const char* named = std::getenv("HIVEMIND_TEST_IMAGE");
  return named != nullptr ? named : "hivemind-test:1";
}

// What a stack is made of here: 'app' has a secret as a file, 'web' one as a variable, 'db' none.
struct Secrets {
  std::string file = "1";      // which value the file has
  std::string variable = "1";  // and the variable
  bool app_ends = false;       // the program of 'app' exits at once
  int soak_ms = 100;
};

// A node with a key of its own, and its secrets in memory.
class Node {
 public:
  Node() : Node(EngineClient::url()) {}
  explicit Node(const std::string& engine_url) : rig(engine_url) {
    rig.environment["HIVEMIND_SECRETS_DIR"] = place.path();
    give_key();
  }

  // What secrets are sealed to, without an enrolment.
  void give_key() const {
    fs::create_directories(rig.data_directory);
    write_file_durably(rig.data_directory / "sealing.key", key.secret_text(), 0600);
  }

  static std::string value(const std::string& what, const std::string& which) {
    return "planted-" + what + "-" + which + "-Zk3\"x\\9 ";
  }
  static std::string id(const std::string& what, const std::string& which) {
    return sha256_hex("a keyed digest of " + what + which).substr(0, 32);
  }
  static std::vector<std::string> planted() {
    std::vector<std::string> values;
    for (const char* which : {"1", "2"}) {
      for (const char* what : {"file", "variable"}) values.push_back(value(what, which).substr(0, 18));
    }
    return values;
  }

  v1::Manifest manifest(const Secrets& secrets) const {
    v1::Manifest manifest;
    v1::Release& release = *manifest.add_releases();
    release.set_stack(rig.stack());
    release.set_engine_api("1.41");
    release.set_revision(std::string(40, 'a'));
    *release.add_services() = app(secrets);
    *release.add_services() = service("db", {}, "", secrets.soak_ms);
    v1::Service web = service("web", {"PASSWORD=@{hivemind-secret:" + id("variable", secrets.variable) + "}"},
                              secrets.variable, secrets.soak_ms);
    web.add_secrets(id("variable", secrets.variable));
    v1::Hook& hook = *web.add_post_start();
    for (const char* word : {"/app", "job", "0", "0"}) hook.add_command(word);
    hook.add_environment("PASSWORD=@{hivemind-secret:" + id("variable", secrets.variable) + "}");
    *release.add_services() = web;
    std::string content;
    for (const v1::Service& one : release.services()) content += one.config_hash() + "/";
    release.set_digest("sha256:" + sha256_hex(content));
    add_sealed(manifest, "file", secrets.file);
    add_sealed(manifest, "variable", secrets.variable);
    return manifest;
  }

  void apply(const Secrets& secrets) {
    rig.publish(manifest(secrets));
    const bool applied = rig.wait([&] { return rig.applied() && is_good(); });
    INFO(rig.log());
    REQUIRE(applied);
  }
  bool is_good() const {
    const v1::Report& report = *rig.report();
    return report.stacks_size() == 1 && report.stacks(0).state() == v1::STATE_RUNNING &&
           report.stacks(0).good_digest() == report.stacks(0).desired_digest();
  }

  std::string container(const std::string& service) const { return rig.stack() + "-" + service + "-1"; }
  std::string id_of(const std::string& service) const {
    const auto found = rig.containers();
    const auto one = found.find(container(service));
    return one == found.end() ? "" : one->second.id;
  }
  bool all_run() const {
    const auto found = rig.containers();
    std::size_t running = 0;
    for (const auto& [name, one] : found) running += one.state == "running" ? 1 : 0;
    return running == 3;
  }

  // As the process in the container sees its file, by the kernel's own word.
  fs::path inside(const std::string& service) const {
    const json inspected = rig.engine().inspect(container(service));
    return fs::path("/proc") / std::to_string(inspected.at("State").at("Pid").get<int>()) / "root";
  }
  fs::path secret_inside() const { return inside("app") / "run/secrets/token"; }
  // Of the secrets on the node.
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(place.path(), ignored)) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
    return found;
  }

  // Power is cut: the agent, all containers and what was in memory are gone; the broker is, too.
  void reboot() {
    rig.kill_agent();
    rig.kill_broker();
    for (const auto& [name, one] : rig.containers()) rig.engine().stop(one.id);
    for (const auto& entry : fs::directory_iterator(place.path())) fs::remove_all(entry.path());
  }

  MemoryPlace place;
  OpenKey key = OpenKey::generate();
  NodeRig rig;

 private:
  v1::Service service(const std::string& name, const std::vector<std::string>& variables,
                      const std::string& version, int soak_ms) const {
    v1::Service service;
    service.set_name(name);
    service.set_image(image());
    service.set_replicas(1);
    service.set_config_hash(sha256_hex(name + version));
    service.set_soak_ms(soak_ms);
    service.set_engine_body(json{
        {"Image", image()}, {"Env", variables}, {"StopTimeout", 1}, {"HostConfig", {{"NetworkMode", "none"}}}}
                                .dump());
    return service;
  }

  v1::Service app(const Secrets& secrets) const {
    v1::Service app = service("app", {}, secrets.file + (secrets.app_ends ? "ends" : ""), secrets.soak_ms);
    if (secrets.app_ends) {
      app.set_engine_body(json{{"Image", image()},
                               {"Cmd", {"job", "3"}},
                               {"StopTimeout", 1},
                               {"HostConfig", {{"NetworkMode", "none"}}}}
                              .dump());
    }
    v1::FileMount& mount = *app.add_file_mounts();
    mount.set_target("/run/secrets/token");
    mount.set_read_only(true);
    mount.set_single(true);
    v1::FileEntry& entry = *mount.add_entries();
    entry.set_path("token");
    entry.set_secret(id("file", secrets.file));
    entry.set_mode(0440);
    entry.set_uid(1234);
    entry.set_gid(4321);
    return app;
  }

  void add_sealed(v1::Manifest& manifest, const std::string& what, const std::string& which) const {
    v1::SealedSecret& secret = *manifest.add_secrets();
    secret.set_id(id(what, which));
    secret.set_name("SECRET_" + what);
    secret.set_sealed(key.seal_key().seal(value(what, which)));
  }
};

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void check_clean(const std::string& text, const std::string& where) {
  CAPTURE(where);
  for (const std::string& value : Node::planted()) {
    CAPTURE(value);
    CHECK(text.find(value) == std::string::npos);
  }
}

// No file of the node's data (its database and its log of writes as they lie there), no log, no report, no
// event, no label.
void check_nothing_leaked(const Node& node) {
  for (const auto& entry : fs::recursive_directory_iterator(node.rig.directory())) {
    if (entry.is_regular_file()) check_clean(bytes_of(entry.path()), entry.path().string());
  }
  if (node.rig.report()) check_clean(node.rig.report()->SerializeAsString(), "report");
  for (const v1::Event& event : node.rig.events()) check_clean(event.SerializeAsString(), event.kind());
  for (const auto& [name, one] : node.rig.containers())
    check_clean(node.rig.engine().inspect(one.id).at("Config").at("Labels").dump(), name);
}

TEST_CASE(
    "a secret is in its container, as a file with its mode and owner or as a variable, and nowhere else",
    "[secrets_apply]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  CHECK(bytes_of(node.secret_inside()) == Node::value("file", "1"));
  struct stat status {};
  REQUIRE(::stat(node.secret_inside().c_str(), &status) == 0);
  CHECK(status.st_uid == 1234);
  CHECK(status.st_gid == 4321);
  CHECK((status.st_mode & 07777) == 0440);
  CHECK(node.rig.engine().variable(node.container("web"), "PASSWORD") == Node::value("variable", "1"));
  // Read-only, from a memory file system.
  const std::string mounts = bytes_of(node.inside("app").parent_path() / "mountinfo");
  const std::size_t at = mounts.find(" /run/secrets/token ");
  REQUIRE(at != std::string::npos);
  const std::string line = mounts.substr(at, mounts.find('\n', at) - at);
  CHECK_THAT(line, ContainsSubstring(" ro") && ContainsSubstring(" - tmpfs "));
  check_nothing_leaked(node);
}

TEST_CASE("another value replaces the one container that uses it, and the value before is gone",
          "[secrets_apply]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  const auto ids = std::vector{node.id_of("app"), node.id_of("web"), node.id_of("db")};
  node.apply({.file = "2"});
  CHECK(node.id_of("app") != ids[0]);
  CHECK(node.id_of("web") == ids[1]);
  CHECK(node.id_of("db") == ids[2]);
  CHECK(bytes_of(node.secret_inside()) == Node::value("file", "2"));
  CHECK(node.rig.wait([&] { return node.files().size() == 1; }));
  node.apply({.file = "2", .variable = "2"});
  CHECK(node.id_of("web") != ids[1]);
  CHECK(node.id_of("db") == ids[2]);
  CHECK(node.rig.engine().variable(node.container("web"), "PASSWORD") == Node::value("variable", "2"));
  check_nothing_leaked(node);
}

TEST_CASE("after a power cut, with no broker, the same containers come back with their secrets",
          "[secrets_apply]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  const auto ids = std::vector{node.id_of("app"), node.id_of("web"), node.id_of("db")};
  node.reboot();
  // As at a boot, where the engine starts containers before there is an agent: it refuses, and makes nothing
  // in the place of what it misses.
  const auto refused = node.rig.engine().http().send("POST", "/containers/" + ids[0] + "/start");
  CHECK(refused.status >= 400);
  CHECK(fs::is_empty(node.place.path()));
  node.rig.start_agent();
  const bool back = node.rig.wait([&] { return node.all_run(); });
  INFO(node.rig.log());
  REQUIRE(back);
  CHECK(std::vector{node.id_of("app"), node.id_of("web"), node.id_of("db")} == ids);
  CHECK(bytes_of(node.secret_inside()) == Node::value("file", "1"));
  check_nothing_leaked(node);
}

TEST_CASE("a release that fails gives way to the one before with its old value, also after a power cut",
          "[secrets_apply]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  const std::string good = node.id_of("app");
  node.rig.publish(node.manifest({.file = "2", .app_ends = true, .soak_ms = 500}));
  const auto rolled_back = [&] {
    return node.rig.report() && node.rig.report()->stacks_size() == 1 &&
           node.rig.report()->stacks(0).state() == v1::STATE_ROLLED_BACK && node.all_run();
  };
  {
    const bool went_back = node.rig.wait(rolled_back);
    INFO(node.rig.log());
    REQUIRE(went_back);
  }
  CHECK(node.id_of("app") == good);
  CHECK(bytes_of(node.secret_inside()) == Node::value("file", "1"));
  // The newest manifest does not hold the old value any more: the store does.
  node.reboot();
  node.rig.start_agent();
  const bool back = node.rig.wait([&] { return node.all_run(); });
  INFO(node.rig.log());
  REQUIRE(back);
  CHECK(node.id_of("app") == good);
  CHECK(bytes_of(node.secret_inside()) == Node::value("file", "1"));
  check_nothing_leaked(node);
}

TEST_CASE("a stack that goes takes its secrets with it", "[secrets_apply]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  CHECK(node.files().size() == 1);
  node.rig.publish({});
  CHECK(node.rig.wait([&] { return node.rig.applied() && node.rig.containers().empty(); }));
  CHECK(node.rig.wait([&] { return node.files().empty(); }));
  check_nothing_leaked(node);
}

TEST_CASE("a secret of another node's key holds its release back and says so, and what runs, runs on",
          "[secrets_apply]") {
  Node node;
  node.rig.start_agent();
  node.apply({});
  const std::string before = node.id_of("app");
  v1::Manifest wrong = node.manifest({.file = "2"});
  wrong.mutable_secrets(0)->set_sealed(OpenKey::generate().seal_key().seal("planted-file-2-for-another"));
  node.rig.publish(wrong);
  const bool told = node.rig.wait([&] {
    return node.rig.report() && node.rig.report()->stacks_size() == 1 &&
           node.rig.report()->stacks(0).reason() == v1::REASON_SECRETS_FAILED;
  });
  INFO(node.rig.log());
  REQUIRE(told);
  CHECK_THAT(node.rig.report()->stacks(0).text(), ContainsSubstring("SECRET_file"));
  CHECK(node.id_of("app") == before);
  CHECK(node.all_run());
  // Sealed rightly, the same release is applied: it has not failed.
  node.apply({.file = "2"});
  CHECK(bytes_of(node.secret_inside()) == Node::value("file", "2"));
  check_nothing_leaked(node);
}

TEST_CASE("where there is no memory file system, one is mounted, or nothing is written", "[secrets_apply]") {
  Node node;
  const fs::path directory = node.rig.directory() / "on-disk";
  node.rig.environment["HIVEMIND_SECRETS_DIR"] = directory;
  node.rig.start_agent();
  node.rig.publish(node.manifest({}));
  const bool settled = node.rig.wait([&] {
    if (!node.rig.report() || node.rig.report()->stacks_size() != 1) return false;
    const v1::StackReport& stack = node.rig.report()->stacks(0);
    return stack.state() == v1::STATE_RUNNING || stack.reason() == v1::REASON_SECRETS_FAILED;
  });
  INFO(node.rig.log());
  REQUIRE(settled);
  if (node.rig.report()->stacks(0).state() == v1::STATE_RUNNING) {
    CHECK(bytes_of(node.secret_inside()) == Node::value("file", "1"));
    // What is below the mount is the disk.
    node.rig.kill_agent();
    node.rig.clean();
    REQUIRE(::umount2(directory.c_str(), MNT_DETACH) == 0);
  }
  CHECK((!fs::exists(directory) || fs::is_empty(directory)));
  check_nothing_leaked(node);
}

TEST_CASE("killed at every write of a secret's file, the next start has it in its container",
          "[secrets_apply_kill]") {
  Node node;
  node.rig.environment["LD_PRELOAD"] = HIVEMIND_KILL_AT_WRITE;
  node.rig.start_agent();
  node.apply({});
  node.rig.kill_agent();
  // From here on its secrets are what is counted.
  node.rig.environment[kKillBelowVariable] = node.place.path();
  int boundaries = 0;
  for (int n = 1;; ++n) {
    CAPTURE(n);
    for (const auto& [name, one] : node.rig.containers()) node.rig.engine().stop(one.id);
    for (const auto& entry : fs::directory_iterator(node.place.path())) fs::remove_all(entry.path());
    node.rig.writes().killed = 0;
    node.rig.writes().kill_at = node.rig.writes().calls + static_cast<std::uint64_t>(n);
    node.rig.start_agent();
    const bool ended = node.rig.wait([&] { return node.rig.writes().killed != 0 || node.all_run(); });
    INFO(node.rig.log());
    REQUIRE(ended);
    const bool killed = node.rig.writes().killed != 0;
    node.rig.kill_agent();
    node.rig.writes().kill_at = 0;
    for (const fs::path& file : node.files()) {
      const bool is_aside = file.filename() == ".file" || file.parent_path().filename() == ".new";
      if (!is_aside) CHECK(bytes_of(file) == Node::value("file", "1"));
    }
    if (!killed) break;
    ++boundaries;
    node.rig.start_agent();
    const bool back = node.rig.wait([&] { return node.all_run(); });
    REQUIRE(back);
    CHECK(bytes_of(node.secret_inside()) == Node::value("file", "1"));
    CHECK(node.files().size() == 1);
    node.rig.kill_agent();
  }
  CHECK(boundaries > 5);
  std::cout << "secrets, killed: " << boundaries << " boundaries\n";
  check_nothing_leaked(node);
}

}  // namespace
}  // namespace hivemind::tests
