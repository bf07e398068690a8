#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/hooks.h"
#include "agent/plan/host_ports.h"
#include "agent/plan/registry_login.h"
#include "agent/plan/secrets.h"
#include "hivemind/v1/manifest.pb.h"

// What a manifest wants of this node, as checked plain values. Pure data, immutable once made; the planner
// and the steps read it, nothing else of the manifest is looked at.
namespace hivemind::agent {

// An Engine API version as the planner compares it.
struct ApiLevel {
  int major = 1;
  int minor = 41;
  auto operator<=>(const ApiLevel&) const = default;
};

enum class PullPolicy { kMissing, kAlways, kNever, kEvery };
enum class UpdateOrder { kStopFirst, kStartFirst };
enum class Condition { kStarted, kHealthy, kCompleted };
enum class Owner { kStack, kExternal };  // external: must exist, never made or removed
enum class Access { kReadWrite, kReadOnly };

struct Dependency {
  std::string service;
  Condition condition = Condition::kStarted;
  bool required = true;
  bool restart = false;  // this service restarts with the dependency
};

// All mounts of another container. One of service and container is set.
struct VolumesFrom {
  std::string service;    // its first container
  std::string container;  // by name; none of ours
  Access access = Access::kReadWrite;
};

struct DesiredEndpoint {
  std::string network;         // real name
  std::string engine_body;     // EndpointSettings as JSON; empty: none
  bool fixed_address = false;  // no second container can have it at the same time
};

struct DesiredFile {
  std::string path;  // relative, without '.', '..' or empty parts
  std::string sha256;
  std::uint32_t mode = 0644;
  std::optional<std::uint32_t> uid = {};  // none: the agent's own
  std::optional<std::uint32_t> gid = {};
  std::string secret = {};  // id of the secret that is its content, in place of sha256
};

struct DesiredMount {
  std::string target;
  std::string source;  // relative, without '.', '..' or empty parts; empty: the stack's directory itself
  Access access = Access::kReadWrite;
  bool single = false;  // the one file is mounted, not the directory that holds it
  std::string options;
  std::vector<DesiredFile> files;  // sorted by path
  bool shared = false;             // read-only, but the stack writes to it through another mount

  // Shows a directory (or file) of the node's own, which the files seed; else exactly the files.
  bool is_kept() const { return access == Access::kReadWrite || shared || files.empty(); }
  // Its files are secrets, and live in memory only.
  bool is_secret() const { return !files.empty() && !files.front().secret.empty(); }
};

// What the planner must know of an engine body.
struct BodyFacts {
  std::int64_t memory = 0;
  std::int64_t nano_cpus = 0;
  std::string restart_policy = "no";  // as Container::restart_policy
  bool publishes = false;             // holds ports of the node, or its whole network
  bool host_network = false;
  std::vector<HostPorts> ports;      // those that are chosen, not those that the engine chooses
  std::vector<std::string> volumes;  // names of volumes that it mounts
};

struct DesiredService {
  std::string name;
  std::string image;
  PullPolicy pull_policy = PullPolicy::kMissing;
  std::string platform;
  std::string engine_body;
  std::string config_hash;
  std::string container_name;
  std::uint32_t replicas = 1;
  std::vector<Dependency> depends_on;
  std::vector<DesiredEndpoint> endpoints;
  std::string network_of;  // services whose network, PID or IPC namespace it shares; empty: none
  std::string pid_of;
  std::string ipc_of;
  std::vector<VolumesFrom> volumes_from;
  std::vector<DesiredMount> mounts;
  std::chrono::seconds pull_every{};
  UpdateOrder update_order = UpdateOrder::kStopFirst;
  std::vector<Hook> post_start;
  std::vector<Hook> pre_stop;
  std::chrono::milliseconds soak{};
  std::int64_t image_bytes = 0;           // compressed; 0: not known
  std::vector<std::string> secrets = {};  // ids that its body and hooks may name; sorted
  std::string secrets_flaw = {};          // secrets_flaw() of it; empty: none
  std::string image_id = {};  // of a good release: the image that it ran with; empty: as the reference says
  BodyFacts facts;

  // Services whose first container each of this one's is made with; sorted.
  std::vector<std::string> bases() const;
  // Those of them that it shares a namespace with, which ends with their container's process.
  std::vector<std::string> namespaces() const;

  // "<stack>-<name>-<number>" unless the service has a name of its own.
  std::string container(std::string_view stack, std::uint32_t number) const;
};

struct DesiredNetwork {
  std::string key;
  std::string name;
  Owner owner = Owner::kStack;
  std::string engine_body;
  std::string config_hash;
};

struct DesiredVolume {
  std::string key;
  std::string name;
  Owner owner = Owner::kStack;
  std::string engine_body;
  std::string config_hash;
};

enum class Origin {
  kManifest,
  kGood,  // the last good release, which stands in for the manifest's: nothing of it needs a network
};

// When a stack may be changed; see v1::Window.
struct DesiredWindow {
  struct Span {
    unsigned days = 0;  // bit 0 is Monday
    unsigned from_minute = 0;
    unsigned to_minute = 0;
  };
  std::vector<Span> spans;
  std::string posix_tz;
  std::string text;  // as written, with the zone
};

// What files hold, by SHA-256 hex.
using Contents = std::map<std::string, std::string>;

struct DesiredStack {
  std::string name;
  std::string digest;
  std::string revision;
  ApiLevel engine_api;
  Origin origin = Origin::kManifest;
  std::string pre = {};  // services that run once for an update; they have no container otherwise
  std::string post = {};
  std::optional<DesiredWindow> window = {};
  std::vector<DesiredService> services;  // sorted by name
  std::vector<DesiredNetwork> networks;  // sorted by name
  std::vector<DesiredVolume> volumes;    // sorted by name
  std::shared_ptr<const Contents> contents =
      std::make_shared<const Contents>();           // of its files, and maybe more
  std::shared_ptr<const std::string> release = {};  // the serialized v1::Release that it was made from

  const DesiredService* service(std::string_view name) const;
  const DesiredNetwork* network(std::string_view name) const;  // by real name
  const DesiredVolume* volume(std::string_view name) const;    // by real name
  // Services so that dependencies come first; among equals by name.
  std::vector<const DesiredService*> in_order() const;
  // Whether it is 'pre' or 'post'; its replicas count as 0.
  bool is_job(std::string_view service) const;
};

struct Desired {
  std::string node;
  std::uint64_t generation = 0;
  std::string revision;
  std::vector<DesiredStack> stacks;  // sorted by name
  std::vector<RegistryLogin> registry_logins = {};
  std::string stamp = {};  // of its envelope, shown to the hub
  std::shared_ptr<const SealedSecrets> sealed = std::make_shared<const SealedSecrets>();

  const DesiredStack* stack(std::string_view name) const;
};

// "<stack>/<service>": what attempts, results and pending conditions are kept by.
std::string subject_of(std::string_view stack, std::string_view service);

// Throws kInvalid for a manifest that cannot be meant: bad or doubled names, paths that leave their place,
// bodies that are no JSON objects, dependencies that are missing or go in a circle. The order of the
// manifest's lists does not matter.
Desired desired_from(v1::Manifest manifest);

// A release that was good, to stand in for the manifest's: images by service, as their ids. Throws as above,
// and kCorrupt for what is no release. The contents of its files are the caller's to add.
DesiredStack good_stack_from(const std::string& release, const std::map<std::string, std::string>& images);

}  // namespace hivemind::agent
