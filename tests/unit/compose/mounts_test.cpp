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
  CHECK(host_of("db:/data:z").at("Binds") == json(R"(["web_db:/data:rw,z"])"));
  CHECK(host_of("{type: volume, source: db, target: /data, read_only: true}").at("Binds") ==
        json(R"(["web_db:/data:ro"])"));
}

TEST_CASE("options of volumes go where the engine has a place for them") {
  const auto compiled = compile_service(
      "    volumes:\n      - {type: volume, source: db, target: /d, volume: {nocopy: true, subpath: a/b, "
      "labels: "
      "[x=1]}}\n",
      kVolumes);
  CHECK(compiled.host("app").at("Mounts") == json(R"([{"Type":"volume","Source":"web_db","Target":"/d",
                  "VolumeOptions":{"NoCopy":true,"Subpath":"a/b","Labels":{"x":"1"}}}])"));
  CHECK(compiled.result->release.engine_api() == "1.45");
  CHECK(host_of("db:/data:rw,nocopy").at("Mounts") ==
        json(R"([{"Type":"volume","Source":"web_db","Target":"/data","VolumeOptions":{"NoCopy":true}}])"));
}

TEST_CASE("absolute binds are made by the engine when absent, unless the long form says no") {
  CHECK(host_of("/srv:/data").at("Binds") == json(R"(["/srv:/data:rw"])"));
  CHECK(host_of("/srv:/data:ro,Z,rslave").at("Binds") == json(R"(["/srv:/data:ro,Z,rslave"])"));
  CHECK(host_of("/srv:/data:cached").at("Binds") == json(R"(["/srv:/data:rw"])"));
  CHECK(host_of("{type: bind, source: /srv, target: /data}").at("Binds") == json(R"(["/srv:/data:rw"])"));
  CHECK(host_of("/srv:/data:rslave").at("Mounts") == json(R"([{"Type":"bind","Source":"/srv","Target":"/data",
                  "BindOptions":{"Propagation":"rslave","CreateMountpoint":true}}])"));
  CHECK(host_of("{type: bind, source: /srv, target: /data, bind: {selinux: z}}").at("Binds") ==
        json(R"(["/srv:/data:rw,z"])"));
  CHECK(compile_service("    volumes:\n      - {type: bind, source: /a, target: /b, bind: {selinux: z, "
                        "create_host_path: false}}\n")
            .warnings() == "5:9 compose.ignored-option");
  CHECK(host_of("{type: bind, source: /srv, target: /data, bind: {}}").at("Mounts") ==
        json(R"([{"Type":"bind","Source":"/srv","Target":"/data"}])"));
  CHECK(host_of(
            "{type: bind, source: /srv, target: /data, bind: {create_host_path: false, propagation: shared}}")
            .at("Mounts") ==
        json(R"([{"Type":"bind","Source":"/srv","Target":"/data","BindOptions":{"Propagation":"shared"}}])"));
}

TEST_CASE("recursion of binds") {
  const auto options = [](const std::string& recursive) {
    const auto compiled =
        compile_service("    volumes:\n      - {type: bind, source: /srv, target: /d, bind: " +
                        ("{recursive: " + recursive + "}}\n"));
    CHECK(compiled.result->release.engine_api() ==
          (recursive == "writable" || recursive == "readonly" ? "1.44" : "1.41"));
    return compiled.host("app").at("Mounts").at(0).value("BindOptions", json("{}"));
  };
  CHECK(options("enabled") == json("{}"));
  CHECK(options("disabled") == json(R"({"NonRecursive":true})"));
  CHECK(options("writable") == json(R"({"ReadOnlyNonRecursive":true})"));
  CHECK(options("readonly") == json(R"({"ReadOnlyForceRecursive":true})"));
}

TEST_CASE("an image is mounted by engines that can") {
  const auto compiled = compile_service(
      "    volumes:\n      - {type: image, source: 'data:1', target: /d, image: {subpath: a}}\n");
  CHECK(compiled.host("app").at("Mounts") ==
        json(R"([{"Type":"image","Source":"data:1","Target":"/d","ImageOptions":{"Subpath":"a"}}])"));
  CHECK(compiled.result->release.engine_api() == "1.48");
}

TEST_CASE("anonymous volumes and tmpfs") {
  CHECK(host_of("/data").at("Mounts") == json(R"([{"Type":"volume","Target":"/data"}])"));
  CHECK(host_of("{type: tmpfs, target: /run, tmpfs: {size: 64m, mode: 01777}}").at("Mounts") ==
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
        "5:24 compose.invalid-value");
}

