#include "agent/plan/policy.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/plan/demands.h"
#include "agent/plan/image_rule.h"

namespace hivemind::agent {
namespace {

using std::filesystem::path;
using Kind = Demand::Kind;

// What breaks a container's walls by itself: where nothing is said of capabilities, they count as privileged.
bool is_as_good_as_privileged(const std::string& capability) {
  constexpr std::array kMighty{"ALL",          "SYS_ADMIN",       "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE",
                               "SYS_BOOT",     "DAC_READ_SEARCH", "BPF",        "PERFMON",   "MAC_ADMIN",
                               "MAC_OVERRIDE", "SYSLOG",          "SYS_TIME"};
  return std::ranges::find(kMighty, capability) != kMighty.end();
}

path cleaned(const path& raw) {
  path clean = raw.lexically_normal();
  return clean.has_filename() ? clean : clean.parent_path();
}

// Both cleaned; a directory is within itself.
bool is_within(const path& place, const path& directory) {
  const auto [end, ignored] = std::mismatch(directory.begin(), directory.end(), place.begin(), place.end());
  return end == directory.end();
}

// One rule applied to one demand: the setting that forbids it, or nothing.
class Judge {
 public:
  Judge(const DesiredStack& stack, const Policy& policy, const Resolve& resolve)
      : stack_(stack), policy_(policy), resolve_(resolve) {}

  const char* forbids(const Demand& demand) const {
    switch (demand.kind) {
      case Kind::kPrivileged:
        return denies(policy_.privileged, policy_settings::kPrivileged);
      case Kind::kHostNetwork:
        return denies(policy_.host_network, policy_settings::kHostNetwork);
      case Kind::kHostNamespace:
        return denies(policy_.host_namespaces, policy_settings::kHostNamespaces);
      case Kind::kDevice:
        return denies(policy_.devices, policy_settings::kDevices);
      case Kind::kCapability:
        return forbids_capability(demand.value);
      case Kind::kBind:
        return forbids_bind(demand.value);
      case Kind::kForeignFiles:
        return policy_.binds ? policy_settings::kBinds : nullptr;
      case Kind::kImage:
        return forbids_image(demand.value);
      case Kind::kNetwork:
        return is_own_network(demand.value) ? nullptr
                                            : denies(policy_.host_network, policy_settings::kHostNetwork);
      case Kind::kUnclear:
        return strictest();
    }
    return strictest();
  }

 private:
  static const char* denies(Leave leave, const char* setting) {
    return leave == Leave::kDeny ? setting : nullptr;
  }

  const char* forbids_capability(const std::string& name) const {
    if (!policy_.capabilities)
      return is_as_good_as_privileged(name) ? denies(policy_.privileged, policy_settings::kPrivileged)
                                            : nullptr;
    return policy_.capabilities->contains(name) ? nullptr : policy_settings::kCapabilities;
  }

  const char* forbids_image(const std::string& reference) const {
    if (policy_.registries && !is_from(reference, *policy_.registries)) return policy_settings::kRegistries;
    return has_digest(reference) ? nullptr : denies(policy_.tags, policy_settings::kDigests);
  }

  const char* forbids_bind(const std::string& source) const {
    const path place = cleaned(source);
    const path real = place.is_absolute() ? cleaned(resolve_(place)) : path();
    if (policy_.binds) {
      const bool is_given = std::ranges::any_of(*policy_.binds, [&](const path& directory) {
        return is_within(place, cleaned(directory)) && is_within(real, cleaned(resolve_(directory)));
      });
      if (!real.is_absolute() || !is_given) return policy_settings::kBinds;
    }
    return shows_guarded(place, real) ? denies_guarded() : nullptr;
  }

  bool shows_guarded(const path& place, const path& real) const {
    return std::ranges::any_of(policy_.guarded, [&](const path& raw) {
      const path guarded = cleaned(raw), real_guarded = cleaned(resolve_(guarded));
      const bool is_named = policy_.binds && std::ranges::any_of(*policy_.binds, [&](const path& directory) {
                              return cleaned(directory) == guarded;
                            });
      const bool shows = !real.is_absolute() || is_within(guarded, place) || is_within(place, guarded) ||
                         is_within(real_guarded, real) || is_within(real, real_guarded);
      return shows && !is_named;
    });
  }

  const char* denies_guarded() const {
    return policy_.binds ? policy_settings::kBinds : denies(policy_.privileged, policy_settings::kPrivileged);
  }

