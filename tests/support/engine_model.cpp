#include "tests/support/engine_model.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/error.h"

namespace hivemind::tests {

using agent::Container;
using agent::ContainerStatus;
using agent::Health;
using nlohmann::json;

namespace {

const char* text_of(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::kCreated:
      return "created";
    case ContainerStatus::kRunning:
      return "running";
    case ContainerStatus::kPaused:
      return "paused";
    case ContainerStatus::kExited:
      return "exited";
    default:
      return "other";
  }
}

std::map<std::string, std::string> labels_of(const json& body) {
  return body.value("Labels", std::map<std::string, std::string>());
}

bool is_managed(const std::map<std::string, std::string>& labels) {
  return labels.contains(agent::labels::kManaged);
}

bool is_of_compose(const std::map<std::string, std::string>& labels) {
  return labels.contains(agent::labels::kComposeProject) && !labels.contains(agent::labels::kNode);
}

template <typename Things>
void adopt(Things& things, const agent::Adopted& adopted) {
  for (auto& thing : things) {
    const auto found = adopted.find(thing.id);
    if (found == adopted.end()) continue;
    for (const auto& [key, value] : found->second) thing.labels[key] = value;
  }
}

template <typename Things>
auto sorted_managed(Things things) {
  std::erase_if(things, [](const auto& thing) { return !is_managed(thing.labels); });
  std::ranges::sort(things, [](const auto& a, const auto& b) { return a.name < b.name; });
  return things;
}

void fill_limits(Container& container, const json& host) {
  container.memory = host.value("Memory", std::int64_t{0});
  container.nano_cpus = host.value("NanoCpus", std::int64_t{0});
  const json policy = host.value("RestartPolicy", json::object());
  container.restart_policy = policy.value("Name", "no");
  const json bindings = host.value("PortBindings", json::object());
  for (const auto& [port, list] : bindings.items()) {
    for (const json& binding : list) {
      const auto held =
          agent::host_ports_of(port, binding.value("HostIp", ""), binding.value("HostPort", ""));
      if (held) container.ports.push_back(*held);
    }
  }
}

// Ids of the containers whose namespaces it joins.
std::set<std::string> namespaces_in(const json& host) {
  std::set<std::string> ids;
  for (const char* key : {"NetworkMode", "PidMode", "IpcMode"}) {
    const std::string mode = host.value(key, "");
    if (mode.starts_with("container:")) ids.insert(mode.substr(std::string("container:").size()));
  }
  return ids;
}

}  // namespace

Container& EngineModel::container(const std::string& name) {
  const auto found = std::ranges::find(containers_, name, &Container::name);
  if (found == containers_.end()) throw Error(ErrorCode::kNotFound, "no container '{}'", name);
  return *found;
}

bool EngineModel::has_container(const std::string& name) const {
  return std::ranges::find(containers_, name, &Container::name) != containers_.end();
}

Container& EngineModel::by_id(const std::string& id) {
  const auto found = std::ranges::find(containers_, id, &Container::id);
  if (found == containers_.end()) throw Error(ErrorCode::kNotFound, "no container with id '{}'", id);
  return *found;
}

std::vector<std::string> EngineModel::running() const {
  std::vector<std::string> names;
  for (const Container& container : containers_) {
    if (container.status == ContainerStatus::kRunning) names.push_back(container.name);
  }
  std::ranges::sort(names);
  return names;
}

