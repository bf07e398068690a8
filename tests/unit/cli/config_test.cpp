// The commands that read files and need no hub: config and lint.
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "hub/cli/run.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind::hub::cli;
using hivemind::tests::ContainsSubstring;
using nlohmann::json;

namespace {

// A directory, and what a command says about it.
class Files {
 public:
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((directory_ / path).parent_path());
    std::ofstream(directory_ / path) << text;
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  ExitCode run(std::vector<std::string> args, hivemind::hub::Variables environment = {}) {
    out_.str("");
    err_.str("");
    Console console{out_, err_};
    console.environment = std::move(environment);
    return hivemind::hub::cli::run(std::move(args), console);
  }
  json model(std::vector<std::string> args, hivemind::hub::Variables environment = {}) {
    args.insert(args.begin(), {"config", "--format", "json"});
    run(std::move(args), std::move(environment));
    INFO(err());
    REQUIRE_FALSE(out().empty());
    return json::parse(out());
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

 private:
  hivemind::tests::TemporaryDirectory directory_;
  std::ostringstream out_, err_;
};

const std::string kCompose = R"(
services:
  app:
    image: busybox:${TAG:-1.36}
    command: ["echo", "yes", "1.10", "$$HOME", "a: b", ""]
    environment: {YES: "yes", NUMBER: "1.10", NOTHING: "null", LINES: "a\nb\n", QUOTE: 'say "x"'}
    volumes: ["./data:/data", "named:/named"]
    ports: ["8080:80"]
    mem_limit: 64m
volumes: {named: {}}
)";

}  // namespace

TEST_CASE("what config prints means the same when it is read again") {
  Files files;
  files.write("Web.App/compose.yml", kCompose);
  const std::string file = files.path("Web.App/compose.yml");
  const json model = files.model({"-f", file});
  CHECK(model["name"] == "webapp");
  CHECK(model["services"]["app"]["command"][3] == "$$HOME");
  CHECK(model["services"]["app"]["volumes"][0]["source"] == files.path("Web.App/data"));
  files.write("again.json", files.out());
  CHECK(files.model({"-f", files.path("again.json")}) == model);
  CHECK(files.run({"config", "-f", file}) == ExitCode::kOk);
  files.write("again.yml", files.out());
  CHECK(files.model({"-f", files.path("again.yml")}) == model);
}

TEST_CASE("config takes variables from .env or the files given, and from the environment above them") {
  Files files;
  files.write("web/compose.yml", kCompose);
  files.write("web/.env", "TAG=from-env-file");
  files.write("other.env", "TAG=other");
  const std::string file = files.path("web/compose.yml");
  const auto image = [](const json& model) { return model["services"]["app"]["image"]; };
  CHECK(image(files.model({"-f", file})) == "busybox:from-env-file");
  CHECK(image(files.model({"-f", file, "--env-file", files.path("other.env")})) == "busybox:other");
  CHECK(image(files.model({"-f", file}, {{"TAG", "process"}})) == "busybox:process");
  CHECK(image(files.model({"-f", file, "--no-interpolate"})) == "busybox:${TAG:-1.36}");
}

TEST_CASE("config --no-interpolate brings into form what no variable keeps from it") {
  Files files;
  files.write("web/compose.yml", R"(
services:
  app:
    image: busybox:${TAG}
    ports: ["8080:80", 9000/udp]
    volumes: ["./data:/data/", "${DIR:-./x}:/x:ro", "./$X:/y"]
    env_file: $NAME.env
    environment: [A=$B, HOME, C=$$5]
    cpus: $CPUS
    links: [db]
    secrets: [key]
    command: []
  db:
    image: x
    profiles: [other]
    ports: ["8080:80", "${PORT}:81"]
    network_mode: host
volumes: {own: }
secrets: {key: {file: ./$KEY}}
)");
  const json model =
      files.model({"-f", files.path("web/compose.yml"), "--no-interpolate"}, {{"HOME", "/home/me"}});
  const json& app = model["services"]["app"];
  const std::string web = files.path("web");
  CHECK(app["ports"] ==
        json::parse(R"([{"mode": "ingress", "protocol": "tcp", "published": "8080", "target": 80},
                        {"mode": "ingress", "protocol": "udp", "target": 9000}])"));
  CHECK(app["volumes"][0] == json{{"type", "bind"},
                                  {"source", web + "/data"},
                                  {"target", "/data"},
                                  {"bind", {{"create_host_path", true}}}});
  CHECK(app["volumes"][1] == json{{"type", "volume"},
                                  {"source", "${DIR:-./x}"},
                                  {"target", "/x"},
                                  {"read_only", true},
                                  {"volume", json::object()}});
  CHECK(app["volumes"][2]["source"] == web + "/$X");
  CHECK(app["env_file"] == json::array({{{"path", web + "/$NAME.env"}, {"required", true}}}));
  CHECK(app["environment"] == json{"A=$B", "HOME", "C=$$5"});
  CHECK(app["cpus"] == "$CPUS");
  CHECK(app["depends_on"]["db"]["restart"] == true);
  CHECK(app["secrets"][0]["target"] == "/run/secrets/key");
  CHECK(app["command"].is_null());
  CHECK(app["networks"] == json{{"default", nullptr}});
  CHECK(model["services"]["db"]["ports"] == json{"8080:80", "${PORT}:81"});
  CHECK_FALSE(model["services"]["db"].contains("networks"));
  CHECK(model["networks"] == json{{"default", {{"name", "web_default"}}}});
  CHECK(model["volumes"] == json{{"own", {{"name", "web_own"}}}});
  CHECK(model["secrets"] == json{{"key", {{"name", "web_key"}, {"file", web + "/$KEY"}}}});
}

