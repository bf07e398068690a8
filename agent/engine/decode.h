#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/engine/engine.h"
#include "agent/plan/observed.h"

// The engine's JSON as our values. What the engine says is not trusted: text that is no JSON, a field of
// another type or a missing identity throws kCorrupt; a field that is merely absent or null reads as empty,
// for Docker and Podman differ in what they leave out.
namespace hivemind::agent::decode {

struct Version {
  EngineInfo engine;  // api: the newest that it speaks
  std::optional<ApiVersion> oldest_api;
};

struct PullLine {
  std::string layer;
  std::string status;
  std::int64_t current = 0;
  std::int64_t total = 0;
  std::string error;  // not empty: the pull has failed
};

Version version(std::string_view body);                         // GET /version
void info(std::string_view body, EngineInfo& engine);           // GET /info: what it tells besides
std::vector<std::string> container_ids(std::string_view body);  // GET /containers/json
std::vector<ListedContainer> listed_containers(std::string_view body);
std::set<std::string> images_in_use(std::string_view body);         // GET /containers/json
std::vector<PublishedPort> published_ports(std::string_view body);  // GET /containers/json
// GET /containers/{id}/json. What the container or the engine said of it goes through `clean` before it is
// cut.
using Clean = std::function<std::string(std::string text)>;
Container container(
    std::string_view body, const Clean& clean = [](std::string text) { return text; });
std::vector<EngineNetwork> networks(std::string_view body);     // GET /networks
std::vector<EngineVolume> volumes(std::string_view body);       // GET /volumes
std::string image_id(std::string_view body);                    // GET /images/{name}/json
std::vector<EngineImage> images(std::string_view body);         // GET /images/json
Created created(std::string_view body);                         // POST /containers/create
Created network(std::string_view body);                         // POST /networks/create
std::vector<NetworkUser> network_users(std::string_view body);  // GET /networks/{id}
EngineVolume volume(std::string_view body);                     // POST /volumes/create
std::string exec_id(std::string_view body);                     // POST /containers/{id}/exec
std::optional<int> exit_code_of_exec(std::string_view body);    // GET /exec/{id}/json; none: it runs
EngineEvent event(std::string_view line);                       // GET /events
PullLine pull_line(std::string_view line);                      // POST /images/create

// The engine's words in the body of a refusal; what else it may be (a proxy's page, nothing) is made
// printable and cut.
std::string refusal(std::string_view body);

}  // namespace hivemind::agent::decode
