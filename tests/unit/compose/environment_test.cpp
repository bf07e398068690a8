#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {

TEST_CASE("the environment is sorted, as a map or as a list") {
  CHECK(compile_service("    environment: {B: x, A: y}\n").body("app").at("Env") == json(R"(["A=y","B=x"])"));
  CHECK(compile_service("    environment: [B=x, A=y=z]\n").body("app").at("Env") ==
        json(R"(["A=y=z","B=x"])"));
}

TEST_CASE("numbers and truth values of the environment are what YAML makes of them, as in the reference") {
  const auto compiled =
      compile_service("    environment: {A: 010, B: 1.10, C: true, D: 0x10, E: 1e3, F: yes, G: '010'}\n");
  CHECK(compiled.body("app").at("Env") ==
        json(R"(["A=8","B=1.1","C=true","D=16","E=1000","F=yes","G=010"])"));
  CHECK(compile_service("    environment: [A=010]\n").body("app").at("Env") == json(R"(["A=010"])"));
}

TEST_CASE("what is no environment is refused with its place") {
  CHECK(compile_service("    environment: A=1\n").errors() == "4:18 compose.wrong-type");
  CHECK(compile_service("    environment: {A: [1]}\n").errors() == "4:22 compose.wrong-type");
  CHECK(compile_service("    environment: [A, 5]\n").errors() == "4:22 compose.wrong-type");
  CHECK(compile_service("    environment:\n").errors() == "4:5 compose.wrong-type");
  CHECK(compile_service("    environment: ['=x']\n").errors() == "4:19 compose.refused-by-engine");
  CHECK(compile_service("    environment: ['A = x']\n").errors() == "4:19 compose.invalid-value");
  CHECK(compile_service("    env_file: {path: a}\n").errors() == "4:15 compose.wrong-type");
  CHECK(compile_service("    env_file: [{required: true}]\n").errors() == "4:16 compose.missing-key");
  CHECK(compile_service("    env_file: [{path: a, format: json, required: false}]\n").errors() ==
        "4:34 compose.invalid-value");
}

TEST_CASE("a variable without a value is passed through, or removed when the stack has none") {
  const auto compiled =
      compile_service("    environment: {GIVEN: , UNSET: , EMPTY: ''}\n", "", {{"GIVEN", "7"}});
  CHECK(compiled.body("app").at("Env") == json(R"(["EMPTY=","GIVEN=7","UNSET"])"));
}

TEST_CASE("variables are substituted, and an unset one is a warning and empty") {
  const auto compiled =
      compile_service("    environment:\n      A: ${NAME}\n      B: ${NONE}\n", "", {{"NAME", "x"}});
  CHECK(compiled.body("app").at("Env") == json(R"(["A=x","B="])"));
  CHECK(compiled.warnings() == "6:10 compose.unset-variable");
}

namespace {
const std::string kService = "services:\n  app:\n    image: a\n";
}

TEST_CASE("later env files win over earlier ones, environment wins over all") {
  const MemorySnapshot repository{
      {"web/compose.yml", kService + "    env_file: [one.env, sub/two.env]\n    environment: {C: 3}\n"},
      {"web/one.env", "A=1\nB=1\nC=1\n"},
      {"web/sub/two.env", "B=2\nC=2\nD=\"${A} $X\"\n"}};
  const auto compiled = compile(repository, {"web/compose.yml"}, {{"X", "x"}});
  CHECK(compiled.errors() == "");
  CHECK(compiled.body("app").at("Env") == json(R"(["A=1","B=2","C=3","D=1 x"])"));
  CHECK(compiled.paths.contains("web/one.env"));
  CHECK(compiled.paths.contains("web/sub/two.env"));
}

TEST_CASE("an env file that is missing is an error unless it is not required") {
  CHECK(compile(kService + "    env_file: none.env\n").errors() == "4:15 compose.missing-file");
  const auto optional =
      compile(kService + "    env_file:\n      - path: none.env\n        required: false\n");
  CHECK(optional.errors() == "");
  CHECK(optional.paths.contains("web/none.env"));
}

TEST_CASE("an env file outside of the repository is refused") {
  CHECK(compile(kService + "    env_file: ../../secret.env\n").errors() == "4:15 compose.path");
  CHECK(compile(kService + "    env_file: /etc/shadow\n").errors() == "4:15 compose.path");
}

TEST_CASE("a raw env file is taken as it stands") {
  const MemorySnapshot repository{
      {"web/compose.yml", kService + "    env_file:\n      - {path: raw.env, format: raw}\n"},
      {"web/raw.env", "A='$X'\n# no\nB=\"b\" # c\n"}};
  CHECK(compile(repository, {"web/compose.yml"}).body("app").at("Env") ==
        json(R"(["A='$X'","B=\"b\" # c"])"));
}

TEST_CASE("an env file with a mistake is an error in that file") {
  const MemorySnapshot repository{{"web/compose.yml", kService + "    env_file: bad.env\n"},
                                  {"web/bad.env", "A=1\nB='open\n"}};
  CHECK_THAT(compile(repository, {"web/compose.yml"}).errors(), ContainsSubstring("web/bad.env:2:"));
}

TEST_CASE("an env file that is not UTF-8 is an error, not a crash") {
  const MemorySnapshot repository{{"web/compose.yml", kService + "    env_file: latin.env\n"},
                                  {"web/latin.env", "A=\xe9\n"}};
  CHECK_FALSE(compile(repository, {"web/compose.yml"}).errors().empty());
}

TEST_CASE("labels become strings, and those of the agent cannot be set") {
  CHECK(compile_service("    labels: {a: 1, b: , c: true}\n").body("app").at("Labels") ==
        json(R"({"a":"1","b":"","c":"true"})"));
  CHECK(compile_service("    labels: ['a=b=c']\n").body("app").at("Labels") == json(R"({"a":"b=c"})"));
  CHECK(compile_service("    labels:\n      com.hivemind.node: x\n").errors() ==
        "5:26 compose.reserved-label");
}

}  // namespace hivemind::tests