  // The engine takes the beginning of an id for a network's name, and the node's own network has one as well.
  bool is_own_network(const std::string& name) const {
    const DesiredNetwork* network = stack_.network(name);
    if (network == nullptr || name == "host" || name.find(':') != std::string::npos) return false;
    const bool may_be_id = name.find_first_not_of("0123456789abcdef") == std::string::npos;
    return network->owner == Owner::kStack || !may_be_id;
  }

  const char* strictest() const {
    const std::array<std::pair<bool, const char*>, 8> kSettings{{
        {policy_.privileged == Leave::kDeny, policy_settings::kPrivileged},
        {policy_.binds.has_value(), policy_settings::kBinds},
        {policy_.capabilities.has_value(), policy_settings::kCapabilities},
        {policy_.devices == Leave::kDeny, policy_settings::kDevices},
        {policy_.host_network == Leave::kDeny, policy_settings::kHostNetwork},
        {policy_.host_namespaces == Leave::kDeny, policy_settings::kHostNamespaces},
        {policy_.registries.has_value(), policy_settings::kRegistries},
        {policy_.tags == Leave::kDeny, policy_settings::kDigests},
    }};
    const auto found = std::ranges::find(kSettings, true, &std::pair<bool, const char*>::first);
    return found == kSettings.end() ? nullptr : found->second;
  }

  const DesiredStack& stack_;
  const Policy& policy_;
  const Resolve& resolve_;
};

Demands demands_of(const DesiredService& service) {
  Demands demands{{Kind::kImage, service.image, fmt::format("is made from image '{}'", service.image)}};
  const Demands body = demands_of_container(service.engine_body);
  demands.insert(demands.end(), body.begin(), body.end());
  for (const DesiredEndpoint& endpoint : service.endpoints) {
    demands.push_back(
        {Kind::kNetwork, endpoint.network, fmt::format("joins network '{}'", endpoint.network)});
    const Demands settings = demands_of_endpoint(endpoint.engine_body);
    demands.insert(demands.end(), settings.begin(), settings.end());
  }
  for (const VolumesFrom& from : service.volumes_from) {
    if (!from.container.empty())
      demands.push_back(
          {Kind::kForeignFiles, "", fmt::format("has the volumes of container '{}'", from.container)});
  }
  for (const std::vector<Hook>* hooks : {&service.post_start, &service.pre_stop}) {
    const bool is_privileged = std::ranges::any_of(*hooks, &Hook::privileged);
    if (is_privileged) {
      demands.push_back({Kind::kPrivileged, "", "has a privileged hook"});
      demands.push_back({Kind::kCapability, "ALL", "has a privileged hook, which has all capabilities"});
    }
  }
  return demands;
}

std::optional<Violation> first_of(const Demands& demands, const Judge& judge, const std::string& service,
                                  const std::string& thing) {
  for (const Demand& demand : demands) {
    if (const char* setting = judge.forbids(demand)) return Violation{service, thing + demand.text, setting};
  }
  return std::nullopt;
}

}  // namespace

bool Policy::restricts() const {
  return registries || capabilities || binds || tags == Leave::kDeny || privileged == Leave::kDeny ||
         host_network == Leave::kDeny || host_namespaces == Leave::kDeny || devices == Leave::kDeny;
}

std::string Violation::text() const {
  return fmt::format("{}{}, which this node's owner forbids (setting '{}' of its agent)",
                     service.empty() ? "" : fmt::format("service '{}' ", service), what, setting);
}

std::optional<Violation> violation_of(const DesiredStack& stack, const Policy& policy,
                                      const Resolve& resolve) {
  if (!policy.restricts()) return std::nullopt;
  const Judge judge(stack, policy, resolve);
  for (const DesiredService& service : stack.services) {
    if (auto found = first_of(demands_of(service), judge, service.name, "")) return found;
  }
  for (const DesiredNetwork& network : stack.networks) {
    if (network.owner == Owner::kExternal) continue;
    if (auto found = first_of(demands_of_network(network.engine_body), judge, "",
                              fmt::format("network '{}' ", network.name)))
      return found;
  }
  for (const DesiredVolume& volume : stack.volumes) {
    if (volume.owner == Owner::kExternal) continue;
    if (auto found = first_of(demands_of_volume(volume.engine_body), judge, "",
                              fmt::format("volume '{}' ", volume.name)))
      return found;
  }
  return std::nullopt;
}

}  // namespace hivemind::agent
