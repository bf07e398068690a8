#include "tests/crash/releases.h"

#include <cstdlib>

#include <fmt/format.h>

#include "common/digest.h"

namespace hivemind::tests {
namespace {

using nlohmann::json;

std::string image() {
  const char* named = std::getenv("HIVEMIND_TEST_IMAGE");
  return named != nullptr ? named : "hivemind-test:1";
}

v1::Service service_of(const NodeRig& rig, const std::string& name, const std::string& version,
                       const std::string& image_name) {
  const std::string stack = rig.stack();
  v1::Service service;
  service.set_name(name);
  service.set_image(image_name.empty() ? image() : image_name);
  service.set_replicas(1);
  service.set_config_hash(name + "-" + version);
  const json body = {
      {"Image", service.image()},
      {"Env", {"VERSION=" + version}},
      {"StopTimeout", 1},
      {"HostConfig", {{"NetworkMode", stack + "_default"}, {"Binds", {stack + "_data:/data"}}}}};
  service.set_engine_body(body.dump());
  v1::Endpoint& endpoint = *service.add_endpoints();
  endpoint.set_network(stack + "_default");
  endpoint.set_engine_body("{}");
  return service;
}

std::string by_node(const NodeRig& rig) {
  return "filters=" + http::Client::escape(json{{"label", {"com.hivemind.node=" + rig.node()}}}.dump());
}

json listed(const NodeRig& rig) {
  return rig.engine().http().get("/containers/json?all=1&" + by_node(rig));
}

std::string name_of(const json& container) {
  return container.at("Names").at(0).get<std::string>().substr(1);
}

}  // namespace

v1::Manifest web_manifest(const NodeRig& rig, const WebStack& stack) {
  v1::Manifest manifest;
  v1::Release& release = *manifest.add_releases();
  release.set_stack(rig.stack());
  release.set_engine_api("1.41");
  release.set_revision(std::string(40, 'a'));
  release.set_digest("sha256:" + sha256_hex(stack.app + "/" + stack.db + "/" + stack.app_image));
  v1::Service app = service_of(rig, "app", stack.app, stack.app_image);
  v1::Dependency& dependency = *app.add_depends_on();
  dependency.set_service("db");
  dependency.set_required(true);
  v1::Service db = service_of(rig, "db", stack.db, "");
  app.set_soak_ms(stack.soak_ms);
  db.set_soak_ms(stack.soak_ms);
  *release.add_services() = app;
  *release.add_services() = db;
  v1::Network& network = *release.add_networks();
  network.set_key("default");
  network.set_name(rig.stack() + "_default");
  network.set_engine_body("{}");
  network.set_config_hash("network");
  v1::Volume& volume = *release.add_volumes();
  volume.set_key("data");
  volume.set_name(rig.stack() + "_data");
  volume.set_engine_body("{}");
  volume.set_config_hash("volume");
  return manifest;
}

v1::Manifest empty_manifest() {
  return {};
}

Scene scene_of(const NodeRig& rig) {
  Scene scene;
  for (const json& entry : listed(rig)) {
    scene.containers[name_of(entry)] = entry.at("Labels").at("com.hivemind.config-hash").get<std::string>() +
                                       " " + entry.at("State").get<std::string>();
  }
  for (const json& entry : rig.engine().http().get("/networks?" + by_node(rig)))
    scene.networks.insert(entry.at("Name"));
  for (const auto& [name, made] : volumes_of(rig)) scene.volumes.insert(name);
  return scene;
}

std::map<std::string, std::string> ids_of(const NodeRig& rig) {
  std::map<std::string, std::string> ids;
  for (const json& entry : listed(rig)) ids[name_of(entry)] = entry.at("Id");
  return ids;
}

std::map<std::string, std::string> volumes_of(const NodeRig& rig) {
  std::map<std::string, std::string> volumes;
  const json answer = rig.engine().http().get("/volumes?" + by_node(rig)).at("Volumes");
  if (answer.is_null()) return volumes;
  for (const json& entry : answer) volumes[entry.at("Name")] = entry.value("made", "");
  return volumes;
}

Scene wanted_scene(const NodeRig& rig, const WebStack& stack) {
  Scene scene;
  scene.containers = {{rig.stack() + "-app-1", "app-" + stack.app + " running"},
                      {rig.stack() + "-db-1", "db-" + stack.db + " running"}};
  scene.networks = {rig.stack() + "_default"};
  scene.volumes = {rig.stack() + "_data"};
  return scene;
}

std::string text_of(const Scene& scene) {
  std::string text;
  for (const auto& [name, what] : scene.containers) text += fmt::format("container {}: {}\n", name, what);
  for (const std::string& name : scene.networks) text += fmt::format("network {}\n", name);
  for (const std::string& name : scene.volumes) text += fmt::format("volume {}\n", name);
  return text;
}

}  // namespace hivemind::tests
