#include "hub/desired/compose/validate.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/ids.h"
#include "hub/desired/compose/resources.h"
#include "hub/desired/compose/suggest.h"

namespace hivemind::hub::compose {
namespace {

void check_image(const Service& service, Reader& reader) {
  const Image& image = service.image;
  if (image.build && image.present) {
    reader.warning(*image.build, "compose.build-ignored", "key 'build' is ignored: nodes build no images",
                   "the image must be in a registry, or on the node");
  } else if (image.build) {
    reader.error(*image.build, "compose.build-without-image",
                 "'build' without 'image': nodes build no images", "build it elsewhere and give 'image:'");
  } else if (!image.present && !service.is_provided()) {
    reader.error(service.location, "compose.missing-image", "the service has no image", "give 'image:'");
  }
}

void check_replicas(const Service& service, Reader& reader) {
  const Replicas& replicas = service.replicas;
  if (replicas.scale && replicas.deploy && replicas.scale->value != replicas.deploy->value) {
    reader.error(
        replicas.scale->location, "compose.conflict",
        fmt::format("'scale' is {}, 'deploy.replicas' is {}", replicas.scale->value, replicas.deploy->value),
        "remove one of the two");
  }
  if (replicas.count() <= 1) return;
  if (!service.image.container_name.value.empty()) {
    reader.error(service.image.container_name.location, "compose.conflict",
                 fmt::format("'container_name' cannot be shared by {} replicas", replicas.count()),
                 "remove it, or run one replica");
  }
  for (const Port& port : service.ports.published) {
    const bool picked = port.published && port.target.count() == 1 &&
                        port.published->count() >= static_cast<int>(replicas.count());
    if (!port.published || picked) continue;
    reader.error(
        port.location, "compose.port-conflict",
        fmt::format("{} replicas cannot share host port {}", replicas.count(), to_string(*port.published)),
        "publish a range of ports, or none");
  }
}

void check_targets(const Service& service, Reader& reader) {
  std::map<std::string, Location> seen;
  const auto claim = [&](std::string target, const Location& at) {
    while (target.size() > 1 && target.ends_with('/')) target.pop_back();
    const auto [first, fresh] = seen.emplace(target, at);
    if (fresh) return;
    reader.error(at, "compose.duplicate-target",
                 fmt::format("'{}' is mounted twice, first in line {}", target, first->second.line));
  };
  for (const Mount& mount : service.mounts.mounts) claim(mount.target, mount.location);
  for (const ConfigUse& use : service.mounts.configs) claim(use.target, use.source.location);
  for (const ConfigUse& use : service.mounts.secrets) claim(use.target, use.source.location);
  for (const Text& tmpfs : service.mounts.tmpfs)
    claim(tmpfs.value.substr(0, tmpfs.value.find(':')), tmpfs.location);
}

// A container in another's network namespace has no ports, names or addresses of its own: the engine refuses
// them. On the host's network, or with none, it ignores ports.
void check_network_mode(const Service& service, Reader& reader) {
  const Text& mode = service.networks.mode;
  if (mode.value.empty()) return;
  if (service.networks.location) {
    reader.error(mode.location, "compose.conflict", "'network_mode' and 'networks' exclude each other",
                 "remove one of the two");
  }
  const bool shared = mode.value.starts_with("service:") || mode.value.starts_with("container:");
  const bool published = !service.ports.published.empty();
  if (shared && (published || !service.ports.exposed.empty())) {
    reader.error(service.ports.location.value_or(mode.location), "compose.refused-by-engine",
                 fmt::format("ports cannot be published or exposed with 'network_mode: {}'", mode.value),
                 "publish them at the service whose network it is");
  } else if (!shared && published && mode.value != "bridge") {
    reader.warning(*service.ports.location, "compose.ports-ignored",
                   fmt::format("'ports' is ignored with 'network_mode: {}'", mode.value),
                   "remove one of the two");
  }
  const Hosts& hosts = service.hosts;
  const bool named = !hosts.hostname.empty() || !hosts.domainname.empty() || !hosts.dns.empty() ||
                     !hosts.extra_hosts.empty();
  if (shared && named) {
    reader.error(
        hosts.location.value_or(mode.location), "compose.refused-by-engine",
        fmt::format("'hostname', 'domainname', 'dns' and 'extra_hosts' cannot be set with 'network_mode: {}'",
                    mode.value),
        "set them at the service whose network it is");
  }
}

// --- what services refer to

void check_networks(const Service& service, const Project& project, Reader& reader) {
  std::set<std::string> seen;
  for (const NetworkUse& use : service.networks.networks) {
    const std::string& name = use.network.value;
    if (!seen.insert(name).second) {
      reader.error(use.network.location, "compose.duplicate",
                   fmt::format("network '{}' is listed twice", name));
    }
    if (project.networks.contains(name)) continue;
    reader.error(use.network.location, "compose.undefined-network",
                 fmt::format("network '{}' is not defined", name),
                 did_you_mean(name, project.networks, "define it under the top-level 'networks'"));
  }
}

void check_volumes(const Service& service, const Project& project, Reader& reader) {
  for (const Mount& mount : service.mounts.mounts) {
    if (mount.kind != MountKind::kVolume || mount.source.empty() || project.volumes.contains(mount.source))
      continue;
    if (!mount.unsupported_type.empty() || !is_compose_key(mount.source)) continue;  // said already
    reader.error(mount.location, "compose.undefined-volume",
                 fmt::format("volume '{}' is not defined", mount.source),
                 did_you_mean(mount.source, project.volumes, "define it under the top-level 'volumes'"));
  }
}

void check_sources(const std::vector<ConfigUse>& uses, const std::map<std::string, Config>& all,
                   std::string_view what, Reader& reader) {
  for (const ConfigUse& use : uses) {
    const std::string& name = use.source.value;
    if (const auto found = all.find(name); found != all.end()) {
      check_config(found->second, what, use.source.location, reader);
    } else {
      reader.error(use.source.location, fmt::format("compose.undefined-{}", what),
                   fmt::format("{} '{}' is not defined", what, name),
                   did_you_mean(name, all, fmt::format("define it under the top-level '{}s'", what)));
    }
  }
}

}  // namespace

void validate(Project& project, Reader& reader) {
  for (const auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    check_image(service, reader);
    check_replicas(service, reader);
    validate_resources(service, reader);
    check_targets(service, reader);
    check_network_mode(service, reader);
    check_networks(service, project, reader);
    check_volumes(service, project, reader);
    check_sources(service.mounts.configs, project.configs, "config", reader);
    check_sources(service.mounts.secrets, project.secrets, "secret", reader);
  }
  validate_dependencies(project, reader);
  validate_jobs(project, reader);
  validate_claims(project, reader);
}

}  // namespace hivemind::hub::compose
