#include <fmt/format.h>

#include "common/digest.h"
#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

const std::string kService = "services:\n  app:\n    image: a\n    volumes:\n      - ";

// "source -> target ro single: path mode content …"
std::string text_of(const v1::FileMount& mount, const hub::Files& files) {
  std::string text = mount.source() + " -> " + mount.target() + (mount.read_only() ? " ro" : " rw") +
                     (mount.single() ? " single:" : ":");
  for (const v1::FileEntry& entry : mount.entries()) {
    CHECK(sha256_hex(*files.at(entry.sha256())) == entry.sha256());
    text += " " + entry.path() + (entry.mode() == 0755 ? "* " : " ") + *files.at(entry.sha256());
  }
  return text;
}

Compiled mounted(MemorySnapshot repository, const std::string& mount) {
  repository.file("web/compose.yml", kService + mount + "\n");
  return compile(std::move(repository), {"web/compose.yml"});
}

std::string file_mount(MemorySnapshot repository, const std::string& mount) {
  const Compiled compiled = mounted(std::move(repository), mount);
  REQUIRE(compiled.service("app").file_mounts_size() == 1);
  CHECK_FALSE(compiled.host("app").contains("Binds"));
  return text_of(compiled.service("app").file_mounts(0), compiled.result->files);
}

}  // namespace

TEST_CASE("a file of the repository travels with the release") {
  CHECK(file_mount({{"web/site.conf", "listen"}}, "./site.conf:/etc/site.conf:ro") ==
        "site.conf -> /etc/site.conf ro single: site.conf listen");
}

TEST_CASE("a directory of the repository travels with all that is in it, modes included") {
  MemorySnapshot repository{{"web/conf/b", "B"}, {"web/conf/sub/a", "A"}};
  repository.executable("web/conf/run.sh", "R");
  CHECK(file_mount(repository, "./conf:/etc/x:ro") == "conf -> /etc/x ro: b B run.sh* R sub/a A");
}

TEST_CASE("what the repository does not have is a directory that the node keeps") {
  const auto compiled = mounted({}, "./data:/data:z");
  const v1::FileMount& mount = compiled.service("app").file_mounts(0);
  CHECK(mount.source() == "data");
  CHECK(mount.entries_size() == 0);
  CHECK(mount.options() == "z");
  CHECK(compiled.warnings() == "");
  CHECK(compiled.paths.contains("web/data"));
}

TEST_CASE("a directory that only .gitkeep keeps is one that the node keeps") {
  CHECK(file_mount({{"web/data/.gitkeep", ""}}, "./data:/data") == "data -> /data rw:");
}

TEST_CASE("a read-only mount of nothing is warned of, and refused where the node must not make a directory") {
  CHECK(mounted({}, "./data:/data:ro").warnings() == "5:9 compose.empty-content");
  CHECK(mounted({}, "{type: bind, source: ./data, target: /d, bind: {create_host_path: false}}").errors() ==
        "5:9 compose.missing-file");
}

TEST_CASE("a writable mount of content has the files that seed it, and no warning") {
  CHECK(file_mount({{"web/conf/a", "A"}}, "./conf:/etc/x") == "conf -> /etc/x rw: a A");
  CHECK(file_mount({{"web/c.yml", "C"}}, "./c.yml:/c.yml") == "c.yml -> /c.yml rw single: c.yml C");
  CHECK(mounted({{"web/conf/a", "A"}}, "./conf:/etc/x").warnings() == "");
}

TEST_CASE("what a service reads and another one writes to is shared by them") {
  const auto shared = [](const std::string& read, const std::string& written) {
    MemorySnapshot repository{{"web/site/conf/a", "A"}};
    repository.file("web/compose.yml", kService + "'" + read + ":/read:ro'\n  writer:\n    image: a\n" +
                                           "    volumes: ['" + written + ":/written']\n");
    return compile(std::move(repository), {"web/compose.yml"}).service("app").file_mounts(0).shared();
  };
  CHECK(shared("./site", "./site"));
  CHECK(shared("./site", "./site/uploads"));
  CHECK(shared("./site/conf", "./site"));
  CHECK(shared("./site", "."));
  CHECK_FALSE(shared("./site/conf", "./site/uploads"));
  CHECK_FALSE(shared("./site", "./site2"));
}

