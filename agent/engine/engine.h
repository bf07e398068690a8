#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/plan/hooks.h"
#include "agent/plan/observed.h"
#include "agent/plan/port_taken.h"
#include "agent/plan/registry_login.h"

namespace hivemind::agent {

// An Engine API version such as 1.41. Orders.
struct ApiVersion {
  int major = 1;
  int minor = 41;
  auto operator<=>(const ApiVersion&) const = default;
  std::string text() const;
  // Throws kCorrupt for anything but "<number>.<number>".
  static ApiVersion parse(std::string_view text);
};

struct EngineInfo {
  std::string version;       // the engine's own, such as "20.10.24"
  ApiVersion api;            // negotiated: the lower of the engine's and our newest
  std::string architecture;  // "amd64"
  std::string os;
  std::string kernel;
  // From here on empty or 0 where the engine does not tell.
  std::string root_directory = {};  // where it keeps images and containers, on its own machine
  std::string log_driver = {};      // of containers that name none: "json-file"
  unsigned cpus = 0;
  std::int64_t memory_bytes = 0;
};

struct Created {
  std::string id;
  std::vector<std::string> warnings;
};

// What became of a command in a container.
struct Executed {
  std::optional<int> exit_code;  // none: it still ran when the time was up
  std::string output;            // its last lines, of both streams
};

struct EngineImage {
  std::string id;                       // "sha256:…"
  std::vector<std::string> references;  // "name:tag"
  std::vector<std::string> digests;     // "name@sha256:…", as registries know it
  std::int64_t size_bytes = 0;          // unpacked; layers that images share count for each
  std::int64_t created_s = 0;           // Unix time at which it was built
};

struct PullRequest {
  std::string reference;
  std::string platform = {};  // empty: the engine's own
  std::optional<RegistryLogin> login = {};
};

struct PullProgress {
  std::int64_t done_bytes = 0;
  std::int64_t total_bytes = 0;  // 0: not known yet
};

struct EngineEvent {
  std::string type;    // "container", "network", "volume", "image"
  std::string action;  // "start", "die", "health_status: healthy" …
  std::string id;
  std::map<std::string, std::string> attributes;  // a container's labels are among them
};

// The verbs that the agent needs of a Docker-compatible engine. One implementation, over the Engine API's
// unix socket.
//
// Thread: the loop thread; calls may overlap. Cancelling a coroutine abandons the exchange.
// Errors: kUnavailable when the engine cannot be reached or breaks off (try again later), kNotFound and
// kConflict for 404 and 409, kInvalid for 400, kCorrupt for an answer that is no valid JSON or lacks what it
// must have, kExhausted where the engine says that the disk is full, kInternal for its other failures.
// Messages hold the engine's own words.
class Engine {
 public:
  virtual ~Engine() = default;

  // Asks for the version and settles which one to speak; all other calls do so by themselves when it has not
  // been done or after the connection had been lost (the engine may have been upgraded). Throws kConflict for
  // one below 1.41.
  virtual boost::asio::awaitable<EngineInfo> negotiate() = 0;

  // All that carries our label or is adopted, containers inspected, and what docker compose runs. A container
  // that goes while it is looked at is left out.
  virtual boost::asio::awaitable<Observed> observe() = 0;

  // These count as ours from the next observe() and event on, in place of those given before.
  virtual void set_adopted(Adopted adopted) = 0;

  // The engine's own words (a JSON object), or nothing when there is no such thing.
  virtual boost::asio::awaitable<std::optional<std::string>> inspect_container(std::string id) = 0;
  virtual boost::asio::awaitable<std::optional<std::string>> inspect_network(std::string name) = 0;
  virtual boost::asio::awaitable<std::optional<std::string>> inspect_volume(std::string name) = 0;
  // Ids of the containers that carry the label ("key=value").
  virtual boost::asio::awaitable<std::vector<std::string>> containers_with(std::string label) = 0;

