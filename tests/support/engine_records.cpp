#include "tests/support/engine_records.h"

#include "common/digest.h"

namespace hivemind::tests {
namespace {

using nlohmann::json;

RecordAnswer refusal(int status, const std::string& message) {
  return {status, {{"message", message}}};
}

json labels_of(const json& entry) {
  if (entry.contains("Config")) return entry.at("Config").value("Labels", json::object());
  return entry.value("Labels", json::object());
}

// filters={"label":["key=value"]}; what else may stand there is of no matter here.
bool passes(const RecordRequest& request, const json& entry) {
  const auto found = request.query.find("filters");
  if (found == request.query.end()) return true;
  const json labels = labels_of(entry);
  for (const json& wanted : json::parse(found->second).value("label", json::array())) {
    const auto text = wanted.get<std::string>();
    if (labels.value(text.substr(0, text.find('=')), "") != text.substr(text.find('=') + 1)) return false;
  }
  return true;
}

json listed(const json& container) {
  return {{"Id", container.at("Id")},
          {"Names", {container.at("Name")}},
          {"Labels", labels_of(container)},
          {"State", container.at("State").at("Status")},
          {"Ports", json::array()}};
}

void set_status(json& container, const std::string& status, int exit_code) {
  container["State"]["Status"] = status;
  container["State"]["Running"] = status == "running";
  container["State"]["ExitCode"] = exit_code;
}

json endpoints_of(const json& body) {
  const json config = body.value("NetworkingConfig", json::object()).value("EndpointsConfig", json::object());
  if (!config.empty()) return config;
  const std::string mode = body.value("HostConfig", json::object()).value("NetworkMode", "bridge");
  return mode.starts_with("container:") ? json::object() : json{{mode, json::object()}};
}

}  // namespace

RecordAnswer EngineRecords::answer(const RecordRequest& request) {
  const std::string what = request.path.empty() ? "" : request.path.front();
  if (what == "_ping") return {200, json::object()};
  if (what == "version")
    return {200,
            {{"Version", "records"},
             {"ApiVersion", api_version},
             {"MinAPIVersion", "1.24"},
             {"Arch", "amd64"},
             {"Os", "linux"},
             {"KernelVersion", "6"}}};
  if (what == "info") return {200, {{"DockerRootDir", ""}, {"LoggingDriver", "json-file"}, {"NCPU", 2}}};
  if (what == "containers") return containers(request);
  if (what == "networks") return networks(request);
  if (what == "volumes") return volumes(request);
  if (what == "images") return images(request);
  return refusal(404, "page not found");
}

std::string EngineRecords::new_id() {
  const int number = all.at("next").get<int>();
  all["next"] = number + 1;
  return sha256_hex(std::to_string(number));
}

json* EngineRecords::container(const std::string& id_or_name) {
  for (auto& [id, entry] : all["containers"].items()) {
    if (id == id_or_name || entry.at("Name") == "/" + id_or_name) return &entry;
  }
  return nullptr;
}

void EngineRecords::tell(const std::string& action, const json& container) {
  json attributes = labels_of(container);
  attributes["name"] = container.at("Name").get<std::string>().substr(1);
  events_.push_back({{"Type", "container"},
                     {"Action", action},
                     {"Actor", {{"ID", container.at("Id")}, {"Attributes", attributes}}}});
}

RecordAnswer EngineRecords::containers(const RecordRequest& request) {
  const auto& path = request.path;
  if (path.size() == 2 && path[1] == "json") {
    json list = json::array();
    for (const auto& [id, entry] : all["containers"].items()) {
      const bool shown = request.query.contains("all") || entry.at("State").at("Status") == "running";
      if (shown && passes(request, entry)) list.push_back(listed(entry));
    }
    return {200, list};
  }
  if (path.size() == 2 && path[1] == "create") return create_container(request);
  json* found = path.size() < 2 ? nullptr : container(path[1]);
  if (found == nullptr) return refusal(404, "No such container: " + (path.size() < 2 ? "" : path[1]));
  if (request.method == "GET") {
    if (path.size() == 3 && path[2] == "json") return {200, *found};
    return {200, json()};  // logs
  }
  return change(request, *found);
}

RecordAnswer EngineRecords::create_container(const RecordRequest& request) {
  const std::string name = request.query.at("name");
  if (container(name) != nullptr)
    return refusal(409, "Conflict. The container name \"" + name + "\" is in use");
  const json endpoints = endpoints_of(request.body);
  for (const auto& [network, endpoint] : endpoints.items()) {
    bool known = network == "bridge" || network == "host" || network == "none" || network == "default";
    for (const auto& [id, entry] : all["networks"].items()) known = known || entry.at("Name") == network;
    if (!known) return refusal(404, "network " + network + " not found");
  }
  json config = request.body;
  config.erase("HostConfig");
  config.erase("NetworkingConfig");
  const std::string id = new_id();
  const auto image = config.at("Image").get<std::string>();
  json entry = {{"Id", id},
                {"Name", "/" + name},
                {"Image", "sha256:" + sha256_hex(image)},
                {"Config", config},
                {"HostConfig", request.body.value("HostConfig", json::object())},
                {"RestartCount", 0},
                {"Mounts", json::array()},
                {"State", {{"Status", "created"}, {"StartedAt", ""}, {"FinishedAt", ""}}},
                {"NetworkSettings", {{"Networks", endpoints}}}};
  all["containers"][id] = entry;
  tell("create", entry);
  return {201, {{"Id", id}, {"Warnings", json::array()}}};
}

void EngineRecords::start(json& container) {
  const std::string moment =
      "2026-01-01T00:00:00." + std::to_string(100000 + all.at("next").get<int>()) + "Z";
  all["next"] = all.at("next").get<int>() + 1;
  container["State"]["StartedAt"] = moment;
  set_status(container, "running", 0);
  tell("start", container);
  if (!container.at("Config").at("Image").get<std::string>().starts_with("crash")) return;
  set_status(container, "exited", 3);
  container["State"]["FinishedAt"] = moment;
  tell("die", container);
}

RecordAnswer EngineRecords::change(const RecordRequest& request, json& container) {
  if (request.method == "DELETE") {
    const json gone = container;
    if (gone.at("State").at("Status") == "running" && !request.query.contains("force"))
      return refusal(409, "container is running");
    all["containers"].erase(gone.at("Id").get<std::string>());
    tell("destroy", gone);
    return {204, json()};
  }
  const std::string& verb = request.path.at(2);
  const bool running = container.at("State").at("Status") == "running";
  if (verb == "start") {
    if (running) return {304, json()};
    start(container);
  } else if (verb == "stop") {
    if (!running) return {304, json()};
    set_status(container, "exited", 137);
    tell("die", container);
    tell("stop", container);
  } else if (verb == "rename") {
    const std::string name = request.query.at("name");
    if (this->container(name) != nullptr) return refusal(409, "the name is in use");
    container["Name"] = "/" + name;
    tell("rename", container);
  } else if (verb == "update") {
    container["HostConfig"].merge_patch(request.body);
    tell("update", container);
    return {200, {{"Warnings", json::array()}}};
  } else {
    return refusal(404, "page not found");
  }
  return {204, json()};
}

RecordAnswer EngineRecords::networks(const RecordRequest& request) {
  const auto& path = request.path;
  if (path.size() == 1) {
    json list = json::array();
    for (const auto& [id, entry] : all["networks"].items()) {
      if (passes(request, entry)) list.push_back(entry);
    }
    return {200, list};
  }
  if (path[1] == "create") {
    const std::string id = new_id();
    all["networks"][id] = {{"Id", id},
                           {"Name", request.body.at("Name")},
                           {"Labels", request.body.value("Labels", json::object())},
                           {"Driver", "bridge"}};
    return {201, {{"Id", id}, {"Warning", ""}}};
  }
  for (const auto& [id, entry] : all["networks"].items()) {
    if (id != path[1] && entry.at("Name") != path[1]) continue;
    if (request.method == "DELETE") {
      all["networks"].erase(std::string(id));
      return {204, json()};
    }
    if (request.method == "POST") return {200, json()};  // connect, disconnect
    json whole = entry;
    whole["Containers"] = json::object();
    return {200, whole};
  }
  return refusal(404, "network " + path[1] + " not found");
}

RecordAnswer EngineRecords::volumes(const RecordRequest& request) {
  const auto& path = request.path;
  json& known = all["volumes"];
  if (path.size() == 1) {
    json list = json::array();
    for (const auto& [name, entry] : known.items()) {
      if (passes(request, entry)) list.push_back(entry);
    }
    return {200, {{"Volumes", list}}};
  }
  if (path[1] == "create") {
    const auto name = request.body.at("Name").get<std::string>();
    if (!known.contains(name)) {
      known[name] = {{"Name", name},
                     {"Driver", "local"},
                     {"Labels", request.body.value("Labels", json::object())},
                     {"Options", json::object()},
                     {"made", new_id()}};
    }
    return {201, known.at(name)};
  }
  if (!known.contains(path[1])) return refusal(404, "get " + path[1] + ": no such volume");
  if (request.method != "DELETE") return {200, known.at(path[1])};
  known.erase(path[1]);
  return {204, json()};
}

RecordAnswer EngineRecords::images(const RecordRequest& request) const {
  const auto& path = request.path;
  if (path.size() == 2 && path[1] == "json") return {200, json::array()};
  if (path.size() == 2 && path[1] == "create") {
    const std::string name = request.query.at("fromImage");
    if (name.starts_with("absent")) return refusal(404, "pull access denied for " + name);
    return {200, {{"status", "Image is up to date"}}};
  }
  const std::string name = path.size() < 2 ? "" : path[1];
  if (name.starts_with("absent")) return refusal(404, "No such image: " + name);
  return {200, {{"Id", "sha256:" + sha256_hex(name)}, {"RepoDigests", json::array()}}};
}

}  // namespace hivemind::tests