TEST_CASE("a read-only directory with nothing but .gitkeep is exactly that") {
  CHECK(file_mount({{"web/data/.gitkeep", ""}}, "./data:/data:ro") == "data -> /data ro: .gitkeep ");
}

TEST_CASE("content beside the stack's directory has a name without '..'") {
  CHECK(file_mount({{"shared/a", "A"}}, "../shared:/etc/x:ro") == ".repository/shared -> /etc/x ro: a A");
  CHECK(mounted({}, "../../etc:/etc/x:ro").errors() == "5:9 compose.path");
}

TEST_CASE("symlinks are followed inside the repository and refused outside") {
  MemorySnapshot repository{{"web/v2/a", "A"}, {"shared/b", "B"}};
  repository.symlink("web/conf", "v2").symlink("web/v2/b", "../../shared/b");
  CHECK(file_mount(repository, "./conf:/etc/x:ro") == "conf -> /etc/x ro: a A b B");
  const auto compiled = mounted(repository, "./conf:/etc/x:ro");
  for (const char* path : {"web/conf", "web/v2", "web/v2/a", "web/v2/b", "shared/b"}) {
    INFO(path);
    CHECK(compiled.paths.contains(path));
  }
  repository.symlink("web/v2/out", "../../../etc/passwd");
  CHECK(mounted(repository, "./conf:/etc/x:ro").errors() == "5:9 compose.path");
  repository.symlink("web/v2/out", "nothing");
  CHECK(mounted(repository, "./conf:/etc/x:ro").errors() == "5:9 compose.path");
  repository.symlink("web/v2/out", ".");
  CHECK_THAT(mounted(repository, "./conf:/etc/x:ro").errors(), ContainsSubstring("5:9 compose.path"));
}

TEST_CASE("too large a file, too many files and too much altogether are refused") {
  CHECK(mounted({{"web/big", std::string((8u << 20) + 1, 'x')}}, "./big:/big:ro").errors() ==
        "5:9 compose.file");
  CHECK_THAT(mounted({{"web/big", std::string(9u << 20, 'x')}}, "./big:/big:ro").message("compose.file"),
             ContainsSubstring("(put it into an image"));
  MemorySnapshot many;
  for (int i = 0; i <= 1000; ++i) many.file("web/many/" + std::to_string(i), "");
  CHECK(mounted(many, "./many:/many:ro").errors() == "5:9 compose.too-large");
  MemorySnapshot much;
  for (char c = 'a'; c <= 'i'; ++c) much.file(std::string("web/much/") + c, std::string(1u << 20, c));
  CHECK(mounted(much, "./much:/much:ro").errors() == "5:9 compose.too-large");
}

TEST_CASE("a changed file changes the hash of its service and the digest, and nothing else") {
  const std::string mount = GENERATE("./c:/c:ro", "./c:/c");
  MemorySnapshot repository{{"web/compose.yml", "services:\n  a:\n    image: x\n    volumes: ['" + mount +
                                                    "']\n  b:\n    image: x\n"},
                            {"web/c", "1"}};
  const auto before = compile(repository, {"web/compose.yml"});
  const auto after = compile(repository.file("web/c", "2"), {"web/compose.yml"});
  CHECK(before.service("a").config_hash() != after.service("a").config_hash());
  CHECK(before.service("b").config_hash() == after.service("b").config_hash());
  CHECK(before.result->release.digest() != after.result->release.digest());
}

TEST_CASE("configs are single files, read-only, from a file, from text or from a variable") {
  const MemorySnapshot repository{{"web/compose.yml",
                                   "services:\n  app:\n    image: a\n    configs:\n      - one\n"
                                   "      - {source: two, target: /etc/two, mode: 0755}\n      - three\n"
                                   "configs:\n  one: {file: ./c/one.txt}\n  two: {content: 'x=${X}'}\n"
                                   "  three: {environment: X}\n"},
                                  {"web/c/one.txt", "1"}};
  const auto compiled = compile(repository, {"web/compose.yml"}, {{"X", "7"}});
  const v1::Service& service = compiled.service("app");
  REQUIRE(service.file_mounts_size() == 3);
  const hub::Files& files = compiled.result->files;
  CHECK(text_of(service.file_mounts(0), files) == "c/one.txt -> /one ro single: one.txt 1");
  CHECK(text_of(service.file_mounts(1), files) == ".hivemind/configs/two -> /etc/two ro single: two* x=7");
  CHECK(text_of(service.file_mounts(2), files) == ".hivemind/configs/three -> /three ro single: three 7");
}

