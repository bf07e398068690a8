#include "agent/policy_options.h"

#include <algorithm>
#include <cctype>

#include <CLI/CLI.hpp>

#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;
namespace settings = policy_settings;

// Those of Linux, and the engine's word for all of them; a space behind each.
constexpr std::string_view kCapabilityNames =
    " ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN "
    "DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE "
    "MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP "
    "SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT "
    "SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM ";

bool is_capability(const std::string& name) {
  return name.find(' ') == std::string::npos &&
         kCapabilityNames.find(" " + name + " ") != std::string_view::npos;
}

std::string flag(const char* setting) {
  return std::string("--") + setting;
}

// "policy-host-network" -> "HIVEMIND_POLICY_HOST_NETWORK"
std::string variable(const char* setting) {
  std::string name = std::string("HIVEMIND_") + setting;
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return name;
}

template <typename Value>
void define(CLI::App& app, const char* setting, Value& value, const char* text) {
  CLI::Option* option =
      app.add_option(flag(setting), value, text)->envname(variable(setting))->capture_default_str();
  option->group("The node's policy: what a release may not have, whoever signs it");
  if constexpr (!std::is_same_v<Value, std::string>) option->delimiter(',');
}

Leave leave_from(const std::string& text, const char* setting) {
  if (text == "allow") return Leave::kAllow;
  if (text == "deny") return Leave::kDeny;
  throw Error(ErrorCode::kInvalid, "{} is '{}' (expected 'allow' or 'deny')", setting, text);
}

// Nothing: any. One word stands for all or none, and only alone.
std::optional<std::vector<std::string>> list_from(const std::vector<std::string>& texts,
                                                  const char* setting) {
  if (texts == std::vector<std::string>{"any"}) return std::nullopt;
  if (texts == std::vector<std::string>{"none"}) return std::vector<std::string>();
  for (const std::string& text : texts) {
    if (text.empty() || text == "any" || text == "none")
      throw Error(ErrorCode::kInvalid, "{} has '{}' in its list (expected 'any' or 'none' alone, or a list)",
                  setting, text);
  }
  return texts;
}

std::optional<std::vector<std::string>> registries_from(const std::vector<std::string>& texts) {
  auto registries = list_from(texts, settings::kRegistries);
  if (!registries) return std::nullopt;
  for (std::string& registry : *registries) {
    while (registry.ends_with('/')) registry.pop_back();
    const bool is_host =
        registry.find_first_of("@ ") == std::string::npos && registry.find("//") == std::string::npos;
    if (registry.empty() || !is_host) {
      throw Error(ErrorCode::kInvalid,
                  "{}: '{}' is no registry (expected HOST[:PORT][/PATH], such as 'docker.io')",
                  settings::kRegistries, registry);
    }
  }
  return registries;
}

std::optional<std::set<std::string>> capabilities_from(const std::vector<std::string>& texts) {
  const auto list = list_from(texts, settings::kCapabilities);
  if (!list) return std::nullopt;
  std::set<std::string> names;
  for (std::string name : *list) {
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (name.starts_with("CAP_")) name.erase(0, 4);
    if (!is_capability(name)) {
      throw Error(ErrorCode::kInvalid,
                  "{}: there is no capability '{}' (expected names as in capabilities(7), such as "
                  "'NET_ADMIN', or 'ALL')",
                  settings::kCapabilities, name);
    }
    names.insert(name);
  }
  return names;
}

std::optional<std::vector<fs::path>> binds_from(const std::vector<std::string>& texts) {
  const auto list = list_from(texts, settings::kBinds);
  if (!list) return std::nullopt;
  std::vector<fs::path> places;
  for (const std::string& text : *list) {
    const fs::path place = fs::path(text).lexically_normal();
    if (!place.is_absolute())
      throw Error(ErrorCode::kInvalid, "{}: '{}' is no absolute path", settings::kBinds, text);
    places.push_back(place);
  }
  return places;
}

}  // namespace

void define_policy(CLI::App& app, PolicyTexts& texts) {
  define(app, settings::kRegistries, texts.registries,
         "Where images may come from: 'any', or HOST[:PORT][/PATH]; may be given again");
  define(app, settings::kDigests, texts.digests, "'any', or 'required': images only with their digests");
  define(app, settings::kPrivileged, texts.privileged,
         "Privileged containers and what equals them: allow or deny");
  define(app, settings::kHostNetwork, texts.host_network, "The node's network: allow or deny");
  define(app, settings::kHostNamespaces, texts.host_namespaces,
         "The node's PID, IPC, UTS, user and cgroup namespaces: allow or deny");
  define(app, settings::kDevices, texts.devices, "Devices of the node: allow or deny");
  define(app, settings::kCapabilities, texts.capabilities,
         "Capabilities that may be added: 'any', 'none', or names; may be given again");
  define(app, settings::kBinds, texts.binds,
         "What of the node's files may be mounted: 'any', 'none', or directories; may be given again");
}

Policy policy_from(const PolicyTexts& texts) {
  Policy policy;
  policy.registries = registries_from(texts.registries);
  if (texts.digests != "any" && texts.digests != "required")
    throw Error(ErrorCode::kInvalid, "{} is '{}' (expected 'any' or 'required')", settings::kDigests,
                texts.digests);
  policy.tags = texts.digests == "required" ? Leave::kDeny : Leave::kAllow;
  policy.privileged = leave_from(texts.privileged, settings::kPrivileged);
  policy.host_network = leave_from(texts.host_network, settings::kHostNetwork);
  policy.host_namespaces = leave_from(texts.host_namespaces, settings::kHostNamespaces);
  policy.devices = leave_from(texts.devices, settings::kDevices);
  policy.capabilities = capabilities_from(texts.capabilities);
  policy.binds = binds_from(texts.binds);
  return policy;
}

std::vector<fs::path> guarded_paths(const std::string& engine, const fs::path& data_directory,
                                    const fs::path& config) {
  // Links below /proc lead into the file systems of all processes.
  std::vector<fs::path> paths{"/var/run/docker.sock",    "/run/containerd/containerd.sock",
                              "/run/podman/podman.sock", data_directory,
                              "/etc/hivemind",           "/proc"};
  constexpr std::string_view kUnix = "unix://";
  if (engine.starts_with(kUnix)) paths.emplace_back(engine.substr(kUnix.size()));
  if (!config.empty()) paths.push_back(fs::absolute(config));
  return paths;
}

}  // namespace hivemind::agent
