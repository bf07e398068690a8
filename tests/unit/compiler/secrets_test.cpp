#include <map>

#include "common/digest.h"
#include "common/error.h"
#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

// A hub's secrets by name, and by "name@node" for a node of its own. Ids are of name and value.
class Book : public SecretBook {
 public:
  std::map<std::string, std::string> values;
  std::set<std::string> unreached;
  bool has_sops = true;

  std::optional<std::string> find(std::string_view name, std::string_view,
                                  const NodeIdentity& node) const override {
    for (const std::string& key : {std::string(name) + "@" + node.id, std::string(name)}) {
      if (const auto found = values.find(key); found != values.end()) return id(name, found->second);
    }
    return std::nullopt;
  }
  std::string id(std::string_view name, std::string_view value) const override {
    return sha256_hex(std::string(name) + "=" + std::string(value)).substr(0, 32);
  }
  SecretPtr open(std::string_view name, std::string_view sealed) const override {
    if (!sealed.starts_with(kSealedPrefix)) throw Error(ErrorCode::kDenied, "it was sealed to another key");
    return std::make_shared<const Secret>(std::string(name),
                                          std::string(sealed.substr(kSealedPrefix.size())));
  }
  std::string decrypt_env_file(const std::string& text) const override {
    if (!has_sops) throw Error(ErrorCode::kNotFound, "program 'sops' cannot be started");
    std::string plain = text.substr(0, text.find("sops_"));
    while (plain.find("ENC[") != std::string::npos) plain.replace(plain.find("ENC["), 4, "");
    while (plain.find(']') != std::string::npos) plain.erase(plain.find(']'), 1);
    return plain;
  }
  bool reaches(std::string_view node) const override { return !unreached.contains(std::string(node)); }
};

const std::string kPassword = "services:\n  app:\n    image: a\n    environment:\n      PW: pre-${PW}\n";

// One stack 'web' and one that has no secrets.
struct Repository {
  tests::MemorySnapshot snapshot{{"stacks.yml",
                                  "stacks:\n"
                                  "  - name: web\n"
                                  "    compose_file: web/compose.yml\n"
                                  "    vars:\n"
                                  "      PW: {secret: DB_PASSWORD}\n"
                                  "  - {name: plain, compose_file: plain/compose.yml}\n"},
                                 {"web/compose.yml", kPassword},
                                 {"plain/compose.yml", image("nginx")}};
  Book book;
  Nodes all = nodes({"a", "b"});
  Compiler compiler{""};

  Compilation compile() { return compiler.compile(snapshot, all, std::nullopt, nullptr, &book); }
  Compilation with(const std::string& path, const std::string& content) {
    snapshot.file(path, content);
    return compile();
  }
};

std::string body(const Compilation& compilation, const std::string& node) {
  return release(compilation, node, "web")->release.services(0).engine_body();
}

