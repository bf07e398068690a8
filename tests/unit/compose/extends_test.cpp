#include "hub/desired/compose/assemble.h"
#include "hub/desired/environment.h"
#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

const std::vector<std::string> kFiles{"web/compose.yml"};

Compiled extended(const std::string& compose_file, const std::string& base,
                  const hub::Variables& variables = {}) {
  return compile(MemorySnapshot{{"web/compose.yml", compose_file}, {"common/base.yml", base}}, kFiles,
                 variables);
}

}  // namespace

TEST_CASE("a service extends one of its file, by name or by 'service'") {
  const std::string base = "  base: {image: a, user: u, environment: {A: 1}}\n";
  const auto by_name = compile("services:\n  app: {extends: base, user: v, environment: [B=2]}\n" + base);
  CHECK(by_name.errors() == "");
  CHECK(by_name.body("app").at("User") == "v");
  CHECK(by_name.body("app").at("Env") == json(R"(["A=1","B=2"])"));
  CHECK(by_name.body("base").at("Env") == json(R"(["A=1"])"));
  const auto by_key = compile("services:\n  app: {extends: {service: base}}\n" + base);
  CHECK(by_key.body("app").at("Image") == "a");
}

TEST_CASE("a service extends one of another file, whose relative paths start there") {
  const MemorySnapshot repository{
      {"web/compose.yml",
       "services:\n  app:\n    extends: {file: ../common/base.yml, service: base}\n"
       "    volumes: ['./own:/own:ro']\n"},
      {"common/base.yml",
       "services:\n  base:\n    image: a\n    env_file: [b.env, {path: ./c.env}]\n"
       "    volumes: ['./conf:/conf:ro', {type: bind, source: data, target: /data}, 'named:/n', "
       "'/abs:/abs']\n"
       "volumes: {named: }\n"},
      {"common/b.env", "B=1\n"},
      {"common/c.env", "C=1\n"},
      {"common/conf/f", "F"},
      {"web/own/f", "F"}};
  const auto compiled = compile(repository, kFiles);
  // The volume is not the service's, so it has to be declared where the service is used.
  CHECK(compiled.errors() != "");
  MemorySnapshot complete = repository;
  complete.file("web/compose.yml",
                "services:\n  app:\n    extends: {file: ../common/base.yml, service: base}\n"
                "    volumes: ['./own:/own:ro']\nvolumes: {named: }\n");
  const auto done = compile(complete, kFiles);
  CHECK(done.errors() == "");
  CHECK(done.body("app").at("Env") == json(R"(["B=1","C=1"])"));
  REQUIRE(done.service("app").file_mounts_size() == 3);
  CHECK(done.service("app").file_mounts(0).source() == ".repository/common/conf");
  CHECK(done.service("app").file_mounts(1).source() == ".repository/common/data");
  CHECK(done.service("app").file_mounts(2).source() == "own");
  CHECK(done.paths.contains("common/base.yml"));
}

TEST_CASE("chains of extended services are followed through files") {
  const MemorySnapshot repository{
      {"web/compose.yml", "services: {app: {extends: {file: a/a.yml, service: x}, hostname: h}}\n"},
      {"web/a/a.yml",
       "services:\n  x: {extends: y, user: x}\n  y: {extends: {file: ../b/b.yml, service: z}, user: y}\n"},
      {"web/b/b.yml", "services: {z: {image: z, user: z, env_file: z.env}}\n"},
      {"web/b/z.env", "Z=1\n"}};
  const auto compiled = compile(repository, kFiles);
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("app").at("Image") == "z");
  CHECK(compiled.body("app").at("User") == "x");
  CHECK(compiled.body("app").at("Hostname") == "h");
  CHECK(compiled.body("app").at("Env") == json(R"(["Z=1"])"));
}

TEST_CASE("circles of extended services are named with all their links") {
  const auto compiled = compile("services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}\n");
  CHECK(
      compiled.message("compose.extends-circle") ==
      "services extend each other in a circle: 'a' of 'web/compose.yml' extends 'b' of 'web/compose.yml' "
      "extends 'c' of 'web/compose.yml' extends 'a' of 'web/compose.yml' (let one of them stand on its own)");
  CHECK(compile("services: {a: {image: x, extends: a}}\n").message("compose.extends-circle") != "");
  CHECK(extended("services: {a: {extends: {file: ../common/base.yml, service: b}}}\n",
                 "services: {b: {extends: {file: ../web/compose.yml, service: a}}}\n")
            .message("compose.extends-circle") != "");
}

