// Secrets over the whole reconciler: when they come, when they go, and that nothing waits for a hub.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/apply/reconciler.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/fake_engine.h"
#include "tests/support/manifest_builder.h"
#include "tests/support/memory_place.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/apply/loop.h"
#include "tests/unit/apply/reconciled_node.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace fs = std::filesystem;

namespace {

std::string id_of(char digit) {
  return std::string(32, digit);
}

// The service mounts the secret of that digit at /run/secrets/token.
v1::Service with_secret_file(v1::Service service, char digit) {
  v1::FileMount& mount = *service.add_file_mounts();
  mount.set_target("/run/secrets/token");
  mount.set_read_only(true);
  mount.set_single(true);
  v1::FileEntry& entry = *mount.add_entries();
  entry.set_path("token");
  entry.set_secret(id_of(digit));
  service.set_config_hash(service.config_hash() + digit);
  return service;
}

v1::Service with_secret_variable(v1::Service service, char digit) {
  service.set_engine_body(R"({"Image":")" + service.image() + R"(","Env":["PASSWORD=@{hivemind-secret:)" +
                          id_of(digit) + R"(}"]})");
  service.add_secrets(id_of(digit));
  service.set_config_hash(service.config_hash() + digit);
  return service;
}

class Node : public ReconciledNode {
 public:
  void want(const std::vector<v1::Release>& releases, const std::string& digits) {
    v1::Manifest wish = next_manifest(releases);
    add_images(releases);
    for (const char digit : digits) {
      v1::SealedSecret& secret = *wish.add_secrets();
      secret.set_id(id_of(digit));
      secret.set_name(std::string("SECRET_") + digit);
      secret.set_sealed(key->seal_key().seal(value_of(digit)));
    }
    give(wish);
  }

  static std::string value_of(char digit) { return std::string("value \"") + digit + "\" \\ planted"; }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(place.path())) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
    return found;
  }
  // What the engine was given for the container.
  nlohmann::json body(const std::string& name) {
    return nlohmann::json::parse(*engine.model.inspect_container(engine.model.container(name).id));
  }
  std::string reasons() const {
    std::string text;
    for (const Pending& pending : reconciler().standing().plan.pending)
      text += v1::Reason_Name(pending.reason) + " " + pending.text + "\n";
    return text;
  }

  MemoryPlace place;
  std::shared_ptr<const OpenKey> key = std::make_shared<const OpenKey>(OpenKey::generate());
  SealedSecrets stored;

 private:
  void prepare(Reconciler::Options& options, Reconciler::Callbacks& on) override {
    on.sealed = [this](const std::string& id) {
      const auto found = stored.find(id);
      return found == stored.end() ? std::nullopt : std::optional(found->second);
    };
    options.secrets_directory = place.path();
    options.node = kNode;
    options.vault = std::make_shared<Vault>(key);
  }
  void on_saved() override {
    for (const auto& [id, secret] : *reconciler().standing().desired->sealed)
      stored.insert_or_assign(id, secret);
  }
};

}  // namespace

TEST_CASE("a secret is there as a file before its container is made") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1'), service("db")})}, "1");
  REQUIRE(node.settle());
  REQUIRE(node.files().size() == 1);
  CHECK(read_file(node.files()[0]) == Node::value_of('1'));
  const auto mount = node.body("web-app-1")["HostConfig"]["Mounts"][0];
  CHECK(mount["Type"] == "bind");
  CHECK(mount["Source"] == node.files()[0].string());
  CHECK(mount["Target"] == "/run/secrets/token");
  CHECK(mount["ReadOnly"] == true);
  CHECK_FALSE(node.body("web-app-1")["HostConfig"].contains("Binds"));
}

TEST_CASE("a variable gets its secret when the container is made, and no label and no plan shows it") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_variable(service("app"), '1')})}, "1");
  REQUIRE(node.settle());
  CHECK(node.body("web-app-1")["Config"]["Env"][0] == "PASSWORD=" + Node::value_of('1'));
  CHECK_THAT(node.body("web-app-1")["Config"]["Labels"].dump(), !ContainsSubstring("planted"));
  CHECK(node.files().empty());
}

TEST_CASE("another value replaces the services that use it, and no other") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1'), with_secret_variable(service("job"), '2'),
                             service("db")})},
            "12");
  REQUIRE(node.settle());
  const std::string app = node.engine.model.container("web-app-1").id;
  const std::string job = node.engine.model.container("web-job-1").id;
  const std::string db = node.engine.model.container("web-db-1").id;
  node.want({release("web", {with_secret_file(service("app"), '3'), with_secret_variable(service("job"), '2'),
                             service("db")})},
            "23");
  REQUIRE(node.settle());
  CHECK(node.engine.model.container("web-app-1").id != app);
  CHECK(node.engine.model.container("web-job-1").id == job);
  CHECK(node.engine.model.container("web-db-1").id == db);
  REQUIRE(run_until(node.loop, [&] { return node.files().size() == 1; }));
  CHECK(read_file(node.files()[0]) == Node::value_of('3'));
}

