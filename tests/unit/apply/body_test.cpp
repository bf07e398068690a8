#include "agent/apply/body.h"

#include <nlohmann/json.hpp>

#include "agent/plan/observed.h"
#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;
using nlohmann::json;

namespace {

json body_of(const Desired& wanted, const std::string& name, const ContainerContext* with = nullptr) {
  const DesiredStack& stack = wanted.stacks.at(0);
  ContainerContext container{*stack.service(name), 2, {}, {}, {1, 41}};
  if (with != nullptr) {
    container.mount_sources = with->mount_sources;
    container.bases = with->bases;
    container.engine_api = with->engine_api;
    container.anonymous_volumes = with->anonymous_volumes;
    container.log_driver = with->log_driver;
  }
  return json::parse(container_body({kNode, "rev", stack}, container));
}

}  // namespace

TEST_CASE("a container gets our labels and Compose's beside its own") {
  const Desired wanted = desired({release("web", {with_body(service("app"), R"({"Labels":{"own":"1"}})")})});
  const json found = body_of(wanted, "app")["Labels"];
  CHECK(found["own"] == "1");
  CHECK(found[labels::kManaged] == "true");
  CHECK(found[labels::kNode] == kNode);
  CHECK(found[labels::kStack] == "web");
  CHECK(found[labels::kService] == "app");
  CHECK(found[labels::kConfigHash] == "app-1");
  CHECK(found[labels::kDigest] == wanted.stacks[0].digest);
  CHECK(found[labels::kRevision] == "rev");
  CHECK(found[labels::kComposeProject] == "web");
  CHECK(found[labels::kComposeService] == "app");
  CHECK(found[labels::kComposeNumber] == "2");
}

TEST_CASE("a log that the engine would let grow for ever is limited, and no other") {
  const auto log_of = [](const std::string& body, const std::string& driver) {
    const Desired wanted = desired({release("web", {with_body(service("app"), body)})});
    ContainerContext with{*wanted.stacks[0].service("app"), 1, {}, {}, {1, 41}};
    with.log_driver = driver;
    return body_of(wanted, "app", &with).value("HostConfig", json::object()).value("LogConfig", json());
  };
  const json limited{{"Type", "json-file"}, {"Config", {{"max-size", "10m"}, {"max-file", "3"}}}};
  CHECK(log_of("{}", "json-file") == limited);
  CHECK(log_of(R"({"HostConfig":{"LogConfig":{"Type":"","Config":null}}})", "json-file") == limited);
  CHECK(log_of(R"({"HostConfig":{"LogConfig":{"Type":"json-file","Config":{}}}})", "journald") == limited);
  CHECK(log_of(R"({"HostConfig":{"LogConfig":{"Config":{"max-file":"5","tag":"x"}}}})", "json-file") ==
        json{{"Type", "json-file"}, {"Config", {{"max-size", "10m"}, {"max-file", "5"}, {"tag", "x"}}}});
  const std::string own = R"({"Type":"json-file","Config":{"max-size":"1m"}})";
  CHECK(log_of(R"({"HostConfig":{"LogConfig":)" + own + "}}", "json-file") == json::parse(own));
  CHECK(log_of(R"({"HostConfig":{"LogConfig":{"Type":"local"}}})", "json-file") == json{{"Type", "local"}});
  CHECK(log_of("{}", "journald").is_null());
  CHECK(log_of("{}", "").is_null());
}

TEST_CASE("all networks go along from API 1.44 on, the first one before") {
  const Desired wanted =
      desired({release("web", {with_network(with_network(service("app"), "web_a"), "web_b")})});
  ContainerContext with{*wanted.stacks[0].service("app"), 1, {}, {}, {1, 41}};
  CHECK(body_of(wanted, "app", &with)["NetworkingConfig"]["EndpointsConfig"] ==
        json{{"web_a", json::object()}});
  with.engine_api = {1, 44};
  CHECK(body_of(wanted, "app", &with)["NetworkingConfig"]["EndpointsConfig"].size() == 2);
}

TEST_CASE(
    "an address of the link layer is the container's below API 1.44, and the endpoint's from there on") {
  v1::Service app = with_network(with_network(service("app"), "web_a"), "web_b");
  app.mutable_endpoints(0)->set_engine_body(R"({"MacAddress":"02:00:00:00:00:01","Aliases":["app"]})");
  const Desired wanted = desired({release("web", {app})});
  ContainerContext with{*wanted.stacks[0].service("app"), 1, {}, {}, {1, 41}};
  json body = body_of(wanted, "app", &with);
  CHECK(body["MacAddress"] == "02:00:00:00:00:01");
  CHECK(body["NetworkingConfig"]["EndpointsConfig"]["web_a"] == json{{"Aliases", {"app"}}});
  with.engine_api = {1, 44};
  body = body_of(wanted, "app", &with);
  CHECK(!body.contains("MacAddress"));
  CHECK(body["NetworkingConfig"]["EndpointsConfig"]["web_a"]["MacAddress"] == "02:00:00:00:00:01");
}

TEST_CASE("an address on the engine's own bridge is the endpoint's, too, from API 1.44 on") {
  const Desired wanted = desired({release(
      "web", {with_body(service("app"),
                        R"({"MacAddress":"02:00:00:00:00:01","HostConfig":{"NetworkMode":"bridge"}})")})});
  ContainerContext with{*wanted.stacks[0].service("app"), 1, {}, {}, {1, 41}};
  CHECK(body_of(wanted, "app", &with)["MacAddress"] == "02:00:00:00:00:01");
  with.engine_api = {1, 44};
  const json body = body_of(wanted, "app", &with);
  CHECK(!body.contains("MacAddress"));
  CHECK(body["NetworkingConfig"]["EndpointsConfig"]["bridge"]["MacAddress"] == "02:00:00:00:00:01");
}

