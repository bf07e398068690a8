#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/host_ports.h"

// What the engine has of ours, as plain values: one snapshot, read once, keyed by our labels. Pure data;
// nothing here knows how it was read.
namespace hivemind::agent {

enum class ContainerStatus { kCreated, kRunning, kPaused, kRestarting, kRemoving, kExited, kDead };
enum class Health { kNone, kStarting, kHealthy, kUnhealthy };

struct Container {
  std::string id;
  std::string name;               // without the leading '/'
  std::string image;              // as given at creation
  std::string image_id;           // "sha256:…"
  std::string image_digest = {};  // "sha256:…" in its registry; empty: not known, or in none
  std::map<std::string, std::string> labels;
  ContainerStatus status = ContainerStatus::kCreated;
  Health health = Health::kNone;
  std::string health_text;  // output of the last probe
  int exit_code = 0;
  std::string error;  // the engine's reason why it did not start
  std::uint32_t restarts = 0;
  std::string started_at;  // RFC 3339, as the engine writes it; "0001-01-01T00:00:00Z": never
  std::string finished_at;
  std::vector<std::string> networks;                     // real names, sorted
  std::map<std::string, std::string> anonymous_volumes;  // their names by mount point
  std::set<std::string> bases;  // ids of the containers whose namespaces or volumes it was made with
  // The parts that 'docker update' changes by hand, as the engine reports them.
  std::int64_t memory = 0;
  std::int64_t nano_cpus = 0;
  std::string restart_policy;    // "no", "always", "unless-stopped", "on-failure:3"
  std::vector<HostPorts> ports;  // those that it asked for
};

struct EngineNetwork {
  std::string id;
  std::string name;
  std::map<std::string, std::string> labels;
};

struct EngineVolume {
  std::string name;
  std::map<std::string, std::string> labels;
  std::string driver;
  std::map<std::string, std::string> options;
};

// A running container on a network, whosever it is.
struct NetworkUser {
  std::string id;
  std::string name;
};

// A container that is not ours, as far as a list shows it.
struct ListedContainer {
  std::string id;
  std::string name;
  std::map<std::string, std::string> labels;
};

// What docker compose runs by itself: it carries compose's labels and none of ours.
struct ComposeProject {
  std::vector<ListedContainer> containers;  // sorted by name; those of 'docker compose run' are left out
  std::vector<EngineNetwork> networks;      // sorted by name
};

struct Observed {
  std::vector<Container> containers;                    // ours, sorted by name
  std::vector<EngineNetwork> networks;                  // ours, sorted by name
  std::vector<EngineVolume> volumes;                    // ours, sorted by name
  std::map<std::string, ComposeProject> projects = {};  // not ours, by name
  std::vector<Container> jobs = {};  // ours, of services that run once for a release; sorted by name
};

// What carries no label of ours and yet is ours, because an operator said so: by id, the labels that it
// counts as carrying besides its own, for labels of a thing that exists cannot change.
using Adopted = std::map<std::string, std::map<std::string, std::string>>;

namespace labels {
inline constexpr const char* kManaged = "com.hivemind.managed";
inline constexpr const char* kNode = "com.hivemind.node";
inline constexpr const char* kStack = "com.hivemind.stack";
inline constexpr const char* kService = "com.hivemind.service";
inline constexpr const char* kDigest = "com.hivemind.digest";
inline constexpr const char* kConfigHash = "com.hivemind.config-hash";
inline constexpr const char* kRevision = "com.hivemind.revision";
// On a container that is only made to be compared with another one, never started: the node.
inline constexpr const char* kScratch = "com.hivemind.scratch";
// On a container of a service that runs once for a release: Job::label(). Empty on any other.
inline constexpr const char* kJob = "com.hivemind.job";
// How to end it: see hooks.h. Empty: there are no hooks.
inline constexpr const char* kPreStop = "com.hivemind.pre-stop";
// Compose's own, so that 'docker compose ls' and 'docker compose -p STACK ps' see the stacks.
inline constexpr const char* kComposeProject = "com.docker.compose.project";
inline constexpr const char* kComposeService = "com.docker.compose.service";
inline constexpr const char* kComposeNumber = "com.docker.compose.container-number";
inline constexpr const char* kComposeOneoff = "com.docker.compose.oneoff";
inline constexpr const char* kComposeNetwork = "com.docker.compose.network";
inline constexpr const char* kComposeVolume = "com.docker.compose.volume";
}  // namespace labels

// Containers of jobs hold no slot: whoever observes puts them apart.
inline void set_jobs_apart(Observed& observed) {
  const auto jobs = std::ranges::stable_partition(observed.containers, [](const Container& one) {
    const auto job = one.labels.find(labels::kJob);
    return job == one.labels.end() || job->second.empty();
  });
  observed.jobs.assign(std::make_move_iterator(jobs.begin()), std::make_move_iterator(jobs.end()));
  observed.containers.erase(jobs.begin(), jobs.end());
}

}  // namespace hivemind::agent