TEST_CASE("secrets are files below /run/secrets, from a file or a variable, with their owners") {
  const MemorySnapshot repository{{"web/compose.yml",
                                   "services:\n  app:\n    image: a\n    secrets:\n      - one\n"
                                   "      - {source: two, target: sub/t, uid: '103', gid: '0', mode: 0400}\n"
                                   "      - {source: two, target: /etc/two}\n"
                                   "secrets:\n  one: {file: ./s/one.txt}\n  two: {environment: X}\n"},
                                  {"web/s/one.txt", "1"}};
  const auto compiled = compile(repository, {"web/compose.yml"}, {{"X", "7"}});
  const v1::Service& service = compiled.service("app");
  REQUIRE(service.file_mounts_size() == 3);
  const auto text_of = [&](const v1::FileMount& mount) {
    const std::string& value = compiled.result->secrets.at(mount.entries(0).secret())->value();
    return fmt::format("{} -> {}{}{}: {} {}", mount.source(), mount.target(), mount.read_only() ? " ro" : "",
                       mount.single() ? " single" : "", mount.entries(0).path(), value);
  };
  CHECK(compiled.result->files.empty());
  CHECK(text_of(service.file_mounts(0)) == ".hivemind/secrets/one -> /run/secrets/one ro single: one 1");
  CHECK(text_of(service.file_mounts(1)) == ".hivemind/secrets/two -> /run/secrets/sub/t ro single: two 7");
  CHECK(text_of(service.file_mounts(2)) == ".hivemind/secrets/two -> /etc/two ro single: two 7");
  const v1::FileEntry& owned = service.file_mounts(1).entries(0);
  CHECK(owned.mode() == 0400);
  CHECK(owned.uid() == 103);
  CHECK(owned.gid() == 0);
  CHECK(owned.has_gid());
  CHECK_FALSE(service.file_mounts(0).entries(0).has_uid());
  CHECK(service.file_mounts(0).entries(0).mode() == 0444);
  CHECK(service.file_mounts(2).entries(0).mode() == 0444);
}

TEST_CASE("owners and modes of secrets are numbers, and change the container") {
  const auto with = [](const std::string& options) {
    return compile_service("    secrets: [{source: s" + options + "}]\n", "secrets:\n  s: {environment: X}\n",
                           {{"X", "7"}});
  };
  CHECK(with(", uid: '5'").service("app").config_hash() != with("").service("app").config_hash());
  CHECK(with(", mode: 0400").service("app").config_hash() != with("").service("app").config_hash());
  CHECK(with(", uid: 5").errors() == "4:32 compose.wrong-type");
  CHECK(with(", uid: www").errors() == "4:32 compose.unsupported-value");
  CHECK(with(", mode: 99999").errors() == "4:33 compose.invalid-value");
  CHECK(with(", mode: rw").errors() == "4:33 compose.invalid-value");
  CHECK(with(", owner: x").errors() == "4:27 compose.unknown-key");
}

TEST_CASE("a secret must be defined, and be had") {
  const std::string use = "    secrets: [s]\n";
  CHECK(compile_service(use).errors() == "4:15 compose.undefined-secret");
  CHECK(compile_service(use, "secrets:\n  s: {file: ./none}\n").errors() == "6:13 compose.missing-file");
  CHECK(compile_service(use, "secrets:\n  s: {environment: NONE}\n").errors() ==
        "4:15 compose.unset-variable");
  const auto external = compile_service(use, "secrets:\n  s: {external: true}\n");
  CHECK(external.errors() == "4:15 compose.missing-secret");
  CHECK_THAT(external.message("compose.missing-secret"), ContainsSubstring("hivemind secret set s "));
  CHECK(compile_service("", "secrets:\n  s: {external: true}\n").errors() == "");
}

TEST_CASE("a config must be defined, and its file be in the repository") {
  const std::string use = "    configs: [c]\n";
  CHECK(compile_service(use).errors() == "4:15 compose.undefined-config");
  CHECK(compile_service(use, "configs:\n  c: {file: ./none}\n").errors() == "6:13 compose.missing-file");
  CHECK(compile_service(use, "configs:\n  c: {}\n").errors() == "6:3 compose.missing-key");
  CHECK(compile_service(use, "configs:\n  c: {external: true}\n").errors() ==
        "4:15 compose.unsupported-value");
}

}  // namespace hivemind::tests