TEST_CASE("what is shared with other containers is named by their ids") {
  v1::Service app = service("app");
  app.set_network_of("vpn");
  app.set_pid_of("main");
  app.set_ipc_of("main");
  app.add_volumes_from()->set_service("data");
  app.mutable_volumes_from(0)->set_read_only(true);
  app.add_volumes_from()->set_container("theirs");
  const Desired wanted = desired({release("web", {app, service("vpn"), service("main"), service("data")})});
  const ContainerContext with{
      *wanted.stacks[0].service("app"), 1, {}, {{"vpn", "v"}, {"main", "m"}, {"data", "d"}}, {1, 41}};
  const json host = body_of(wanted, "app", &with)["HostConfig"];
  CHECK(host["NetworkMode"] == "container:v");
  CHECK(host["PidMode"] == "container:m");
  CHECK(host["IpcMode"] == "container:m");
  CHECK(host["VolumesFrom"] == json{"d:ro", "theirs"});
}

TEST_CASE("a container carries the hooks that it is to be stopped by") {
  v1::Service app = service("app");
  app.add_pre_stop()->add_command("bye");
  const Desired wanted = desired({release("web", {app, service("db")})});
  const std::string label = body_of(wanted, "app")["Labels"][labels::kPreStop];
  CHECK(hooks_from_label(label).at(0).command == std::vector<std::string>{"bye"});
  CHECK_THROWS_AS(hooks_from_label("[1]"), Error);
  const std::string nothing =
      R"([{"command":[],"user":"","privileged":false,"working_dir":"","environment":[]}])";
  CHECK_THROWS_AS(hooks_from_label(nothing), Error);
}

TEST_CASE("labels of an image, or under a key in another case, say nothing in place of ours") {
  v1::Service app = with_body(service("app"), R"({"Labels":{"theirs":"1"},
      "labels":{"com.hivemind.managed":"false","com.hivemind.pre-stop":"x","more":"2"},"LABEL\u017f":{"com.hivemind.job":"x"}})");
  const json body = body_of(desired({release("web", {app})}), "app");
  CHECK(!body.contains("labels"));
  CHECK(!body.contains("LABEL\u017f"));
  const json& made = body["Labels"];
  CHECK(made["theirs"] == "1");
  CHECK(made["more"] == "2");
  CHECK(made[labels::kManaged] == "true");
  // There, so that the image's own do not count.
  CHECK(made[labels::kPreStop] == "");
  CHECK(made[labels::kJob] == "");
  CHECK(hooks_from_label(made[labels::kPreStop].get<std::string>()).empty());
}

TEST_CASE("mounts of files become binds, and mounts where the path has a colon") {
  v1::Service app = with_body(service("app"), R"({"HostConfig":{"Binds":["/x:/y:rw"]}})");
  v1::FileMount& mount = *app.add_file_mounts();
  mount.set_target("/data");
  mount.set_source("data");
  mount.set_read_only(true);
  mount.set_options("z");
  const Desired wanted = desired({release("web", {app})});
  ContainerContext with{*wanted.stacks[0].service("app"), 1, {"/d/data"}, {}, {1, 41}};
  CHECK(body_of(wanted, "app", &with)["HostConfig"]["Binds"] == json{"/x:/y:rw", "/d/data:/data:ro,z"});
  with.mount_sources = {"/d:e/data"};
  const json mounts = body_of(wanted, "app", &with)["HostConfig"]["Mounts"];
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0]["Source"] == "/d:e/data");
  CHECK(mounts[0]["ReadOnly"] == true);
}

TEST_CASE("anonymous volumes are taken over where the new definition has nothing else") {
  const Desired wanted = desired({release("web", {with_body(service("app"), R"({"HostConfig":{
      "Binds":["web_db:/db:rw"],"Tmpfs":{"/tmp":""},
      "Mounts":[{"Type":"volume","Target":"/data"},{"Type":"bind","Source":"/x","Target":"/x"}]}})")})});
  ContainerContext with{*wanted.stacks[0].service("app"), 1, {}, {}, {1, 41}};
  with.anonymous_volumes = {{"/data", "v1"}, {"/db", "v2"}, {"/tmp", "v3"}, {"/var", "v4"}, {"/x", "v5"}};
  const json host = body_of(wanted, "app", &with)["HostConfig"];
  CHECK(host["Binds"] == json{"web_db:/db:rw"});
  CHECK(host["Mounts"] == json::parse(R"([{"Type":"volume","Source":"v1","Target":"/data"},
      {"Type":"bind","Source":"/x","Target":"/x"},{"Type":"volume","Source":"v4","Target":"/var"}])"));
}

TEST_CASE("networks and volumes are labelled and named") {
  const Desired wanted = desired({release("web", {with_network(service("app"), "web_default")})});
  const json network =
      json::parse(network_body({kNode, "rev", wanted.stacks[0]}, wanted.stacks[0].networks[0]));
  CHECK(network["Name"] == "web_default");
  CHECK(network["CheckDuplicate"] == true);
  CHECK(network["Labels"][labels::kStack] == "web");
  CHECK(network["Labels"][labels::kComposeNetwork] == "default");
  DesiredVolume volume;
  volume.key = "data";
  volume.name = "web_data";
  const json made = json::parse(volume_body({kNode, "rev", wanted.stacks[0]}, volume));
  CHECK(made["Name"] == "web_data");
  CHECK(made["Labels"][labels::kManaged] == "true");
}
