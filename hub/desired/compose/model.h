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
using Milliseconds = std::chrono::milliseconds;
using Nanoseconds = std::chrono::nanoseconds;
using Words = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

struct Image {
  Text reference;
  bool present = false;
  std::optional<Location> build;  // ignored
  v1::PullPolicy pull_policy = v1::PULL_POLICY_MISSING;
  Seconds pull_every{};             // PULL_POLICY_EVERY
  Seconds pull_refresh_after{};     // the same of policy 'refresh'; zero: none
  std::string written_pull_policy;  // empty: none
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
  bool zero = false;                   // published as "0": the engine picks any, too
  PortRange target;
  std::string protocol = "tcp";
  std::string unusable;            // published where that is no port: printed only
  std::string mode = "ingress";    // without effect, as the next two
  std::string name, app_protocol;  // empty: none
  Location location;
};

struct ExposedPort {
  PortRange range;
  std::string protocol = "tcp";
  std::string written;
};

struct Ports {
  std::vector<Port> published;
  std::vector<ExposedPort> exposed;
  std::optional<Location> location;
};

enum class MountKind { kVolume, kBind, kTmpfs, kImage };

// Options of the kinds of mounts. The reference tells an absent 'bind' from an empty one, which makes no
// directory.
struct BindOptions {
  std::optional<bool> create_host_path;
  std::string selinux{};  // "z" or "Z"
  std::string propagation{};
  std::string recursive{};  // "enabled", "disabled", "writable" or "readonly"
};
struct VolumeOptions {
  bool no_copy = false;
  std::string subpath;
  TextMap labels;
};
struct TmpfsOptions {
  std::int64_t bytes = 0;  // 0: the engine's default
  std::uint32_t mode = 0;  // 0: the engine's default
};
struct ImageOptions {
  std::string subpath;
};

struct Mount {
  MountKind kind = MountKind::kVolume;
  std::string source;  // empty: an anonymous volume
  std::string target;  // absolute, without '.' and '..'
  bool read_only = false;
  std::string unsupported_type;  // "npipe" or "cluster": printed only
  std::string consistency;       // without effect
  std::optional<BindOptions> bind;
  std::optional<VolumeOptions> volume;
  std::optional<TmpfsOptions> tmpfs;
  std::optional<ImageOptions> image;
  Location location;

  // Whether an absent source of a bind is to be made.
  bool makes_source() const { return !bind || bind->create_host_path.value_or(false); }
};

// A config or secret of the top level, as a file.
struct ConfigUse {
  Text source;
  std::string target;          // absolute
  std::string written_target;  // empty: none
  std::optional<std::uint32_t> mode, uid, gid;
  std::string written_uid, written_gid;
};

// All mounts of another container; one of service and container is set.
struct VolumesFrom {
  std::string service, container;
  bool read_only = false;
  Text written;
};

struct Mounts {
  std::vector<Mount> mounts;
  std::vector<ConfigUse> configs, secrets;
  std::vector<Text> tmpfs;  // as written: "target[:options]"
  std::vector<VolumesFrom> volumes_from;
};

struct NetworkUse {
  Text network;  // the key
  std::vector<std::string> aliases;
  std::string ipv4_address;
  std::string ipv6_address;
  std::vector<std::string> link_local_ips;
  std::string mac_address, interface_name;
  TextMap driver_opts;
  std::int64_t priority = 0, gw_priority = 0;
  bool has_options = false;  // a map was given, if only an empty one
};

// "name[:alias]": a service of the stack, or a container of somebody else's.
struct Link {
  std::string name, alias;
  Text written;
};

struct NetworkUses {
  std::vector<NetworkUse> networks;
  Text mode;  // network_mode; empty: networks
  Text mac_address;
  std::vector<Link> links, external_links;
  std::optional<Location> location;
};

struct Dependency {
  v1::Dependency::Condition condition = v1::Dependency::STARTED;
  bool required = true;
  bool restart = false;  // this service restarts with the other
  Location location;
};

struct Healthcheck {
  bool present = false;
  bool disabled = false;  // by 'disable' or by a test of "NONE"
  std::optional<bool> disable;
  std::optional<Words> test;
  std::optional<Nanoseconds> interval, timeout, start_period, start_interval;
  std::optional<std::int64_t> retries;
};

struct RestartPolicy {
  std::string name = "no";
  std::int64_t max_retries = 0;
};

// A command that the engine runs inside the container.
struct Hook {
  std::optional<Words> command;
  std::string user, working_dir;
  bool privileged = false;
  std::map<std::string, std::optional<std::string>> environment;  // nothing: removed from the container's
  Location location;
};

struct Lifecycle {
  std::optional<std::string> stop_signal;
  std::optional<Nanoseconds> stop_grace_period;
  std::optional<bool> init;
  std::optional<RestartPolicy> restart;         // 'restart'
  std::optional<RestartPolicy> deploy_restart;  // 'deploy.restart_policy', which wins
  std::string restart_text;                     // 'restart' as written
  std::optional<Location> restart_location;     // of the one that counts
  std::vector<Hook> post_start, pre_stop;
};

struct Labels {
  TextMap labels, annotations;
  std::vector<Text> files;  // paths; their labels are below those of 'labels'
};

struct Hosts {
  std::string hostname, domainname;
  Words dns, dns_search, dns_options;
  std::vector<std::pair<std::string, std::string>> extra_hosts;  // name and address, sorted
  std::optional<Location> location;
};

// With a CDI name ("vendor/class=device") as host and container: the engine finds out what that is.
struct Device {
  std::string host, container, permissions;
  bool is_cdi() const;
};

// A seccomp profile in a file of the repository.
struct SeccompProfile {
  Text path;
  std::string content;  // JSON without white space; empty until it has been read
};