TEST_CASE("mounts that make no sense are refused with their place") {
  const auto errors = [](const std::string& mount) {
    return compile_service("    volumes:\n      - " + mount + "\n", kVolumes).errors();
  };
  CHECK(errors("nodb:/data") == "5:9 compose.undefined-volume");
  CHECK(errors("db:data") == "5:9 compose.refused-by-engine");
  CHECK(errors("data/x:/data") == "5:9 compose.invalid-value");
  CHECK(errors("~/x:/data") == "5:9 compose.home-path");
  CHECK(errors("v:/v") == "5:9 compose.unsupported-value");
  CHECK(errors("'C:\\x:/data'") == "5:9 compose.unsupported-value");
  CHECK(errors("'C:/x:/data'") == "5:9 compose.unsupported-value");
  CHECK(errors(R"('\\.\pipe\x:/data')") == "5:9 compose.unsupported-value");
  CHECK(errors("/a:/b:ro:z") == "5:9 compose.invalid-value");
  CHECK(errors("5") == "5:9 compose.wrong-type");
  CHECK(errors("'/a:C:\\data'") == "5:9 compose.unsupported-value");
  CHECK(errors("{type: bind, source: /a, target: /b, bind: {propagation: far}}") ==
        "5:66 compose.refused-by-engine");
  CHECK(errors("{type: tmpfs, target: /y, tmpfs: {size: 0.5}}") == "5:49 compose.wrong-type");
  CHECK(errors("{source: db, target: /y}") == "5:9 compose.missing-key");
  CHECK(errors("{type: volume, source: db}") == "5:9 compose.missing-key");
  CHECK(errors("{type: npipe, source: x, target: /y}") == "5:16 compose.unsupported-value");
  CHECK(errors("{type: tmpfs, target: /y, tmpfs: {mode: '0755'}}") == "");
  CHECK(errors("':/data'") == "5:9 compose.invalid-value");
  CHECK(errors("${UNSET}:/data") == "5:9 compose.invalid-value");
}

TEST_CASE("an option that does not exist is ignored, as by the reference, but not in silence") {
  const auto compiled = compile_service("    volumes: ['db:/data:rx']\n", kVolumes);
  CHECK(compiled.warnings() == "4:15 compose.ignored-option");
  CHECK(compiled.host("app").at("Binds") == json(R"(["web_db:/data:rw"])"));
}

TEST_CASE("a mode in quotes is octal, a number is what YAML makes of it") {
  const auto mode = [](const std::string& text) {
    return compile_service("    volumes:\n      - {type: tmpfs, target: /d, tmpfs: {mode: " + text + "}}\n")
        .host("app")
        .at("Mounts")
        .at(0)
        .at("TmpfsOptions")
        .at("Mode");
  };
  CHECK(mode("0755") == 0755);
  CHECK(mode("0o755") == 0755);
  CHECK(mode("'755'") == 0755);
  CHECK(mode("755") == 755);
  CHECK(compile_service("    volumes:\n      - {type: tmpfs, target: /d, tmpfs: {mode: 755}}\n").warnings() ==
        "5:49 compose.decimal-mode");
}

TEST_CASE("of two volumes at one place the later counts, with a warning; a tmpfs there is an error") {
  const auto volumes = compile_service("    volumes: [db:/data, '/srv:/x/../data/']\n", kVolumes);
  CHECK(volumes.warnings() == "4:25 compose.duplicate-target");
  CHECK(volumes.host("app").at("Binds") == json(R"(["/srv:/data:rw"])"));
  CHECK(compile_service("    volumes: [db:/data]\n    tmpfs: /data\n", kVolumes).errors() ==
        "5:12 compose.duplicate-target");
}

TEST_CASE("the volumes of other containers imply a dependency and are part of what the container is") {
  const std::string other = "  store:\n    image: a\n";
  const auto compiled = compile_service("    volumes_from: ['store:ro', 'container:old', 'store']\n", other);
  const v1::Service& app = compiled.service("app");
  REQUIRE(app.volumes_from_size() == 3);
  CHECK(app.volumes_from(0).service() == "store");
  CHECK(app.volumes_from(0).read_only());
  CHECK(app.volumes_from(1).container() == "old");
  CHECK_FALSE(app.volumes_from(1).read_only());
  REQUIRE(app.depends_on_size() == 1);
  CHECK(app.depends_on(0).service() == "store");
  CHECK_FALSE(app.depends_on(0).restart());
  CHECK(app.config_hash() !=
        compile_service("    depends_on: [store]\n", other).service("app").config_hash());
  CHECK(compile_service("    volumes_from: [none]\n").errors() == "4:20 compose.undefined-service");
  CHECK(compile_service("    volumes_from: ['store:rx']\n", other).errors() ==
        "4:20 compose.refused-by-engine");
  CHECK(compile_service("    volumes_from: ['container:']\n").errors() == "4:20 compose.refused-by-engine");
}

}  // namespace hivemind::tests
