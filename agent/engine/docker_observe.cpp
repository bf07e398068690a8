// The reading half of DockerEngine: observations and events.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "agent/engine/answers.h"
#include "agent/engine/decode.h"
#include "agent/engine/docker_engine.h"
#include "agent/engine/encode.h"
#include "agent/engine/lines.h"
#include "agent/engine/together.h"
#include "common/error.h"

namespace hivemind::agent {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kInspectAtOnce = 8;

http::Request get(std::string target) {
  http::Request request;
  request.target = std::move(target);
  return request;
}

template <typename T>
void sort_by_name(std::vector<T>& values) {
  std::sort(values.begin(), values.end(), [](const T& a, const T& b) { return a.name < b.name; });
}

bool is_of_compose(const std::map<std::string, std::string>& labels) {
  return labels.contains(labels::kComposeProject) && !labels.contains(labels::kNode);
}

// The engine wants seconds and nanoseconds since the epoch.
std::string now_as_engine_time() {
  using namespace std::chrono;
  const auto now = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
  return fmt::format("{}.{:09}", now / 1'000'000'000, now % 1'000'000'000);
}

}  // namespace

struct DockerEngine::Inspection {
  std::vector<std::string> ids;
  std::size_t next = 0;
  std::vector<Container> found;
};

bool DockerEngine::is_ours(const std::map<std::string, std::string>& labels) const {
  const auto found = labels.find(labels::kNode);
  return found != labels.end() && found->second == node_;
}

void DockerEngine::add_adopted_labels(const std::string& id,
                                      std::map<std::string, std::string>& labels) const {
  const auto found = adopted_.find(id);
  if (found == adopted_.end()) return;
  for (const auto& [key, value] : found->second) labels[key] = value;
}

std::string DockerEngine::label_filter() const {
  return encode::filters("label", {std::string(labels::kNode) + "=" + node_});
}

asio::awaitable<Observed> DockerEngine::observe() {
  co_await settled_version();
  Observed observed;
  std::vector<asio::awaitable<void>> tasks;
  tasks.push_back(observe_containers(&observed));
  tasks.push_back(observe_networks(&observed));
  tasks.push_back(observe_volumes(&observed));
  co_await together(loop_, std::move(tasks));
  co_await add_image_digests(&observed);
  for (auto& [name, project] : observed.projects) {
    sort_by_name(project.containers);
    sort_by_name(project.networks);
  }
  set_jobs_apart(observed);
  co_return observed;
}

// One list of all, as what is not ours may be adopted, or docker compose's.
asio::awaitable<void> DockerEngine::observe_containers(Observed* observed) {
  const std::string what = "list containers";
  auto request = get("/containers/json?all=1");
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  const auto inspection = std::make_shared<Inspection>();
  for (ListedContainer& listed : decoded(what, decode::listed_containers, response)) {
    if (is_ours(listed.labels) || adopted_.contains(listed.id)) {
      inspection->ids.push_back(listed.id);
    } else if (is_of_compose(listed.labels) && listed.labels[labels::kComposeOneoff] != "True") {
      observed->projects[listed.labels[labels::kComposeProject]].containers.push_back(std::move(listed));
    }
  }
  std::vector<asio::awaitable<void>> tasks;
  for (std::size_t i = 0; i < std::min(kInspectAtOnce, inspection->ids.size()); ++i) {
    tasks.push_back(inspect_next(inspection));
  }
  co_await together(loop_, std::move(tasks));
  observed->containers = std::move(inspection->found);
  sort_by_name(observed->containers);
}

asio::awaitable<void> DockerEngine::inspect_next(std::shared_ptr<Inspection> inspection) {
  while (inspection->next < inspection->ids.size()) {
    const std::string id = inspection->ids[inspection->next++];
    const std::string what = fmt::format("inspect container '{}'", id.substr(0, 12));
    auto request = get(fmt::format("/containers/{}/json", http::Client::escape(id)));
    const auto response = co_await call(what, std::move(request));
    if (response.status == 404) continue;
    require_ok(what, response);
    const auto decode_it = [this](std::string_view body) {
      return decode::container(body, [this](std::string text) { return redacted(std::move(text)); });
    };
    Container container = decoded(what, decode_it, response);
    add_adopted_labels(container.id, container.labels);
    if (is_ours(container.labels)) inspection->found.push_back(std::move(container));
  }
}

asio::awaitable<void> DockerEngine::observe_networks(Observed* observed) {
  const std::string what = "list networks";
  auto request = get("/networks");
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  networks_.clear();
  for (EngineNetwork& network : decoded(what, decode::networks, response)) {
    add_adopted_labels(network.id, network.labels);
    if (is_ours(network.labels)) {
      networks_.insert(network.id);
      observed->networks.push_back(std::move(network));
    } else if (is_of_compose(network.labels)) {
      observed->projects[network.labels[labels::kComposeProject]].networks.push_back(std::move(network));
    }
  }
  sort_by_name(observed->networks);
}

asio::awaitable<void> DockerEngine::observe_volumes(Observed* observed) {
  const std::string what = "list volumes";
  auto request = get("/volumes?filters=" + label_filter());
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  auto volumes = decoded(what, decode::volumes, response);
  std::erase_if(volumes, [this](const EngineVolume& volume) { return !is_ours(volume.labels); });
  sort_by_name(volumes);
  observed->volumes = std::move(volumes);
}

bool DockerEngine::is_of_interest(const EngineEvent& event) const {
  if (event.type == "network") return networks_.contains(event.id);
  if (event.type != "container" || !is_ours(event.attributes)) return false;
  static constexpr std::array<std::string_view, 10> kChangeNothing = {
      "archive-path", "attach", "commit",         "copy",   "detach",
      "exec_",        "export", "extract-to-dir", "resize", "top"};
  return std::none_of(kChangeNothing.begin(), kChangeNothing.end(),
                      [&event](std::string_view action) { return event.action.starts_with(action); });
}

asio::awaitable<void> DockerEngine::watch(std::function<void()> on_open,
                                          std::function<void(EngineEvent)> on_event) {
  const std::string what = "watch the engine's events";
  // Docker flushes the head before it subscribes (moby, api/server/router/system/system_routes.go,
  // getEvents): what happens between the two is asked for as the past. A label filter would drop all events
  // of networks.
  auto request = get(fmt::format("/events?since={}&filters={}", now_as_engine_time(),
                                 encode::filters("type", {"container", "network"})));
  Lines lines([&](std::string_view line) {
    EngineEvent event = decode::event(line);
    if (event.type == "container") add_adopted_labels(event.id, event.attributes);
    if (is_of_interest(event)) on_event(std::move(event));
  });
  bool is_open = false;
  const auto on_data = [&](std::string_view piece) {
    if (!std::exchange(is_open, true)) on_open();
    lines.feed(piece);
  };
  const auto response = co_await stream(what, std::move(request), on_data, std::chrono::milliseconds(0));
  require_ok(what, response);
  api_.reset();
  throw Error(ErrorCode::kUnavailable, "{}: the stream has ended", what);
}

}  // namespace hivemind::agent