TEST_CASE("what cannot be extended is said where it is asked for") {
  CHECK(compile("services:\n  a:\n    extends: b\n").errors() == "3:14 compose.missing-service");
  CHECK(compile("services:\n  a:\n    extends: {service: b, file: none.yml}\n").errors() ==
        "3:33 compose.missing-file");
  CHECK(
      extended("services:\n  a:\n    extends: {service: b, file: ../common/base.yml}\n", "services: {c: }\n")
          .errors() == "3:24 compose.missing-service");
  CHECK(compile("services:\n  a:\n    extends: {file: x.yml}\n").errors() == "3:14 compose.missing-key");
  CHECK(compile("services:\n  a:\n    extends: [b]\n").errors() == "3:14 compose.wrong-type");
  CHECK(compile("services:\n  a:\n    extends: {service: b, flie: x}\n  b: {image: x}\n").errors() ==
        "3:27 compose.unknown-key");
  CHECK(compile("services:\n  a:\n    extends: {service: b, file: /etc/x.yml}\n").errors() ==
        "3:33 compose.path");
  CHECK(compile("services:\n  a:\n    extends: {service: b, file: ../../x.yml}\n").errors() ==
        "3:33 compose.path");
}

TEST_CASE("files elsewhere than in the repository are not extended") {
  for (const std::string file :
       {"oci://docker.io/x/y:1", "https://github.com/x/y.git", "git@github.com:x/y"}) {
    CHECK(compile("services:\n  a:\n    extends: {service: b, file: '" + file + "'}\n").errors() ==
          "3:33 compose.remote");
  }
}

TEST_CASE("mistakes of an extended service have the place where they stand") {
  CHECK(extended("services: {a: {extends: {file: ../common/base.yml, service: b}}}\n",
                 "services:\n  b:\n    image: x\n    usr: 1\n")
            .errors() == "common/base.yml:4:5 compose.unknown-key");
}

TEST_CASE("an extended file is interpolated, its path too, and only the service that is used") {
  const auto compiled = extended("services: {a: {extends: {file: '../${WHERE}/base.yml', service: b}}}\n",
                                 "services:\n  b: {image: 'x:${V}'}\n  other: {image: '${NOT?set}'}\n",
                                 {{"WHERE", "common"}, {"V", "2"}});
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("a").at("Image") == "x:2");
}

TEST_CASE("an extending service resets and overrides what it extends") {
  const auto compiled = extended(
      "services:\n  a:\n    extends: {file: ../common/base.yml, service: b}\n    ports: !override ['81:81']\n"
      "    user: !reset null\n    environment: {A: !reset null}\n",
      "services:\n  b:\n    image: x\n    user: u\n    ports: ['80:80']\n    environment: {A: 1, B: 1}\n");
  CHECK(compiled.errors() == "");
  CHECK_FALSE(compiled.body("a").contains("User"));
  CHECK(compiled.host("a").at("PortBindings") == json(R"({"81/tcp":[{"HostPort":"81"}]})"));
  CHECK(compiled.body("a").at("Env") == json(R"(["B=1"])"));
}

TEST_CASE("dependencies and networks of the extended service come along, as in the reference") {
  const auto compiled = extended(
      "services:\n  a: {extends: {file: ../common/base.yml, service: b}}\n  db: {image: x}\nnetworks: {n: "
      "}\n",
      "services:\n  b: {image: x, depends_on: [db], networks: [n]}\n");
  CHECK(compiled.errors() == "");
  CHECK(compiled.service("a").depends_on_size() == 1);
  CHECK(compiled.service("a").endpoints_size() == 1);
}

TEST_CASE("a later file extends on top of what earlier files say") {
  const auto compiled = compile(
      MemorySnapshot{{"web/compose.yml", "services: {a: {image: x, user: u, hostname: h}}\n"},
                     {"web/over.yml", "services:\n  a: {extends: base}\n  base: {image: y, hostname: i}\n"}},
      {"web/compose.yml", "web/over.yml"});
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("a").at("Image") == "y");
  CHECK(compiled.body("a").at("User") == "u");
  CHECK(compiled.body("a").at("Hostname") == "i");
}

TEST_CASE("what was extended is read once for all environments, and named in what each of them read") {
  const MemorySnapshot repository{
      {"web/compose.yml", "services: {a: {extends: {file: ../common/base.yml, service: b}}}\n"},
      {"common/base.yml", "services: {b: {image: 'x:${V}'}}\n"}};
  hub::compose::PathsRead paths;
  hub::Diagnostics diagnostics;
  const auto source = hub::compose::load(repository, "web", kFiles, paths, diagnostics);
  REQUIRE(source.has_value());
  CHECK_FALSE(paths.contains("common/base.yml"));
  const MemorySnapshot empty;
  for (const auto* snapshot : {&repository, &empty}) {
    hub::compose::PathsRead read;
    const hub::Environment environment(hub::Variables{{"V", "1"}});
    CHECK(hub::compose::compile(*source, environment, {}, *snapshot, read, diagnostics).has_value());
    CHECK(read.contains("common/base.yml"));
  }
}

TEST_CASE("a stack extends services of at most 100 files") {
  std::string services = "services:\n";
  MemorySnapshot repository;
  for (int i = 0; i <= 100; ++i) {
    const std::string name = "s" + std::to_string(i);
    services += "  " + name + ": {extends: {file: " + name + ".yml, service: b}}\n";
    repository.file("web/" + name + ".yml", "services: {b: {image: x}}\n");
  }
  repository.file("web/compose.yml", services);
  CHECK(compile(repository, kFiles).message("compose.too-many-files") ==
        "the stack includes and extends more than 100 files (make them fewer)");
}

}  // namespace hivemind::tests
