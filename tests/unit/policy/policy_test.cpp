// What the node's owner forbids, in all the ways in which a release can ask for it.
#include "agent/plan/policy.h"

#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

namespace settings = policy_settings;

// Nothing is allowed but images of one registry, with digests, and binds below /srv.
Policy strict() {
  Policy policy;
  policy.tags = policy.privileged = policy.host_network = policy.host_namespaces = policy.devices =
      Leave::kDeny;
  policy.registries = {"registry.example.org/team"};
  policy.capabilities = {"NET_BIND_SERVICE"};
  policy.binds = {"/srv", "/run/metrics.sock"};
  policy.guarded = {"/run/docker.sock", "/run/metrics.sock", "/var/lib/hivemind/agent", "/proc"};
  return policy;
}

std::string pinned(const std::string& name = "registry.example.org/team/app") {
  return name + ":1@sha256:" + std::string(64, 'a');
}

// Two links on this node: /srv/way leads to /etc, /var/run to /run.
std::filesystem::path follow(const std::filesystem::path& path) {
  const std::string text = path.string();
  for (const auto& [link, target] : {std::pair<std::string, std::string>{"/srv/way", "/etc"},
                                     std::pair<std::string, std::string>{"/var/run", "/run"}}) {
    if (text == link || text.starts_with(link + "/")) return target + text.substr(link.size());
  }
  return path;
}

v1::Service app(const std::string& body) {
  v1::Service service = with_body(tests::service("app"), body);
  service.set_image(pinned());
  return service;
}

v1::Release release_of(const v1::Service& service) {
  return release("web", {service});
}

// The setting that forbids it; "": nothing does.
std::string forbidden_by(const v1::Release& release, const Policy& policy) {
  const auto violation = violation_of(desired({release}).stacks.at(0), policy, follow);
  return violation ? violation->setting : "";
}

std::string forbidden_in(const std::string& body, const Policy& policy = strict()) {
  return forbidden_by(release_of(app(body)), policy);
}

std::string in_host(const std::string& members) {
  return "{\"HostConfig\":{" + members + "}}";
}

struct Row {
  std::string members;
  std::string setting;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.members);
    CHECK(forbidden_in(in_host(row.members)) == row.setting);
    // Engines before 25 take them from the body itself, too.
    CHECK(forbidden_in("{" + row.members + "}") == row.setting);
    CHECK(forbidden_in(in_host(row.members), Policy()).empty());
  }
}

}  // namespace

TEST_CASE("what takes a container's walls away needs leave for privileged containers") {
  check({
      {R"("Privileged":true)", settings::kPrivileged},
      {R"("privileged":true)", settings::kPrivileged},
      {R"("PRIVILEGED":"yes")", settings::kPrivileged},
      {R"("Privileged":1)", settings::kPrivileged},
      {R"("Privileged":false,"privileged":true)", settings::kPrivileged},
      {R"("SecurityOpt":["seccomp=unconfined"])", settings::kPrivileged},
      {R"("SecurityOpt":["no-new-privileges:true","apparmor:unconfined"])", settings::kPrivileged},
      {R"("\u017fecurityOpt":["label=disable"])", settings::kPrivileged},
      {R"("SecurityOpt":["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"])", settings::kPrivileged},
      {R"("SecurityOpt":["no-new-privileges:false"])", settings::kPrivileged},
      {R"("SecurityOpt":"systempaths=unconfined")", settings::kPrivileged},
      {R"("MaskedPaths":[])", settings::kPrivileged},
      {R"("Mas\u212AedPaths":[])", settings::kPrivileged},
      {R"("ReadonlyPaths":["/proc/bus"])", settings::kPrivileged},
      {R"("Runtime":"nvidia")", settings::kPrivileged},
      {R"("CgroupParent":"/")", settings::kPrivileged},
      {R"("Annotations":{"org.systemd.property.DeviceAllow":"x"})", settings::kPrivileged},
      {R"("Sysctls":{"kernel.core_pattern":"|/x"})", settings::kPrivileged},
      {R"("Sysctls":{"vm.overcommit_memory":"1"})", settings::kPrivileged},
      {R"("NotKnownYet":{"x":1})", settings::kPrivileged},
  });
}

