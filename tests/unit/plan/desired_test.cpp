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

namespace {

v1::Release with_window(unsigned days, unsigned from, unsigned to,
                        const std::string& rule = "CET-1CEST,M3.5.0,M10.5.0/3") {
  v1::Release windowed = release("web", {service("app")});
  v1::Window::Span& span = *windowed.mutable_window()->add_spans();
  span.set_days(days);
  span.set_from_minute(from);
  span.set_to_minute(to);
  windowed.mutable_window()->set_posix_tz(rule);
  windowed.mutable_window()->set_timezone("Europe/Berlin");
  windowed.mutable_window()->set_text("Sat,Sun 02:00-04:00");
  return windowed;
}

v1::Release with_jobs(v1::Release with, const std::string& pre, const std::string& post) {
  with.set_pre(pre);
  with.set_post(post);
  return with;
}

v1::Service with_soak(v1::Service with, std::int64_t soak_ms, std::int64_t image_bytes = 0) {
  with.set_soak_ms(soak_ms);
  with.set_image_bytes(image_bytes);
  return with;
}

}  // namespace

TEST_CASE("how a release is updated is read from the manifest") {
  v1::Release updated = with_window(0x60, 120, 240);
  *updated.add_services() = service("check");
  *updated.add_services() = service("migrate");
  *updated.mutable_services(0) = with_soak(service("app"), 1500, 12345);
  const agent::Desired desired = agent::desired_from(manifest(1, {with_jobs(updated, "migrate", "check")}));
  const agent::DesiredStack& web = desired.stacks.front();
  CHECK(web.pre == "migrate");
  CHECK(web.post == "check");
  CHECK(web.is_job("migrate"));
  CHECK_FALSE(web.is_job("app"));
  CHECK_FALSE(web.is_job(""));
  CHECK(web.service("migrate")->replicas == 0);
  CHECK(web.service("app")->replicas == 1);
  CHECK(web.service("app")->soak == std::chrono::milliseconds(1500));
  CHECK(web.service("app")->image_bytes == 12345);
  REQUIRE(web.window);
  CHECK(web.window->text == "Sat,Sun 02:00-04:00 Europe/Berlin");
  CHECK(web.window->spans.front().days == 0x60);
  CHECK(web.window->spans.front().to_minute == 240);
  CHECK_FALSE(agent::desired_from(manifest(1, {release("web", {service("app")})})).stacks.front().window);
}

TEST_CASE("a window, a soak time or a one-shot service that cannot be meant refuses the manifest") {
  CHECK(refusal(with_window(0x7f, 0, 1440)) == "accepted");
  CHECK(refusal(with_window(1, 1439, 0, "")) == "accepted");
  for (const v1::Release& broken : {with_window(0, 0, 60), with_window(0x80, 0, 60), with_window(1, 1440, 60),
                                    with_window(1, 0, 1441), with_window(1, 60, 60)}) {
    CHECK_THAT(refusal(broken), ContainsSubstring("are no span"));
  }
  CHECK_THAT(refusal(with_window(1, 0, 60, "Europe/Berlin")),
             ContainsSubstring("stack 'web': time zone rule 'Europe/Berlin' cannot be read at '/Berlin'"));
  v1::Release empty = release("web", {service("app")});
  empty.mutable_window();
  CHECK_THAT(refusal(empty), ContainsSubstring("window: 0 spans"));
  CHECK_THAT(refusal(release("web", {with_soak(service("app"), -1)})),
             ContainsSubstring("a soak time of -1 ms"));
  CHECK_THAT(refusal(release("web", {with_soak(service("app"), 604800001)})),
             ContainsSubstring("a soak time"));
  CHECK_THAT(refusal(release("web", {with_soak(service("app"), 0, -1)})),
             ContainsSubstring("an image of -1 bytes"));
  const v1::Release two = release("web", {with_dependency(service("app"), "db"), service("db")});
  CHECK(refusal(with_jobs(two, "app", "")) == "accepted");
  CHECK_THAT(refusal(with_jobs(two, "x", "")),
             ContainsSubstring("'pre' names service 'x', which is not there"));
  CHECK_THAT(refusal(with_jobs(two, "", "db")),
             ContainsSubstring("service 'app' needs 'db', which runs as 'post' only"));
  CHECK_THAT(refusal(with_jobs(two, "app", "app")), ContainsSubstring("both 'pre' and 'post'"));
}

TEST_CASE("logins of registries are read, each once") {
  v1::Manifest logins = manifest(1, {release("web", {service("app")})});
  v1::RegistryLogin& login = *logins.add_registry_logins();
  login.set_registry("registry.example.org:5000");
  login.set_username("fleet");
  login.set_password("secret");
  const agent::Desired desired = agent::desired_from(logins);
  REQUIRE(desired.registry_logins.size() == 1);
  CHECK(desired.registry_logins.front().password == "secret");
  *logins.add_registry_logins() = login;
  CHECK_THROWS_AS(agent::desired_from(logins), Error);
  logins.mutable_registry_logins()->Clear();
  logins.add_registry_logins();
  CHECK_THROWS_AS(agent::desired_from(logins), Error);
}
