#include "agent/engine/decode.h"

#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

using tests::ContainsSubstring;

constexpr const char* kInspect = R"({
  "Id":"4f5b","Name":"/web-app-1","Image":"sha256:aa","RestartCount":2,
  "State":{"Status":"running","Running":true,"ExitCode":0,"Error":"","StartedAt":"2026-01-31T12:00:00.5Z",
    "FinishedAt":"0001-01-01T00:00:00Z",
    "Health":{"Status":"unhealthy","FailingStreak":3,"Log":[{"Output":"first"},{"ExitCode":1,"Output":" refused\n"}]}},
  "Config":{"Image":"nginx:1","Labels":{"com.hivemind.node":"pi-1","b":"2"}},
  "HostConfig":{"Memory":1048576,"NanoCpus":1500000000,"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}},
  "NetworkSettings":{"Networks":{"web_front":{},"web_back":null}}})";

void check_corrupt(const std::function<void()>& call, const std::string& words) {
  try {
    call();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(to_string(error.code()) == to_string(ErrorCode::kCorrupt));
    CHECK_THAT(error.what(), ContainsSubstring(words));
  }
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

std::vector<std::function<void(const std::string&)>> all_decoders() {
  return {[](const std::string& text) { decode::version(text); },
          [](const std::string& text) { decode::container_ids(text); },
          [](const std::string& text) { decode::container(text); },
          [](const std::string& text) { decode::networks(text); },
          [](const std::string& text) { decode::volumes(text); },
          [](const std::string& text) { decode::image_id(text); },
          [](const std::string& text) { decode::created(text); },
          [](const std::string& text) { decode::network(text); },
          [](const std::string& text) { decode::network_users(text); },
          [](const std::string& text) { decode::volume(text); },
          [](const std::string& text) { decode::listed_containers(text); },
          [](const std::string& text) { decode::published_ports(text); },
          [](const std::string& text) { decode::exec_id(text); },
          [](const std::string& text) { decode::exit_code_of_exec(text); },
          [](const std::string& text) { decode::event(text); },
          [](const std::string& text) { decode::pull_line(text); }};
}

}  // namespace

TEST_CASE("an inspected container has all that the planner looks at") {
  const Container container = decode::container(kInspect);
  CHECK(container.id == "4f5b");
  CHECK(container.name == "web-app-1");
  CHECK(container.image == "nginx:1");
  CHECK(container.image_id == "sha256:aa");
  CHECK(container.labels.at("b") == "2");
  CHECK((container.status == ContainerStatus::kRunning));
  CHECK((container.health == Health::kUnhealthy));
  CHECK(container.health_text == "refused");
  CHECK(container.restarts == 2);
  CHECK(container.started_at == "2026-01-31T12:00:00.5Z");
  CHECK(container.networks == std::vector<std::string>{"web_back", "web_front"});
  CHECK(container.memory == 1048576);
  CHECK(container.nano_cpus == 1500000000);
  CHECK(container.restart_policy == "on-failure:3");
}

TEST_CASE("anonymous volumes are told from named ones") {
  const std::string name(64, 'a');
  const Container container = decode::container(
      R"({"Id":"1","Name":"/n","Mounts":[{"Type":"volume","Name":")" + name + R"(","Destination":"/data"},
      {"Type":"volume","Name":"web_db","Destination":"/db"},{"Type":"bind","Source":"/x","Destination":"/x"},7]})");
  CHECK(container.anonymous_volumes == std::map<std::string, std::string>{{"/data", name}});
}

TEST_CASE("a container of which the engine says next to nothing is one that does not run") {
  const Container container =
      decode::container(R"({"Id":"1","Name":"x","State":null,"Config":{"Labels":null}})");
  CHECK(container.name == "x");
  CHECK((container.status == ContainerStatus::kExited));
  CHECK((container.health == Health::kNone));
  CHECK(container.restart_policy == "no");
  CHECK(container.networks.empty());
}