TEST_CASE("namespaces, devices and capabilities have settings of their own") {
  check({
      {R"("NetworkMode":"host")", settings::kHostNetwork},
      {R"("networkmode":"HOST")", settings::kHostNetwork},
      {R"("NetworkMode":"container:0a1b")", settings::kHostNetwork},
      {R"("NetworkMode":"ns:/proc/1/ns/net")", settings::kHostNetwork},
      {R"("NetworkMode":"not-of-the-release")", settings::kHostNetwork},
      {R"("PidMode":"host")", settings::kHostNamespaces},
      {R"("PidMode":"container:0a1b")", settings::kHostNamespaces},
      {R"("IpcMode":"host")", settings::kHostNamespaces},
      {R"("UTSMode":"host")", settings::kHostNamespaces},
      {R"("UsernsMode":"host")", settings::kHostNamespaces},
      {R"("CgroupnsMode":"host")", settings::kHostNamespaces},
      {R"("Devices":[{"PathOnHost":"/dev/sda"}])", settings::kDevices},
      {R"("DeviceRequests":[{"Driver":"cdi","DeviceIDs":["x"]}])", settings::kDevices},
      {R"("DeviceCgroupRules":["b *:* rwm"])", settings::kDevices},
      {R"("CapAdd":["NET_ADMIN"])", settings::kCapabilities},
      {R"("CapAdd":["NET_BIND_SERVICE","cap_sys_admin"])", settings::kCapabilities},
      {R"("CapAdd":["ALL"])", settings::kCapabilities},
      {R"("Capabilities":["CAP_SYS_ADMIN"])", settings::kCapabilities},
  });
}

TEST_CASE("the node's files are shown from the given directories only, however they are named") {
  check({
      {R"("Binds":["/etc:/etc"])", settings::kBinds},
      {R"("Binds":["/srv/../etc:/etc:ro"])", settings::kBinds},
      {R"("Binds":["//etc:/x"])", settings::kBinds},
      {R"("Binds":["/srvx:/x"])", settings::kBinds},
      {R"("Binds":["/srv/way/passwd:/x"])", settings::kBinds},
      {R"("Binds":["../etc:/x"])", settings::kBinds},
      {R"("Binds":["~/.ssh:/x"])", settings::kBinds},
      {R"("Binds":[":/x"])", settings::kBinds},
      {R"("Mounts":[{"Type":"bind","Source":"/","Target":"/x"}])", settings::kBinds},
      {R"("mounts":[{"type":"bind","SOURCE":"/etc","Target":"/x"}])", settings::kBinds},
      {R"("Mounts":[{"Type":"new-kind","Source":"/etc","Target":"/x"}])", settings::kBinds},
      {R"("Mounts":[{"Source":"/etc","Target":"/x"}])", settings::kBinds},
      {R"("Mounts":[{"Type":"volume","Source":"/etc","Target":"/x"}])", settings::kBinds},
      {R"("Mounts":[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":"/etc"}}}}])",
       settings::kBinds},
      {R"("Mounts":[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"plugin"}}}])",
       settings::kBinds},
      {R"("VolumesFrom":["other"])", settings::kBinds},
      {R"("VolumeDriver":"plugin")", settings::kBinds},
      {R"("LogConfig":{"Type":"syslog","Config":{"syslog-address":"unix:///run/docker.sock"}})",
       settings::kBinds},
      {R"("LogConfig":{"Config":{"fluentd-address":"Unix:///run/docker.sock"}})", settings::kBinds},
      {R"("LogConfig":{"Config":{"fluentd-address":"unix:///srv/%2e%2e/run/docker.sock"}})",
       settings::kBinds},
      {R"("LogConfig":{"Config":{"gelf-address":"vsock://2:1"}})", settings::kPrivileged},
      {R"("Mounts":[{"Type":"image","Source":"docker.io/library/x","Target":"/x"}])", settings::kRegistries},
  });
}

