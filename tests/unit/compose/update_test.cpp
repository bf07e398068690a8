// How a stack is updated: 'x-hivemind' of the document and of services.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/compose/scalars/spans.h"
#include "hub/desired/compose/scalars/time_zone.h"
#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;

const std::string kServices =
    "services:\n"
    "  app: {image: 'app:1'}\n"
    "  migrate: {image: 'app:1', command: [migrate], depends_on: [app]}\n"
    "  check: {image: 'app:1'}\n";

Compiled with(const std::string& own, const std::string& services = kServices) {
  return compile("x-hivemind: " + own + "\n" + services);
}

std::int64_t soak(const Compiled& compiled, std::string_view service = "app") {
  return compiled.service(service).soak_ms();
}

std::string spans(std::string_view text) {
  const auto read = hub::compose::parse_spans(text);
  std::string all = read.wrong;
  for (const v1::Window::Span& span : read.spans)
    all += fmt::format("{:07b} {}-{};", span.days(), span.from_minute(), span.to_minute());
  return all;
}

std::string digest(const Compiled& compiled) {
  return compiled.result->release.digest();
}

}  // namespace

TEST_CASE("the soak time is the service's, else the stack's, else that of 'monitor', else ten seconds") {
  const std::string monitored =
      "services: {app: {image: x, deploy: {update_config: {monitor: 20s}}}, b: {image: x}}\n";
  CHECK(soak(compile_service("")) == 10000);
  CHECK(soak(compile_service("    x-hivemind: {soak: 1m30s}\n")) == 90000);
  CHECK(soak(compile_service("    x-hivemind: {soak: 0s}\n")) == 0);
  CHECK(soak(compile_service("    x-hivemind: {soak: 1500us}\n")) == 2);
  CHECK(soak(compile(monitored)) == 20000);
  CHECK(soak(compile(monitored), "b") == 10000);
  CHECK(compile(monitored).warnings() == "");
  CHECK(soak(with("{soak: 30s}", monitored)) == 30000);
  CHECK(soak(with("{soak: 30s}"), "check") == 30000);
  CHECK(soak(compile_service("    deploy: {update_config: {monitor: 0s}}\n")) == 10000);
  CHECK(soak(with("{soak: 30s}", "services: {app: {image: x, x-hivemind: {soak: 5s}}}\n")) == 5000);
}

TEST_CASE("a soak time that cannot be meant is refused with its place") {
  CHECK(compile_service("    x-hivemind: {soak: 30}\n").errors() == "4:24 compose.invalid-value");
  CHECK_THAT(compile_service("    x-hivemind: {soak: 30}\n").message("compose.invalid-value"),
             ContainsSubstring("add a unit"));
  CHECK(compile_service("    x-hivemind: {soak: soon}\n").errors() == "4:24 compose.invalid-value");
  CHECK(compile_service("    x-hivemind: {soak: 25h}\n").errors() == "4:24 compose.invalid-value");
  CHECK(with("{soak: [1s]}").errors() == "1:20 compose.wrong-type");
  CHECK(with("30s").errors() == "1:13 compose.wrong-type");
}

TEST_CASE("what 'x-hivemind' does not know is an error that says what it knows") {
  const auto stack = with("{soka: 1s, pin: true}");
  CHECK(stack.errors() == "1:14 compose.unknown-key\n1:24 compose.unknown-key");
  CHECK(stack.message("compose.unknown-key") ==
        "key 'x-hivemind.soka' is not known, but 'soak', 'pre', 'post', 'window', 'timezone' (did you mean "
        "'soak'?)");
  const auto service = compile_service("    x-hivemind: {window: always}\n");
  CHECK(service.errors() == "4:18 compose.unknown-key");
  CHECK_THAT(service.message("compose.unknown-key"), ContainsSubstring("at the top level"));
}

TEST_CASE("how long a release is watched replaces no container, and makes another release") {
  const Compiled before = compile_service(""), after = compile_service("    x-hivemind: {soak: 20s}\n");
  CHECK(before.service("app").config_hash() == after.service("app").config_hash());
  CHECK(digest(before) != digest(after));
  CHECK(digest(before) == digest(compile_service("    x-hivemind: {soak: 10s}\n")));
  const std::string window = "{window: 'Sat 02:00-04:00'}";
  CHECK(with(window).service("app").config_hash() == with("{}").service("app").config_hash());
  CHECK(digest(with(window)) != digest(with("{}")));
  CHECK(digest(with("{pre: migrate}")) != digest(with("{}")));
  CHECK(digest(with("{pre: migrate}")) != digest(with("{post: migrate}")));
}

TEST_CASE("services that run once for an update are named in the release, and are among its services") {
  const Compiled compiled = with("{pre: migrate, post: check, soak: 30s}");
  CHECK(compiled.errors() == "");
  const v1::Release& release = compiled.result->release;
  CHECK(release.pre() == "migrate");
  CHECK(release.post() == "check");
  CHECK(release.services_size() == 3);
  CHECK(soak(compiled, "migrate") == 0);
  CHECK(soak(compiled) == 30000);
}