TEST_CASE("every word for a status is understood, Podman's and unknown ones too") {
  const std::vector<std::pair<std::string, ContainerStatus>> words = {
      {"created", ContainerStatus::kCreated},
      {"running", ContainerStatus::kRunning},
      {"paused", ContainerStatus::kPaused},
      {"restarting", ContainerStatus::kRestarting},
      {"removing", ContainerStatus::kRemoving},
      {"exited", ContainerStatus::kExited},
      {"dead", ContainerStatus::kDead},
      {"configured", ContainerStatus::kCreated},
      {"initialized", ContainerStatus::kCreated},
      {"stopped", ContainerStatus::kExited},
      {"something new", ContainerStatus::kRunning}};  // the flag 'Running' decides
  for (const auto& [word, status] : words) {
    INFO(word);
    CHECK((decode::container(replaced(kInspect, "\"running\"", "\"" + word + "\"")).status == status));
  }
}

TEST_CASE("restart policies read as Compose writes them") {
  const std::string policy = R"("RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3})";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("RestartPolicy":{"Name":"","MaximumRetryCount":0})", "no"},
      {R"("RestartPolicy":{"Name":"no"})", "no"},
      {R"("RestartPolicy":{"Name":"always"})", "always"},
      {R"("RestartPolicy":{"Name":"unless-stopped","MaximumRetryCount":0})", "unless-stopped"},
      {R"("RestartPolicy":{"Name":"on-failure"})", "on-failure"},
      {R"("RestartPolicy":null)", "no"}};
  for (const auto& [json, text] : cases) {
    CHECK(decode::container(replaced(kInspect, policy, json)).restart_policy == text);
  }
}

TEST_CASE("a field of another type is corrupt and named") {
  check_corrupt([] { decode::container(replaced(kInspect, "\"ExitCode\":0", "\"ExitCode\":\"0\"")); },
                "'ExitCode'");
  check_corrupt([] { decode::container(replaced(kInspect, "\"Memory\":1048576", "\"Memory\":1.5")); },
                "'Memory'");
  check_corrupt([] { decode::container(replaced(kInspect, "\"b\":\"2\"", "\"b\":2")); }, "'b'");
  check_corrupt([] { decode::container(replaced(kInspect, "\"Status\":\"running\"", "\"Status\":[]")); },
                "'Status'");
  check_corrupt([] { decode::container(R"({"Id":"1","Name":"x","State":{"Health":{"Log":["text"]}}})"); },
                "'Output'");
  check_corrupt([] { decode::volumes(R"({"Volumes":{}})"); }, "'Volumes'");
  check_corrupt([] { decode::networks(R"({"Id":"1"})"); }, "not a list of networks");
}

TEST_CASE("an answer without an identity is corrupt") {
  check_corrupt([] { decode::container(replaced(kInspect, "\"Id\"", "\"Di\"")); }, "lacks 'Id'");
  check_corrupt([] { decode::container_ids(R"([{"Names":["/x"]}])"); }, "lacks 'Id'");
  check_corrupt([] { decode::created(R"({"Warnings":[]})"); }, "lacks 'Id'");
  check_corrupt([] { decode::network("{}"); }, "lacks 'Id'");
  check_corrupt([] { decode::version(R"({"Version":"20.10"})"); }, "lacks 'ApiVersion'");
}

TEST_CASE("what is no JSON is corrupt, for every answer") {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "{",
                                          "null x",
                                          "<html>502</html>",
                                          "{\"Id\":\"\xff\"}",
                                          "{\"Id",
                                          "[1,2,",
                                          "\"\\ud800\"",
                                          std::string("\0{}", 3)};
  for (const auto& decoder : all_decoders()) {
    for (const std::string& text : texts) check_corrupt([&] { decoder(text); }, "not JSON");
  }
}

TEST_CASE("JSON of another shape is corrupt or reads as empty, and never anything worse") {
  for (const auto& decoder : all_decoders()) {
    for (const std::string text : {"1", "\"x\"", "true", "[[]]", "[1]", R"({"Id":1})", R"({"Actor":[]})",
                                   R"({"ApiVersion":"x"})", R"({"progressDetail":3,"Name":[]})"}) {
      try {
        decoder(text);
      } catch (const Error& error) {
        CHECK(to_string(error.code()) == to_string(ErrorCode::kCorrupt));
      }
    }
  }
}

