#include "agent/plan/secrets.h"

#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/scenario.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

const std::string kId(32, 'a');
const std::string kOther(32, 'b');

v1::Service with_secret_file(v1::Service service, const std::string& id = kId) {
  v1::FileMount& mount = *service.add_file_mounts();
  mount.set_target("/run/secrets/token");
  mount.set_read_only(true);
  mount.set_single(true);
  v1::FileEntry& entry = *mount.add_entries();
  entry.set_path("token");
  entry.set_secret(id);
  return service;
}

v1::Service with_text(v1::Service service, const std::string& body, const std::vector<std::string>& ids) {
  service.set_engine_body(body);
  for (const std::string& id : ids) service.add_secrets(id);
  return service;
}

std::string placeholder(const std::string& id) {
  return "@{hivemind-secret:" + id + "}";
}

std::string flaw_of(const v1::Service& service) {
  return desired({release("web", {service})}).stacks[0].services[0].secrets_flaw;
}

}  // namespace

TEST_CASE("secrets are placed before the container is made, and before it is started again") {
  Scenario scenario({release("web", {with_secret_file(service("app"))})});
  const std::string makes = ": service 'app' of stack 'web' has no container\n";
  const std::string places = "place secrets: service 'app' of stack 'web' mounts them\n";
  CHECK(scenario.plan_text() ==
        places + "create container web-app-1" + makes + "start container web-app-1" + makes);
  CHECK(scenario.plan().steps[1].after == std::vector<std::size_t>{0});
  scenario.converge();
  CHECK(scenario.plan_text().empty());
  scenario.engine.stop_container(scenario.engine.container("web-app-1").id);
  const Plan plan = scenario.plan();
  CHECK(to_text(plan) ==
        places +
            "start container web-app-1: service 'app' of stack 'web': its container exited with code 0\n");
  CHECK(plan.steps[1].after == std::vector<std::size_t>{0});
}

TEST_CASE("a service with files and secrets has both placed") {
  v1::Service both = with_secret_file(service("app"));
  v1::FileMount& mount = *both.add_file_mounts();
  mount.set_target("/data");
  mount.set_source("data");
  Scenario scenario({release("web", {both})});
  CHECK_THAT(scenario.plan_text(),
             ContainsSubstring("place files: ") && ContainsSubstring("place secrets: "));
}

TEST_CASE("a service whose secret cannot be had is neither made nor started nor replaced, the others are") {
  Scenario scenario({release("web", {with_secret_file(service("app")), service("db")})});
  scenario.secrets.unavailable[kId] = "secret 'TOKEN' did not come";
  scenario.converge();
  CHECK(scenario.engine.text() == "web-db-1 db-1 running\n");
  CHECK(scenario.plan_text() == "pending web/app (secrets failed): secret 'TOKEN' did not come\n");
  scenario.secrets = {};
  scenario.converge();
  scenario.secrets.unavailable[kOther] = "secret 'TOKEN' did not come";
  scenario.want({release("web", {with_secret_file(service("app", 2), kOther), service("db")})});
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-1 running\nweb-db-1 db-1 running\n");
  scenario.secrets = {};
  scenario.converge();
  CHECK(scenario.engine.text() == "web-app-1 app-2 running\nweb-db-1 db-1 running\n");
}

TEST_CASE("a release to come is not there as a whole before its secrets are") {
  Scenario scenario({release("web", {service("app")})});
  scenario.converge();
  scenario.find_good();
  scenario.candidates = desired({release("web", {with_secret_file(service("app", 2))})}).stacks;
  scenario.engine.add_image("app:2");
  CHECK(scenario.plan().fetched == std::set<std::string>{"web"});
  scenario.secrets.no_place = "there is no memory file system";
  CHECK(scenario.plan().fetched.empty());
  CHECK_THAT(scenario.plan_text(), ContainsSubstring("no memory file system"));
}

TEST_CASE("what is no text can be a file, and no part of one") {
  const auto wanted = desired(
      {release("web", {with_secret_file(service("app")),
                       with_text(service("job"), R"({"Env":["A=)" + placeholder(kId) + R"("]})", {kId})})});
  const SecretTroubles troubles{{}, {{kId, "it is no text"}}, ""};
  CHECK(secrets_trouble(wanted.stacks[0].services[0], troubles).empty());
  CHECK(secrets_trouble(wanted.stacks[0].services[1], troubles) == "it is no text");
  CHECK(secrets_of(wanted.stacks[0]) == std::set<std::string>{kId});
  CHECK(secrets_named_in(*wanted.stacks[0].release) == std::set<std::string>{kId});
  CHECK(secrets_named_in("no release").empty());
}

TEST_CASE("a body may name the secrets of its service where nobody else sees them") {
  const std::string in_env = R"({"Image":"app:1","Env":["A=)" + placeholder(kId) + R"("]})";
  CHECK(flaw_of(with_text(service("app"), in_env, {kId})).empty());
  CHECK(flaw_of(service("app")).empty());
  CHECK_THAT(flaw_of(with_text(service("app"), in_env, {kOther})), ContainsSubstring(kId));
  CHECK_THAT(flaw_of(with_text(service("app"), R"({"Labels":{"l":"x )" + placeholder(kId) + R"("}})", {kId})),
             ContainsSubstring("label 'l'"));
  CHECK_THAT(flaw_of(with_text(service("app"), R"({"HostConfig":{")" + placeholder(kId) + R"(":1}})", {kId})),
             ContainsSubstring("name of a field"));
  v1::Service hooked = service("app");
  v1::Hook& hook = *hooked.add_pre_stop();
  hook.add_command("notify");
  hook.add_environment("A=" + placeholder(kId));
  CHECK_THAT(flaw_of(hooked), ContainsSubstring(kId));
  hooked.add_secrets(kId);
  CHECK(flaw_of(hooked).empty());
}

TEST_CASE("a mount of secrets that could reach a disk, or is of something else as well, is refused") {
  v1::Service bad = with_secret_file(service("app"));
  v1::FileMount& mount = *bad.mutable_file_mounts(0);
  SECTION("writable") {
    mount.set_read_only(false);
  }
  SECTION("shared") {
    mount.set_shared(true);
    mount.set_source("secrets");
  }
  SECTION("with a file") {
    mount.set_single(false);
    v1::FileEntry& entry = *mount.add_entries();
    entry.set_path("other");
    entry.set_sha256(std::string(64, 'a'));
  }
  SECTION("with both in one") {
    mount.mutable_entries(0)->set_sha256(std::string(64, 'a'));
  }
  SECTION("with an id that is none") {
    mount.mutable_entries(0)->set_secret("../../etc");
  }
  SECTION("in a directory") {
    mount.set_single(false);
    mount.mutable_entries(0)->set_path("a/b");
  }
  CHECK_THROWS_AS(desired({release("web", {bad})}), Error);
}

TEST_CASE("placeholders are found wherever they stand, also ones that do not end") {
  CHECK(placeholders_in("").empty());
  CHECK(placeholders_in("@{hivemind-secret:a}@{hivemind-secret:b}x@{hivemind-secret:a}") ==
        std::set<std::string>{"a", "b"});
  CHECK(placeholders_in("x@{hivemind-secret:abc") == std::set<std::string>{"abc"});
  CHECK(with_secrets("x@{hivemind-secret:a}y@{hivemind-secret", [](std::string_view id) {
          return "<" + std::string(id) + ">";
        }) == "x<a>y@{hivemind-secret");
}