TEST_CASE("a service that runs once for an update is there whatever its profiles") {
  const std::string services =
      "services: {app: {image: x}, migrate: {image: x, profiles: [tools]}, b: {image: x, profiles: "
      "[tools]}}\n";
  CHECK(with("{pre: migrate}", services).result->release.services_size() == 2);
  CHECK(with("{}", services).result->release.services_size() == 1);
}

TEST_CASE("a service that stands cannot run once, and what is needed must stand") {
  const auto errors = [](const std::string& job, const std::string& app = "") {
    return compile("x-hivemind: {pre: job}\nservices:\n  app: {image: x" + app + "}\n  job: {image: x, " +
                   job + "}\n")
        .errors();
  };
  CHECK(errors("restart: 'no'") == "");
  CHECK(errors("restart: 'on-failure:3'") == "");
  CHECK(errors("depends_on: [app]") == "");
  CHECK(errors("restart: always") == "4:28 compose.one-shot");
  CHECK(errors("restart: unless-stopped") == "4:28 compose.one-shot");
  CHECK(errors("restart: 'no', deploy: {restart_policy: {condition: any}}") == "4:59 compose.one-shot");
  CHECK(errors("scale: 2") == "4:26 compose.one-shot");
  CHECK(errors("deploy: {replicas: 0}") == "4:38 compose.one-shot");
  CHECK(errors("container_name: jobs") == "4:35 compose.one-shot");
  CHECK(errors("network_mode: 'service:app'") == "4:33 compose.one-shot");
  CHECK(errors("volumes_from: [app]") == "4:34 compose.one-shot");
  CHECK(errors("post_start: [{command: [a]}]") == "4:32 compose.one-shot");
  CHECK(errors("x-hivemind: {soak: 1s}") == "4:38 compose.one-shot");
  CHECK(errors("restart: 'no'", ", depends_on: [job]") == "3:32 compose.one-shot");
  CHECK(errors("restart: 'no'", ", pid: 'service:job'") == "3:24 compose.one-shot");
  CHECK_THAT(with("{pre: migrat}").message("compose.undefined-service"),
             ContainsSubstring("did you mean 'migrate'?"));
  CHECK(with("{pre: migrat}").errors() == "1:19 compose.undefined-service");
  CHECK(with("{pre: check, post: check}").errors() == "1:32 compose.one-shot");
  CHECK(with("{pre: ''}").errors() == "1:19 compose.invalid-value");
}

TEST_CASE("a window has its spans, its text and the rule of its zone") {
  const Compiled compiled = with("{window: 'Sat,Sun 02:00-04:00', timezone: Europe/Berlin}");
  CHECK(compiled.errors() == "");
  const v1::Window& window = compiled.result->release.window();
  CHECK(window.text() == "Sat,Sun 02:00-04:00");
  CHECK(window.timezone() == "Europe/Berlin");
  CHECK(window.posix_tz() == "CET-1CEST,M3.5.0,M10.5.0/3");
  REQUIRE(window.spans_size() == 1);
  CHECK(window.spans(0).days() == 0x60);
  const Compiled list = with("{window: ['Sat 02:00-04:00', 'Mon-Fri 22:00-24:00']}");
  CHECK(list.result->release.window().spans_size() == 2);
  CHECK(list.result->release.window().text() == "Sat 02:00-04:00; Mon-Fri 22:00-24:00");
  CHECK(list.result->release.window().timezone() == "UTC");
  CHECK(list.result->release.window().posix_tz() == "UTC0");
  CHECK_FALSE(with("{soak: 1s}").result->release.has_window());
  CHECK_FALSE(with("{window: always, timezone: Europe/Berlin}").result->release.has_window());
  const Compiled variable =
      compile("x-hivemind: {window: \"${WINDOW:-always}\"}\n" + kServices, {{"WINDOW", "02:00-03:00"}});
  CHECK(variable.result->release.window().spans(0).days() == 0x7f);
}

TEST_CASE("spans are lists and ranges of days with times, over midnight and over the end of the week") {
  CHECK(spans("02:00-04:00") == "1111111 120-240;");
  CHECK(spans("daily 2:00-4:30") == "1111111 120-270;");
  CHECK(spans("Mon-Fri 22:00-24:00") == "0011111 1320-1440;");
  CHECK(spans("sat, SUNDAY 22:00 - 04:00") == "1100000 1320-240;");
  CHECK(spans("Fri-Mon 00:00-24:00") == "1110001 0-1440;");
  CHECK(spans("Mon,Wed-Thu 01:00-02:00,13:00-14:00") == "0001101 60-120;0001101 780-840;");
  CHECK(spans("Mon 01:00-02:00; Tue 23:00-00:00") == "0000001 60-120;0000010 1380-0;");
}

