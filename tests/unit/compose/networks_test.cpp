#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"

namespace hivemind::tests {

TEST_CASE("a service that says nothing is on the stack's default network, under its own name") {
  const auto compiled = compile_service("");
  CHECK(compiled.host("app").at("NetworkMode") == "web_default");
  REQUIRE(compiled.service("app").endpoints_size() == 1);
  CHECK(compiled.service("app").endpoints(0).network() == "web_default");
  CHECK(json(compiled.service("app").endpoints(0).engine_body()) == json(R"({"Aliases":["app"]})"));
  CHECK(compiled.network("default").name() == "web_default");
  CHECK(json(compiled.network("default").engine_body()) ==
        json(R"({"Name":"web_default","CheckDuplicate":true})"));
}

TEST_CASE("the default network exists only where a service is on it") {
  const auto compiled = compile_service("    networks: [back]\n", "networks:\n  back:\n  unused:\n");
  REQUIRE(compiled.result->release.networks_size() == 1);
  CHECK(compiled.result->release.networks(0).name() == "web_back");
}

TEST_CASE("the default network may be named without being declared") {
  const auto compiled = compile_service("    networks: {default: {aliases: [db]}}\n");
  CHECK(compiled.errors().empty());
  CHECK(compiled.network("default").name() == "web_default");
  CHECK(json(compiled.service("app").endpoints(0).engine_body()) == json(R"({"Aliases":["app","db"]})"));
  CHECK(compile_service("    networks: [default]\n").network("default").name() == "web_default");
}

TEST_CASE("aliases and addresses belong to the endpoint; the first is the one of highest priority") {
  const auto compiled = compile_service(
      "    networks:\n      a: {aliases: [db, app, db]}\n      b: {ipv4_address: 10.9.0.2, priority: 10}\n",
      "networks:\n  a:\n  b: {ipam: {config: [{subnet: 10.9.0.0/24}]}}\n");
  REQUIRE(compiled.service("app").endpoints_size() == 2);
  CHECK(compiled.service("app").endpoints(0).network() == "web_b");
  CHECK(json(compiled.service("app").endpoints(0).engine_body()) ==
        json(R"({"Aliases":["app"],"IPAMConfig":{"IPv4Address":"10.9.0.2"}})"));
  CHECK(json(compiled.service("app").endpoints(1).engine_body()) == json(R"({"Aliases":["app","db"]})"));
  CHECK(compiled.host("app").at("NetworkMode") == "web_b");
}

TEST_CASE("networks are made with their settings") {
  const auto compiled = compile_service(
      "    networks: [n]\n",
      "networks:\n  n:\n    name: real\n    driver: bridge\n    driver_opts: {mtu: 1400}\n    internal: "
      "true\n"
      "    labels: {a: b}\n    enable_ipv6: false\n    ipam:\n      driver: default\n      config:\n"
      "        - {subnet: 10.9.0.0/24, gateway: 10.9.0.1, ip_range: 10.9.0.128/25, aux_addresses: {x: "
      "10.9.0.3}}\n");
  CHECK(compiled.errors() == "");
  CHECK(
      json(compiled.network("n").engine_body()) ==
      json(R"({"Name":"real","CheckDuplicate":true,"Driver":"bridge","Options":{"mtu":"1400"},"Internal":true,
                 "Labels":{"a":"b"},"EnableIPv6":false,"IPAM":{"Driver":"default","Config":[{"Subnet":"10.9.0.0/24",
                 "Gateway":"10.9.0.1","IPRange":"10.9.0.128/25","AuxiliaryAddresses":{"x":"10.9.0.3"}}]}})"));
}

TEST_CASE("an external network is only looked up") {
  const auto compiled = compile_service(
      "    networks: [proxy, old]\n", "networks:\n  proxy: {external: true}\n  old: {external: {name: x}}\n");
  CHECK(compiled.network("proxy").external());
  CHECK(compiled.network("proxy").name() == "proxy");
  CHECK(compiled.network("proxy").engine_body().empty());
  CHECK(compiled.network("old").name() == "x");
}

TEST_CASE("the host's network, none, and another container's") {
  const auto host = compile_service("    network_mode: host\n");
  CHECK(host.host("app").at("NetworkMode") == "host");
  CHECK(host.service("app").endpoints_size() == 0);
  CHECK(host.result->release.networks_size() == 0);
  CHECK(compile_service("    network_mode: none\n").host("app").at("NetworkMode") == "none");
  CHECK(compile_service("    network_mode: container:vpn\n").host("app").at("NetworkMode") ==
        "container:vpn");
  CHECK(compile_service("    network_mode: theirs\n").host("app").at("NetworkMode") == "theirs");
  CHECK(compile_service("    network_mode: 'service:'\n").errors() == "4:19 compose.invalid-value");
  CHECK(compile_service("    network_mode: 5\n").errors() == "4:19 compose.wrong-type");
}

TEST_CASE("everything that an endpoint can have") {
  const auto compiled = compile_service(
      "    networks:\n      a:\n        mac_address: 02:42:ac:11:65:43\n        driver_opts: {x: 010, y: z}\n"
      "        gw_priority: 5\n        interface_name: eth7\n        link_local_ips: [169.254.1.1]\n"
      "        ipv6_address: fd00::2\n",
      "networks:\n  a:\n");
  CHECK(json(compiled.service("app").endpoints(0).engine_body()) ==
        json(R"({"Aliases":["app"],"MacAddress":"02:42:ac:11:65:43","GwPriority":5,
                 "DriverOpts":{"x":"8","y":"z","com.docker.network.endpoint.ifname":"eth7"},
                 "IPAMConfig":{"IPv6Address":"fd00::2","LinkLocalIPs":["169.254.1.1"]}})"));
  CHECK(compiled.result->release.engine_api() == "1.49");
}

TEST_CASE("a service's MAC address is that on its first network, unless that has its own") {
  const auto addresses = [](const std::string& options) {
    const auto compiled =
        compile_service("    mac_address: 02:42:ac:11:65:43\n    networks:\n      a: {priority: 5" + options +
                            "}\n      b:\n",
                        "networks:\n  a:\n  b:\n");
    std::string all;
    for (const v1::Endpoint& one : compiled.service("app").endpoints())
      all += json(one.engine_body()).value("MacAddress", "-") + " ";
    return all;
  };
  CHECK(addresses("") == "02:42:ac:11:65:43 - ");
  CHECK(addresses(", mac_address: 02:42:ac:11:65:44") == "02:42:ac:11:65:44 - ");
  CHECK(compile_service("    mac_address: nothing\n").errors() == "4:18 compose.refused-by-engine");
}

TEST_CASE("what is no address or number of an endpoint is refused with its place") {
  const auto errors = [](const std::string& options) {
    return compile_service("    networks: {a: {" + options + "}}\n", "networks:\n  a:\n").errors();
  };
  CHECK(errors("ipv4_address: '::1'") == "4:34 compose.refused-by-engine");
  CHECK(errors("ipv6_address: 10.0.0.1") == "4:34 compose.refused-by-engine");
  CHECK(errors("priority: '5'") == "4:30 compose.wrong-type");
  CHECK(errors("gw_priority: high") == "4:33 compose.wrong-type");
  CHECK(errors("driver_opts: {a: true}") == "4:37 compose.wrong-type");
  CHECK(errors("driver_opts: {a: }") == "4:37 compose.wrong-type");
  CHECK(errors("aliases: x") == "4:29 compose.wrong-type");
  CHECK(errors("alias: [x]") == "4:20 compose.unknown-key");
}

TEST_CASE("links lead to the containers of a service on the networks that both are on") {
  const auto compiled = compile_service(
      "    links: [db, 'db:store']\n    external_links: ['old:legacy']\n    networks: [a, b]\n",
      "  db:\n    image: x\n    networks: [b]\nnetworks:\n  a:\n  b:\n");
  const v1::Service& app = compiled.service("app");
  REQUIRE(app.endpoints_size() == 2);
  CHECK(json(app.endpoints(0).engine_body()).at("Links") == json(R"(["old:legacy"])"));
  CHECK(json(app.endpoints(1).engine_body()).at("Links") ==
        json(R"(["web-db-1:db","web-db-1:db-1","web-db-1:web-db-1","web-db-1:store","old:legacy"])"));
  REQUIRE(app.depends_on_size() == 1);
  CHECK(app.depends_on(0).service() == "db");
  CHECK(app.depends_on(0).restart());
  CHECK(app.depends_on(0).required());
}

TEST_CASE("links follow container names and replicas, and are the engine's own on its bridge") {
  const std::string two = "  db:\n    image: x\n    scale: 2\n";
  CHECK(json(compile_service("    links: [db]\n", two).service("app").endpoints(0).engine_body())
            .at("Links")
            .size() == 6);
  const std::string named = "  db:\n    image: x\n    container_name: store\n    network_mode: bridge\n";
  const auto compiled = compile_service("    links: ['db:d']\n    network_mode: bridge\n", named);
  CHECK(compiled.host("app").at("Links") == json(R"(["store:d","store:db-1","store:web-db-1"])"));
  CHECK(compile_service("    links: [none]\n").errors() == "4:13 compose.undefined-service");
  CHECK(compile_service("    links: ['db:a:b']\n", two).errors() == "4:13 compose.invalid-value");
}

TEST_CASE("the network of another service implies a dependency on it, and the agent fills in the container") {
  const auto compiled =
      compile("services:\n  vpn: {image: a}\n  app: {image: a, network_mode: 'service:vpn'}\n");
  CHECK(compiled.service("app").network_of() == "vpn");
  CHECK_FALSE(compiled.host("app").contains("NetworkMode"));
  REQUIRE(compiled.service("app").depends_on_size() == 1);
  CHECK(compiled.service("app").depends_on(0).service() == "vpn");
  CHECK(compiled.service("app").depends_on(0).required());
  CHECK(compiled.service("app").depends_on(0).restart());
  CHECK(compile_service("    network_mode: service:none\n").errors() == "4:19 compose.undefined-service");
}

TEST_CASE("what cannot go with another's network is refused, as the engine would") {
  const std::string vpn = "  vpn:\n    image: a\n";
  CHECK(compile_service("    network_mode: service:vpn\n    ports: [80:80]\n", vpn).errors() ==
        "5:12 compose.refused-by-engine");
  CHECK(compile_service("    network_mode: service:vpn\n    hostname: h\n", vpn).errors() ==
        "5:15 compose.refused-by-engine");
  CHECK(compile_service("    network_mode: host\n    networks: [default]\n").errors() ==
        "4:19 compose.conflict");
}

TEST_CASE("a network must be defined, and gets a suggestion") {
  const auto compiled = compile_service("    networks: [bakc]\n", "networks:\n  back:\n");
  CHECK(compiled.errors() == "4:16 compose.undefined-network");
  CHECK_THAT(compiled.message("compose.undefined-network"), ContainsSubstring("did you mean 'back'?"));
}

TEST_CASE("names and hosts") {
  const auto compiled = compile_service(
      "    hostname: h\n    domainname: d.example\n    dns: 1.1.1.1\n    dns_search: [a, b]\n    dns_opt: "
      "[rotate]\n"
      "    extra_hosts: ['a:10.0.0.1', 'b=[::1]', 'c:host-gateway']\n");
  CHECK(compiled.body("app").at("Hostname") == "h");
  CHECK(compiled.body("app").at("Domainname") == "d.example");
  CHECK(compiled.host("app").at("Dns") == json(R"(["1.1.1.1"])"));
  CHECK(compiled.host("app").at("DnsSearch") == json(R"(["a","b"])"));
  CHECK(compiled.host("app").at("DnsOptions") == json(R"(["rotate"])"));
  CHECK(compiled.host("app").at("ExtraHosts") == json(R"(["a:10.0.0.1","b:::1","c:host-gateway"])"));
  CHECK(compile_service("    extra_hosts: {a: [10.0.0.1, '::1']}\n").host("app").at("ExtraHosts") ==
        json(R"(["a:10.0.0.1","a:::1"])"));
}

}  // namespace hivemind::tests