TEST_CASE("what a policy leaves alone goes on as before") {
  for (
      const std::string& members : std::vector<std::string>{
          R"("Privileged":false)",
          R"("SecurityOpt":["no-new-privileges:true"])",
          R"("Sysctls":{"net.core.somaxconn":"1024","kernel.shmmax":"1"})",
          R"("MaskedPaths":null)",
          R"("Runtime":"runc")",
          R"("NetworkMode":"none")",
          R"("PidMode":"","IpcMode":"private","CgroupnsMode":"private")",
          R"("CapAdd":["CAP_NET_BIND_SERVICE"],"CapDrop":["ALL"])",
          R"("Binds":["data:/data","/srv/app:/x:ro","/srv/a/../b/:/y","/anonymous"])",
          R"("Mounts":[{"Type":"bind","Source":"/srv/c","Target":"/x"},{"Type":"tmpfs","Target":"/t"},{"Type":"volume","Source":"data","Target":"/d"}])",
          R"("Binds":["/run/metrics.sock:/m"])",
          R"("LogConfig":{"Type":"syslog","Config":{"syslog-address":"udp://10.0.0.1:514"}})",
          R"("LogConfig":{"Type":"fluentd","Config":{"fluentd-address":"TCP://10.0.0.1:24224"}})",
          R"("LogConfig":{"Type":"fluentd","Config":{"fluentd-address":"10.0.0.1:24224"}})",
          R"("Memory":1,"PortBindings":{"80/tcp":[{"HostPort":"80"}]},"Tmpfs":{"/tmp":""})",
          R"("NotKnownYet":null)",
      }) {
    CAPTURE(members);
    CHECK(forbidden_in(in_host(members)).empty());
  }
  CHECK(forbidden_in(R"({"Env":["A=@{hivemind-secret:0}"],"Cmd":["x"],"Labels":{"a":"b"},"User":"0"})")
            .empty());
}

TEST_CASE("a secret cannot bring in what nobody could see") {
  const std::string secret = "@{hivemind-secret:00000000000000000000000000000000}";
  for (const std::string& members :
       {R"("Binds":[")" + secret + R"(:/x"])", R"("CapAdd":[")" + secret + R"("])",
        R"("NetworkMode":")" + secret + R"(")",
        R"("Mounts":[{"Type":")" + secret + R"(","Source":"/etc"}])"}) {
    CAPTURE(members);
    CHECK_FALSE(forbidden_in(in_host(members)).empty());
    Policy only_binds;
    only_binds.binds = {"/srv"};
    CHECK(forbidden_in(in_host(members), only_binds) == settings::kBinds);
  }
}

TEST_CASE("volumes of a release are looked at like binds") {
  const auto with_volume = [](const std::string& body, bool external = false) {
    v1::Release release = release_of(app("{}"));
    v1::Volume& volume = *release.add_volumes();
    volume.set_key("data");
    volume.set_name("web_data");
    volume.set_external(external);
    volume.set_engine_body(body);
    return forbidden_by(release, strict());
  };
  for (const char* options :
       {R"({"type":"none","o":"bind","device":"/etc"})",
        R"({"type":"nfs","o":"addr=x,rbind","device":"/etc"})", R"({"type":"ext4","device":"/dev/sda1"})",
        R"({"type":"overlay","o":"lowerdir=/etc","device":"overlay"})", R"({"o":"remount","device":"/srv"})",
        R"({"type":"tmpfs","device":"/etc","O":"bind"})", R"({"o":"bind","device":"/srv/../etc"})",
        R"({"o":"@{hivemind-secret:0}","type":"cifs"})"}) {
    CAPTURE(options);
    CHECK_FALSE(with_volume(R"({"Driver":"local","DriverOpts":)" + std::string(options) + "}").empty());
    CHECK_FALSE(with_volume(R"({"driveropts":)" + std::string(options) + "}").empty());
  }
  CHECK(with_volume(R"({"Driver":"some-plugin"})") == settings::kBinds);
  CHECK(with_volume(R"({"DriverOpts":{"type":"none","o":"bind","device":"/srv/app"}})").empty());
  CHECK(with_volume(R"({"DriverOpts":{"type":"nfs","o":"addr=10.0.0.1","device":":/export"}})").empty());
  CHECK(with_volume(R"({"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=1m"}})").empty());
  CHECK(with_volume("{}").empty());
  CHECK(with_volume(R"({"DriverOpts":{"o":"bind","device":"/etc"}})", true).empty());
}

