#include "agent/adopt/compare.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::agent;

namespace {

constexpr const char* kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr const char* kOtherId = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

std::string container(const std::string& id, const std::string& members) {
  return "{\"Id\":\"" + id + "\"" + (members.empty() ? "" : "," + members) + "}";
}

std::string text(const Comparison& comparison) {
  std::string lines;
  for (const Difference& one : comparison.differences)
    lines += one.path + ": " + one.ours + " | " + one.theirs + "\n";
  return lines;
}

std::string differ(const std::string& ours, const std::string& theirs) {
  return text(compare_containers(container(kId, ours), container(kOtherId, theirs)));
}

std::string host(const std::string& members) {
  return "\"HostConfig\":{" + members + "}";
}

std::string config(const std::string& members) {
  return "\"Config\":{" + members + "}";
}

}  // namespace

TEST_CASE("what differs by nature is no difference") {
  CHECK(differ(R"("Name":"/web-a-1","Created":"x","State":{"Pid":1},"Path":"/bin/sh","RestartCount":1)",
               R"("Name":"/scratch","Created":"y","State":{"Pid":2},"RestartCount":0)") == "");
  CHECK(differ(config(R"("Hostname":"0123456789ab")"), config(R"("Hostname":"fedcba987654")")) == "");
  CHECK(differ(config(R"("Labels":{"com.docker.compose.project":"web","com.docker.compose.oneoff":"False"})"),
               config(R"("Labels":{"com.hivemind.node":"pi-1"})")) == "");
  CHECK(differ(R"("NetworkSettings":{"IPAddress":"10.0.0.2","Networks":{"n":{"IPAddress":"10.0.0.2"}}})",
               R"("NetworkSettings":{"Networks":{"n":{"IPAddress":"10.0.0.3","NetworkID":"1"}}})") == "");
  CHECK(
      differ(
          R"("NetworkSettings":{"Networks":{"n":{"Aliases":["app","0123456789ab"]}}})",
          R"("Name":"/web-app-1","NetworkSettings":{"Networks":{"n":{"Aliases":["fedcba987654","web-app-1","app"]}}})") ==
      "");
  CHECK(differ(std::string(R"("Mounts":[{"Type":"volume","Name":")") + kId +
                   R"(","Destination":"/data","RW":true}])",
               std::string(R"("Mounts":[{"Type":"volume","Name":")") + kOtherId +
                   R"(","Destination":"/data","RW":true}])") == "");
}

TEST_CASE("a hostname that somebody gave is compared") {
  CHECK(differ(config(R"("Hostname":"0123456789ab")"), config(R"("Hostname":"web")")) ==
        "Config.Hostname:  | \"web\"\n");
}

TEST_CASE("nothing, null, an empty list and zero are the same, but where zero means something") {
  CHECK(differ(host(R"("Dns":null,"Memory":0,"Tmpfs":{},"Privileged":false,"PidsLimit":-1)"),
               host(R"("Dns":[],"CapAdd":[],"PidsLimit":null,"MemorySwappiness":-1)")) == "");
  CHECK(differ(host(R"("Init":false)"), host("")) == "HostConfig.Init: false | \n");
  CHECK(differ(host(R"("MemorySwappiness":0)"), host("")) == "HostConfig.MemorySwappiness: 0 | \n");
  CHECK(differ(config(R"("StopTimeout":0)"), config("")) == "Config.StopTimeout: 0 | \n");
}

TEST_CASE("a device request without capabilities asks for none") {
  const auto request = [](const std::string& capabilities) {
    return host("\"DeviceRequests\":[{\"Capabilities\":" + capabilities + ",\"Count\":-1}]");
  };
  CHECK(differ(request("[[]]"), request("[null]")) == "");
  CHECK(differ(request("[[]]"), request("[[\"gpu\"]]")) != "");
}

TEST_CASE("what is a set has no order") {
  CHECK(differ(host(R"("CapAdd":["net_admin","CAP_SYS_TIME"],"SecurityOpt":["a","b"])"),
               host(R"("CapAdd":["CAP_SYS_TIME","CAP_NET_ADMIN"],"SecurityOpt":["b","a"])")) == "");
  CHECK(differ(config(R"("Env":["A=1","B=2"])"), config(R"("Env":["B=2","A=1"])")) == "");
  CHECK(differ(host(R"("Dns":["1.1.1.1","8.8.8.8"])"), host(R"("Dns":["8.8.8.8","1.1.1.1"])")) ==
        "HostConfig.Dns: [\"1.1.1.1\",\"8.8.8.8\"] | [\"8.8.8.8\",\"1.1.1.1\"]\n");
}

TEST_CASE("variables and labels are told one by one") {
  CHECK(differ(config(R"("Env":["A=1","EMPTY="],"Labels":{"x":"1"})"),
               config(R"("Env":["A=2"],"Labels":{"x":""})")) ==
        "Config.Env.A: \"1\" | \"2\"\n"
        "Config.Env.EMPTY: \"\\\"\\\"\" | \n"
        "Config.Labels.x: \"1\" | \"\\\"\\\"\"\n");
}

