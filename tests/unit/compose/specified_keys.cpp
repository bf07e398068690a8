#include "tests/unit/compose/specified_keys.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace hivemind::tests {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;  // key and value

// A map somewhere in a document, and the keys that the schema has for it.
struct Place {
  std::string path;
  std::string before;
  Members base;  // what is there anyway
  std::string after;
  Members keys;
};

std::string map_text(const Members& members) {
  std::string text = "{";
  for (const auto& [key, value] : members) text += (text == "{" ? "" : ", ") + key + ": " + value;
  return text + "}";
}

SpecifiedKey document(const Place& place, const std::string& key, const std::string& value) {
  Members with = place.base;
  const auto found = std::ranges::find(with, key, &Members::value_type::first);
  if (found == with.end()) {
    with.emplace_back(key, value);
  } else {
    found->second = value;
  }
  return {place.path.empty() ? key : place.path + "." + key, place.before + map_text(with) + place.after,
          place.before + map_text(place.base) + place.after};
}

const std::string kResources =
    ", networks: {front: {}, back: {}}, volumes: {data: {}}, configs: {conf: {content: x}, more: {content: "
    "y}}, "
    "secrets: {pass: {file: ./pass.txt}, more: {file: ./other.txt}}";
const std::string kBeforeService = "{services: {db: {image: 'db:1'}, app: ";
const std::string kAfterService = "}" + kResources + "}";

const Members kServiceKeys = {
    {"annotations", "{a: b}"},
    {"attach", "false"},
    {"blkio_config", "{weight: 300}"},
    {"build", "."},
    {"cap_add", "[NET_ADMIN]"},
    {"cap_drop", "[ALL]"},
    {"cgroup", "private"},
    {"cgroup_parent", "/parent"},
    {"command", "[run]"},
    {"configs", "[conf]"},
    {"container_name", "named"},
    {"cpu_count", "2"},
    {"cpu_percent", "50"},
    {"cpu_period", "100000"},
    {"cpu_quota", "50000"},
    {"cpu_rt_period", "1000"},
    {"cpu_rt_runtime", "950"},
    {"cpu_shares", "512"},
    {"cpus", "0.5"},
    {"cpuset", "'0,1'"},
    {"credential_spec", "{file: x.json}"},
    {"depends_on", "[db]"},
    {"deploy", "{replicas: 2}"},
    {"develop", "{watch: [{path: ., action: rebuild}]}"},
    {"device_cgroup_rules", "['c 1:3 mr']"},
    {"devices", "[/dev/a]"},
    {"dns", "1.1.1.1"},
    {"dns_opt", "[use-vc]"},
    {"dns_search", "example.org"},
    {"domainname", "example.org"},
    {"entrypoint", "[init]"},
    {"env_file", "a.env"},
    {"environment", "{A: b}"},
    {"expose", "[80]"},
    {"extends", "{service: base, file: base.yml}"},
    {"external_links", "[other]"},
    {"extra_hosts", "['a:10.0.0.1']"},
    {"gpus", "all"},
    {"group_add", "[video]"},
    {"healthcheck", "{test: x}"},
    {"hostname", "host"},
    {"image", "'other:1'"},
    {"init", "true"},
    {"ipc", "host"},
    {"isolation", "hyperv"},
    {"label_file", "a.env"},
    {"labels", "{a: b}"},
    {"links", "['db:database']"},
    {"logging", "{driver: local}"},
    {"mac_address", "'02:42:ac:11:65:43'"},
    {"mem_limit", "64m"},
    {"mem_reservation", "32m"},
    {"mem_swappiness", "10"},
    {"memswap_limit", "128m"},
    {"models", "[model]"},
    {"network_mode", "host"},
    {"networks", "[front]"},
    {"oom_kill_disable", "true"},
    {"oom_score_adj", "100"},
    {"pid", "host"},
    {"pids_limit", "100"},
    {"platform", "linux/arm64"},
    {"ports", "['8080:80']"},
    {"post_start", "[{command: x}]"},
    {"pre_stop", "[{command: x}]"},
    {"privileged", "true"},
    {"profiles", "[other]"},
    {"provider", "{type: x}"},
    {"pull_policy", "always"},
    {"read_only", "true"},
    {"restart", "always"},
    {"runtime", "runc"},
    {"scale", "2"},
    {"secrets", "[pass]"},
    {"security_opt", "[no-new-privileges]"},
    {"shm_size", "64m"},
    {"stdin_open", "true"},
    {"stop_grace_period", "30s"},
    {"stop_signal", "SIGUSR1"},
    {"storage_opt", "{size: 1G}"},
    {"sysctls", "{a: 1}"},
    {"tmpfs", "/run"},
    {"tty", "true"},
    {"ulimits", "{nofile: 1024}"},
    {"use_api_socket", "true"},
    {"user", "someone"},
    {"userns_mode", "host"},
    {"uts", "host"},
    {"volumes", "['data:/data']"},
    {"volumes_from", "[db]"},
    {"working_dir", "/srv"},
};