TEST_CASE("spans that cannot be meant are refused with the reason") {
  for (const char* text : {"",
                           ";",
                           "Mon",
                           "Mon 01:00",
                           "Mon 01:00-",
                           "01:00-02:00;",
                           "Mon 1-2",
                           "Mon 25:00-26:00",
                           "Mon 01:60-02:00",
                           "Mon 24:00-02:00",
                           "Mon 02:00-02:00",
                           "Mon- 01:00-02:00",
                           "Mon-Tue-Wed 01:00-02:00",
                           "Mo 01:00-02:00",
                           "Mon,,Tue 01:00-02:00",
                           "01:00-02:00 Mon",
                           "Mon 01:00-02:00-03:00",
                           "01:00:00-02:00",
                           "24:01-25:00",
                           "Mon 01:00–02:00"}) {
    INFO(text);
    const auto read = hub::compose::parse_spans(text);
    CHECK_FALSE(read.wrong.empty());
  }
  CHECK(spans("Mo 01:00-02:00") == "'Mo' is no day of the week (Mon to Sun, or 'daily')");
  CHECK(with("{window: 'Mo 01:00-02:00'}").errors() == "1:22 compose.invalid-value");
  CHECK(with("{window: []}").errors() == "1:22 compose.invalid-value");
  CHECK(with("{window: 5}").errors() == "1:22 compose.wrong-type");
  CHECK(with("{window: ['01:00-02:00', x]}").errors() == "1:38 compose.invalid-value");
}

TEST_CASE("a zone that is not known, or is no name of one, is refused with its place") {
  for (const char* zone : {"Europe/Bärlin", "Europe/Berlinn", "../Berlin", "/etc/passwd", "Europe//Berlin",
                           "Europe", "Europe/", "leapseconds", "localtime", "", "tzdata.zi"}) {
    INFO(zone);
    const Compiled compiled = with(fmt::format("{{window: '01:00-02:00', timezone: '{}'}}", zone));
    CHECK(compiled.errors() == "1:47 compose.time-zone");
  }
  CHECK(with("{timezone: UTC}").errors() == "1:24 compose.missing-key");
}

TEST_CASE("without the machine's zones there is UTC, and the package that has them is named") {
  CHECK(hub::compose::zone_rule("UTC", "/nowhere") == "UTC0");
  try {
    hub::compose::zone_rule("Europe/Berlin", "/nowhere");
    FAIL("a zone of nowhere");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kUnavailable);
  }
}

TEST_CASE("a file that is none of a zone, or knows nothing of the years to come, is refused") {
  const fs::path zones = fs::temp_directory_path() / fmt::format("hivemind-zones-{}", ::getpid());
  fs::create_directories(zones);
  const auto rule = [&](const std::string& content) {
    std::ofstream(zones / "Zone", std::ios::binary) << content;
    try {
      return hub::compose::zone_rule("Zone", zones);
    } catch (const Error& error) {
      return std::string(to_string(error.code()));
    }
  };
  CHECK(rule("TZif2" + std::string(40, '\0') + "\nCET-1\n") == "CET-1");
  for (const std::string& content :
       {std::string(), std::string("TZif"), std::string("TZif") + '\0' + "\nCET-1\n",
        std::string("TZif2\n\n"), std::string("TZif2 CET-1"), std::string("TZif2\nCET 1\n"),
        "TZif2\n" + std::string(200, 'A') + "\n"}) {
    INFO(content);
    CHECK(rule(content) == "corrupt");
  }
  CHECK(rule("TZif2\nCET-1\n" + std::string(70000, '\n')) == "not_found");
  fs::remove_all(zones);
}

TEST_CASE("an included file says nothing of how the stack is updated") {
  const Compiled compiled =
      compile(MemorySnapshot{{"web/compose.yml", "include: [other.yml]\nservices: {app: {image: x}}\n"},
                             {"web/other.yml", "x-hivemind: {soak: 1h}\nservices: {b: {image: x}}\n"}},
              {"web/compose.yml"});
  CHECK(compiled.errors() == "");
  CHECK(compiled.warnings() == "web/other.yml:1:1 compose.ignored-key");
  CHECK(soak(compiled) == 10000);
}

TEST_CASE("the last of several files wins, key by key") {
  const Compiled compiled =
      compile(MemorySnapshot{{"web/a.yml", "x-hivemind: {soak: 1m, pre: migrate}\n" + kServices},
                             {"web/b.yml", "x-hivemind: {soak: 2m}\nservices: {}\n"}},
              {"web/a.yml", "web/b.yml"});
  CHECK(compiled.errors() == "");
  CHECK(soak(compiled) == 120000);
  CHECK(compiled.result->release.pre() == "migrate");
}

}  // namespace hivemind::tests
