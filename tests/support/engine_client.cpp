#include "tests/support/engine_client.h"

#include <cstdlib>
#include <stdexcept>

#include "common/error.h"

namespace hivemind::tests {
namespace {

using nlohmann::json;

std::string label_query(const std::string& label) {
  return "filters=" + http::Client::escape(json{{"label", json::array({label})}}.dump());
}

bool exists(const BlockingHttp& http, const std::string& target) {
  return http.send("GET", target).status == 200;
}

}  // namespace

std::string EngineClient::url() {
  const char* host = std::getenv("DOCKER_HOST");
  if (host == nullptr)
    throw std::runtime_error("DOCKER_HOST is not set (tests/run.sh starts an engine and sets it)");
  return host;
}

EngineClient::EngineClient() : EngineClient(url()) {}

json EngineClient::inspect(const std::string& container) const {
  return http_.get("/containers/" + container + "/json");
}

json EngineClient::find(const std::string& container) const {
  const http::Response response = http_.send("GET", "/containers/" + container + "/json");
  return response.ok() ? json::parse(response.body) : json();
}

std::map<std::string, EngineClient::Running> EngineClient::containers(const std::string& node) const {
  std::map<std::string, Running> found;
  for (const json& each : http_.get("/containers/json?all=1&" + label_query("com.hivemind.node=" + node))) {
    const json whole = find(each.at("Id"));
    if (whole.is_null()) continue;  // gone between the two calls
    Running one{whole.at("Id"), whole.at("Name").get<std::string>().substr(1), whole.at("State").at("Status"),
                whole.at("State").at("StartedAt")};
    found.emplace(one.name, one);
  }
  return found;
}

std::string EngineClient::variable(const std::string& container, const std::string& name) const {
  const json whole = find(container);
  if (whole.is_null()) return "";
  for (const json& entry : whole.at("Config").at("Env")) {
    const auto text = entry.get<std::string>();
    if (text.starts_with(name + "=")) return text.substr(name.size() + 1);
  }
  return "";
}

bool EngineClient::network_exists(const std::string& name) const {
  return exists(http_, "/networks/" + name);
}
bool EngineClient::volume_exists(const std::string& name) const {
  return exists(http_, "/volumes/" + name);
}

void EngineClient::stop(const std::string& container) const {
  http_.json("POST", "/containers/" + container + "/stop?t=5");
}

void EngineClient::remove(const std::string& container) const {
  http_.json("DELETE", "/containers/" + container + "?force=1&v=1");
}

void EngineClient::rename(const std::string& container, const std::string& name) const {
  http_.json("POST", "/containers/" + container + "/rename?name=" + name);
}

std::string EngineClient::create(const std::string& name, const json& body) const {
  return http_.json("POST", "/containers/create?name=" + name, body.dump()).at("Id");
}

void EngineClient::start(const std::string& container) const {
  http_.json("POST", "/containers/" + container + "/start");
}

void EngineClient::remove_all(const std::string& label) const {
  for (const json& each : http_.get("/containers/json?all=1&" + label_query(label))) {
    http_.send("DELETE", "/containers/" + each.at("Id").get<std::string>() + "?force=1&v=1");
  }
  for (const json& each : http_.get("/networks?" + label_query(label))) {
    http_.send("DELETE", "/networks/" + each.at("Id").get<std::string>());
  }
  const json volumes = http_.get("/volumes?" + label_query(label)).at("Volumes");
  if (!volumes.is_array()) return;  // the engine says null for none
  for (const json& each : volumes) http_.send("DELETE", "/volumes/" + each.at("Name").get<std::string>());
}

}  // namespace hivemind::tests