const Members kChangeKeys = {{"parallelism", "2"},         {"delay", "10s"},
                             {"failure_action", "pause"},  {"monitor", "20s"},
                             {"max_failure_ratio", "0.5"}, {"order", "start-first"}};
const Members kDeviceKeys = {{"capabilities", "[gpu, tpu]"},
                             {"count", "2"},
                             {"device_ids", "['0']"},
                             {"driver", "nvidia"},
                             {"options", "{a: b}"}};
const Members kHookKeys = {{"command", "other"},
                           {"user", "root"},
                           {"privileged", "true"},
                           {"working_dir", "/srv"},
                           {"environment", "{A: b}"}};
const Members kFileKeys = {
    {"source", "more"}, {"target", "/other"}, {"uid", "'1'"}, {"gid", "'1'"}, {"mode", "0400"}};
const Members kRateKeys = {{"path", "/dev/b"}, {"rate", "5"}};

// Below a key of a service: the value of the key is before + map + after.
Place below(const std::string& keys, const std::string& before, Members base, const std::string& after,
            Members members) {
  return {"services." + keys, kBeforeService + "{image: 'nginx:1', " + before, std::move(base),
          after + "}" + kAfterService, std::move(members)};
}

std::vector<Place> nested_places() {
  return {
      below("blkio_config", "blkio_config: ", {}, "",
            {{"weight", "300"},
             {"weight_device", "[{path: /dev/a, weight: 300}]"},
             {"device_read_bps", "[{path: /dev/a, rate: 1m}]"},
             {"device_read_iops", "[{path: /dev/a, rate: 100}]"},
             {"device_write_bps", "[{path: /dev/a, rate: 1m}]"},
             {"device_write_iops", "[{path: /dev/a, rate: 100}]"}}),
      below("blkio_config.weight_device", "blkio_config: {weight_device: [", {{"path", "/dev/a"}}, "]}",
            {{"path", "/dev/b"}, {"weight", "300"}}),
      below("blkio_config.device_read_bps", "blkio_config: {device_read_bps: [", {{"path", "/dev/a"}}, "]}",
            kRateKeys),
      below("blkio_config.device_read_iops", "blkio_config: {device_read_iops: [", {{"path", "/dev/a"}}, "]}",
            kRateKeys),
      below("blkio_config.device_write_bps", "blkio_config: {device_write_bps: [", {{"path", "/dev/a"}}, "]}",
            kRateKeys),
      below("blkio_config.device_write_iops", "blkio_config: {device_write_iops: [", {{"path", "/dev/a"}},
            "]}", kRateKeys),
      below("configs", "configs: [", {{"source", "conf"}}, "]", kFileKeys),
      below("secrets", "secrets: [", {{"source", "pass"}}, "]", kFileKeys),
      below("depends_on", "healthcheck: {test: x}, depends_on: {db: ", {{"condition", "service_started"}},
            "}",
            {{"condition", "service_completed_successfully"}, {"required", "false"}, {"restart", "true"}}),
      below("deploy", "deploy: ", {}, "",
            {{"mode", "global"},
             {"endpoint_mode", "vip"},
             {"replicas", "2"},
             {"labels", "{a: b}"},
             {"rollback_config", "{parallelism: 2}"},
             {"update_config", "{order: start-first}"},
             {"resources", "{limits: {pids: 5}}"},
             {"restart_policy", "{condition: any}"},
             {"placement", "{constraints: [a]}"}}),
      below("deploy.update_config", "deploy: {update_config: ", {}, "}", kChangeKeys),
      below("deploy.rollback_config", "deploy: {rollback_config: ", {}, "}", kChangeKeys),
      below("deploy.resources", "deploy: {resources: ", {}, "}",
            {{"limits", "{pids: 5}"}, {"reservations", "{memory: 32m}"}}),
      below("deploy.resources.limits", "deploy: {resources: {limits: ", {}, "}}",
            {{"cpus", "0.5"}, {"memory", "64m"}, {"pids", "5"}}),
      below("deploy.resources.reservations", "deploy: {resources: {reservations: ", {}, "}}",
            {{"cpus", "0.5"},
             {"memory", "64m"},
             {"generic_resources", "[{discrete_resource_spec: {kind: a, value: 1}}]"},
             {"devices", "[{capabilities: [gpu]}]"}}),
      below("deploy.resources.reservations.generic_resources",
            "deploy: {resources: {reservations: {generic_resources: [", {}, "]}}}",
            {{"discrete_resource_spec", "{kind: a, value: 1}"}}),
      below("deploy.resources.reservations.generic_resources.discrete_resource_spec",
            "deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: ", {}, "}]}}}",
            {{"kind", "a"}, {"value", "1"}}),
      below("deploy.resources.reservations.devices", "deploy: {resources: {reservations: {devices: [",
            {{"capabilities", "[gpu]"}}, "]}}}", kDeviceKeys),
      below("deploy.restart_policy", "deploy: {restart_policy: ", {{"condition", "on-failure"}}, "}",
            {{"condition", "any"}, {"delay", "5s"}, {"max_attempts", "3"}, {"window", "5s"}}),
      below("deploy.placement", "deploy: {placement: ", {}, "}",
            {{"constraints", "[a]"}, {"preferences", "[{spread: a}]"}, {"max_replicas_per_node", "2"}}),
      below("deploy.placement.preferences", "deploy: {placement: {preferences: [", {}, "]}}",
            {{"spread", "a"}}),
      below("devices", "devices: [", {{"source", "/dev/a"}, {"target", "/dev/a"}}, "]",
            {{"source", "/dev/b"}, {"target", "/dev/b"}, {"permissions", "r"}}),
      below("env_file", "env_file: [", {{"path", "a.env"}}, "]", {{"path", "b.env"}, {"format", "raw"}}),
      below("env_file", "env_file: [", {{"path", "missing.env"}}, "]", {{"required", "false"}}),
      below("extends", "extends: ", {{"service", "base"}, {"file", "base.yml"}}, "",
            {{"service", "other"}, {"file", "other.yml"}}),
      below("gpus", "gpus: [", {}, "]", kDeviceKeys),
      below("healthcheck", "healthcheck: ", {{"test", "x"}, {"start_period", "1s"}}, "",
            {{"disable", "true"},
             {"interval", "5s"},
             {"retries", "5"},
             {"test", "other"},
             {"timeout", "5s"},
             {"start_period", "5s"},
             {"start_interval", "5s"}}),
      below("logging", "logging: ", {}, "", {{"driver", "local"}, {"options", "{max-size: 1m}"}}),
      below("networks", "networks: {back: {}, front: ", {}, "}",
            {{"aliases", "[other]"},
             {"interface_name", "eth7"},
             {"ipv4_address", "10.9.9.9"},
             {"ipv6_address", "'fd00::9'"},
             {"link_local_ips", "[169.254.1.1]"},
             {"mac_address", "'02:42:ac:11:65:43'"},
             {"driver_opts", "{a: b}"},
             {"priority", "5"},
             {"gw_priority", "5"}}),
      below("ports", "ports: [", {{"target", "80"}, {"published", "8080"}}, "]",
            {{"name", "web"},
             {"mode", "host"},
             {"host_ip", "127.0.0.1"},
             {"target", "81"},
             {"published", "'8081'"},
             {"protocol", "udp"},
             {"app_protocol", "http"}}),
      below("post_start", "post_start: [", {{"command", "run"}}, "]", kHookKeys),
      below("pre_stop", "pre_stop: [", {{"command", "run"}}, "]", kHookKeys),
      below("ulimits", "ulimits: {nofile: ", {{"soft", "1"}, {"hard", "2"}}, "}",
            {{"soft", "2"}, {"hard", "3"}}),
      below("volumes", "volumes: [", {{"type", "volume"}, {"source", "data"}, {"target", "/data"}}, "]",
            {{"type", "bind"},
             {"source", "''"},
             {"target", "/other"},
             {"read_only", "true"},
             {"consistency", "cached"},
             {"bind", "{propagation: rslave}"},
             {"volume", "{nocopy: true}"}}),
      below("volumes", "volumes: [", {{"type", "tmpfs"}, {"target", "/data"}}, "]",
            {{"tmpfs", "{size: 1m}"}}),
      below("volumes", "volumes: [", {{"type", "image"}, {"source", "a:1"}, {"target", "/data"}}, "]",
            {{"image", "{subpath: a}"}}),
      below("volumes.bind",
            "volumes: [{type: bind, source: /srv, target: /srv, bind: ", {{"create_host_path", "true"}}, "}]",
            {{"propagation", "rslave"},
             {"create_host_path", "false"},
             {"recursive", "disabled"},
             {"selinux", "z"}}),
      below("volumes.volume", "volumes: [{type: volume, source: data, target: /data, volume: ", {}, "}]",
            {{"labels", "{a: b}"}, {"nocopy", "true"}, {"subpath", "a"}}),
      below("volumes.tmpfs", "volumes: [{type: tmpfs, target: /run, tmpfs: ", {}, "}]",
            {{"size", "1m"}, {"mode", "0700"}}),
      below("volumes.image", "volumes: [{type: image, source: 'a:1', target: /a, image: ", {}, "}]",
            {{"subpath", "a"}}),
  };
}

