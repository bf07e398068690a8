#include "hub/desired/compose/lower.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/compose/canonical.h"
#include "hub/desired/compose/contents.h"
#include "hub/desired/compose/keys/links.h"
#include "hub/desired/compose/keys/registry.h"
#include "hub/desired/compose/resources.h"
#include "hub/desired/compose/secrets.h"

namespace hivemind::hub::compose {
namespace {

constexpr const char* kInterfaceName = "com.docker.network.endpoint.ifname";  // libnetwork/netlabel

// The service's name is what others reach it by; its container's name is added by the engine.
nlohmann::json endpoint_json(const Service& service, const Project& project, const NetworkUse& use) {
  Words aliases{service.name};
  for (const std::string& alias : use.aliases) {
    if (std::ranges::find(aliases, alias) == aliases.end()) aliases.push_back(alias);
  }
  nlohmann::json json = {{"Aliases", aliases}};
  if (!use.ipv4_address.empty()) json["IPAMConfig"]["IPv4Address"] = use.ipv4_address;
  if (!use.ipv6_address.empty()) json["IPAMConfig"]["IPv6Address"] = use.ipv6_address;
  if (!use.link_local_ips.empty()) json["IPAMConfig"]["LinkLocalIPs"] = use.link_local_ips;
  put(json, "Links", link_texts(service, project, use.network.value));
  put(json, "MacAddress", use.mac_address);
  put(json, "DriverOpts", use.driver_opts);
  if (!use.interface_name.empty()) json["DriverOpts"][kInterfaceName] = use.interface_name;
  if (use.gw_priority != 0) json["GwPriority"] = use.gw_priority;
  return json;
}

void add_endpoints(const Service& service, const Project& project, v1::Service& into) {
  for (const NetworkUse& use : service.networks.networks) {
    v1::Endpoint& endpoint = *into.add_endpoints();
    endpoint.set_network(project.networks.at(use.network.value).name);
    nlohmann::json body = endpoint_json(service, project, use);
    // The service's own address is that on the network which its container is made with.
    if (into.endpoints_size() == 1 && use.mac_address.empty())
      put(body, "MacAddress", service.networks.mac_address.value);
    endpoint.set_engine_body(canonical_text(body));
  }
}

void add_dependencies(const Service& service, const Project& project, v1::Service& into) {
  for (const auto& [name, dependency] : service.depends_on) {
    if (!project.services.contains(name)) continue;  // its profile leaves it out, and it is not required
    v1::Dependency& one = *into.add_depends_on();
    one.set_service(name);
    one.set_condition(dependency.condition);
    one.set_required(dependency.required);
    one.set_restart(dependency.restart);
  }
}

void add_volumes_from(const Service& service, v1::Service& into) {
  for (const VolumesFrom& from : service.mounts.volumes_from) {
    v1::VolumesFrom& one = *into.add_volumes_from();
    one.set_service(from.service);
    one.set_container(from.container);
    one.set_read_only(from.read_only);
  }
}

bool starts_first(const Service& service) {
  return service.deploy && service.deploy->update && service.deploy->update->order == "start-first";
}

// How long a new release is watched before the one before it is let go, where nobody says.
constexpr Milliseconds kDefaultSoak = std::chrono::seconds(10);

// The specification's 'monitor' is the same thing; its default of 0s, which Swarm reads as 5 s, says nothing.
// Its services are watched one after the other, ours together: 10 s let a crash at start show with most
// images.
Milliseconds soak_of(const Service& service, const Project& project) {
  if (project.update.is_job(service.name)) return {};
  if (service.soak) return service.soak->value;
  if (project.update.soak) return *project.update.soak;
  const Nanoseconds monitor = service.deploy && service.deploy->update
                                  ? service.deploy->update->monitor.value_or(Nanoseconds{})
                                  : Nanoseconds{};
  return monitor > Nanoseconds{} ? std::chrono::ceil<Milliseconds>(monitor) : kDefaultSoak;
}

// The Engine API (1.x) that has networks without IPv4; older engines ignore the wish.
constexpr int kNetworksWithoutIpv4 = 48;

class Lowering {
 public:
  Lowering(const Project& project, const std::string& stack, const Environment& environment,
           Repository& repository, Reader& reader)
      : project_(project),
        stack_(stack),
        environment_(environment),
        repository_(repository),
        reader_(reader) {}

