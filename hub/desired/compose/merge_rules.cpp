#include "hub/desired/compose/merge_rules.h"

#include <algorithm>

#include <fmt/format.h>

namespace hivemind::hub::compose {
namespace {

using yaml::Node;

// "services.*.labels": a '*' stands for any one key.
bool matches(std::span<const std::string> path, std::string_view pattern) {
  for (const std::string& key : path) {
    const std::size_t dot = pattern.find('.');
    const std::string_view part = pattern.substr(0, dot);
    if (part.empty() || (part != "*" && part != key)) return false;
    pattern.remove_prefix(dot == std::string_view::npos ? pattern.size() : dot + 1);
  }
  return pattern.empty();
}

template <typename T>
struct Place {
  std::string_view pattern;
  T value;
};

template <typename T, std::size_t size>
T find(const Place<T> (&places)[size], std::span<const std::string> path, T otherwise) {
  if (path.size() < 2) return otherwise;
  const auto found =
      std::ranges::find_if(places, [&](const Place<T>& place) { return matches(path, place.pattern); });
  return found == std::end(places) ? otherwise : found->value;
}

constexpr Place<MergeRule> kRules[] = {
    {"networks.*.ipam.config", MergeRule::kPools},
    {"networks.*.labels", MergeRule::kPairs},
    {"volumes.*.labels", MergeRule::kPairs},
    {"services.*.annotations", MergeRule::kPairs},
    {"services.*.build", MergeRule::kBuild},
    {"services.*.build.args", MergeRule::kPairs},
    {"services.*.build.additional_contexts", MergeRule::kPairs},
    {"services.*.build.extra_hosts", MergeRule::kHosts},
    {"services.*.build.labels", MergeRule::kPairs},
    {"services.*.command", MergeRule::kReplace},
    {"services.*.depends_on", MergeRule::kDependencies},
    {"services.*.deploy.labels", MergeRule::kPairs},
    {"services.*.dns", MergeRule::kList},
    {"services.*.dns_opt", MergeRule::kList},
    {"services.*.dns_search", MergeRule::kList},
    {"services.*.entrypoint", MergeRule::kReplace},
    {"services.*.env_file", MergeRule::kList},
    {"services.*.label_file", MergeRule::kList},
    {"services.*.environment", MergeRule::kPairs},
    {"services.*.extra_hosts", MergeRule::kHosts},
    {"services.*.healthcheck.test", MergeRule::kReplace},
    {"services.*.labels", MergeRule::kPairs},
    {"services.*.logging", MergeRule::kLogging},
    {"services.*.models", MergeRule::kNames},
    {"services.*.networks", MergeRule::kNames},
    {"services.*.sysctls", MergeRule::kPairs},
    {"services.*.tmpfs", MergeRule::kList},
    {"services.*.ulimits.*", MergeRule::kReplace},
};

constexpr Place<Identity> kIdentities[] = {
    {"networks.*.labels", Identity::kName},
    {"networks.*.ipam.options", Identity::kName},
    {"services.*.annotations", Identity::kName},
    {"services.*.build.args", Identity::kName},
    {"services.*.build.additional_contexts", Identity::kName},
    {"services.*.build.platform", Identity::kName},
    {"services.*.build.tags", Identity::kName},
    {"services.*.build.labels", Identity::kName},
    {"services.*.cap_add", Identity::kName},
    {"services.*.cap_drop", Identity::kName},
    {"services.*.configs", Identity::kConfig},
    {"services.*.deploy.labels", Identity::kName},
    {"services.*.devices", Identity::kDevice},
    {"services.*.dns", Identity::kName},
    {"services.*.dns_opt", Identity::kName},
    {"services.*.dns_search", Identity::kName},
    {"services.*.environment", Identity::kName},
    {"services.*.env_file", Identity::kEnvFile},
    {"services.*.expose", Identity::kText},
    {"services.*.labels", Identity::kName},
    {"services.*.links", Identity::kName},
    {"services.*.networks.*.aliases", Identity::kName},
    {"services.*.networks.*.link_local_ips", Identity::kName},
    {"services.*.ports", Identity::kPort},
    {"services.*.profiles", Identity::kName},
    {"services.*.secrets", Identity::kSecret},
    {"services.*.sysctls", Identity::kName},
    {"services.*.tmpfs", Identity::kName},
    {"services.*.volumes", Identity::kMount},
};

std::string member(const Node& node, std::string_view key, std::string otherwise = "") {
  const Node* found = node.find(key);
  return found == nullptr || found->is_null() ? std::move(otherwise) : found->printed();
}

// '/data' and '/data/' are one place.
std::string clean(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string port_key(std::string_view ip, std::string_view published, std::string_view target,
                     std::string_view protocol) {
  return fmt::format("{}:{}:{}/{}", ip.empty() ? "0.0.0.0" : ip, published, target, protocol);
}

// "[ip:][published:]target[/protocol]"
std::string short_port(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  const std::string_view protocol = slash == std::string_view::npos ? "tcp" : text.substr(slash + 1);
  text = text.substr(0, slash);
  const std::size_t before_target = text.rfind(':');
  if (before_target == std::string_view::npos) return port_key("", "", text, protocol);
  const std::string_view target = text.substr(before_target + 1);
  text = text.substr(0, before_target);
  const std::size_t before_published = text.rfind(':');
  if (before_published == std::string_view::npos) return port_key("", text, target, protocol);
  std::string_view ip = text.substr(0, before_published);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return port_key(ip, text.substr(before_published + 1), target, protocol);
}

// "[source:]target[:options]"
std::string short_target(const std::string& text) {
  const std::size_t first = text.find(':');
  if (first == std::string::npos) return text;
  return text.substr(first + 1, text.find(':', first + 1) - first - 1);
}

std::string file_target(const Node& item, std::string_view directory) {
  if (!item.is_map()) return fmt::format("{}/{}", directory, item.scalar);
  std::string target = member(item, "target");
  return target.empty() ? fmt::format("{}/{}", directory, member(item, "source")) : target;
}

}  // namespace

MergeRule merge_rule(std::span<const std::string> path) {
  return find(kRules, path, MergeRule::kByKind);
}

Identity list_identity(std::span<const std::string> path) {
  return find(kIdentities, path, Identity::kNone);
}

std::string identity(Identity kind, const Node& item) {
  switch (kind) {
    case Identity::kName:
      return item.scalar.substr(0, item.scalar.find('='));
    case Identity::kPort:
      if (!item.is_map()) return short_port(item.printed());
      return port_key(member(item, "host_ip"), member(item, "published"), member(item, "target"),
                      member(item, "protocol", "tcp"));
    case Identity::kMount:
      return clean(item.is_map() ? member(item, "target") : short_target(item.scalar));
    case Identity::kDevice:
      return item.is_map() ? member(item, "target") : short_target(item.scalar);
    case Identity::kConfig:
      return file_target(item, "");
    case Identity::kSecret:
      return file_target(item, "/run/secrets");
    case Identity::kEnvFile:
      return item.is_map() ? member(item, "path") : item.scalar;
    case Identity::kText:
    case Identity::kNone:
      break;
  }
  return item.printed();
}

}  // namespace hivemind::hub::compose
