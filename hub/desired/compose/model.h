#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hivemind/v1/manifest.pb.h"
#include "hub/desired/compose/reader.h"
#include "hub/desired/compose/scalars/port_range.h"

// What the Compose files of a stack say, typed. Values only: nothing here reads files or knows the Engine
// API. An empty optional means that the key is absent, which is not the same as an empty value.
namespace hivemind::hub::compose {

using Seconds = std::chrono::seconds;
using Nanoseconds = std::chrono::nanoseconds;
using Words = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

struct Image {
  Text reference;
  bool present = false;
  std::optional<Location> build;
  v1::PullPolicy pull_policy = v1::PULL_POLICY_MISSING;
  std::string platform;
  std::optional<bool> pin;  // 'x-hivemind: {pin: …}'; nothing: as stacks.yml says
  Text container_name;      // empty: the agent's
};

struct Process {
  std::optional<Words> command;
  std::optional<Words> entrypoint;
  std::optional<std::string> user;
  std::optional<std::string> working_dir;
  std::optional<bool> tty;
  std::optional<bool> stdin_open;
};

struct EnvFile {
  Text path;
  bool required = true;
  bool raw = false;
};

struct EnvironmentVariables {
  std::map<std::string, std::optional<std::string>>
      values;  // nothing: passed through, or removed from the image's
  std::vector<EnvFile> files;
};

// A target range pairs up with a published one of the same length; for a single target the engine picks one
// of the range.
struct Port {
  std::string host_ip;
  std::optional<PortRange> published;  // nothing: the engine picks any
  PortRange target;
  std::string protocol = "tcp";
  Location location;
};

struct Ports {
  std::vector<Port> published;
  std::vector<std::pair<PortRange, std::string>> exposed;  // with protocol
  std::optional<Location> location;
};

enum class MountKind { kVolume, kBind, kTmpfs };

struct Mount {
  MountKind kind = MountKind::kVolume;
  std::string source;  // empty: an anonymous volume
  std::string target;
  bool read_only = false;
  bool create_host_path = true;
  bool no_copy = false;
  std::string selinux;  // "z" or "Z"
  std::string propagation;
  std::optional<std::int64_t> tmpfs_bytes;
  std::optional<std::uint32_t> tmpfs_mode;
  Location location;
};

struct ConfigUse {
  Text source;
  std::string target;  // absolute
  std::optional<std::uint32_t> mode;
};

struct Mounts {
  std::vector<Mount> mounts;
  std::vector<ConfigUse> configs;
  std::map<std::string, Text> tmpfs;  // target -> options
};

struct NetworkUse {
  Text network;  // the key
  std::vector<std::string> aliases;
  std::string ipv4_address;
  std::string ipv6_address;
  std::vector<std::string> link_local_ips;
  std::int64_t priority = 0;
};

struct NetworkUses {
  std::vector<NetworkUse> networks;
  Text mode;  // network_mode; empty: networks
  std::optional<Location> location;
};

struct Dependency {
  v1::Dependency::Condition condition = v1::Dependency::STARTED;
  bool required = true;
  Location location;
};

struct Healthcheck {
  bool present = false;
  bool disabled = false;
  std::optional<Words> test;
  std::optional<Nanoseconds> interval, timeout, start_period, start_interval;
  std::optional<std::int64_t> retries;
};

struct RestartPolicy {
  std::string name = "no";
  std::int64_t max_retries = 0;
};

struct Lifecycle {
  std::optional<std::string> stop_signal;
  std::optional<Seconds> stop_grace_period;
  std::optional<bool> init;
  std::optional<RestartPolicy> restart;         // 'restart'
  std::optional<RestartPolicy> deploy_restart;  // 'deploy.restart_policy', which wins
};

struct Hosts {
  std::string hostname, domainname;
  Words dns, dns_search, dns_options;
  Words extra_hosts;  // "host:ip"
  std::optional<Location> location;
};

struct Device {
  std::string host, container, permissions = "rwm";
};

struct Security {
  Words cap_add, cap_drop;
  std::optional<bool> privileged, read_only;
  Words security_opt;
  bool system_paths_unconfined = false;
  Words group_add;
  TextMap sysctls;
  std::vector<Device> devices;
  Words device_cgroup_rules;
  std::string pid, ipc, uts, userns_mode, cgroup, cgroup_parent, runtime;
};

struct Ulimit {
  std::int64_t soft = 0, hard = 0;
};

// One limit may stand in two places, which must agree.
template <typename T>
struct Limit {
  std::optional<Located<T>> plain;   // 'mem_limit'
  std::optional<Located<T>> deploy;  // 'deploy.resources.limits.memory'
  std::optional<T> value() const {
    if (deploy) return deploy->value;
    if (plain) return plain->value;
    return std::nullopt;
  }
};

struct DeviceRequest {
  std::string driver;
  std::optional<std::int64_t> count;
  Words ids;
  Words capabilities;
  TextMap options;
};

struct Resources {
  Limit<std::int64_t> memory, memory_reservation, pids, nano_cpus;
  std::optional<std::int64_t> memory_swap, memory_swappiness;
  std::optional<std::int64_t> shm_size;
  std::optional<std::int64_t> cpu_shares, cpu_quota, cpu_period;
  std::string cpuset;
  std::optional<std::int64_t> oom_score_adj;
  std::optional<bool> oom_kill_disable;
  std::map<std::string, Ulimit> ulimits;
  std::vector<DeviceRequest> device_requests;
};

struct Logging {
  std::string driver;
  TextMap options;
};

struct Replicas {
  std::optional<Located<std::int64_t>> scale, deploy;
  std::uint32_t count() const {
    const auto& given = deploy ? deploy : scale;
    return given ? static_cast<std::uint32_t>(given->value) : 1;
  }
};

struct Service {
  std::string name;
  Location location;
  Image image;
  Process process;
  EnvironmentVariables environment;
  Ports ports;
  Mounts mounts;
  NetworkUses networks;
  std::map<std::string, Dependency> depends_on;
  Healthcheck healthcheck;
  Lifecycle lifecycle;
  TextMap labels;
  Hosts hosts;
  Security security;
  Resources resources;
  std::optional<Logging> logging;
  Replicas replicas;
  PassedOn passed_on;  // what has no meaning on a node, but is printed; in lists, without the index