std::string all_text(const Compilation& compilation) {
  std::string text;
  for (const std::string& said : texts(compilation)) text += said + "\n";
  for (const auto& [node, assignments] : compilation.nodes) {
    for (const Assignment& one : assignments) {
      if (one.release) text += one.release->release.SerializeAsString();
      for (const auto& [sha256, content] : one.release ? one.release->files : Files()) text += *content;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("a variable that is a secret stands for its value by an id, which the service lists") {
  Repository repository;
  repository.book.values["DB_PASSWORD"] = "hunter2";
  const Compilation compilation = repository.compile();
  CHECK(texts(compilation).empty());
  const std::string id = repository.book.id("DB_PASSWORD", "hunter2");
  CHECK(body(compilation, "a").find("PW=pre-@{hivemind-secret:" + id + "}") != std::string::npos);
  const v1::Service& service = release(compilation, "a", "web")->release.services(0);
  REQUIRE(service.secrets_size() == 1);
  CHECK(service.secrets(0) == id);
  CHECK(all_text(compilation).find("hunter2") == std::string::npos);
  CHECK(compilation.secret_uses == std::map<std::string, std::set<std::string>>{{"DB_PASSWORD", {"web"}}});
}

TEST_CASE("another value is another release of the stack that reads it, and of no other") {
  Repository repository;
  repository.book.values["DB_PASSWORD"] = "hunter2";
  const Compilation before = repository.compile();
  CHECK(repository.compile().compiled == 0);
  repository.book.values["DB_PASSWORD"] = "hunter3";
  repository.book.values["OTHER"] = "x";
  const Compilation after = repository.compile();
  CHECK(after.compiled == 1);
  CHECK(release(after, "a", "web")->release.digest() != release(before, "a", "web")->release.digest());
  CHECK(release(after, "a", "plain") == release(before, "a", "plain"));
}

TEST_CASE("of the services of a stack only those that use the secret have another hash") {
  Repository repository;
  repository.book.values["DB_PASSWORD"] = "hunter2";
  const std::string two = kPassword + "  other:\n    image: a\n";
  const Compilation before = repository.with("web/compose.yml", two);
  repository.book.values["DB_PASSWORD"] = "hunter3";
  const Compilation after = repository.compile();
  const auto hash = [](const Compilation& of, int service) {
    return release(of, "a", "web")->release.services(service).config_hash();
  };
  CHECK(hash(before, 0) != hash(after, 0));
  CHECK(hash(before, 1) == hash(after, 1));
}

TEST_CASE("a node's own value makes a release of its own") {
  Repository repository;
  repository.book.values = {{"DB_PASSWORD", "hunter2"}, {"DB_PASSWORD@b", "for-b"}};
  const Compilation compilation = repository.compile();
  CHECK(compilation.compiled == 3);
  CHECK(release(compilation, "a", "web") != release(compilation, "b", "web"));
  CHECK(release(compilation, "a", "plain") == release(compilation, "b", "plain"));
}

TEST_CASE("a secret that is missing is told where it is asked for, with what to do") {
  Repository repository;
  CHECK(
      texts(repository.compile()) ==
      std::vector<std::string>{
          "stacks.yml:5:20: error: stack 'web': variable 'PW': the hub has no secret 'DB_PASSWORD' for this "
          "stack here (set it with 'hivemind secret set DB_PASSWORD --file FILE') [compose.missing-secret]"});
  repository.book.values["DB_PASSWORD@a"] = "x";
  const Compilation one = repository.compile();
  REQUIRE(one.diagnostics.size() == 1);
  CHECK(one.diagnostics[0].nodes == std::vector<std::string>{"b"});
  CHECK(release(one, "a", "web") != nullptr);
  CHECK(release(one, "b", "web") == nullptr);
  repository.book.values["DB_PASSWORD"] = "y";
  CHECK(texts(repository.compile()).empty());
}

TEST_CASE("a secret variable that nothing reads may be missing") {
  Repository repository;
  CHECK(texts(repository.with("web/compose.yml", image("a"))).empty());
}

TEST_CASE("an external secret is a file whose content is an id") {
  Repository repository;
  repository.book.values["api-key"] = "hunter2";
  const Compilation compilation =
      repository.with("web/compose.yml",
                      "services:\n  app:\n    image: a\n    secrets:\n      - key\n      - {source: key, "
                      "target: /etc/k, uid: "
                      "'10', gid: '20', mode: 0400}\nsecrets:\n  key: {external: true, name: api-key}\n");
  CHECK(texts(compilation).empty());
  const v1::Service& service = release(compilation, "a", "web")->release.services(0);
  REQUIRE(service.file_mounts_size() == 2);
  const v1::FileMount& plain = service.file_mounts(0);
  CHECK(plain.target() == "/run/secrets/key");
  CHECK(plain.read_only());
  CHECK(plain.single());
  CHECK(plain.entries(0).secret() == repository.book.id("api-key", "hunter2"));
  CHECK(plain.entries(0).sha256().empty());
  CHECK(plain.entries(0).mode() == 0444);
  const v1::FileEntry& own = service.file_mounts(1).entries(0);
  CHECK(service.file_mounts(1).target() == "/etc/k");
  CHECK(own.mode() == 0400);
  CHECK(own.uid() == 10);
  CHECK(own.gid() == 20);
  CHECK(service.secrets_size() == 0);  // no string of the body holds it

  repository.book.values.clear();
  CHECK(
      texts(repository.compile()) ==
      std::vector<std::string>{
          "web/compose.yml:5:9: error: stack 'web': service 'app': the hub has no secret 'api-key' for this "
          "stack here (set it with 'hivemind secret set api-key --file FILE') [compose.missing-secret]"});
}

TEST_CASE("a secret of a file is an id as well, and its content only among the release's values") {
  Repository repository;
  repository.snapshot.file("web/key.txt", "hunter2");
  const Compilation compilation = repository.with(
      "web/compose.yml",
      "services:\n  app:\n    image: a\n    secrets: [key]\nsecrets:\n  key: {file: key.txt}\n");
  CHECK(texts(compilation).empty());
  const ReleasePtr compiled = release(compilation, "a", "web");
  const std::string id = repository.book.id("key", "hunter2");
  CHECK(compiled->release.services(0).file_mounts(0).entries(0).secret() == id);
  CHECK(compiled->files.empty());
  REQUIRE(compiled->secrets.contains(id));
  CHECK(compiled->secrets.at(id)->value() == "hunter2");
  CHECK(all_text(compilation).find("hunter2") == std::string::npos);
  CHECK(repository.with("web/key.txt", "hunter3").compiled == 1);
}

TEST_CASE("a secret that is made of a variable is one, whether that is marked as one or not") {
  Repository repository;
  repository.book.values["DB_PASSWORD"] = "hunter2";
  const std::string compose =
      "services:\n  app:\n    image: a\n    secrets: [key]\nsecrets:\n  key: {environment: PW}\n";
  const Compilation marked = repository.with("web/compose.yml", compose);
  CHECK(texts(marked).empty());
  CHECK(release(marked, "a", "web")->release.services(0).file_mounts(0).entries(0).secret() ==
        repository.book.id("DB_PASSWORD", "hunter2"));
  const Compilation plain = repository.with(
      "stacks.yml", "stacks:\n  - {name: web, compose_file: web/compose.yml, vars: {PW: as-it-is}}\n");
  CHECK(release(plain, "a", "web")->release.services(0).file_mounts(0).entries(0).secret() ==
        repository.book.id("key", "as-it-is"));
  const Compilation mixed = repository.with(
      "stacks.yml",
      "stacks:\n  - {name: web, compose_file: web/compose.yml, env_file: a.env, vars: {SECRET: "
      "{secret: DB_PASSWORD}}}\n");
  const Compilation more = repository.with("a.env", "PW=x-${SECRET}\n");
  REQUIRE(more.diagnostics.size() == 1);
  CHECK(more.diagnostics[0].code == "compose.secret-misplaced");
}

TEST_CASE("where a value cannot be put in, a secret is refused at its place") {
  struct Case {
    const char* name;
    std::string service;  // lines of the service, from line 4
    std::string expected;
  };
  const Case cases[] = {
      {"image", "    image: a:${PW}\n", "3:12 image"},
      {"ports", "    image: a\n    ports: ['${PW}:80']\n", "4:13 ports"},
      {"names", "    image: a\n    container_name: x${PW}\n", "4:21 container_name"},
      {"volumes", "    image: a\n    volumes: ['${PW}:/data']\n", "4:15 volumes"},
      {"labels", "    image: a\n    labels: {l: 'x ${PW}'}\n", "4:17 labels.l"},
      {"hooks", "    image: a\n    post_start: [{command: x, user: '${PW}'}]\n", "4:37 post_start.user"},
      {"networks", "    image: a\n    networks: {default: {aliases: ['${PW}']}}\n",
       "4:36 networks.default.aliases"},
      {"configs", "    image: a\n    configs: [c]\nconfigs:\n  c: {content: 'x ${PW}'}\n",
       "6:16 configs.c.content"},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    Repository repository;
    repository.book.values["DB_PASSWORD"] = "hunter2";
    const Compilation compilation = repository.with("web/compose.yml", "services:\n  app:\n" + one.service);
    REQUIRE(compilation.diagnostics.size() == 1);
    const Diagnostic& said = compilation.diagnostics[0];
    CHECK(said.code == "compose.secret-misplaced");
    CHECK(std::to_string(said.location.line) + ":" + std::to_string(said.location.column) + " " +
              said.message.substr(1, said.message.find('\'', 1) - 1) ==
          one.expected);
    CHECK_FALSE(said.remedy.empty());
  }
}

TEST_CASE("strings of the container's body, and of its hooks, may hold secrets") {
  Repository repository;
  repository.book.values["DB_PASSWORD"] = "hunter2";
  const Compilation compilation = repository.with(
      "web/compose.yml",
      "x-base: &base {A: '${PW}'}\n"
      "services:\n  app:\n    image: a\n    command: run --password ${PW}\n    entrypoint: ['/bin/x', "
      "'${PW}']\n"
      "    environment: *base\n    post_start: [{command: 'x ${PW}', environment: {X: '${PW}'}}]\n    "
      "annotations: {n: '${PW}'}\n"
      "    healthcheck: {test: 'curl -u :${PW} localhost'}\n    user: '${PW}'\n    working_dir: '/${PW}'\n"
      "    logging: {driver: splunk, options: {splunk-token: '${PW}'}}\n");
  CHECK(texts(compilation).empty());
  const v1::Service& service = release(compilation, "a", "web")->release.services(0);
  REQUIRE(service.secrets_size() == 1);
  const std::string placeholder = secret_placeholder(service.secrets(0));
  std::size_t count = 0;
  for (std::size_t at = 0; (at = service.engine_body().find(placeholder, at)) != std::string::npos; ++at)
    ++count;
  CHECK(count == 8);
  CHECK(service.post_start(0).command(1) == placeholder);
  CHECK(service.post_start(0).environment(0) == "X=" + placeholder);
}

TEST_CASE("a placeholder that somebody wrote into a file gets nobody a value") {
  Repository repository;
  repository.book.values = {{"DB_PASSWORD", "hunter2"}, {"OTHER", "of somebody else"}};
  const std::string forged = secret_placeholder(repository.book.id("OTHER", "of somebody else"));
  const auto code = [&](const std::string& path, const std::string& content) {
    const Compilation compilation = repository.with(path, content);
    return compilation.diagnostics.size() == 1 ? compilation.diagnostics[0].code : "";
  };
  const std::string service = "services:\n  app:\n    image: a\n";
  CHECK(code("web/compose.yml", service + "    environment: {X: '" + forged + "'}\n") ==
        "compose.secret-placeholder");
  repository.snapshot.file("web/x.env", "X=" + forged + "\n");
  CHECK(code("web/compose.yml", service + "    env_file: x.env\n") == "compose.secret-placeholder");
  repository.snapshot.file("web/compose.yml",
                           service + "    secrets: [s]\nsecrets: {s: {environment: FORGED}}\n");
  CHECK(code("stacks.yml", "stacks:\n  - {name: web, compose_file: web/compose.yml, vars: {FORGED: '" +
                               forged + "'}}\n") == "compose.secret-placeholder");
}

TEST_CASE("a value sealed in the repository counts where the hub has none") {
  Repository repository;
  const Compilation sealed = repository.with("secrets.yml", "DB_PASSWORD: hm1:from-git\n");
  CHECK(texts(sealed).empty());
  const std::string id = repository.book.id("DB_PASSWORD", "from-git");
  CHECK(release(sealed, "a", "web")->secrets.at(id)->value() == "from-git");
  CHECK(release(sealed, "a", "plain")->secrets.empty());
  CHECK(repository.with("secrets.yml", "DB_PASSWORD: hm1:newer\nUNUSED: hm1:x\n").compiled == 1);
  repository.book.values["DB_PASSWORD"] = "hunter2";
  CHECK(body(repository.compile(), "a").find(repository.book.id("DB_PASSWORD", "hunter2")) !=
        std::string::npos);
}

TEST_CASE("a sealed value that does not open is told at its line, and nothing else breaks") {
  Repository repository;
  const Compilation compilation = repository.with("secrets.yml", "X: hm1:good\nDB_PASSWORD: garbage\n");
  CHECK(compilation.valid);
  REQUIRE(compilation.diagnostics.size() == 2);
  CHECK(to_text(compilation.diagnostics[0]) ==
        "secrets.yml:2:14: error: secret 'DB_PASSWORD': it was sealed to another key (seal it again for this "
        "hub "
        "with 'hivemind secret seal') [fleet.sealed-secret]");
  CHECK(compilation.diagnostics[1].code == "compose.missing-secret");
  CHECK(release(compilation, "a", "plain") != nullptr);
}

TEST_CASE("an env file that SOPS has encrypted is made of secrets, for the stack and for a service") {
  Repository repository;
  const std::string encrypted = "PW=ENC[hunter2]\nEMPTY=\nsops_mac=ENC[x]\nsops_version=3.8.1\n";
  const std::string id = repository.book.id("PW", "hunter2");
  repository.snapshot.file("web/s.env", encrypted);
  repository.snapshot.file("stacks.yml",
                           "stacks:\n  - {name: web, compose_file: web/compose.yml, env_file: web/s.env}\n");
  const Compilation of_stack = repository.compile();
  CHECK(texts(of_stack).empty());
  CHECK(release(of_stack, "a", "web")->secrets.at(id)->value() == "hunter2");
  CHECK(body(of_stack, "a").find(secret_placeholder(id)) != std::string::npos);
  CHECK(all_text(of_stack).find("hunter2") == std::string::npos);
  const Compilation of_service =
      repository.with("web/compose.yml", "services:\n  app:\n    image: a\n    env_file: s.env\n");
  CHECK(texts(of_service).empty());
  CHECK(release(of_service, "a", "web")->secrets.at(id)->value() == "hunter2");
  CHECK(body(of_service, "a").find("\"EMPTY=\"") != std::string::npos);
  CHECK(body(of_service, "a").find("sops_") == std::string::npos);
}

TEST_CASE("without SOPS its files are told with the line, and tried again by themselves") {
  Repository repository;
  repository.book.has_sops = false;
  repository.snapshot.file("web/s.env", "# ours\nPW=ENC[hunter2]\nsops_mac=ENC[x]\nsops_version=3.8.1\n");
  const Compilation without = repository.with(
      "stacks.yml", "stacks:\n  - {name: web, compose_file: web/compose.yml, env_file: web/s.env}\n");
  REQUIRE(without.diagnostics.size() == 1);
  CHECK(to_text(without.diagnostics[0]) ==
        "web/s.env:3:1: error: stack 'web': SOPS has encrypted this file: program 'sops' cannot be started "
        "(install sops where the hub runs) [env-file.sops]");
  repository.book.has_sops = true;
  CHECK(texts(repository.compile()).empty());
}

TEST_CASE("a stack with secrets is kept from a node that they cannot be sealed to") {
  Repository repository;
  repository.book.values["DB_PASSWORD"] = "hunter2";
  repository.book.unreached = {"b"};
  const Compilation compilation = repository.compile();
  CHECK(release(compilation, "a", "web") != nullptr);
  CHECK(release(compilation, "b", "web") == nullptr);
  CHECK(release(compilation, "b", "plain") != nullptr);
  REQUIRE(compilation.diagnostics.size() == 1);
  CHECK(compilation.diagnostics[0].code == "fleet.not-enrolled");
  CHECK(compilation.diagnostics[0].nodes == std::vector<std::string>{"b"});
  repository.book.unreached.clear();
  CHECK(release(repository.compile(), "b", "web") != nullptr);
}

TEST_CASE("without a hub secrets are taken for granted") {
  Repository repository;
  repository.snapshot.file("secrets.yml", "OTHER: hm1:bm90IG9wZW5lZA==\n");
  const Compilation compilation = compile(repository.snapshot, repository.all);
  CHECK(texts(compilation).empty());
  CHECK(compilation.secret_uses.contains("DB_PASSWORD"));
}

TEST_CASE("what stacks.yml says of secret variables must make sense") {
  const auto said = [](const std::string& variable) {
    Repository repository;
    const Compilation compilation = repository.with(
        "stacks.yml", "stacks:\n  - {name: web, compose_file: web/compose.yml, vars: {" + variable + "}}\n");
    return compilation.diagnostics.empty() ? "" : compilation.diagnostics[0].code;
  };
  CHECK(said("PW: {secret: [a]}") == "fleet.wrong-type");
  CHECK(said("PW: {secret: a, other: b}") == "fleet.wrong-type");
  CHECK(said("PW: {}") == "fleet.wrong-type");
  CHECK(said("PW: {secret: 'a b'}") == "fleet.name");
  CHECK(said("COMPOSE_PROFILES: {secret: a}") == "fleet.secret-variable");
}

TEST_CASE("a node's variable wins over the stack's, secret or not") {
  Repository repository;
  repository.book.values = {{"DB_PASSWORD", "hunter2"}, {"B", "of-b"}};
  const Compilation compilation = repository.with(
      "stacks.yml",
      "nodes:\n  a: {vars: {PW: plain}}\n  b: {vars: {PW: {secret: B}}}\nstacks:\n  - {name: web, "
      "compose_file: web/compose.yml, vars: {PW: {secret: DB_PASSWORD}}}\n");
  CHECK(texts(compilation).empty());
  CHECK(body(compilation, "a").find("PW=pre-plain") != std::string::npos);
  CHECK(body(compilation, "b").find(repository.book.id("B", "of-b")) != std::string::npos);
}

}  // namespace hivemind::hub