struct Security {
  Words cap_add, cap_drop;
  std::optional<bool> privileged, read_only;
  Words security_opt;                             // as written
  std::map<std::string, SeccompProfile> seccomp;  // by the option that names it
  Words group_add;
  TextMap sysctls;
  std::vector<Device> devices;
  Words device_cgroup_rules;
  Text pid, ipc;  // "service:x" is another service's
  std::string uts, userns_mode, cgroup, cgroup_parent, runtime;
  std::string isolation;    // printed only, as is
  bool api_socket = false;  // this
};

struct Ulimit {
  std::optional<std::int64_t> single;
  std::int64_t soft = 0, hard = 0;
};

// One limit may stand in two places, which must agree.
template <typename T>
struct Limit {
  std::optional<Located<T>> plain;   // 'mem_limit'
  std::optional<Located<T>> deploy;  // 'deploy.resources.limits.memory'
  // Zero is no limit, as if the key were absent.
  std::optional<T> value() const {
    if (deploy && deploy->value != T{}) return deploy->value;
    if (plain && plain->value != T{}) return plain->value;
    return std::nullopt;
  }
};

struct DeviceRequest {
  std::string driver;
  std::optional<std::int64_t> count;  // -1: all
  std::optional<Words> ids;
  std::optional<Words> capabilities;
  TextMap options;
};

struct BlockLimit {
  std::string path;
  std::int64_t value = 0;  // bytes or operations per second, or a weight
};

struct BlockIo {
  std::optional<std::int64_t> weight;
  std::vector<BlockLimit> weight_device;
  std::vector<BlockLimit> read_bps, read_iops, write_bps, write_iops;
};

struct Resources {
  Limit<std::int64_t> memory, memory_reservation, pids;
  Limit<float> cpus;                                           // as exact as the reference has it
  std::optional<Location> deploy_limits, deploy_reservations;  // that there are any
  std::optional<float> reserved_cpus;                          // printed only
  std::vector<std::optional<std::pair<std::string, std::int64_t>>> generic;  // printed only
  std::optional<std::int64_t> memory_swap, memory_swappiness, shm_size;
  std::optional<std::int64_t> cpu_shares, cpu_quota, cpu_period, cpu_rt_period, cpu_rt_runtime;
  std::optional<std::int64_t> cpu_count, cpu_percent;
  std::string cpuset;
  std::optional<std::int64_t> oom_score_adj;
  std::optional<bool> oom_kill_disable;
  std::map<std::string, Ulimit> ulimits;
  TextMap storage;
  std::optional<BlockIo> block_io;
  std::vector<DeviceRequest> gpus;             // 'gpus'
  std::vector<DeviceRequest> device_requests;  // 'deploy.resources.reservations.devices'
};

struct Logging {
  std::string driver;
  TextMap options;
};

struct Replicas {
  std::optional<Located<std::int64_t>> scale, deploy;
  std::uint32_t count() const {
    const auto& given = scale ? scale : deploy;
    return given ? static_cast<std::uint32_t>(given->value) : 1;
  }
};

// 'deploy.update_config' or 'deploy.rollback_config'; of these only the order of an update and how long it is
// watched have an effect.
struct UpdateConfig {
  std::optional<std::int64_t> parallelism;
  std::optional<Nanoseconds> delay, monitor;
  std::string failure_action, order;
  std::optional<float> max_failure_ratio;
};

// What of 'deploy' is not among Resources, Replicas and Lifecycle: printed, but for what counts of an update.
struct Deploy {
  std::string mode, endpoint_mode;
  TextMap labels;
  std::optional<UpdateConfig> update, rollback;
  std::optional<std::string> restart_condition;  // as written
  std::optional<std::int64_t> restart_max_attempts;
  std::optional<Nanoseconds> restart_delay, restart_window;
  bool restart_policy = false;
  Words constraints;
  std::vector<std::string> preferences;  // what to spread over
  std::int64_t max_replicas_per_node = 0;
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
  Labels labels;
  Hosts hosts;
  Security security;
  Resources resources;
  std::optional<Logging> logging;
  std::optional<Deploy> deploy;
  Replicas replicas;
  std::optional<Located<Milliseconds>> soak;  // 'x-hivemind: {soak: …}'
  PassedOn passed_on;  // what has no meaning on a node, but is printed; in lists, without the index

  // The services of the stack whose network, PID or IPC namespace this one shares; empty: none.
  std::string network_of() const;
  // Whether it is no container, but what a program ('provider') makes.
  bool is_provided() const;
  std::string pid_of() const;
  std::string ipc_of() const;
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
  Location location;

  // Whether it is a bind mount by the local driver's options, of a path that is not absolute.
  bool binds_relative_path() const;
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

// 'x-hivemind' of the document: how the stack is updated.
struct Update {
  std::optional<Milliseconds> soak;
  Text pre, post;  // services that run once for an update; empty: none
  std::optional<v1::Window> window;

  bool is_job(const std::string& service) const {
    return !service.empty() && (service == pre.value || service == post.value);
  }
};

struct Project {
  Update update;
  std::map<std::string, Service> services;   // those of inactive profiles are not among them
  std::map<std::string, Location> inactive;  // services that a profile leaves out
  std::map<std::string, Network> networks;
  std::map<std::string, Volume> volumes;
  std::map<std::string, Config> configs, secrets;

  // What follows is for printing the model only.
  std::string name;
  std::string home;  // what '~' of a path is
  std::string
      directory;  // absolute; printed relative paths start from it. Empty: they are printed as they are
  std::vector<std::pair<std::string, yaml::Node>> extensions;  // top-level 'x-' keys

  // A path of the model as it is printed: absolute, without '.' and '..'.
  std::string printed_path(const std::string& path) const;
};

}  // namespace hivemind::hub::compose
