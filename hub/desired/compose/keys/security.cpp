#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/keys/family.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kService = "service:";
constexpr std::string_view kContainer = "container:";
constexpr std::string_view kUnconfinedPaths = "systempaths=unconfined";

std::string service_of(const Text& mode) {
  return mode.value.starts_with(kService) ? mode.value.substr(kService.size()) : "";
}

}  // namespace

std::string Service::pid_of() const {
  return service_of(security.pid);
}
std::string Service::ipc_of() const {
  return service_of(security.ipc);
}

namespace {

void read_sysctls(const yaml::Node& node, Service& service, Reader& reader) {
  service.security.sysctls = text_map(reader.pairs(node));
}
void read_group_add(const yaml::Node& node, Service& service, Reader& reader) {
  service.security.group_add = values(reader.texts(node, Allowed::kNumbers));
  for (const yaml::Node& item : node.items) {
    if (item.type() == yaml::Type::kFloat) reader.wrong_type(item, "a string or an integer");
  }
}

// "name=value" or "name:value", but for one word that stands alone. A seccomp profile is the engine's own
// ("builtin"), none, or a file whose content the engine wants in the body.
void read_security_opt(const yaml::Node& node, Service& service, Reader& reader) {
  for (const Text& option : reader.texts(node)) {
    const std::string& text = option.value;
    const std::size_t cut = text.find('=') != std::string::npos ? text.find('=') : text.find(':');
    if (cut == std::string::npos && text != "no-new-privileges") {
      reader.error(option.location, "compose.refused-by-engine",
                   fmt::format("'security_opt' is '{}', expected 'name=value' or 'no-new-privileges'", text));
    }
    service.security.security_opt.push_back(text);
    if (text.substr(0, cut) != "seccomp" || cut == std::string::npos) continue;
    const std::string profile = text.substr(cut + 1);
    if (profile == "unconfined" || profile == "builtin") continue;
    service.security.seccomp[text].path = {profile, option.location};
  }
}

// A namespace is the container's own, the node's, or that of another container.
template <auto Member>
void read_namespace(const yaml::Node& node, Service& service, Reader& reader,
                    std::initializer_list<std::string_view> words) {
  const auto text = reader.text(node);
  if (!text || text->empty()) return;
  service.security.*Member = {*text, node.location};
  for (const std::string_view prefix : {kService, kContainer}) {
    if (text->starts_with(prefix) && text->size() > prefix.size()) return;
  }
  if (std::ranges::find(words, *text) != words.end()) return;
  reader.refused_by_engine(node,
                           fmt::format("'{}', 'service:NAME' or 'container:NAME'", fmt::join(words, "', '")));
}
void read_pid(const yaml::Node& node, Service& service, Reader& reader) {
  read_namespace<&Security::pid>(node, service, reader, {"host"});
}
void read_ipc(const yaml::Node& node, Service& service, Reader& reader) {
  read_namespace<&Security::ipc>(node, service, reader, {"host", "shareable", "private", "none"});
}

// The node's, or the container's own.
template <auto Member>
void read_host_or_own(const yaml::Node& node, Service& service, Reader& reader) {
  service.security.*Member = reader.text(node).value_or("");
  const std::string& word = service.security.*Member;
  if (!word.empty() && word != "host") reader.refused_by_engine(node, "'host'");
}
void read_cgroup(const yaml::Node& node, Service& service, Reader& reader) {
  if (auto word = reader.choice(node, {"host", "private"})) service.security.cgroup = std::move(*word);
}

void read_isolation(const yaml::Node& node, Service& service, Reader& reader) {
  const auto isolation = reader.text(node);
  if (!isolation) return;
  service.security.isolation = *isolation;
  if (isolation->empty() || *isolation == "default") return;
  reader.error(node.location, "compose.unsupported-value",
               fmt::format("'isolation' is '{}', which only engines on Windows have", *isolation),
               "remove it");
}

// The engine's socket and the credentials of the user who runs 'docker compose': a node has no such user.
void read_use_api_socket(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.type() != yaml::Type::kBool) return reader.wrong_type(node, "true or false");
  service.security.api_socket = reader.boolean(node).value_or(false);
  if (!service.security.api_socket) return;
  reader.error(node.location, "compose.unsupported-value",
               "'use_api_socket' is not supported: nodes have no user whose credentials it could pass on",
               "mount '/var/run/docker.sock' as a volume");
}

