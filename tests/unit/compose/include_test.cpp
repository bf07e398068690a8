#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

const std::vector<std::string> kFiles{"web/compose.yml"};

}  // namespace

TEST_CASE("an included file brings its services and what they need, with paths that start from it") {
  const MemorySnapshot repository{
      {"web/compose.yml", "include: [../db/compose.yml]\nservices: {app: {image: x, depends_on: [db]}}\n"},
      {"db/compose.yml",
       "services:\n  db:\n    image: d\n    env_file: db.env\n    volumes: ['./conf:/conf:ro', "
       "'data:/data']\n"
       "    networks: [back]\n    configs: [c]\nvolumes: {data: }\nnetworks: {back: }\n"
       "configs: {c: {file: ./c.txt}}\n"},
      {"db/db.env", "A=1\n"},
      {"db/conf/f", "F"},
      {"db/c.txt", "C"}};
  const auto compiled = compile(repository, kFiles);
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("db").at("Env") == json(R"(["A=1"])"));
  REQUIRE(compiled.service("db").file_mounts_size() == 2);
  CHECK(compiled.service("db").file_mounts(0).source() == ".repository/db/conf");
  CHECK(compiled.service("db").file_mounts(1).source() == ".repository/db/c.txt");
  CHECK(compiled.volume("data").key() == "data");
  CHECK(compiled.paths.contains("db/compose.yml"));
  CHECK(compiled.paths.contains("db/.env"));
}

TEST_CASE("a secret or config of an included file is made of the variables that this has") {
  const std::string inner =
      "services: {db: {image: d, secrets: [s], configs: [c]}}\n"
      "secrets: {s: {environment: INNER}}\nconfigs: {c: {environment: BOTH}}\n";
  const MemorySnapshot repository{{"web/compose.yml", "include: [../db/compose.yml]\n"},
                                  {"db/compose.yml", inner},
                                  {"db/.env", "INNER=of the file\nBOTH=of the file\n"}};
  const auto compiled = compile(repository, kFiles, {{"BOTH", "of the stack"}});
  CHECK(compiled.errors() == "");
  const v1::Service& service = compiled.service("db");
  REQUIRE(service.file_mounts_size() == 2);
  for (const v1::FileMount& mount : service.file_mounts()) {
    const v1::FileEntry& entry = mount.entries(0);
    if (mount.source() == ".hivemind/secrets/s") {
      CHECK(compiled.result->secrets.at(entry.secret())->value() == "of the file");
    } else {
      CHECK(*compiled.result->files.at(entry.sha256()) == "of the stack");
    }
  }
}

TEST_CASE("files of one include are merged, and start from the first or from the project directory") {
  const auto with = [](const std::string& entry) {
    return compile(MemorySnapshot{{"web/compose.yml", "include:\n  - " + entry + "\n"},
                                  {"web/sub/a.yml", "services: {s: {image: a, env_file: s.env}}\n"},
                                  {"web/over/b.yml", "services: {s: {image: b}}\n"},
                                  {"web/sub/s.env", "FROM=sub\n"},
                                  {"web/over/s.env", "FROM=over\n"}},
                   kFiles);
  };
  const auto plain = with("{path: [sub/a.yml, over/b.yml]}");
  CHECK(plain.errors() == "");
  CHECK(plain.body("s").at("Image") == "b");
  CHECK(plain.body("s").at("Env") == json(R"(["FROM=sub"])"));
  CHECK(with("{path: sub/a.yml, project_directory: over}").body("s").at("Env") == json(R"(["FROM=over"])"));
}

TEST_CASE("an include has variables of its own, below those of the stack") {
  const auto with = [](const std::string& more, const hub::Variables& variables = {}) {
    return compile(
        MemorySnapshot{{"web/compose.yml", "include:\n  - path: sub/a.yml\n" + more},
                       {"web/sub/a.yml", "services: {s: {image: 'x:${V:-none}', environment: [V]}}\n"},
                       {"web/sub/.env", "V=dot\n"},
                       {"web/own.env", "V=own\n"},
                       {"web/more.env", "V=$V-more\n"}},
        kFiles, variables);
  };
  CHECK(with("").body("s").at("Image") == "x:dot");
  CHECK(with("").body("s").at("Env") == json(R"(["V=dot"])"));
  CHECK(with("    env_file: own.env\n").body("s").at("Image") == "x:own");
  CHECK(with("    env_file: [own.env, more.env]\n").body("s").at("Image") == "x:own-more");
  CHECK(with("    env_file: /dev/null\n").body("s").at("Image") == "x:none");
  CHECK(with("", {{"V", "stack"}}).body("s").at("Image") == "x:stack");
  CHECK(with("    env_file: none.env\n").errors() == "3:15 compose.missing-file");
}