TEST_CASE("a bind and the mount that it stands for are the same") {
  CHECK(
      differ(
          host(R"("Binds":["/a:/b","data:/data:rw"])"),
          host(
              R"("Mounts":[{"Type":"bind","Source":"/a","Target":"/b","BindOptions":{"CreateMountpoint":true}},
                                 {"Type":"volume","Source":"data","Target":"/data","VolumeOptions":{}}])")) ==
      "");
  CHECK(differ(host(R"("Binds":["/a:/b:ro,z"])"), host(R"("Binds":["/a:/b:z"])")) ==
        "HostConfig.Mounts./b.ReadOnly: true | \n");
  CHECK(
      differ(
          host(R"("Binds":["/a:/b:rshared"])"),
          host(
              R"("Mounts":[{"Type":"bind","Source":"/a","Target":"/b","BindOptions":{"Propagation":"rshared"}}])")) ==
      "");
}

TEST_CASE("ports, restart policies and memory are compared") {
  CHECK(differ(host(R"("PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]})"),
               host(R"("PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8081"}]})")) ==
        "HostConfig.PortBindings.80/tcp: [{\"HostPort\":\"8080\"}] | [{\"HostPort\":\"8081\"}]\n");
  CHECK(differ(host(R"("RestartPolicy":{"Name":"","MaximumRetryCount":0})"),
               host(R"("RestartPolicy":{"Name":"no"})")) == "");
  CHECK(differ(host(R"("RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3})"), "") ==
        "HostConfig.RestartPolicy: \"on-failure:3\" | \"no\"\n");
  CHECK(differ(host(R"("Memory":67108864)"), host("")) == "HostConfig.Memory: 67108864 | \n");
}

TEST_CASE("an exposed port without a protocol is one of TCP") {
  CHECK(differ(config(R"("ExposedPorts":{"80/tcp":{}})"), config(R"("ExposedPorts":{"80":{}})")) == "");
  CHECK(differ(config(R"("ExposedPorts":{"80/udp":{}})"), config(R"("ExposedPorts":{"80":{}})")) ==
        "Config.ExposedPorts: [\"80/udp\"] | [\"80/tcp\"]\n");
}

TEST_CASE("networks that a container is on are compared with what was asked for") {
  CHECK(differ(R"("NetworkSettings":{"Networks":{"a":{"Aliases":["x"],"IPAMConfig":{}}}})",
               R"("NetworkSettings":{"Networks":{"b":{"IPAMConfig":{"IPv4Address":"10.0.0.9"}}}})") ==
        "Networks.a.Aliases: [\"x\"] | \n"
        "Networks.a.Connected: \"yes\" | \n"
        "Networks.b.Connected:  | \"yes\"\n"
        "Networks.b.IPAMConfig.IPv4Address:  | \"10.0.0.9\"\n");
}

TEST_CASE("fields are counted") {
  const std::string same =
      container(kId, host(R"("Memory":5,"Dns":["1.1.1.1"])") + "," + config(R"("Env":["A=1"])"));
  const Comparison comparison = compare_containers(same, same);
  CHECK(comparison.differences.empty());
  CHECK(comparison.fields == 4);  // and the restart policy
}

TEST_CASE("subnets are compared where they were asked for") {
  const std::string one =
      R"({"Name":"n","Driver":"bridge","IPAM":{"Driver":"default","Config":[{"Subnet":"10.1.0.0/24"}]}})";
  const std::string two =
      R"({"Name":"n","Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.2.0.0/24"}]},"Options":null})";
  CHECK(compare_networks(one, two, Subnets::kChosen).differences.empty());
  CHECK(text(compare_networks(one, two, Subnets::kGiven)) ==
        "IPAM.Config: [{\"Subnet\":\"10.1.0.0/24\"}] | [{\"Subnet\":\"10.2.0.0/24\"}]\n");
  CHECK(text(compare_networks(R"({"Internal":true})", "{}", Subnets::kChosen)) == "Internal: true | \n");
}

TEST_CASE("the body of a network or volume compares with what it makes") {
  const std::string network =
      R"({"Name":"web_a","Driver":"bridge","Labels":{"x":"1"},"CheckDuplicate":true})";
  CHECK(subnets_of(network) == Subnets::kChosen);
  CHECK(subnets_of(R"({"IPAM":{"Config":[{"Subnet":"10.1.0.0/24"}]}})") == Subnets::kGiven);
  CHECK(compare_networks(inspection_of_network_body(network),
                         R"({"Name":"web_a","Id":"1","Scope":"local","Driver":"bridge","EnableIPv6":false,
                             "IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"172.17.0.0/16"}]},
                             "Labels":{"x":"1","com.docker.compose.network":"a"},"Options":{}})",
                         Subnets::kChosen)
            .differences.empty());
  CHECK(compare_volumes(
            inspection_of_volume_body(R"({"Name":"v","DriverOpts":{"type":"tmpfs"}})"),
            R"({"Name":"v","Driver":"local","Mountpoint":"/x","Scope":"local","Options":{"type":"tmpfs"}})")
            .differences.empty());
  CHECK(text(compare_volumes(inspection_of_volume_body(R"({"DriverOpts":{"type":"tmpfs"}})"),
                             R"({"Options":null})")) == "Options.type: \"tmpfs\" | \n");
}

TEST_CASE("what is no JSON object is refused") {
  CHECK_THROWS_AS(compare_containers("[]", "{}"), Error);
  CHECK_THROWS_AS(compare_networks("{}", "nonsense", Subnets::kGiven), Error);
  CHECK_THROWS_AS(inspection_of_volume_body("7"), Error);
}