TEST_CASE("the engine's socket and the agent's own files are shown to nobody") {
  Policy policy;
  policy.privileged = Leave::kDeny;
  policy.guarded = strict().guarded;
  for (const char* source : {"/run/docker.sock", "/var/run/docker.sock", "/var/run", "/run", "/", "/var/lib",
                             "/var/lib/hivemind/agent/stacks", "/var/lib/hivemind/agent/", "/proc",
                             "/proc/1/root/run/docker.sock", "/proc/self/root"}) {
    CAPTURE(source);
    CHECK(forbidden_in(in_host(R"("Binds":[")" + std::string(source) + R"(:/x"])"), policy) ==
          settings::kPrivileged);
  }
  CHECK(forbidden_in(in_host(R"("Binds":["/etc:/x"])"), policy).empty());
  policy.binds = {"/run", "/var/lib/hivemind"};
  CHECK(forbidden_in(in_host(R"("Binds":["/run/docker.sock:/x"])"), policy) == settings::kBinds);
  policy.binds = {"/run/docker.sock"};
  CHECK(forbidden_in(in_host(R"("Binds":["/run/docker.sock:/x"])"), policy).empty());
}

TEST_CASE("a path of which it cannot be told where it leads is not shown") {
  const auto blind = [](const std::filesystem::path&) { return std::filesystem::path(); };
  const Desired wanted = desired({release_of(app(in_host(R"("Binds":["/srv/app:/x"])")))});
  CHECK(violation_of(wanted.stacks.at(0), strict(), blind)->setting == settings::kBinds);
}

TEST_CASE("images come from the given registries, and with digests where that is asked for") {
  const auto with_image = [](const std::string& image, const std::string& body = "{}") {
    v1::Service service = app(body);
    service.set_image(image);
    return forbidden_by(release_of(service), strict());
  };
  CHECK(with_image(pinned()).empty());
  CHECK(with_image("registry.example.org/team/app:1") == settings::kDigests);
  CHECK(with_image(pinned("registry.example.org/teams/app")) == settings::kRegistries);
  CHECK(with_image(pinned("registry.example.org:5000/team/app")) == settings::kRegistries);
  CHECK(with_image(pinned("registry.example.org.evil.example/team/app")) == settings::kRegistries);
  CHECK(with_image(pinned("app")) == settings::kRegistries);
  CHECK(with_image("sha256:" + std::string(64, 'a')) == settings::kRegistries);
  CHECK(with_image(std::string(64, 'a')) == settings::kRegistries);
  // What the container is made from stands in the body.
  CHECK(with_image(pinned(), R"({"Image":"evil/app"})") == settings::kRegistries);
  CHECK(with_image(pinned(), R"({"image":"registry.example.org/team/app:1"})") == settings::kDigests);
  Policy hub;
  hub.registries = {"docker.io/library"};
  for (const char* image : {"nginx:1", "library/nginx", "docker.io/library/nginx", "index.docker.io/nginx"}) {
    CAPTURE(image);
    v1::Service service = app("{}");
    service.set_image(image);
    CHECK(forbidden_by(release_of(service), hub).empty());
  }
}