TEST_CASE("includes are nested, each from its own directory, and their paths may hold variables") {
  const MemorySnapshot repository{
      {"web/compose.yml", "include: ['${SUB}/a.yml']\n"},
      {"web/sub/a.yml", "include: [deep/b.yml]\nservices: {a: {image: x, volumes: ['./f:/f:ro']}}\n"},
      {"web/sub/deep/b.yml", "services: {b: {image: x, volumes: ['./f:/f:ro']}}\n"},
      {"web/sub/f/x", "1"},
      {"web/sub/deep/f/x", "2"}};
  const auto compiled = compile(repository, kFiles, {{"SUB", "sub"}});
  CHECK(compiled.errors() == "");
  CHECK(compiled.service("a").file_mounts(0).source() == "sub/f");
  CHECK(compiled.service("b").file_mounts(0).source() == "sub/deep/f");
}

TEST_CASE("what is included twice is the same, or an error") {
  const auto with = [](const std::string& volume) {
    return compile(
        MemorySnapshot{{"web/compose.yml", "include: [a.yml, b.yml]\n"},
                       {"web/a.yml", "include: [c.yml]\nservices: {a: {image: x}}\n"},
                       {"web/b.yml", "include: [c.yml]\nservices: {b: {image: x}}\nvolumes: " + volume},
                       {"web/c.yml", "services: {c: {image: x, user: u}}\nvolumes: {v: {name: w}}\n"}},
        kFiles);
  };
  CHECK(with("{}\n").errors() == "");
  CHECK(with("{v: {name: w}}\n").errors() == "");
  const auto differs = with("{v: {name: other}}\n");
  CHECK(differs.errors() ==
        "web/c.yml:2:11 compose.include-conflict\nweb/b.yml:3:11 compose.include-conflict");
  CHECK(
      differs.message("compose.include-conflict") ==
      "'volumes.v' is included, but not what it is at web/b.yml:3 (rename one of them, or list the files in "
      "'path' of one include to merge them)");
}

TEST_CASE("services of an included file can be extended") {
  const auto compiled =
      compile(MemorySnapshot{{"web/compose.yml", "include: [a.yml]\nservices: {b: {extends: a, user: u}}\n"},
                             {"web/a.yml", "services: {a: {image: x}}\n"}},
              kFiles);
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("b").at("Image") == "x");
}

TEST_CASE("files that include each other are refused with their chain") {
  const auto compiled = compile(MemorySnapshot{{"web/compose.yml", "include: [a.yml]\n"},
                                               {"web/a.yml", "include: [b.yml]\n"},
                                               {"web/b.yml", "include:\n  - compose.yml\n"}},
                                kFiles);
  CHECK(compiled.errors() == "web/b.yml:2:5 compose.include-circle");
  CHECK(compiled.message("compose.include-circle") ==
        "files include each other in a circle: 'web/compose.yml' includes 'web/a.yml' includes 'web/b.yml' "
        "includes 'web/compose.yml'");
}

TEST_CASE("what cannot be included is said where it is asked for") {
  const auto errors = [](const std::string& include) {
    return compile("include: " + include + "\n").errors();
  };
  CHECK(errors("[none.yml]") == "1:11 compose.missing-file");
  CHECK(errors("none.yml") == "1:10 compose.wrong-type");
  CHECK(errors("[{}]") == "1:11 compose.missing-key");
  CHECK(errors("[{path: a.yml, paths: b}]") == "1:25 compose.unknown-key");
  CHECK(errors("[[a.yml]]") == "1:11 compose.wrong-type");
  CHECK(errors("['oci://docker.io/x/y']") == "1:11 compose.remote");
  CHECK(errors("['https://github.com/x/y.git']") == "1:11 compose.remote");
  CHECK(errors("[/etc/compose.yml]") == "1:11 compose.path");
  CHECK(errors("[../../x.yml]") == "1:11 compose.path");
}

TEST_CASE("a link to a file outside of the repository is not followed") {
  MemorySnapshot repository{{"web/compose.yml", "include: [a.yml]\n"}};
  repository.symlink("web/a.yml", "../../../etc/passwd");
  CHECK(compile(repository, kFiles).errors() == "1:11 compose.path");
}

TEST_CASE("mistakes of an included file have the place where they stand") {
  CHECK(compile(MemorySnapshot{{"web/compose.yml", "include: [a.yml]\n"},
                               {"web/a.yml", "services:\n  a:\n    image: x\n    usr: 1\n"}},
                kFiles)
            .errors() == "web/a.yml:4:5 compose.unknown-key");
  CHECK(compile(MemorySnapshot{{"web/compose.yml", "include: [a.yml]\n"}, {"web/a.yml", "a: [\n"}}, kFiles)
            .errors()
            .starts_with("web/a.yml:"));
}

TEST_CASE("a file that includes itself many times over ends at a limit") {
  MemorySnapshot repository{{"web/compose.yml", "include: [f0.yml, f0.yml]\nservices: {a: {image: x}}\n"}};
  for (int i = 0; i < 12; ++i) {
    const std::string next = "f" + std::to_string(i + 1) + ".yml";
    repository.file("web/f" + std::to_string(i) + ".yml", "include: [" + next + ", " + next + "]\n");
  }
  repository.file("web/f12.yml", "services: {b: {image: x}}\n");
  CHECK(compile(repository, kFiles).message("compose.too-many-files") != "");
}

}  // namespace hivemind::tests