  // The service of the stack whose network this one shares; empty: none.
  std::string network_of() const;
};

struct IpamPool {
  std::string subnet, gateway, ip_range;
  TextMap auxiliary;
};

struct Network {
  std::string key, name;  // name: real name on the engine
  bool external = false;
  std::string driver;
  TextMap driver_opts, labels;
  bool internal = false, attachable = false;
  std::optional<bool> enable_ipv4, enable_ipv6;
  std::string ipam_driver;
  std::vector<IpamPool> ipam_pools;
  TextMap ipam_options;
};

struct Volume {
  std::string key, name;
  bool external = false;
  std::string driver;
  TextMap driver_opts, labels;
};

// One of the top-level 'configs' or 'secrets'.
struct Config {
  std::string key, name;                // name: what it would be called in a store of configs; printed only
  Text file;                            // relative path; empty: content
  std::optional<std::string> content;   // given, or the variable's value
  std::string environment;              // the variable that it comes from
  bool external = false;                // refused where a service uses it: nodes have no such store
  std::string driver, template_driver;  // refused as well
  TextMap driver_opts, labels;
  Location location;
};

struct Project {
  std::map<std::string, Service> services;   // those of inactive profiles are not among them
  std::map<std::string, Location> inactive;  // services that a profile leaves out
  std::map<std::string, Network> networks;
  std::map<std::string, Volume> volumes;
  std::map<std::string, Config> configs, secrets;

  // What follows is for printing the model only.
  std::string name;
  std::string
      directory;  // absolute; printed relative paths start from it. Empty: they are printed as they are
  std::vector<std::pair<std::string, yaml::Node>> extensions;  // top-level 'x-' keys

  // A path of the model as it is printed: absolute, without '.' and '..'.
  std::string printed_path(const std::string& path) const;
};

}  // namespace hivemind::hub::compose
