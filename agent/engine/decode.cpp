#include "agent/engine/decode.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/engine/fields.h"
#include "common/error.h"
#include "common/text.h"

namespace hivemind::agent::decode {

namespace {

constexpr std::size_t kMaxHealthText = 1024;
constexpr std::size_t kMaxRefusal = 2000;

std::string required(const Json& object, const char* key) {
  std::string value = text_of(object, key);
  if (value.empty()) throw Error(ErrorCode::kCorrupt, "the engine's answer lacks '{}'", key);
  return value;
}

template <typename T>
T in_range(std::int64_t value) {
  return static_cast<T>(
      std::clamp<std::int64_t>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

// Podman writes ids of images without their algorithm in some places.
std::string with_algorithm(std::string id) {
  const bool is_bare = id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_bare ? "sha256:" + id : id;
}

ContainerStatus status_of(const Json& state) {
  // The second half are Podman's words.
  static constexpr std::pair<std::string_view, ContainerStatus> kWords[] = {
      {"created", ContainerStatus::kCreated},     {"running", ContainerStatus::kRunning},
      {"paused", ContainerStatus::kPaused},       {"restarting", ContainerStatus::kRestarting},
      {"removing", ContainerStatus::kRemoving},   {"exited", ContainerStatus::kExited},
      {"dead", ContainerStatus::kDead},           {"configured", ContainerStatus::kCreated},
      {"initialized", ContainerStatus::kCreated}, {"stopping", ContainerStatus::kRunning},
      {"stopped", ContainerStatus::kExited},
  };
  const std::string word = text_of(state, "Status");
  for (const auto& [known, status] : kWords) {
    if (word == known) return status;
  }
  if (flag_of(state, "Paused")) return ContainerStatus::kPaused;
  return flag_of(state, "Running") ? ContainerStatus::kRunning : ContainerStatus::kExited;
}

Health health_of(const std::string& word) {
  if (word == "starting") return Health::kStarting;
  if (word == "healthy") return Health::kHealthy;
  return word == "unhealthy" ? Health::kUnhealthy : Health::kNone;
}

std::string restart_policy_of(const Json& host_config) {
  const Json& policy = part_of(host_config, "RestartPolicy");
  const std::string name = text_of(policy, "Name");
  const std::int64_t limit = integer_of(policy, "MaximumRetryCount");
  if (name.empty()) return "no";
  return name == "on-failure" && limit > 0 ? fmt::format("{}:{}", name, limit) : name;
}

void read_state(const Json& state, const Clean& clean, Container& container) {
  container.status = status_of(state);
  container.exit_code = in_range<int>(integer_of(state, "ExitCode"));
  container.error = cut(clean(text_of(state, "Error")), kMaxRefusal);
  container.started_at = text_of(state, "StartedAt");
  container.finished_at = text_of(state, "FinishedAt");
  const Json& health = part_of(state, "Health");
  container.health = health_of(text_of(health, "Status"));
  const Json& probes = list_of(health, "Log");
  if (!probes.empty())
    container.health_text = cut(trimmed(clean(text_of(probes.back(), "Output"))), kMaxHealthText);
}

// "container:<id>"
void read_bases(const Json& host_config, Container& container) {
  constexpr std::string_view kJoined = "container:";
  for (const char* key : {"NetworkMode", "PidMode", "IpcMode"}) {
    const std::string mode = text_of(host_config, key);
    if (mode.starts_with(kJoined)) container.bases.insert(mode.substr(kJoined.size()));
  }
  for (const Json& from : list_of(host_config, "VolumesFrom")) {
    if (!from.is_string()) continue;
    const std::string text = from.get<std::string>();
    container.bases.insert(text.substr(0, text.find(':')));
  }
}

void read_host_config(const Json& host_config, Container& container) {
  read_bases(host_config, container);
  container.memory = integer_of(host_config, "Memory");
  container.nano_cpus = integer_of(host_config, "NanoCpus");
  container.restart_policy = restart_policy_of(host_config);
  for (const auto& [port, bindings] : part_of(host_config, "PortBindings").items()) {
    if (!bindings.is_array()) continue;  // Docker writes null for none
    for (const Json& binding : bindings) {
      if (auto held = host_ports_of(port, text_of(binding, "HostIp"), text_of(binding, "HostPort")))
        container.ports.push_back(std::move(*held));
    }
  }
}

const Json& require_list(const Json& value, const char* what) {
  if (!value.is_array()) {
    throw Error(ErrorCode::kCorrupt, "the engine's answer is a {}, not a list of {}", value.type_name(),
                what);
  }
  return value;
}

// The engine names a volume without a name by 64 random hex digits. (Docker marks it by a label as well, from
// API 1.42 on.)
bool is_anonymous(const std::string& volume) {
  return volume.size() == 64 && volume.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void read_anonymous_volumes(const Json& answer, Container& container) {
  for (const Json& mount : list_of(answer, "Mounts")) {
    if (!mount.is_object() || text_of(mount, "Type") != "volume") continue;
    const std::string name = text_of(mount, "Name");
    if (is_anonymous(name)) container.anonymous_volumes[text_of(mount, "Destination")] = name;
  }
}

EngineVolume volume_of(const Json& entry) {
  return {required(entry, "Name"), texts_of(entry, "Labels"), text_of(entry, "Driver"),
          texts_of(entry, "Options")};
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMaxRefusal));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, ' ');
  return std::string(trimmed(out));
}

}  // namespace

Version version(std::string_view body) {
  const Json answer = parse_json(body);
  Version version;
  version.engine.version = text_of(answer, "Version");
  version.engine.architecture = text_of(answer, "Arch");
  version.engine.os = text_of(answer, "Os");
  version.engine.kernel = text_of(answer, "KernelVersion");
  version.engine.api = ApiVersion::parse(required(answer, "ApiVersion"));
  const std::string oldest = text_of(answer, "MinAPIVersion");
  if (!oldest.empty()) version.oldest_api = ApiVersion::parse(oldest);
  return version;
}

void info(std::string_view body, EngineInfo& engine) {
  const Json answer = parse_json(body);
  engine.root_directory = text_of(answer, "DockerRootDir");
  engine.log_driver = text_of(answer, "LoggingDriver");
  engine.cpus = in_range<unsigned>(std::max<std::int64_t>(integer_of(answer, "NCPU"), 0));
  engine.memory_bytes = std::max<std::int64_t>(integer_of(answer, "MemTotal"), 0);
}

std::vector<std::string> container_ids(std::string_view body) {
  const Json answer = parse_json(body);
  std::vector<std::string> ids;
  for (const Json& entry : require_list(answer, "containers")) ids.push_back(required(entry, "Id"));
  return ids;
}

std::vector<ListedContainer> listed_containers(std::string_view body) {
  const Json answer = parse_json(body);
  std::vector<ListedContainer> containers;
  for (const Json& entry : require_list(answer, "containers")) {
    const Json& names = list_of(entry, "Names");
    std::string name = !names.empty() && names.front().is_string() ? names.front().get<std::string>() : "";
    if (name.starts_with('/')) name.erase(0, 1);
    containers.push_back({required(entry, "Id"), std::move(name), texts_of(entry, "Labels")});
  }
  return containers;
}

std::set<std::string> images_in_use(std::string_view body) {
  const Json answer = parse_json(body);
  std::set<std::string> used;
  for (const Json& entry : require_list(answer, "containers")) {
    used.insert(text_of(entry, "Image"));
    used.insert(with_algorithm(text_of(entry, "ImageID")));
  }
  return used;
}

std::vector<PublishedPort> published_ports(std::string_view body) {
  std::vector<PublishedPort> ports;
  for (const Json& container : parse_json(body)) {
    const Json& names = list_of(container, "Names");
    std::string name = names.empty() || !names.front().is_string() ? "" : names.front().get<std::string>();
    if (name.starts_with('/')) name.erase(0, 1);
    for (const Json& port : list_of(container, "Ports")) {
      const std::int64_t number = integer_of(port, "PublicPort");
      if (number <= 0 || number > std::numeric_limits<std::uint16_t>::max()) continue;
      ports.push_back({name, text_of(port, "IP"), static_cast<std::uint16_t>(number), text_of(port, "Type")});
    }
  }
  return ports;
}

Container container(std::string_view body, const Clean& clean) {
  const Json answer = parse_json(body);
  const Json& config = part_of(answer, "Config");
  Container container;
  container.id = required(answer, "Id");
  container.name = required(answer, "Name");
  if (container.name.starts_with('/')) container.name.erase(0, 1);
  container.image = text_of(config, "Image");
  container.image_id = with_algorithm(text_of(answer, "Image"));
  container.labels = texts_of(config, "Labels");
  container.restarts = in_range<std::uint32_t>(integer_of(answer, "RestartCount"));
  read_state(part_of(answer, "State"), clean, container);
  read_host_config(part_of(answer, "HostConfig"), container);
  read_anonymous_volumes(answer, container);
  const Json& networks = part_of(part_of(answer, "NetworkSettings"), "Networks");
  for (const auto& [name, endpoint] : networks.items()) container.networks.push_back(name);
  std::sort(container.networks.begin(), container.networks.end());
  return container;
}

std::vector<EngineNetwork> networks(std::string_view body) {
  const Json answer = parse_json(body);
  std::vector<EngineNetwork> networks;
  for (const Json& entry : require_list(answer, "networks")) {
    networks.push_back({required(entry, "Id"), required(entry, "Name"), texts_of(entry, "Labels")});
  }
  return networks;
}

std::vector<EngineVolume> volumes(std::string_view body) {
  const Json answer = parse_json(body);
  std::vector<EngineVolume> volumes;
  for (const Json& entry : list_of(answer, "Volumes")) {
    volumes.push_back(volume_of(entry));
  }
  return volumes;
}

EngineVolume volume(std::string_view body) {
  return volume_of(parse_json(body));
}

std::string image_id(std::string_view body) {
  return with_algorithm(required(parse_json(body), "Id"));
}

std::vector<EngineImage> images(std::string_view body) {
  const Json answer = parse_json(body);
  // Engines before 24 write "<none>:<none>" and "<none>@<none>" for none.
  const auto names = [](const Json& entry, const char* key) {
    std::vector<std::string> found;
    for (const Json& name : list_of(entry, key)) {
      if (name.is_string() && !name.get_ref<const std::string&>().ends_with("<none>")) found.push_back(name);
    }
    return found;
  };
  std::vector<EngineImage> images;
  for (const Json& entry : require_list(answer, "images")) {
    images.push_back({with_algorithm(required(entry, "Id")), names(entry, "RepoTags"),
                      names(entry, "RepoDigests"), integer_of(entry, "Size"), integer_of(entry, "Created")});
  }
  return images;
}

Created created(std::string_view body) {
  const Json answer = parse_json(body);
  Created created{required(answer, "Id"), {}};
  for (const Json& warning : list_of(answer, "Warnings")) {
    if (warning.is_string()) created.warnings.push_back(cut(warning.get<std::string>(), kMaxRefusal));
  }
  return created;
}

Created network(std::string_view body) {
  const Json answer = parse_json(body);
  Created created{required(answer, "Id"), {}};
  const std::string warning = cut(text_of(answer, "Warning"), kMaxRefusal);
  if (!warning.empty()) created.warnings.push_back(warning);
  return created;
}

std::vector<NetworkUser> network_users(std::string_view body) {
  const Json answer = parse_json(body);
  std::vector<NetworkUser> users;
  for (const auto& [id, endpoint] : part_of(answer, "Containers").items())
    users.push_back({id, cut(text_of(endpoint, "Name"), kMaxRefusal)});
  return users;
}

std::string exec_id(std::string_view body) {
  return required(parse_json(body), "Id");
}

std::optional<int> exit_code_of_exec(std::string_view body) {
  const Json answer = parse_json(body);
  if (flag_of(answer, "Running")) return std::nullopt;
  return in_range<int>(integer_of(answer, "ExitCode"));
}

EngineEvent event(std::string_view line) {
  const Json entry = parse_json(line);
  const Json& actor = part_of(entry, "Actor");
  return {text_of(entry, "Type"), text_of(entry, "Action"), text_of(actor, "ID"),
          texts_of(actor, "Attributes")};
}

PullLine pull_line(std::string_view line) {
  const Json entry = parse_json(line);
  const Json& progress = part_of(entry, "progressDetail");
  PullLine said;
  said.layer = text_of(entry, "id");
  said.status = text_of(entry, "status");
  said.current = integer_of(progress, "current");
  said.total = integer_of(progress, "total");
  said.error = text_of(part_of(entry, "errorDetail"), "message");
  if (said.error.empty()) said.error = text_of(entry, "error");
  said.error = cut(said.error, kMaxRefusal);
  return said;
}

std::string refusal(std::string_view body) {
  try {
    const Json answer = parse_json(body);
    std::string words = cut(text_of(answer, "message"), kMaxRefusal);
    std::ranges::replace_if(
        words, [](unsigned char c) { return c < 0x20; }, ' ');
    if (!words.empty()) return words;
  } catch (const Error&) {
    // Not the engine's JSON: its text is the best there is.
  }
  const std::string words = printable(body);
  return words.empty() ? "no reason given" : words;
}

}  // namespace hivemind::agent::decode