std::string EngineModel::text() const {
  std::vector<std::string> lines;
  for (const Container& container : containers_) {
    const auto hash = container.labels.find(agent::labels::kConfigHash);
    lines.push_back(fmt::format("{} {} {}\n", container.name,
                                hash == container.labels.end() ? "-" : hash->second,
                                text_of(container.status)));
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

agent::Observed EngineModel::observe() const {
  auto containers = containers_;
  auto networks = networks_;
  adopt(containers, adopted);
  adopt(networks, adopted);
  agent::Observed observed{
      sorted_managed(containers), sorted_managed(networks), sorted_managed(volumes_), {}};
  for (const Container& container : containers) {
    if (!is_of_compose(container.labels)) continue;
    observed.projects[container.labels.at(agent::labels::kComposeProject)].containers.push_back(
        {container.id, container.name, container.labels});
  }
  for (const agent::EngineNetwork& network : networks) {
    if (!is_of_compose(network.labels)) continue;
    observed.projects[network.labels.at(agent::labels::kComposeProject)].networks.push_back(network);
  }
  set_jobs_apart(observed);
  return observed;
}

std::optional<std::string> EngineModel::inspect_container(const std::string& id) const {
  const auto found = std::ranges::find(containers_, id, &Container::id);
  if (found == containers_.end()) return std::nullopt;
  const auto body = bodies_.find(id);
  const json made = body == bodies_.end() ? json::object() : json::parse(body->second);
  json inspected{{"Id", id}, {"Name", "/" + found->name}, {"Image", found->image_id}, {"Config", made}};
  inspected["HostConfig"] = made.value("HostConfig", json::object());
  inspected["Config"].erase("HostConfig");
  inspected["Config"].erase("NetworkingConfig");
  for (const std::string& network : found->networks)
    inspected["NetworkSettings"]["Networks"][network] = json::object();
  return inspected.dump();
}

std::optional<std::string> EngineModel::inspect_network(const std::string& name) const {
  const auto found = std::ranges::find(networks_, name, &agent::EngineNetwork::name);
  if (found == networks_.end()) return std::nullopt;
  const auto body = bodies_.find(found->id);
  json inspected = body == bodies_.end() ? json::object() : json::parse(body->second);
  inspected["Id"] = found->id;
  return inspected.dump();
}

std::optional<std::string> EngineModel::inspect_volume(const std::string& name) const {
  if (!volume_exists(name)) return std::nullopt;
  return json{{"Name", name}}.dump();
}

std::vector<std::string> EngineModel::containers_with(const std::string& label) const {
  std::vector<std::string> ids;
  for (const Container& container : containers_) {
    for (const auto& [key, value] : container.labels) {
      if (key + "=" + value == label) ids.push_back(container.id);
    }
  }
  return ids;
}

std::optional<std::string> EngineModel::image_id(const std::string& reference) const {
  if (images_.contains(reference)) return reference;
  for (const auto& [id, image] : images_) {
    if (std::ranges::find(image.references, reference) != image.references.end()) return id;
  }
  return std::nullopt;
}

std::vector<agent::EngineImage> EngineModel::images() const {
  std::vector<agent::EngineImage> images;
  for (const auto& [id, image] : images_) images.push_back(image);
  return images;
}

std::set<std::string> EngineModel::images_in_use() const {
  std::set<std::string> used;
  for (const Container& container : containers_) used.insert({container.image, container.image_id});
  return used;
}

void EngineModel::add_image(const std::string& reference, const std::string& id) {
  for (auto& [other, image] : images_) std::erase(image.references, reference);
  agent::EngineImage& image = images_[id];
  image.id = id;
  image.references.push_back(reference);
}

void EngineModel::remove_image(const std::string& reference) {
  if (const auto id = image_id(reference)) images_.erase(*id);
}

void EngineModel::delete_image(const std::string& reference_or_id) {
  const auto id = image_id(reference_or_id);
  if (!id) return;
  agent::EngineImage& image = images_.at(*id);
  const bool by_id = *id == reference_or_id;
  if (by_id && image.references.size() > 1) throw Error(ErrorCode::kConflict, "'{}' has several names", *id);
  const bool is_last = by_id || image.references.size() == 1;
  const bool is_used = std::ranges::find(containers_, *id, &Container::image_id) != containers_.end();
  if (is_last && is_used) throw Error(ErrorCode::kConflict, "image '{}' is in use", reference_or_id);
  std::erase(image.references, reference_or_id);
  if (is_last) images_.erase(*id);
}

std::string EngineModel::create_container(const std::string& name, const std::string& body_text) {
  const json body = json::parse(body_text);
  const json host = body.value("HostConfig", json::object());
  if (has_container(name)) throw Error(ErrorCode::kConflict, "the name '{}' is in use", name);
  Container made;
  made.image = body.value("Image", "");
  const auto image = image_id(made.image);
  if (!image) throw Error(ErrorCode::kNotFound, "no such image '{}'", made.image);
  made.id = fmt::format("{:08x}{:056x}", ++ids_, 0);
  made.name = name;
  made.image_id = *image;
  made.labels = labels_of(body);
  made.started_at = "0001-01-01T00:00:00Z";
  fill_limits(made, host);
  const json endpoints =
      body.value("NetworkingConfig", json::object()).value("EndpointsConfig", json::object());
  for (const auto& [network, endpoint] : endpoints.items()) made.networks.push_back(network);
  std::ranges::sort(made.networks);
  bases_[made.id] = made.bases = namespaces_in(host);
  for (const std::string& from : host.value("VolumesFrom", std::vector<std::string>()))
    made.bases.insert(from.substr(0, from.find(':')));
  containers_.push_back(made);
  bodies_[made.id] = body_text;
  tell(containers_.back(), "create");
  return made.id;
}

void EngineModel::start_container(const std::string& id) {
  Container& container = by_id(id);
  if (container.status == ContainerStatus::kRunning) return;
  for (const agent::HostPorts& ports : container.ports) {
    for (const Container& other : containers_) {
      if (other.status != ContainerStatus::kRunning) continue;
      for (const agent::HostPorts& held : other.ports) {
        if (overlap(ports, held))
          throw Error(ErrorCode::kInternal, "port {} is held by '{}'", ports.first, other.name);
      }
    }
  }
  for (const std::string& base : bases_[container.id]) {
    if (by_id(base).status != ContainerStatus::kRunning)
      throw Error(ErrorCode::kConflict, "cannot join a namespace of '{}', which does not run", base);
  }
  for (const std::string& network : container.networks) {
    if (!network_exists(network)) throw Error(ErrorCode::kNotFound, "network '{}' not found", network);
  }
  stopped_.erase(id);
  container.status = ContainerStatus::kRunning;
  ++clock_;
  container.started_at = fmt::format("2026-01-01T00:{:02}:{:02}Z", clock_ / 60, clock_ % 60);
  const auto health = health_.find(container.image);
  container.health = health == health_.end() ? Health::kNone : health->second;
  tell(container, "start");
  if (const auto ends = ends_.find(container.image); ends != ends_.end()) end(container, ends->second);
}

void EngineModel::stop_container(const std::string& id) {
  Container& container = by_id(id);
  if (container.status != ContainerStatus::kRunning && container.status != ContainerStatus::kPaused) return;
  tell(container, "kill", {{"signal", "15"}});
  stopped_.insert(id);
  end(container, 0);
}

// One that was never started stays so, whatever its policy; "unless-stopped" remembers a stop, "always" does
// not.
void EngineModel::restart() {
  std::vector<std::string> coming;
  for (Container& container : containers_) {
    const bool was_up =
        container.status == ContainerStatus::kRunning || container.status == ContainerStatus::kPaused;
    if (was_up) end(container, 137);
    if (container.status != ContainerStatus::kExited) continue;
    const std::string& policy = container.restart_policy;
    const bool comes = policy == "always" ||
                       (policy == "unless-stopped" && !stopped_.contains(container.id)) ||
                       (policy.starts_with("on-failure") && container.exit_code != 0);
    if (comes) coming.push_back(container.id);
  }
  for (const std::string& id : coming) {
    try {
      start_container(id);
    } catch (const Error&) {
      continue;
    }
  }
}

void EngineModel::set_restart_policy(const std::string& id, const std::string& policy) {
  by_id(id).restart_policy = policy;
}

std::string EngineModel::container_log(const std::string& id) const {
  for (const Container& container : containers_) {
    const auto text = logs_.find(container.image);
    if (container.id == id && text != logs_.end()) return text->second;
  }
  return {};
}

void EngineModel::unpause_container(const std::string& id) {
  Container& container = by_id(id);
  if (container.status != ContainerStatus::kPaused)
    throw Error(ErrorCode::kConflict, "'{}' is not paused", id);
  container.status = ContainerStatus::kRunning;
  tell(container, "unpause");
}

void EngineModel::rename_container(const std::string& id, const std::string& name) {
  if (has_container(name)) throw Error(ErrorCode::kConflict, "the name '{}' is in use", name);
  Container& container = by_id(id);
  container.name = name;
  tell(container, "rename");
}

void EngineModel::remove_container(const std::string& id, bool force) {
  const auto found = std::ranges::find(containers_, id, &Container::id);
  if (found == containers_.end()) return;
  if (!force && found->status == ContainerStatus::kRunning)
    throw Error(ErrorCode::kConflict, "'{}' runs", id);
  const Container gone = *found;
  containers_.erase(found);
  if (gone.status == ContainerStatus::kRunning) tell(gone, "die", {{"exitCode", "137"}});
  tell(gone, "destroy");
}

void EngineModel::connect_network(const std::string& network, const std::string& id) {
  if (!network_exists(network)) throw Error(ErrorCode::kNotFound, "network '{}' not found", network);
  Container& container = by_id(id);
  container.networks.push_back(network);
  std::ranges::sort(container.networks);
}

void EngineModel::disconnect_network(const std::string& network, const std::string& id) {
  std::erase(by_id(id).networks, network);
}

std::vector<agent::NetworkUser> EngineModel::network_users(const std::string& id) const {
  const auto found = std::ranges::find(networks_, id, &agent::EngineNetwork::id);
  std::vector<agent::NetworkUser> users;
  if (found == networks_.end()) return users;
  for (const Container& container : containers_) {
    const bool is_on = std::ranges::find(container.networks, found->name) != container.networks.end();
    if (is_on && container.status == ContainerStatus::kRunning)
      users.push_back({container.id, container.name});
  }
  return users;
}

int EngineModel::exec(const std::string& id, const std::vector<std::string>& command) {
  const Container& container = by_id(id);
  if (container.status != ContainerStatus::kRunning)
    throw Error(ErrorCode::kConflict, "container '{}' does not run", container.name);
  executed_.push_back(fmt::format("{}: {}", container.name, fmt::join(command, " ")));
  const auto fails = fails_.find(command.front());
  return fails == fails_.end() ? 0 : fails->second;
}

bool EngineModel::network_exists(const std::string& name) const {
  return std::ranges::find(networks_, name, &agent::EngineNetwork::name) != networks_.end();
}

std::string EngineModel::create_network(const std::string& body_text) {
  const json body = json::parse(body_text);
  const std::string name = body.value("Name", "");
  if (network_exists(name)) throw Error(ErrorCode::kConflict, "network '{}' exists", name);
  networks_.push_back({fmt::format("net{}", ++ids_), name, labels_of(body)});
  bodies_[networks_.back().id] = body_text;
  return networks_.back().id;
}

void EngineModel::remove_network(const std::string& id) {
  const auto found = std::ranges::find(networks_, id, &agent::EngineNetwork::id);
  if (found == networks_.end()) return;
  for (const Container& container : containers_) {
    const bool uses = std::ranges::find(container.networks, found->name) != container.networks.end();
    if (uses && container.status == ContainerStatus::kRunning) {
      throw Error(ErrorCode::kConflict, "network '{}' is in use", found->name);
    }
  }
  networks_.erase(found);
}

bool EngineModel::volume_exists(const std::string& name) const {
  return std::ranges::find(volumes_, name, &agent::EngineVolume::name) != volumes_.end();
}

void EngineModel::remove_volume(const std::string& name) {
  for (const Container& container : containers_) {
    const auto body = bodies_.find(container.id);
    const json host = body == bodies_.end() ? json() : json::parse(body->second).value("HostConfig", json());
    for (const json& bind : host.value("Binds", json::array())) {
      if (bind.get<std::string>().starts_with(name + ":"))
        throw Error(ErrorCode::kConflict, "volume '{}' is in use", name);
    }
    for (const json& mount : host.value("Mounts", json::array())) {
      if (mount.value("Source", "") == name) throw Error(ErrorCode::kConflict, "volume '{}' is in use", name);
    }
  }
  std::erase_if(volumes_, [&](const agent::EngineVolume& volume) { return volume.name == name; });
}

agent::EngineVolume EngineModel::create_volume(const std::string& body_text) {
  const json body = json::parse(body_text);
  const std::string name = body.value("Name", "");
  const auto found = std::ranges::find(volumes_, name, &agent::EngineVolume::name);
  if (found != volumes_.end()) return *found;
  volumes_.push_back({name, labels_of(body), body.value("Driver", "local"),
                      body.value("DriverOpts", std::map<std::string, std::string>())});
  return volumes_.back();
}

void EngineModel::exit(const std::string& name, int exit_code) {
  end(container(name), exit_code);
}

void EngineModel::end(Container& container, int exit_code) {
  container.status = ContainerStatus::kExited;
  container.exit_code = exit_code;
  container.health = Health::kNone;
  tell(container, "die", {{"exitCode", std::to_string(exit_code)}});
}

void EngineModel::tell(const Container& container, const std::string& action,
                       std::map<std::string, std::string> attributes) {
  attributes.insert(container.labels.begin(), container.labels.end());
  events_.push_back({"container", action, container.id, std::move(attributes)});
}

std::vector<agent::EngineEvent> EngineModel::take_events() {
  return std::exchange(events_, {});
}

}  // namespace hivemind::tests
