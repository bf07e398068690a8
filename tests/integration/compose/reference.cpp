#include "tests/integration/compose/reference.h"

#include <cstdlib>

#include "common/http/client.h"
#include "tests/support/process.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string filter(const std::string& label) {
  return http::Client::escape(json({{"label", json::array({label})}}).dump());
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

Outcome compose(const fs::path& directory, const std::string& project, std::vector<std::string> words) {
  std::vector<std::string> command{"env",
                                   "-i",
                                   std::string("PATH=") + std::getenv("PATH"),
                                   "HOME=/root",
                                   "DOCKER_HOST=" + EngineClient::url(),
                                   docker_compose().string(),
                                   "--env-file",
                                   "/dev/null",
                                   "-p",
                                   project,
                                   "-f",
                                   (directory / "compose.yml").string()};
  command.insert(command.end(), words.begin(), words.end());
  return run(command, {}, std::chrono::seconds(120));
}

}  // namespace

fs::path docker_compose() {
  const char* const home = std::getenv("HOME");
  for (const fs::path& place :
       {fs::path(home == nullptr ? "/root" : home) / ".docker/cli-plugins/docker-compose",
        fs::path("/usr/local/lib/docker/cli-plugins/docker-compose"),
        fs::path("/usr/lib/docker/cli-plugins/docker-compose"),
        fs::path("/usr/libexec/docker/cli-plugins/docker-compose")}) {
    if (fs::exists(place)) return place;
  }
  return {};
}

Made made_with_label(const EngineClient& engine, const std::string& label) {
  Made made;
  std::map<std::string, std::string> names;  // by id
  for (const json& one : engine.http().get("/containers/json?all=1&filters=" + filter(label))) {
    const json inspected = engine.find(one.at("Id").get<std::string>());
    if (inspected.is_null()) continue;  // it is just going
    const std::string name = inspected.at("Name").get<std::string>().substr(1);
    names[inspected.at("Id").get<std::string>()] = name;
    made.containers[name] = inspected;
  }
  for (auto& [name, container] : made.containers) {
    std::string host = container.at("HostConfig").dump();
    for (const auto& [id, its_name] : names) replace_all(host, id, its_name);
    container["HostConfig"] = json::parse(host);
  }
  for (const json& one : engine.http().get("/networks?filters=" + filter(label)))
    made.networks[one.at("Name").get<std::string>()] =
        engine.http().get("/networks/" + one.at("Id").get<std::string>());
  const json volumes = engine.http().get("/volumes?filters=" + filter(label));
  if (!volumes.at("Volumes").is_array()) return made;
  for (const json& one : volumes.at("Volumes")) made.volumes[one.at("Name").get<std::string>()] = one;
  return made;
}

Made made_by_reference(const EngineClient& engine, const fs::path& directory, const std::string& project) {
  const Outcome created = compose(directory, project, {"create", "--pull", "never"});
  Made made = made_with_label(engine, "com.docker.compose.project=" + project);
  if (created.exit_code != 0) made.failure = created.errors + created.output;
  engine.remove_all("com.docker.compose.project=" + project);
  return made;
}

}  // namespace hivemind::tests