TEST_CASE("config prints 'x-' keys of every level in YAML, and nothing that says nothing") {
  Files files;
  files.write("web/compose.yml", R"(
services:
  app:
    image: x
    x-own: {cost: $$5}
    logging: {driver: local, x-below: 1}
    labels: {x-label: given}
    ulimits: {core: {soft: 0, hard: 0}}
    deploy: {replicas: 1}
)");
  const std::string file = files.path("web/compose.yml");
  CHECK(files.run({"config", "-f", file}) == ExitCode::kOk);
  CHECK_THAT(files.out(), ContainsSubstring("x-own:"));
  CHECK_THAT(files.out(), ContainsSubstring("$$5"));
  CHECK_THAT(files.out(), ContainsSubstring("x-below: 1"));
  CHECK_THAT(files.out(), ContainsSubstring("soft: 0"));
  for (const char* absent : {"command", "entrypoint", "ipam", "placement"})
    CHECK_THAT(files.out(), !ContainsSubstring(absent));
  const json model = files.model({"-f", file});
  CHECK_FALSE(model["services"]["app"].contains("x-own"));
  CHECK(model["services"]["app"]["labels"] == json{{"x-label", "given"}});
  CHECK(model["services"]["app"]["command"].is_null());
}

TEST_CASE("a project is named by the option, the variable, the file and its directory, in this order") {
  Files files;
  files.write("some.dir/compose.yml", "name: In-File\nservices: {app: {image: x}}\n");
  const std::string file = files.path("some.dir/compose.yml");
  CHECK(files.model({"-f", file, "-p", "option"}, {{"COMPOSE_PROJECT_NAME", "variable"}})["name"] ==
        "option");
  CHECK(files.model({"-f", file}, {{"COMPOSE_PROJECT_NAME", "variable"}})["name"] == "variable");
  CHECK(files.model({"-f", file})["name"] == "in-file");
  CHECK(files.run({"config", "-f", file, "-p", "No Name"}) == ExitCode::kUsage);
}

TEST_CASE("config prints what Compose takes and says what a node refuses") {
  Files files;
  files.write("build/compose.yml", "services: {app: {build: .}}\n");
  CHECK(files.run({"config", "-f", files.path("build/compose.yml")}) == ExitCode::kBad);
  CHECK_THAT(files.out(), ContainsSubstring("dockerfile: Dockerfile"));
  CHECK_THAT(files.err(), ContainsSubstring("compose.build-without-image"));
  files.write("wrong/compose.yml", "services: {app: {image: x, imagee: y}}\n");
  CHECK(files.run({"config", "-f", files.path("wrong/compose.yml")}) == ExitCode::kBad);
  CHECK(files.out().empty());
  CHECK(files.run({"config", "-f", files.path("absent.yml")}) == ExitCode::kNotFound);
}

TEST_CASE("config reads a file beside the project's directory") {
  Files files;
  files.write("common/base.yml", "services: {base: {image: x, env_file: base.env}}\n");
  files.write("common/base.env", "A=1\n");
  files.write("web/compose.yml", "services: {app: {extends: {file: ../common/base.yml, service: base}}}\n");
  const json model = files.model({"-f", files.path("web/compose.yml")});
  CHECK(model["services"]["app"]["environment"]["A"] == "1");
}

TEST_CASE("lint prints a SARIF log with the rules, places and remedies of what it finds") {
  Files files;
  files.write("stacks.yml", "stacks: [{name: web, compose_file: web/compose.yml}]\n");
  files.write("web/compose.yml", "services:\n  app:\n    image: x\n    imagee: y\n    attach: false\n");
  CHECK(files.run({"lint", files.path(""), "--format", "sarif"}) == ExitCode::kBad);
  const json log = json::parse(files.out());
  INFO(files.out());
  CHECK(log["version"] == "2.1.0");
  REQUIRE(log["runs"].size() == 1);
  const json& run = log["runs"][0];
  const json& rules = run["tool"]["driver"]["rules"];
  CHECK(run["tool"]["driver"]["name"] == "hivemind");
  REQUIRE(run["results"].size() >= 1);
  bool seen = false;
  for (const json& result : run["results"]) {
    CHECK(rules.at(result["ruleIndex"].get<std::size_t>())["id"] == result["ruleId"]);
    CHECK((result["level"] == "error" || result["level"] == "warning"));
    CHECK_FALSE(result["message"]["text"].get<std::string>().empty());
    if (result["ruleId"] != "compose.unknown-key") continue;
    seen = true;
    const json& place = result["locations"][0]["physicalLocation"];
    CHECK(place["artifactLocation"]["uri"] == "web/compose.yml");
    CHECK(place["region"]["startLine"] == 4);
    CHECK(place["region"]["startColumn"] == 5);
    CHECK_THAT(result["properties"]["remedy"].get<std::string>(), ContainsSubstring("image"));
    CHECK(result["properties"]["stack"] == "web");
  }
  CHECK(seen);
}

TEST_CASE("lint prints JSON by either flag") {
  Files files;
  files.write("stacks.yml", "stacks: [{name: web, compose_file: web/compose.yml}]\n");
  files.write("web/compose.yml", "services: {app: {image: x}}\n");
  files.run({"lint", files.path(""), "--format", "json"});
  const std::string by_format = files.out();
  files.run({"lint", files.path(""), "--output", "json"});
  CHECK(files.out() == by_format);
  CHECK(json::parse(by_format)["valid"].is_boolean());
  CHECK(files.run({"lint", files.path(""), "--format", "xml"}) == ExitCode::kUsage);
}