  // Of running containers, whoever made them. Those on the node's own network publish none.
  virtual boost::asio::awaitable<std::vector<PublishedPort>> published_ports() = 0;

  // The image's id, or nothing.
  virtual boost::asio::awaitable<std::optional<std::string>> image_id(std::string reference) = 0;
  virtual boost::asio::awaitable<void> pull(PullRequest request,
                                            std::function<void(PullProgress)> on_progress) = 0;
  // Those that have a name, were pulled by digest, or lost their name to a newer one.
  virtual boost::asio::awaitable<std::vector<EngineImage>> images() = 0;
  // Of all containers, whosever they are and whether they run: the images' ids, and their names as they were
  // given.
  virtual boost::asio::awaitable<std::set<std::string>> images_in_use() = 0;
  // Takes that name from its image, and the image away when it has no other; given an id, the image, which
  // must not have several names. Never forced: kConflict when a container (also a stopped one) uses it. Gone
  // already: nothing.
  virtual boost::asio::awaitable<void> remove_image(std::string reference_or_id) = 0;

  virtual boost::asio::awaitable<Created> create_container(std::string name, std::string platform,
                                                           std::string body) = 0;
  virtual boost::asio::awaitable<void> start_container(std::string id) = 0;  // running already: nothing
  // Stopped already: nothing. Killed when it has not ended within grace; nothing: as the container says.
  virtual boost::asio::awaitable<void> stop_container(std::string id,
                                                      std::optional<std::chrono::seconds> grace) = 0;
  // policy as Container::restart_policy.
  virtual boost::asio::awaitable<void> set_restart_policy(std::string id, std::string policy) = 0;
  // The last lines that it has written to both streams, in their order; empty where its log cannot be read.
  virtual boost::asio::awaitable<std::string> container_log(std::string id, int lines) = 0;
  virtual boost::asio::awaitable<void> unpause_container(std::string id) = 0;
  virtual boost::asio::awaitable<void> rename_container(std::string id, std::string name) = 0;
  // With force, kills. Anonymous volumes go with it, named ones stay. Gone already: nothing.
  virtual boost::asio::awaitable<void> remove_container(std::string id, bool force) = 0;
  virtual boost::asio::awaitable<void> connect_network(std::string network, std::string container,
                                                       std::string endpoint_body) = 0;

  // Not connected, or one of both gone: nothing.
  virtual boost::asio::awaitable<void> disconnect_network(std::string network, std::string container) = 0;

  // Runs a command in a running container and waits for its end, at most as long as limit. A command that
  // takes longer is left to itself: the engine has no way to end it.
  virtual boost::asio::awaitable<Executed> exec(std::string container, Hook command,
                                                std::chrono::milliseconds limit) = 0;

  virtual boost::asio::awaitable<bool> network_exists(std::string name) = 0;                   // exact name
  virtual boost::asio::awaitable<std::vector<NetworkUser>> network_users(std::string id) = 0;  // gone: none
  virtual boost::asio::awaitable<Created> create_network(std::string body) = 0;
  virtual boost::asio::awaitable<void> remove_network(std::string id) = 0;  // gone already: nothing
  virtual boost::asio::awaitable<bool> volume_exists(std::string name) = 0;
  // Returns what is there now: a volume of that name that was there before stays as it is.
  virtual boost::asio::awaitable<EngineVolume> create_volume(std::string body) = 0;
  // Gone already: nothing. kConflict when a container (also a stopped one) uses it.
  virtual boost::asio::awaitable<void> remove_volume(std::string name) = 0;

  // Calls on_event for every event of containers and networks that carry our label until the stream ends,
  // which throws kUnavailable. on_open runs once the engine has accepted the subscription: what is observed
  // after it cannot miss a change.
  virtual boost::asio::awaitable<void> watch(std::function<void()> on_open,
                                             std::function<void(EngineEvent)> on_event) = 0;
};

}  // namespace hivemind::agent
