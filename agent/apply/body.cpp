#include "agent/apply/body.h"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "agent/apply/shares.h"
#include "agent/plan/go_keys.h"
#include "agent/plan/observed.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

json parse_object(std::string_view text) {
  if (text.empty()) return json::object();
  json body = json::parse(text);
  if (!body.is_object()) throw Error(ErrorCode::kInvalid, "the engine body is no JSON object");
  return body;
}

// The engine takes the key in any case, and puts together what it finds: none may outdo ours.
json take_labels(json& body) {
  json labels = json::object();
  for (auto member = body.begin(); member != body.end();) {
    const bool is_labels = folded(member.key()) == "labels";
    if (is_labels && !member->is_null()) labels.update(*member);
    member = is_labels ? body.erase(member) : std::next(member);
  }
  return labels;
}

void label(json& body, const BodyContext& context, const std::string& config_hash) {
  json labels = take_labels(body);
  labels[labels::kManaged] = "true";
  labels[labels::kNode] = context.node;
  labels[labels::kStack] = context.stack.name;
  labels[labels::kConfigHash] = config_hash;
  labels[labels::kRevision] = context.revision;
  labels[labels::kComposeProject] = context.stack.name;
  body["Labels"] = std::move(labels);
}

// A container has the labels of its image as well, which anybody may have made: each of ours that says
// something is there, if only to say nothing.
void label_container(json& body, const BodyContext& context, const ContainerContext& container) {
  label(body, context, container.service.config_hash);
  json& labels = body["Labels"];
  labels[labels::kService] = container.service.name;
  labels[labels::kDigest] = context.stack.digest;
  labels[labels::kComposeService] = container.service.name;
  labels[labels::kComposeNumber] = std::to_string(container.number);
  labels[labels::kComposeOneoff] = container.job.empty() ? "False" : "True";
  labels[labels::kJob] = container.job;
  labels[labels::kPreStop] = to_label(container.service.pre_stop);
}

json bind_mount(const DesiredMount& mount, const std::string& source) {
  return {{"Type", "bind"},
          {"Source", source},
          {"Target", mount.target},
          {"ReadOnly", mount.access == Access::kReadOnly}};
}

// Binds know the options, but part at colons; a path with one goes as a mount. So do secrets: an engine that
// misses the source of a bind makes an empty directory of it (when a boot starts the container before the
// agent runs, say), while that of a mount has to be there.
void add_mounts(json& body, const ContainerContext& container) {
  for (std::size_t i = 0; i < container.service.mounts.size(); ++i) {
    const DesiredMount& mount = container.service.mounts[i];
    const std::string& source = container.mount_sources.at(i);
    json& host = body["HostConfig"];
    if (mount.is_secret() || (source + mount.target).find(':') != std::string::npos) {
      host["Mounts"].push_back(bind_mount(mount, source));
      continue;
    }
    std::string bind = source + ":" + mount.target + (mount.access == Access::kReadOnly ? ":ro" : ":rw");
    if (!mount.options.empty()) bind += "," + mount.options;
    host["Binds"].push_back(std::move(bind));
  }
}

// "source:target[:options]"; a named volume or path never holds a colon, nor does a target.
std::string target_of_bind(const std::string& bind) {
  const std::size_t from = bind.find(':') + 1;
  return bind.substr(from, bind.find(':', from) - from);
}

bool is_bound(const json& host, const std::string& target) {
  const auto binds = host.find("Binds");
  if (binds == host.end() || !binds->is_array()) return false;
  return std::ranges::any_of(*binds, [&](const json& bind) { return target_of_bind(bind) == target; });
}

json* mount_at(json& host, const std::string& target) {
  for (json& mount : host["Mounts"]) {
    if (mount.value("Target", "") == target) return &mount;
  }
  return nullptr;
}

// A mount point that the new definition uses otherwise is left to it.
void add_anonymous_volumes(json& body, const ContainerContext& container) {
  for (const auto& [target, volume] : container.anonymous_volumes) {
    json& host = body["HostConfig"];
    if (host.is_null()) host = json::object();
    if (is_bound(host, target) || host.value("Tmpfs", json::object()).contains(target)) continue;
    if (host["Mounts"].is_null()) host["Mounts"] = json::array();
    json* mount = mount_at(host, target);
    if (mount == nullptr) {
      host["Mounts"].push_back({{"Type", "volume"}, {"Source", volume}, {"Target", target}});
    } else if (mount->value("Type", "") == "volume" && mount->value("Source", "").empty()) {
      (*mount)["Source"] = volume;
    }
  }
}

// Without a limit the engine keeps all that a container ever writes. Other drivers have limits of their own
// or write elsewhere.
void add_log_limits(json& body, const ContainerContext& container) {
  constexpr const char* kMaxSize = "max-size";
  constexpr const char* kMaxFile = "max-file";
  const json log = body.value("HostConfig", json::object()).value("LogConfig", json::object());
  const std::string named = log.value("Type", "");
  const json options = log.contains("Config") && log["Config"].is_object() ? log["Config"] : json::object();
  if ((named.empty() ? container.log_driver : named) != "json-file" || options.contains(kMaxSize)) return;
  json limited = options;
  limited[kMaxSize] = "10m";
  if (!limited.contains(kMaxFile)) limited[kMaxFile] = "3";
  body["HostConfig"]["LogConfig"] = {{"Type", "json-file"}, {"Config", std::move(limited)}};
}

// Labels are left alone: everybody may see them.
void fill_in(json& value, const ContainerContext& container) {
  if (value.is_string()) {
    value = container.filled_in(value.get_ref<const std::string&>());
  } else if (value.is_structured()) {
    for (json& inner : value) fill_in(inner, container);
  }
}

void fill_in_secrets(json& body, const ContainerContext& container) {
  if (!container.filled_in || container.service.secrets.empty()) return;
  for (const auto& [key, value] : body.items()) {
    if (key != "Labels") fill_in(value, container);
  }
}

template <typename Fill>
std::string finished(std::string_view text, Fill fill) {
  try {
    json body = parse_object(text);
    fill(body);
    return body.dump();
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kInvalid, "the engine body is not what it should be: {}", error.what());
  }
}

}  // namespace

std::string container_body(const BodyContext& context, const ContainerContext& container) {
  return finished(container.service.engine_body, [&](json& body) {
    fill_in_secrets(body, container);
    if (!container.image.empty()) body["Image"] = container.image;
    label_container(body, context, container);
    add_networks(body, container);
    add_bases(body, container);
    add_mounts(body, container);
    add_anonymous_volumes(body, container);
    if (!container.log_driver.empty()) add_log_limits(body, container);
  });
}

std::string network_body(const BodyContext& context, const DesiredNetwork& network) {
  return finished(network.engine_body, [&](json& body) {
    body["Name"] = network.name;
    // Before API 1.44 the engine makes a second network of the same name unless it is told not to.
    body["CheckDuplicate"] = true;
    label(body, context, network.config_hash);
    body["Labels"][labels::kComposeNetwork] = network.key;
  });
}

std::string volume_body(const BodyContext& context, const DesiredVolume& volume) {
  return finished(volume.engine_body, [&](json& body) {
    body["Name"] = volume.name;
    label(body, context, volume.config_hash);
    body["Labels"][labels::kComposeVolume] = volume.key;
  });
}

}  // namespace hivemind::agent