TEST_CASE("what privileged containers can do is forbidden by each setting that forbids it") {
  Policy policy;
  SECTION("devices") {
    policy.devices = Leave::kDeny;
    CHECK(forbidden_in(in_host(R"("Privileged":true)"), policy) == settings::kDevices);
  }
  SECTION("capabilities") {
    policy.capabilities = std::set<std::string>{};
    CHECK(forbidden_in(in_host(R"("Privileged":true)"), policy) == settings::kCapabilities);
  }
  SECTION("files") {
    policy.binds = {"/srv"};
    CHECK(forbidden_in(in_host(R"("Privileged":true)"), policy) == settings::kBinds);
  }
  SECTION("capabilities that are as good as it, when nothing is said of those") {
    policy.privileged = Leave::kDeny;
    CHECK(forbidden_in(in_host(R"("CapAdd":["SYS_ADMIN"])"), policy) == settings::kPrivileged);
    CHECK(forbidden_in(in_host(R"("CapAdd":["NET_ADMIN"])"), policy).empty());
  }
}

TEST_CASE("hooks, networks and others' volumes count like the body") {
  v1::Service service = app("{}");
  SECTION("a privileged hook") {
    v1::Hook& hook = *service.add_pre_stop();
    hook.add_command("x");
    hook.set_privileged(true);
    CHECK(forbidden_by(release_of(service), strict()) == settings::kPrivileged);
  }
  SECTION("volumes of a container that is not ours") {
    service.add_volumes_from()->set_container("other");
    CHECK(forbidden_by(release_of(service), strict()) == settings::kBinds);
  }
  SECTION("a network that the release does not list") {
    service.add_endpoints()->set_network("elsewhere");
    CHECK(forbidden_by(release_of(service), strict()) == settings::kHostNetwork);
  }
  SECTION("a network of the release, with settings that lead to another one or that nobody knows") {
    v1::Endpoint& endpoint = *service.add_endpoints();
    endpoint.set_network("web_default");
    const auto with = [&](const std::string& settings) {
      endpoint.set_engine_body(settings);
      return forbidden_by(release_of(service), strict());
    };
    CHECK(with(R"({"Aliases":["app"],"IPAMConfig":{"IPv4Address":"10.0.0.2"},"NetworkID":""})").empty());
    CHECK(with(R"({"NetworkID":"0a1b"})") == settings::kHostNetwork);
    CHECK(with(R"({"networ\u212aid":"0a1b"})") == settings::kHostNetwork);
    CHECK(with(R"({"NotKnownYet":1})") == settings::kPrivileged);
    endpoint.clear_engine_body();
    CHECK(forbidden_in(R"({"NetworkingConfig":{"EndpointsConfig":{"web_default":{"NetworkID":"0a1b"}}}})") ==
          settings::kHostNetwork);
  }
  SECTION("the node's network under its own name, or the beginning of its id") {
    for (const char* name : {"host", "0a1b", "container:x"}) {
      v1::Service joined = service;
      joined.add_endpoints()->set_network(name);
      v1::Release release = release_of(joined);
      v1::Network& network = *release.add_networks();
      network.set_key("n");
      network.set_name(name);
      network.set_external(true);
      CAPTURE(name);
      CHECK(forbidden_by(release, strict()) == settings::kHostNetwork);
    }
  }
  SECTION("a network of its own, and one of others") {
    service.add_endpoints()->set_network("web_default");
    service.add_endpoints()->set_network("proxy");
    v1::Release release = release_of(service);
    v1::Network& network = *release.add_networks();
    network.set_key("proxy");
    network.set_name("proxy");
    network.set_external(true);
    CHECK(forbidden_by(release, strict()).empty());
  }
}

TEST_CASE("a violation names the service, what is forbidden, and the setting") {
  const Desired wanted = desired({release_of(app(in_host(R"("Privileged":true)")))});
  CHECK(violation_of(wanted.stacks.at(0), strict(), follow)->text() ==
        "service 'app' is privileged, which this node's owner forbids (setting 'policy-privileged' of its "
        "agent)");
}
