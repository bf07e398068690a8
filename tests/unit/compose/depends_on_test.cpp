#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

// "service condition required", sorted by service.
std::string dependencies(const v1::Service& service) {
  constexpr const char* kConditions[] = {"started", "healthy", "completed"};
  std::string text;
  for (const v1::Dependency& one : service.depends_on()) {
    text += one.service() + " " + kConditions[one.condition()] +
            (one.required() ? " required" : " optional") + (one.restart() ? " restart\n" : "\n");
  }
  return text;
}

const std::string kOthers = "  db:\n    image: a\n  job:\n    image: a\n";

}  // namespace

TEST_CASE("a list of dependencies waits for their start") {
  const auto compiled = compile_service("    depends_on: [job, db]\n", kOthers);
  CHECK(dependencies(compiled.service("app")) == "db started required\njob started required\n");
}

TEST_CASE("a map of dependencies has conditions") {
  const auto compiled = compile_service(
      "    depends_on:\n      job: {condition: service_completed_successfully, required: false}\n"
      "      db: {condition: service_healthy}\n",
      kOthers);
  CHECK(dependencies(compiled.service("app")) == "db healthy required\njob completed optional\n");
}

TEST_CASE("a dependency must exist, unless it is not required") {
  const auto compiled = compile_service("    depends_on: [jbo]\n", kOthers);
  CHECK(compiled.errors() == "4:18 compose.undefined-service");
  CHECK_THAT(compiled.message("compose.undefined-service"), ContainsSubstring("did you mean 'job'?"));
  const std::string wish = "    depends_on: {none: {condition: service_started, required: false}}\n";
  CHECK(compile_service(wish).errors() == "4:18 compose.undefined-service");
  const auto optional = compile_service(wish, "  none:\n    image: a\n    profiles: [x]\n");
  CHECK(optional.errors() == "");
  CHECK(dependencies(optional.service("app")) == "");
}

TEST_CASE("a dependency may restart its dependants") {
  const auto compiled =
      compile_service("    depends_on: {db: {condition: service_started, restart: true}}\n", kOthers);
  CHECK(dependencies(compiled.service("app")) == "db started required restart\n");
}

TEST_CASE("a dependency in a map has a condition, and none is listed twice") {
  CHECK(compile_service("    depends_on: {db: {restart: true}}\n", kOthers).errors() ==
        "4:18 compose.missing-key");
  CHECK(compile_service("    depends_on: {db: }\n", kOthers).errors() == "4:22 compose.wrong-type");
  CHECK(compile_service("    depends_on: [db, db]\n", kOthers).errors() == "4:22 compose.duplicate");
  CHECK(compile_service("    depends_on: db\n", kOthers).errors() == "4:17 compose.wrong-type");
}

TEST_CASE("a condition that does not exist is refused") {
  CHECK(compile_service("    depends_on: {db: {condition: healthy}}\n", kOthers).errors() ==
        "4:34 compose.invalid-value");
}

TEST_CASE("dependencies form no circle") {
  const auto compiled = compile(
      "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n  c: {image: x, "
      "depends_on: [a]}\n");
  CHECK(compiled.errors() == "4:30 compose.dependency-cycle");
  CHECK_THAT(compiled.message("compose.dependency-cycle"), ContainsSubstring("'a' -> 'b' -> 'c' -> 'a'"));
  CHECK(compile_service("    depends_on: [app]\n").errors() == "4:18 compose.dependency-cycle");
}

TEST_CASE("waiting for the health of a service whose check is disabled would never end") {
  const std::string db = "  db:\n    image: a\n    healthcheck: {disable: true}\n";
  CHECK(compile_service("    depends_on: {db: {condition: service_healthy}}\n", db).errors() ==
        "4:18 compose.never-healthy");
}

TEST_CASE("services of a profile are left out until it is active") {
  const std::string text = "services:\n  app: {image: a}\n  debug: {image: a, profiles: [debug]}\n";
  CHECK(compile(text).result->release.services_size() == 1);
  CHECK(compile(text, {{"COMPOSE_PROFILES", "x,debug"}}).result->release.services_size() == 2);
  CHECK(compile(text, {{"COMPOSE_PROFILES", "*"}}).result->release.services_size() == 2);
  const auto compiled =
      compile_service("    depends_on: [debug]\n", "  debug: {image: a, profiles: [debug]}\n");
  CHECK(compiled.errors() == "4:18 compose.undefined-service");
  CHECK_THAT(compiled.message("compose.undefined-service"), ContainsSubstring("profile"));
}

TEST_CASE("a health check in all its parts") {
  const auto compiled = compile_service(
      "    healthcheck:\n      test: curl -f localhost\n      interval: 1m30s\n      timeout: 0.5s\n"
      "      start_period: 500ms\n      retries: 3\n");
  CHECK(compiled.body("app").at("Healthcheck") ==
        json(R"({"Test":["CMD-SHELL","curl -f localhost"],"Interval":90000000000,"Timeout":500000000,
                 "StartPeriod":500000000,"Retries":3})"));
  CHECK(compiled.result->release.engine_api() == "1.41");
}

TEST_CASE("a start interval needs a newer engine, and a start period") {
  const auto compiled =
      compile_service("    healthcheck: {test: [CMD, 'true'], start_period: 1m, start_interval: 1s}\n");
  CHECK(compiled.body("app").at("Healthcheck").at("StartInterval") == 1000000000);
  CHECK(compiled.result->release.engine_api() == "1.44");
  CHECK(compile_service("    healthcheck: {test: a, start_interval: 1s}\n").errors() ==
        "4:28 compose.refused-by-engine");
}

TEST_CASE("a health check may be disabled, or only change the image's timing") {
  CHECK(compile_service("    healthcheck: {disable: true}\n").body("app").at("Healthcheck") ==
        json(R"({"Test":["NONE"]})"));
  CHECK(compile_service("    healthcheck: {disable: true, test: x, retries: 2}\n")
            .body("app")
            .at("Healthcheck") == json(R"({"Test":["NONE"],"Retries":2})"));
  CHECK(compile_service("    healthcheck: {test: [NONE]}\n").body("app").at("Healthcheck") ==
        json(R"({"Test":["NONE"]})"));
  CHECK(compile_service("    healthcheck: {interval: 5s}\n").body("app").at("Healthcheck") ==
        json(R"({"Interval":5000000000})"));
}

TEST_CASE("mistakes in a health check are refused with their place") {
  CHECK(compile_service("    healthcheck: {interval: 30}\n").errors() == "4:29 compose.invalid-value");
  CHECK(compile_service("    healthcheck: {interval: 1us}\n").errors() == "4:29 compose.refused-by-engine");
  CHECK(compile_service("    healthcheck: {test: [curl, x]}\n").errors() == "4:25 compose.invalid-value");
  CHECK(compile_service("    healthcheck: {retries: many}\n").errors() == "4:28 compose.wrong-type");
  CHECK(compile_service("    healthcheck: {intervall: 1s}\n").errors() == "4:19 compose.unknown-key");
}

}  // namespace hivemind::tests
