#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

const std::string kVolumes = "volumes:\n  db:\n  shared: {external: true, name: big}\n";

nlohmann::json host_of(const std::string& mount) {
  return compile_service("    volumes:\n      - " + mount + "\n", kVolumes).host("app");
}

}  // namespace

TEST_CASE("named volumes are mounted by their real names") {
  CHECK(host_of("db:/data").at("Binds") == json(R"(["web_db:/data:rw"])"));
  CHECK(host_of("shared:/data:ro").at("Binds") == json(R"(["big:/data:ro"])"));
  CHECK(host_of("db:/data:rw,nocopy").at("Binds") == json(R"(["web_db:/data:rw,nocopy"])"));
  CHECK(host_of("{type: volume, source: db, target: /data, read_only: true}").at("Binds") ==
        json(R"(["web_db:/data:ro"])"));
}

TEST_CASE("absolute binds are made by the engine when absent, unless the long form says no") {
  CHECK(host_of("/srv:/data").at("Binds") == json(R"(["/srv:/data:rw"])"));
  CHECK(host_of("/srv:/data:ro,Z,rslave").at("Binds") == json(R"(["/srv:/data:ro,Z,rslave"])"));
  CHECK(host_of("/srv:/data:cached").at("Binds") == json(R"(["/srv:/data:rw"])"));
  CHECK(host_of(
            "{type: bind, source: /srv, target: /data, bind: {create_host_path: false, propagation: shared}}")
            .at("Mounts") ==
        json(R"([{"Type":"bind","Source":"/srv","Target":"/data","BindOptions":{"Propagation":"shared"}}])"));
}

TEST_CASE("anonymous volumes and tmpfs") {
  CHECK(host_of("/data").at("Mounts") == json(R"([{"Type":"volume","Target":"/data"}])"));
  CHECK(host_of("{type: tmpfs, target: /run, tmpfs: {size: 64m, mode: 1777}}").at("Mounts") ==
        json(R"([{"Type":"tmpfs","Target":"/run","TmpfsOptions":{"SizeBytes":67108864,"Mode":1023}}])"));
  CHECK(compile_service("    tmpfs: ['/run:size=64m', /tmp]\n").host("app").at("Tmpfs") ==
        json(R"({"/run":"size=64m","/tmp":""})"));
}

TEST_CASE("volumes are made with their settings, and only those in use") {
  const auto compiled =
      compile_service("    volumes: [db:/data]\n",
                      "volumes:\n  db:\n    driver: local\n    driver_opts: {type: nfs, n: 1}\n"
                      "    labels: [a=b]\n  unused:\n");
  CHECK(json(compiled.volume("db").engine_body()) ==
        json(R"({"Name":"web_db","Driver":"local","DriverOpts":{"type":"nfs","n":"1"},"Labels":{"a":"b"}})"));
  CHECK(compiled.result->release.volumes_size() == 1);
}

TEST_CASE("an external volume is only looked up") {
  const auto compiled = compile_service("    volumes: [db:/data]\n", "volumes:\n  db: {external: true}\n");
  CHECK(compiled.volume("db").external());
  CHECK(compiled.volume("db").name() == "db");
  CHECK(compiled.volume("db").engine_body().empty());
  CHECK(compile_service("", "volumes:\n  db: {external: true, driver: local}\n").errors() ==
        "5:24 compose.conflict");
}

TEST_CASE("mounts that make no sense are refused with their place") {
  const auto errors = [](const std::string& mount) {
    return compile_service("    volumes:\n      - " + mount + "\n", kVolumes).errors();
  };
  CHECK(errors("nodb:/data") == "5:9 compose.undefined-volume");
  CHECK(errors("db:data") == "5:9 compose.invalid-value");
  CHECK(errors("data/x:/data") == "5:9 compose.invalid-value");
  CHECK(errors("~/x:/data") == "5:9 compose.home-path");
  CHECK(errors("v:/v") == "5:9 compose.invalid-value");
  CHECK(errors("'C:\\x:/data'") == "5:9 compose.invalid-value");
  CHECK(errors("db:/data:rx") == "5:9 compose.invalid-value");
  CHECK(errors("':/data'") == "5:9 compose.invalid-value");
  CHECK(errors("${UNSET}:/data") == "5:9 compose.invalid-value");
  CHECK(errors("{type: image, source: x, target: /y}") == "5:16 compose.unsupported-value");
  CHECK(errors("{type: volume, source: db, target: /y, volume: {subpath: a}}") ==
        "5:57 compose.unsupported-key");
}

TEST_CASE("a target is mounted once") {
  const auto compiled =
      compile_service("    volumes: [db:/data, '/srv:/data/']\n    tmpfs: /data\n", kVolumes);
  CHECK(compiled.errors() == "4:25 compose.duplicate-target\n5:12 compose.duplicate-target");
}

}  // namespace hivemind::tests