TEST_CASE("after a reboot secrets come back from what the node has, before the container starts") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1')})}, "1");
  REQUIRE(node.settle());
  const fs::path file = node.files().at(0);
  const std::string id = node.engine.model.container("web-app-1").id;
  node.engine.model.stop_container(id);
  fs::remove_all(node.place.path() / kNode);
  node.engine.send_events();
  REQUIRE(run_until(node.loop, [&] { return !node.engine.model.running().empty(); }));
  CHECK(node.engine.model.container("web-app-1").id == id);
  CHECK(read_file(file) == Node::value_of('1'));
}

TEST_CASE("a file that is lost while its container runs comes back, as the engine may start it again") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1')})}, "1");
  REQUIRE(node.settle());
  const fs::path file = node.files().at(0);
  fs::remove_all(node.place.path() / kNode);
  node.start();  // looks at all of it
  node.want({release("web", {with_secret_file(service("app"), '1')})}, "1");
  REQUIRE(run_until(node.loop, [&] { return fs::exists(file); }));
  CHECK(read_file(file) == Node::value_of('1'));
}

TEST_CASE("a secret that cannot be had holds its release back, and what runs, runs on") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1')})}, "1");
  REQUIRE(node.settle());
  const std::string id = node.engine.model.container("web-app-1").id;
  const auto writes = node.engine.writes.size();
  SECTION("as a file") {
    node.want({release("web", {with_secret_file(service("app"), '2')})}, "1");
  }
  SECTION("as a variable") {
    node.want({release("web", {with_secret_variable(service("app"), '2')})}, "1");
  }
  SECTION("in a label") {
    v1::Service shown = service("app");
    shown.set_engine_body(R"({"Image":"app:1","Labels":{"x":"@{hivemind-secret:)" + id_of('1') + R"(}"}})");
    shown.add_secrets(id_of('1'));
    shown.set_config_hash("shown");
    node.want({release("web", {shown})}, "1");
  }
  REQUIRE(run_until(node.loop, [&] { return node.reasons().find("SECRETS_FAILED") != std::string::npos; }));
  CHECK_THAT(node.reasons(), !ContainsSubstring("planted"));
  CHECK(node.engine.model.container("web-app-1").id == id);
  CHECK(node.engine.model.running() == std::vector<std::string>{"web-app-1"});
  CHECK(node.engine.writes.size() == writes);
  CHECK(node.past.failed["web"].empty());
  // The same release, once its secret is there.
  node.want({release("web", {with_secret_file(service("app"), '2')})}, "12");
  REQUIRE(node.settle());
  CHECK(node.engine.model.container("web-app-1").id != id);
}

TEST_CASE("a release that comes back has its secrets from the store, without a hub") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1')})}, "1");
  REQUIRE(node.settle());
  const fs::path file = node.files().at(0);
  const std::string good = node.engine.model.container("web-app-1").id;
  node.engine.fail_writes_like("start web-app-1", Error(ErrorCode::kInvalid, "no such program"));
  v1::Service worse = with_secret_file(service("app", 2), '3');
  node.want({release("web", {worse})}, "3");
  REQUIRE(run_until(node.loop, [&] { return !node.past.failed["web"].empty(); }));
  // A power cut in the middle: nothing of the first release came with the newest manifest.
  node.engine.mend();
  node.engine.freeze_at_write(1);
  REQUIRE(run_until(node.loop, [&] { return node.engine.frozen(); }));
  fs::remove_all(node.place.path() / kNode);
  node.engine.thaw();
  node.start();
  node.want({release("web", {worse})}, "3");
  REQUIRE(run_until(node.loop, [&] { return !node.engine.model.running().empty(); }));
  CHECK(node.engine.model.container("web-app-1").id == good);
  CHECK(read_file(file) == Node::value_of('1'));
}

TEST_CASE("a stack that goes takes its secrets with it") {
  Node node;
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1')}),
             release("other", {with_secret_file(service("app"), '2')})},
            "12");
  REQUIRE(node.settle());
  CHECK(node.files().size() == 2);
  node.want({release("other", {with_secret_file(service("app"), '2')})}, "2");
  REQUIRE(node.settle());
  REQUIRE(run_until(node.loop, [&] { return node.files().size() == 1; }));
  CHECK(read_file(node.files()[0]) == Node::value_of('2'));
  CHECK_FALSE(fs::exists(node.place.path() / kNode / "web"));
}

TEST_CASE("no memory file system for secrets holds back those that are files, and says what to do") {
  Node node;
  write_file_durably(node.place.path() / kNode, "in the way", 0600);
  node.start();
  node.want({release("web", {with_secret_file(service("app"), '1'), with_secret_variable(service("job"), '1'),
                             service("db")})},
            "1");
  REQUIRE(run_until(node.loop,
                    [&] { return node.engine.model.running().size() == 2 && !node.reasons().empty(); }));
  CHECK_THAT(node.reasons(),
             ContainsSubstring("SECRETS_FAILED") && ContainsSubstring(node.place.path().string()));
  CHECK(node.engine.model.running() == std::vector<std::string>{"web-db-1", "web-job-1"});
}