std::vector<Place> top_places() {
  const std::string on_front = "{services: {app: {image: 'nginx:1', networks: [front]}}, networks: {front: ";
  const std::string with_data =
      "{services: {app: {image: 'nginx:1', volumes: ['data:/data']}}, volumes: {data: ";
  const std::string with_conf = "{services: {app: {image: 'nginx:1', configs: [conf]}}, configs: {conf: ";
  const std::string with_pass = "{services: {app: {image: 'nginx:1', secrets: [pass]}}, secrets: {pass: ";
  const std::string with_include = "{services: {app: {image: 'nginx:1'}}, include: [";
  return {
      {"",
       "",
       {{"services", "{app: {image: 'nginx:1'}}"}},
       "",
       {{"version", "'3'"},
        {"name", "web"},
        {"include", "[base.yml]"},
        {"services", "{app: {image: 'nginx:2'}}"},
        {"models", "{model: {model: x}}"},
        {"networks", "{default: {driver: macvlan}}"},
        {"volumes", "{data: {}}"},
        {"secrets", "{pass: {file: ./pass.txt}}"},
        {"configs", "{conf: {content: x}}"}}},
      {"networks",
       on_front,
       {},
       "}}",
       {{"name", "real"},
        {"driver", "macvlan"},
        {"driver_opts", "{a: b}"},
        {"ipam", "{driver: other}"},
        {"external", "true"},
        {"internal", "true"},
        {"enable_ipv4", "false"},
        {"enable_ipv6", "true"},
        {"attachable", "true"},
        {"labels", "{a: b}"}}},
      {"networks.ipam",
       on_front + "{ipam: ",
       {},
       "}}}",
       {{"driver", "other"}, {"config", "[{subnet: 10.9.0.0/16}]"}, {"options", "{a: b}"}}},
      {"networks.ipam.config",
       on_front + "{ipam: {config: [",
       {},
       "]}}}}",
       {{"subnet", "10.9.0.0/16"},
        {"ip_range", "10.9.1.0/24"},
        {"gateway", "10.9.0.1"},
        {"aux_addresses", "{a: 10.9.0.2}"}}},
      {"volumes",
       with_data,
       {},
       "}}",
       {{"name", "real"},
        {"driver", "other"},
        {"driver_opts", "{a: b}"},
        {"external", "true"},
        {"labels", "{a: b}"}}},
      {"configs",
       with_conf,
       {{"content", "x"}},
       "}}",
       {{"name", "real"}, {"content", "y"}, {"labels", "{a: b}"}, {"template_driver", "x"}}},
      {"configs", with_conf, {}, "}}", {{"external", "true"}, {"file", "./pass.txt"}, {"environment", "A"}}},
      {"secrets",
       with_pass,
       {{"file", "./pass.txt"}},
       "}}",
       {{"name", "real"},
        {"file", "./other.txt"},
        {"labels", "{a: b}"},
        {"driver", "x"},
        {"driver_opts", "{a: b}"},
        {"template_driver", "x"}}},
      {"secrets", with_pass, {}, "}}", {{"external", "true"}, {"environment", "A"}}},
      {"include",
       with_include,
       {{"path", "base.yml"}},
       "]}",
       {{"path", "other.yml"}, {"env_file", "b.env"}, {"project_directory", "sub"}}},
  };
}

}  // namespace

std::vector<SpecifiedKey> specified_keys() {
  std::vector<Place> places = nested_places();
  places.push_back({"services", kBeforeService, {{"image", "'nginx:1'"}}, kAfterService, kServiceKeys});
  places.push_back({"services",
                    kBeforeService,
                    {{"image", "'nginx:1'"}, {"pull_policy", "refresh"}},
                    kAfterService,
                    {{"pull_refresh_after", "2d"}}});
  for (Place& place : top_places()) places.push_back(std::move(place));
  std::vector<SpecifiedKey> all;
  for (const Place& place : places) {
    for (const auto& [key, value] : place.keys) all.push_back(document(place, key, value));
  }
  return all;
}

}  // namespace hivemind::tests