  v1::Release run() {
    release_.set_stack(stack_);
    for (const auto& [name, service] : project_.services) {
      const Reader::Scope scope = reader_.in_service(name);
      try {
        add_service(service);
      } catch (const Error& error) {
        reader_.error(service.location, "compose.not-utf8", error.what(),
                      "check its variables and env files");
      }
    }
    add_resources();
    release_.set_pre(project_.update.pre.value);
    release_.set_post(project_.update.post.value);
    if (project_.update.window) *release_.mutable_window() = *project_.update.window;
    release_.set_engine_api(fmt::format("1.{}", api_minor_));
    release_.set_digest(release_digest(release_));
    return std::move(release_);
  }

 private:
  void add_service(const Service& service) {
    v1::Service& into = *release_.add_services();
    const EngineBody body = emit_service(service, project_);
    api_minor_ = std::max(api_minor_, body.api_minor);
    into.set_name(service.name);
    into.set_image(service.image.reference.value);
    into.set_pull_policy(service.image.pull_policy);
    into.set_pull_every_s(service.image.pull_every.count());
    into.set_platform(service.image.platform);
    into.set_engine_body(canonical_text(body.config));
    into.set_container_name(service.image.container_name.value);
    into.set_replicas(service.replicas.count());
    into.set_network_of(service.network_of());
    into.set_pid_of(service.pid_of());
    into.set_ipc_of(service.ipc_of());
    if (starts_first(service)) into.set_update_order(v1::UPDATE_ORDER_START_FIRST);
    into.set_soak_ms(soak_of(service, project_).count());
    add_hooks(service, into);
    add_dependencies(service, project_, into);
    add_volumes_from(service, into);
    add_endpoints(service, project_, into);
    for (v1::FileMount& mount : file_mounts(service, project_, repository_, reader_)) {
      *into.add_file_mounts() = std::move(mount);
    }
    add_secrets(service, into);
    into.set_config_hash(config_hash(into));
    for (const NetworkUse& use : service.networks.networks) networks_.insert(use.network.value);
    for (const Mount& mount : service.mounts.mounts) {
      if (mount.kind == MountKind::kVolume) volumes_.insert(mount.source);
    }
  }

  // What was not handed out under a name was written into a file by somebody who may not know the value.
  void add_secrets(const Service& service, v1::Service& into) {
    std::set<std::string> ids = placeholder_ids(into.engine_body());
    for (const auto* hooks : {&into.post_start(), &into.pre_stop()}) {
      for (const v1::Hook& hook : *hooks) {
        for (const std::string& word : hook.command()) ids.merge(placeholder_ids(word));
        for (const std::string& variable : hook.environment()) ids.merge(placeholder_ids(variable));
      }
    }
    for (const std::string& id : ids) {
      if (environment_.offers(id) || repository_.has_secret(id)) {
        into.add_secrets(id);
      } else {
        refuse_placeholder(service.location, id, reader_);
      }
    }
  }

  template <typename T>
  static void fill(T& into, const auto& from, const nlohmann::json& body) {
    into.set_key(from.key);
    into.set_name(from.name);
    into.set_external(from.external);
    if (!from.external) into.set_engine_body(canonical_text(body));
    into.set_config_hash(config_hash(into));
  }

  void add_resources() {
    for (const auto& [key, network] : project_.networks) {
      if (!networks_.contains(key)) continue;
      if (network.enable_ipv4 && !*network.enable_ipv4)
        api_minor_ = std::max(api_minor_, kNetworksWithoutIpv4);
      fill(*release_.add_networks(), network, network_body(network));
    }
    for (const auto& [key, volume] : project_.volumes) {
      if (volumes_.contains(key)) fill(*release_.add_volumes(), volume, volume_body(volume));
    }
  }

  const Project& project_;
  const std::string& stack_;
  const Environment& environment_;
  Repository& repository_;
  Reader& reader_;
  v1::Release release_;
  int api_minor_ = 41;
  std::set<std::string> networks_, volumes_;  // keys of those in use
};

}  // namespace

v1::Release lower(const Project& project, const std::string& stack, const Environment& environment,
                  Repository& repository, Reader& reader) {
  return Lowering(project, stack, environment, repository, reader).run();
}

}  // namespace hivemind::hub::compose