constexpr Field<Service> kFields[] = {
    {.key = "use_api_socket",
     .read = read_use_api_socket,
     .note = "only `false`: nodes have no user whose credentials it could pass on"},
    {"cap_add", read_list<&Service::security, &Security::cap_add>},
    {"cap_drop", read_list<&Service::security, &Security::cap_drop>},
    {"privileged", read_flag<&Service::security, &Security::privileged>},
    {"read_only", read_flag<&Service::security, &Security::read_only>},
    {"security_opt", read_security_opt},
    {"group_add", read_group_add},
    {"sysctls", read_sysctls},
    {"pid", read_pid},
    {"ipc", read_ipc},
    {"uts", read_host_or_own<&Security::uts>},
    {"userns_mode", read_host_or_own<&Security::userns_mode>},
    {"cgroup", read_cgroup},
    {"cgroup_parent", read_text<&Service::security, &Security::cgroup_parent>},
    {"runtime", read_text<&Service::security, &Security::runtime>},
    {.key = "isolation", .read = read_isolation, .note = "only `default`: the rest is for Windows"},
};

void emit_options(const Security& security, EngineBody& body) {
  Words options;
  for (const std::string& option : security.security_opt) {
    const auto profile = security.seccomp.find(option);
    if (option == kUnconfinedPaths) {
      body.host["MaskedPaths"] = nlohmann::json::array();
      body.host["ReadonlyPaths"] = nlohmann::json::array();
    } else if (profile != security.seccomp.end()) {
      options.push_back("seccomp=" + profile->second.content);
    } else {
      options.push_back(option);
    }
  }
  put(body.host, "SecurityOpt", options);
}

// Another service's namespace is its container's, which only the agent knows.
void put_namespace(nlohmann::json& into, const char* name, const Text& mode) {
  if (service_of(mode).empty()) put(into, name, mode.value);
}

void emit(const Service& service, const Project&, EngineBody& body) {
  const Security& security = service.security;
  put(body.host, "CapAdd", security.cap_add);
  put(body.host, "CapDrop", security.cap_drop);
  put(body.host, "Privileged", security.privileged);
  put(body.host, "ReadonlyRootfs", security.read_only);
  emit_options(security, body);
  put(body.host, "GroupAdd", security.group_add);
  put(body.host, "Sysctls", security.sysctls);
  put_namespace(body.host, "PidMode", security.pid);
  put_namespace(body.host, "IpcMode", security.ipc);
  put(body.host, "UTSMode", security.uts);
  put(body.host, "UsernsMode", security.userns_mode);
  put(body.host, "CgroupnsMode", security.cgroup);
  put(body.host, "CgroupParent", security.cgroup_parent);
  put(body.host, "Runtime", security.runtime);
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Security& security = service.security;
  put(into, "cap_add", security.cap_add);
  put(into, "cap_drop", security.cap_drop);
  if (security.privileged.value_or(false)) into["privileged"] = true;
  if (security.read_only.value_or(false)) into["read_only"] = true;
  put(into, "security_opt", security.security_opt);
  put(into, "group_add", security.group_add);
  put(into, "sysctls", security.sysctls);
  put(into, "pid", security.pid.value);
  put(into, "ipc", security.ipc.value);
  put(into, "uts", security.uts);
  put(into, "userns_mode", security.userns_mode);
  put(into, "cgroup", security.cgroup);
  put(into, "cgroup_parent", security.cgroup_parent);
  put(into, "runtime", security.runtime);
  put(into, "isolation", security.isolation);
  if (security.api_socket) into["use_api_socket"] = true;
}

}  // namespace

constinit const Family kSecurity{kFields, emit, print};

}  // namespace hivemind::hub::compose
