#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::tests;

namespace {

std::string refusal(const v1::Release& broken) {
  try {
    agent::desired_from(manifest(1, {broken}));
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInvalid);
    return error.what();
  }
  return "accepted";
}

v1::Service with_mount(const std::string& path) {
  v1::Service app = service("app");
  v1::FileMount& mount = *app.add_file_mounts();
  mount.set_target("/etc/app");
  mount.set_source("conf");
  v1::FileEntry& file = *mount.add_entries();
  file.set_path(path);
  file.set_sha256(std::string(64, 'a'));
  file.set_mode(0644);
  return app;
}

}  // namespace

TEST_CASE("a manifest that cannot be meant is refused with the place") {
  CHECK(refusal(release("Web", {service("app")})) == "stack 'Web' has no valid name");
  CHECK(refusal(release("web", {service("app"), service("app")})) ==
        "stack 'web': service 'app' is there twice");
  CHECK(refusal(release("web", {with_dependency(service("app"), "db")})) ==
        "stack 'web': service 'app' depends on 'db', which is not there");
  CHECK(refusal(release("web", {with_dependency(service("a"), "b"), with_dependency(service("b"), "a")})) ==
        "stack 'web': its services depend on one another in a circle");
  CHECK_THAT(refusal(release("web", {with_body(service("app"), "[1]")})),
             ContainsSubstring("no JSON object"));
  CHECK_THAT(refusal(release("web", {with_body(service("app"), "{")})), ContainsSubstring("service 'app'"));
  CHECK_THAT(refusal(release("web", {with_body(service("app"), R"({"HostConfig":{"Memory":"x"}})")})),
             ContainsSubstring("not what it should be"));
  CHECK_THAT(refusal(release("web", {with_replicas(service("app"), 1000)})),
             ContainsSubstring("at most 100"));
}

TEST_CASE("paths of files stay in their place") {
  CHECK(refusal(release("web", {with_mount("a/b.conf")})) == "accepted");
  for (const char* path : {"../x", "a/../../x", "/etc/passwd", "a//b", "", "."}) {
    INFO(path);
    CHECK(refusal(release("web", {with_mount(path)})) != "accepted");
  }
}

TEST_CASE("a data directory stays in its place") {
  for (const auto& [source, good] : std::map<std::string, bool>{
           {"data", true}, {"./data/x/", true}, {".", true}, {"../x", false}, {"/etc", false}}) {
    v1::Service app = service("app");
    v1::FileMount& mount = *app.add_file_mounts();
    mount.set_target("/data");
    mount.set_source(source);
    INFO(source);
    CHECK((refusal(release("web", {app})) == "accepted") == good);
  }
}
