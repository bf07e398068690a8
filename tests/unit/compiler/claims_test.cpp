#include "hub/desired/claims.h"

#include "tests/unit/compiler/compiling.h"

namespace hivemind::hub {
namespace {

// A release whose services publish the given bindings of port 80 ("" publishes none).
CompiledRelease publishing(const std::string& bindings, const std::string& network_mode = "web_default") {
  CompiledRelease made;
  made.release.set_stack("web");
  v1::Service& service = *made.release.add_services();
  service.set_name("app");
  service.set_replicas(1);
  service.set_engine_body(R"({"HostConfig":{"NetworkMode":")" + network_mode +
                          R"(","PortBindings":{"80/tcp":)" + bindings + "}}}");
  return made;
}

std::string ports(const CompiledRelease& release) {
  std::string text;
  for (const PortClaim& claim : claims_of(release).ports) text += claim.address + "|" + claim.port + " ";
  return text;
}

bool conflicting(const std::string& first, const std::string& second) {
  ClaimedBy claimed;
  claimed.add("a", {.ports = {{"x", first, "80/tcp"}}, .names = {}});
  return !claimed.add("b", {.ports = {{"y", second, "80/tcp"}}, .names = {}}).empty();
}

std::string stack_entry(const std::string& name, const std::string& nodes = "{}") {
  return "  - {name: " + name + ", compose_file: " + name + ".yml, nodes: " + nodes + "}\n";
}

}  // namespace

TEST_CASE("fixed ports are claimed, chosen ones are not") {
  CHECK(ports(publishing(R"([{"HostIp":"","HostPort":"8080"}])")) == "|8080/tcp ");
  CHECK(ports(publishing(R"([{"HostIp":"127.0.0.1","HostPort":"8080"},{"HostPort":"81"}])")) ==
        "127.0.0.1|8080/tcp |81/tcp ");
  CHECK(ports(publishing(R"([{"HostPort":""}])")) == "");
  CHECK(ports(publishing(R"([{"HostPort":"0"}])")) == "");
  CHECK(ports(publishing(R"([{"HostPort":"9000-9005"}])")) == "");
  CHECK(ports(publishing("null")) == "");
  CHECK(ports(publishing(R"([{"HostPort":"8080"}])", "host")) == "");
}

TEST_CASE("a service without containers claims nothing") {
  CompiledRelease release = publishing(R"([{"HostPort":"8080"}])");
  release.release.mutable_services(0)->set_replicas(0);
  CHECK(ports(release) == "");
  CHECK(claims_of(release).names.empty());
}

TEST_CASE("names of containers are claimed, given ones and made ones") {
  CompiledRelease release = publishing("[]");
  release.release.mutable_services(0)->set_replicas(2);
  REQUIRE(claims_of(release).names.size() == 2);
  CHECK(claims_of(release).names[1].name == "web-app-2");
  release.release.mutable_services(0)->set_container_name("mine");
  REQUIRE(claims_of(release).names.size() == 1);
  CHECK(claims_of(release).names[0].name == "mine");
}

TEST_CASE("addresses conflict when one of them is in the other") {
  CHECK(conflicting("", ""));
  CHECK(conflicting("", "127.0.0.1"));
  CHECK(conflicting("::1", ""));
  CHECK(conflicting("0.0.0.0", "127.0.0.1"));
  CHECK(conflicting("10.0.0.1", "0.0.0.0"));
  CHECK(conflicting("10.0.0.1", "10.0.0.1"));
  CHECK(conflicting("::", "::1"));
  CHECK_FALSE(conflicting("10.0.0.1", "10.0.0.2"));
  CHECK_FALSE(conflicting("0.0.0.0", "::1"));
  CHECK_FALSE(conflicting("::", "0.0.0.0"));
}

TEST_CASE("the other protocol is another port") {
  ClaimedBy claimed;
  CHECK(claimed.add("a", {.ports = {{"x", "", "53/tcp"}}, .names = {}}).empty());
  CHECK(claimed.add("b", {.ports = {{"x", "", "53/udp"}}, .names = {}}).empty());
}

TEST_CASE("a stack that conflicts claims nothing, so it stands in nobody's way") {
  ClaimedBy claimed;
  CHECK(claimed.add("a", {.ports = {{"x", "", "80/tcp"}}, .names = {}}).empty());
  CHECK(claimed.add("b", {.ports = {{"x", "", "80/tcp"}, {"x", "", "81/tcp"}}, .names = {}}).size() == 1);
  CHECK(claimed.add("c", {.ports = {{"x", "", "81/tcp"}}, .names = {}}).empty());
}

TEST_CASE("a port used twice within a stack conflicts, too") {
  ClaimedBy claimed;
  const auto conflicts =
      claimed.add("a", {.ports = {{"x", "", "80/tcp"}, {"y", "0.0.0.0", "80/tcp"}}, .names = {}});
  REQUIRE(conflicts.size() == 1);
  CHECK(conflicts[0].message == "port '80/tcp' is already published by service 'x' of stack 'a'");
  CHECK(conflicts[0].service == "y");
}

TEST_CASE("of two stacks that publish one port on a node the later one keeps what it has") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks:\n" + stack_entry("web") + stack_entry("aux", "{site: x}")},
      {"web.yml", image("one") + "    ports: ['8080:80']\n"},
      {"aux.yml", image("two") + "    ports: ['127.0.0.1:8080:81']\n"}};
  const Compilation made = compile(snapshot, {{"a", {{"site", "x"}}}, {"b", {}}, {"c", {{"site", "x"}}}});
  CHECK(runs(made, "a") == "aux=- web=one");
  CHECK(runs(made, "b") == "web=one");
  CHECK(texts(made) ==
        std::vector<std::string>{
            "stacks.yml:3:5: error: stack 'aux': service 'app': port '8080/tcp' is already published by "
            "service 'app' of "
            "stack 'web' (publish another port or address, or select other nodes) [fleet.conflict-on-node]"});
  CHECK(made.diagnostics[0].nodes.empty());  // all nodes that the stack is selected for
}

TEST_CASE("a conflict names the nodes where it is one") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks:\n" + stack_entry("web", "{ids: [a, b]}") + stack_entry("aux")},
      {"web.yml", image("one") + "    container_name: same\n"},
      {"aux.yml", image("two") + "    container_name: same\n"}};
  const Compilation made = compile(snapshot, nodes({"a", "b", "c"}));
  CHECK(runs(made, "a") == "aux=- web=one");
  CHECK(runs(made, "c") == "aux=two");
  REQUIRE(made.diagnostics.size() == 1);
  CHECK(made.diagnostics[0].nodes == std::vector<std::string>{"a", "b"});
  CHECK(made.diagnostics[0].message ==
        "container name 'same' is already taken by service 'app' of stack 'web'");
}

TEST_CASE("different ports go side by side") {
  const tests::MemorySnapshot snapshot{
      {"stacks.yml", "stacks:\n" + stack_entry("web") + stack_entry("aux")},
      {"web.yml", image("one") + "    ports: ['8080:80', '53:53']\n"},
      {"aux.yml", image("two") + "    ports: ['8081:80', '53:53/udp', '80']\n"}};
  const Compilation made = compile(snapshot, nodes({"a"}));
  CHECK(texts(made) == std::vector<std::string>{});
  CHECK(runs(made, "a") == "aux=two web=one");
}

}  // namespace hivemind::hub