TEST_CASE("deep nesting is refused before it is parsed") {
  check_corrupt([] { decode::container(std::string(1'000'000, '[')); }, "nested deeper");
  check_corrupt([] { decode::container(R"({"Id":)" + std::string(200, '{')); }, "nested deeper");
  CHECK(decode::network(R"({"Id":")" + std::string(200, '[') + R"(\"[{"})").id.size() == 203);
}

TEST_CASE("every truncation of an answer is corrupt") {
  const std::string whole = kInspect;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_THROWS_AS(decode::container(whole.substr(0, size)), Error);
  }
}

TEST_CASE("numbers beyond their range are clamped") {
  const auto container =
      decode::container(replaced(replaced(kInspect, "\"ExitCode\":0", "\"ExitCode\":99999999999"),
                                 "\"RestartCount\":2", "\"RestartCount\":-5"));
  CHECK(container.exit_code == 2147483647);
  CHECK(container.restarts == 0);
}

TEST_CASE("the output of a probe is cut between characters") {
  std::string output(1023, 'x');
  output += "\xC3\xA9 and more";
  const auto container = decode::container(replaced(kInspect, " refused\\n", output));
  CHECK(container.health_text == std::string(1023, 'x'));
}

TEST_CASE("versions of Docker and Podman are read") {
  const auto docker = decode::version(
      R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64","KernelVersion":"6.1"})");
  CHECK(docker.engine.version == "20.10.24");
  CHECK((docker.engine.api == ApiVersion{1, 41}));
  CHECK((docker.oldest_api.value() == ApiVersion{1, 12}));
  CHECK(docker.engine.architecture == "amd64");
  CHECK(docker.engine.kernel == "6.1");
  const auto podman =
      decode::version(R"({"Components":[{"Name":"Podman Engine"}],"Version":"4.3.1","ApiVersion":"1.41"})");
  CHECK_FALSE(podman.oldest_api.has_value());
  CHECK(podman.engine.os.empty());
}

TEST_CASE("API versions order and refuse what is none") {
  CHECK((ApiVersion::parse("1.9") < ApiVersion::parse("1.41")));
  CHECK((ApiVersion::parse("2.0") > ApiVersion::parse("1.47")));
  CHECK(ApiVersion::parse("1.47").text() == "1.47");
  for (const char* text : {"", "1", "1.", ".1", "1.4x", "a.b", "1.-4", "1.41.2", "99999.1"}) {
    CHECK_THROWS_AS(ApiVersion::parse(text), Error);
  }
}

TEST_CASE("lists may be null where there is nothing") {
  CHECK(decode::volumes(R"({"Volumes":null,"Warnings":null})").empty());
  CHECK(decode::networks("[]").empty());
  CHECK(decode::networks(R"([{"Id":"1","Name":"n","Labels":null}])").at(0).labels.empty());
  CHECK(decode::created(R"({"Id":"1","Warnings":null})").warnings.empty());
  CHECK(decode::created(R"({"Id":"1","Warnings":["kernel","cgroup"]})").warnings.size() == 2);
}

TEST_CASE("an image id has its algorithm, whoever tells it") {
  const std::string hex(64, 'a');
  CHECK(decode::image_id(R"({"Id":"sha256:)" + hex + "\"}") == "sha256:" + hex);
  CHECK(decode::image_id(R"({"Id":")" + hex + "\"}") == "sha256:" + hex);
}

TEST_CASE("an event has its subject and attributes") {
  const auto event = decode::event(
      R"({"status":"die","id":"4f","Type":"container","Action":"die","Actor":{"ID":"4f","Attributes":{"exitCode":"0","name":"w"}},"timeNano":1})");
  CHECK(event.type == "container");
  CHECK(event.action == "die");
  CHECK(event.id == "4f");
  CHECK(event.attributes.at("exitCode") == "0");
}

TEST_CASE("a refusal speaks in the engine's words, or in what there is") {
  CHECK(decode::refusal(R"({"message":"No such container: x"})") == "No such container: x");
  CHECK(decode::refusal("page not found\n") == "page not found");
  CHECK(decode::refusal("") == "no reason given");
  CHECK(decode::refusal(R"({"message":7})") == R"({"message":7})");
  CHECK(decode::refusal("\x1b[31mred\xff") == "[31mred");
  CHECK(decode::refusal(std::string(100'000, 'x')).size() == 2000);
}

}  // namespace hivemind::agent
