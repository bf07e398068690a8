#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {

TEST_CASE("image, user, directory and terminal go into the body as they are") {
  const auto compiled =
      compile_service("    user: '1000'\n    working_dir: /srv\n    tty: true\n    stdin_open: true\n");
  CHECK(compiled.errors() == "");
  const auto body = compiled.body("app");
  CHECK(body.at("Image") == "nginx:1");
  CHECK(body.at("User") == "1000");
  CHECK(body.at("WorkingDir") == "/srv");
  CHECK(body.at("Tty") == true);
  CHECK(body.at("OpenStdin") == true);
}

TEST_CASE("a command that is a string is split as the reference splits it") {
  const auto words = [](const std::string& command) {
    return compile_service("    command: " + command + "\n").body("app").at("Cmd");
  };
  CHECK(words("sh -c 'echo \"a b\"' \"c d\" e\\ f ''") ==
        json(R"(["sh","-c","echo \"a b\"","c d","e f",""])"));
  CHECK(words(R"('a "b\nc" "x\"y"')") == json(R"(["a","bnc","x\"y"])"));
  CHECK(words("'sh $$(echo a b)c `d e`'") == json(R"(["sh","$(echo a b)c","`d e`"])"));
  CHECK(words("'a #b'") == json(R"(["a","#b"])"));
}

TEST_CASE("a command ends where a shell would see an operator, with a warning") {
  const auto compiled = compile_service("    command: 'serve x2>log | tee'\n");
  CHECK(compiled.body("app").at("Cmd") == json(R"(["serve","x2"])"));
  CHECK(compiled.warnings() == "4:14 compose.command-cut");
  CHECK_THAT(compiled.message("compose.command-cut"), ContainsSubstring("'>log | tee'"));
  CHECK(compile_service("    command: serve 2>log\n").body("app").at("Cmd") == json(R"(["serve"])"));
  CHECK(compile_service("    command: \"serve 'a|b' c\\\\&d\"\n").body("app").at("Cmd") ==
        json(R"(["serve","a|b","c&d"])"));
}

TEST_CASE("a word of a command is a string: numbers want quotes") {
  const auto compiled = compile_service("    command: [sleep, 60]\n");
  CHECK(compiled.errors() == "4:22 compose.wrong-type");
  CHECK(compiled.message("compose.wrong-type") ==
        "'command' must be a string, found the number '60' (write it in quotes)");
  CHECK(compile_service("    command: 60\n").errors() == "4:14 compose.wrong-type");
  CHECK(compile_service("    command: [sleep, '60']\n").body("app").at("Cmd") == json(R"(["sleep","60"])"));
  CHECK(compile_service("    user: 1000\n").errors() == "4:11 compose.wrong-type");
}

TEST_CASE("an empty entrypoint clears the image's, an absent one does not") {
  CHECK(compile_service("    entrypoint: \"\"\n").body("app").at("Entrypoint") == json("[]"));
  CHECK(compile_service("    entrypoint: []\n").body("app").at("Entrypoint") == json("[]"));
  CHECK_FALSE(compile_service("    entrypoint:\n").body("app").contains("Entrypoint"));
  CHECK_FALSE(compile_service("").body("app").contains("Cmd"));
}

TEST_CASE("a quote that is not closed is refused with its place") {
  CHECK(compile_service("    command: echo 'a\n").errors() == "4:14 compose.invalid-value");
  CHECK(compile_service("    command: echo (a)\n").errors() == "4:14 compose.invalid-value");
  CHECK(compile_service("    command: echo `a\n").errors() == "4:14 compose.invalid-value");
}

TEST_CASE("platform, pull policy and container name travel beside the body") {
  const auto compiled =
      compile_service("    platform: linux/arm64\n    pull_policy: always\n    container_name: web-front\n");
  CHECK(compiled.service("app").platform() == "linux/arm64");
  CHECK(compiled.service("app").pull_policy() == v1::PULL_POLICY_ALWAYS);
  CHECK(compiled.service("app").container_name() == "web-front");
  CHECK(compile_service("    pull_policy: if_not_present\n").service("app").pull_policy() ==
        v1::PULL_POLICY_MISSING);
  CHECK(compile_service("    pull_policy: never\n").service("app").pull_policy() == v1::PULL_POLICY_NEVER);
  CHECK(compile_service("    pull_policy: build\n").errors() == "4:18 compose.unsupported-value");
  CHECK(compile_service("    pull_policy: sometimes\n").errors() == "4:18 compose.invalid-value");
  CHECK(compile_service("    pull_policy: every_x\n").errors() == "4:18 compose.invalid-value");
}

TEST_CASE("pulls that repeat say how often") {
  const auto seconds = [](const std::string& lines) {
    const auto compiled = compile_service(lines);
    const v1::Service& service = compiled.service("app");
    CHECK((service.pull_policy() == v1::PULL_POLICY_EVERY) == (service.pull_every_s() > 0));
    return service.pull_every_s();
  };
  CHECK(seconds("    pull_policy: daily\n") == 86400);
  CHECK(seconds("    pull_policy: weekly\n") == 604800);
  CHECK(seconds("    pull_policy: every_1h30m\n") == 5400);
  CHECK(seconds("    pull_policy: every_2d\n") == 172800);
  CHECK(seconds("    pull_policy: refresh\n    pull_refresh_after: 10m\n") == 600);
  CHECK(seconds("    pull_refresh_after: 10m\n    pull_policy: refresh\n") == 600);
  CHECK(seconds("    pull_policy: refresh\n") == 0);
  CHECK(seconds("    pull_policy: always\n    pull_refresh_after: 10m\n") == 0);
}

TEST_CASE("when an image is pulled changes no container") {
  CHECK(compile_service("    pull_policy: daily\n").service("app").config_hash() ==
        compile_service("").service("app").config_hash());
}

TEST_CASE("what is no image reference is refused") {
  CHECK(compile("services:\n  app:\n    image: Nginx:1\n").errors() == "3:12 compose.refused-by-engine");
  CHECK(compile("services:\n  app:\n    image: 'nginx:'\n").errors() == "3:12 compose.refused-by-engine");
  const std::string digest(64, 'a');
  CHECK(
      compile("services:\n  app:\n    image: reg.example:5000/a/b__c:v1@sha256:" + digest + "\n").errors() ==
      "");
}

TEST_CASE("nodes build nothing: build needs an image, and is then ignored with a warning") {
  const auto alone = compile("services:\n  app:\n    build: .\n");
  CHECK(alone.errors() == "3:12 compose.build-without-image");
  CHECK_THAT(alone.message("compose.build-without-image"), ContainsSubstring("give 'image:'"));
  const auto both = compile_service("    build: {context: .}\n");
  CHECK(both.errors() == "");
  CHECK(both.warnings() == "4:12 compose.build-ignored");
  CHECK(compile("services:\n  app: {}\n").errors() == "2:3 compose.missing-image");
}

TEST_CASE("stop signal, grace period, init and restart policy") {
  const auto compiled = compile_service(
      "    stop_signal: SIGINT\n    stop_grace_period: 1m1s500ms\n    init: true\n    restart: "
      "on-failure:5\n");
  CHECK(compiled.body("app").at("StopSignal") == "SIGINT");
  CHECK(compiled.body("app").at("StopTimeout") == 61);
  CHECK(compiled.host("app").at("Init") == true);
  CHECK(compiled.host("app").at("RestartPolicy") == json(R"({"Name":"on-failure","MaximumRetryCount":5})"));
  CHECK(compile_service("    restart: no\n").host("app").at("RestartPolicy") == json(R"({"Name":"no"})"));
  CHECK(compile_service("").host("app").at("RestartPolicy") == json(R"({"Name":"no"})"));
}

TEST_CASE("a restart policy that is mistyped gets a suggestion") {
  const auto compiled = compile_service("    restart: allways\n");
  CHECK(compiled.errors() == "4:14 compose.refused-by-engine");
  CHECK_THAT(compiled.message("compose.refused-by-engine"), ContainsSubstring("did you mean 'always'?"));
  CHECK_THAT(compile_service("    restart: false\n").message("compose.invalid-value"),
             ContainsSubstring("'no'"));
}

TEST_CASE("deploy.restart_policy wins over restart") {
  const auto compiled = compile_service(
      "    restart: always\n    deploy:\n      restart_policy: {condition: on-failure, max_attempts: 3, "
      "delay: 5s}\n");
  CHECK(compiled.host("app").at("RestartPolicy") == json(R"({"Name":"on-failure","MaximumRetryCount":3})"));
  CHECK(compiled.warnings() == "6:64 compose.ignored-key");
}

TEST_CASE("log options are strings") {
  const auto compiled =
      compile_service("    logging:\n      driver: json-file\n      options: {max-file: 3, max-size: 10m}\n");
  CHECK(compiled.host("app").at("LogConfig") ==
        json(R"({"Type":"json-file","Config":{"max-file":"3","max-size":"10m"}})"));
}

}  // namespace hivemind::tests
