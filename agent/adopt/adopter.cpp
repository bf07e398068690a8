#include "agent/adopt/adopter.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/apply/body.h"
#include "agent/plan/planner.h"
#include "agent/plan/slots.h"
#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

std::uint32_t number_of(const ListedContainer& container) {
  const std::string_view text = label_of(container.labels, labels::kComposeNumber);
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_bookkeeping(std::string_view label) {
  return label.starts_with("com.hivemind.") || label.starts_with("com.docker.compose.");
}

// The labels that a thing made of this body would be known by.
std::map<std::string, std::string> own_labels(const std::string& body) {
  std::map<std::string, std::string> own;
  const json parsed = json::parse(body);
  const auto labels = parsed.find("Labels");
  if (labels == parsed.end()) return own;
  for (const auto& [key, value] : labels->items()) {
    if (key.starts_with("com.hivemind.")) own[key] = value.get<std::string>();
  }
  return own;
}

// Neither the planner nor docker compose may take it for one of theirs.
std::string scratch_body(const std::string& body, const std::string& node) {
  json scratch = json::parse(body);
  json labels = json::object();
  if (const auto given = scratch.find("Labels"); given != scratch.end()) {
    for (const auto& [key, value] : given->items()) {
      if (!is_bookkeeping(key)) labels[key] = value;
    }
  }
  labels[labels::kScratch] = node;
  scratch["Labels"] = std::move(labels);
  return scratch.dump();
}

bool runs(const std::string& inspected) {
  const json document = json::parse(inspected, nullptr, false);
  return document.is_object() && document.value("/State/Running"_json_pointer, false);
}

Difference cannot_be_made(const std::string& why) {
  return {"container", json(why).dump(), "\"the present one\""};
}

}  // namespace

struct Adopter::Look {
  std::shared_ptr<const Desired> desired;
  ApiLevel engine_api;
  Observed observed;
  ComposeProject project;
  std::map<std::string, std::string> bases;  // id of the first container of each service
  Found found;
};

asio::awaitable<void> Adopter::sweep(std::string node) {
  const std::string label = fmt::format("{}={}", labels::kScratch, node);
  const std::vector<std::string> left = co_await engine_.containers_with(label);
  for (const std::string& id : left) co_await engine_.remove_container(id, true);
}

asio::awaitable<Takeover> Adopter::look(std::shared_ptr<const Desired> desired, std::string stack) {
  const auto look = std::make_shared<Look>();
  look->desired = desired;
  look->found.stack = desired->stack(stack);
  if (look->found.stack == nullptr)
    throw Error(ErrorCode::kConflict, "stack '{}' is not in the node's manifest", stack);
  co_await sweep(desired->node);
  const EngineInfo engine = co_await engine_.negotiate();
  look->engine_api = {engine.api.major, engine.api.minor};
  look->observed = co_await engine_.observe();
  const auto project = look->observed.projects.find(stack);
  if (project == look->observed.projects.end()) {
    throw Error(ErrorCode::kConflict, "docker compose has no project '{}' on this node: nothing to take over",
                stack);
  }
  look->project = project->second;
  co_await look_at_networks(look);
  co_await look_at_volumes(look);
  co_await look_at_containers(look);
  Takeover takeover = takeover_of(std::move(look->found));
  for (const Container& container : look->observed.containers) takeover.present.insert(container.id);
  for (const EngineNetwork& network : look->observed.networks) takeover.present.insert(network.id);
  co_return takeover;
}

asio::awaitable<void> Adopter::look_at_networks(std::shared_ptr<Look> look) {
  const DesiredStack& stack = *look->found.stack;
  for (const EngineNetwork& network : look->project.networks) {
    TakenNetwork taken{network};
    const DesiredNetwork* desired = stack.network(network.name);
    if (desired != nullptr && desired->owner == Owner::kStack) taken.desired = desired;
    if (taken.desired != nullptr) {
      const std::string body = network_body({look->desired->node, look->desired->revision, stack}, *desired);
      const std::optional<std::string> inspected = co_await engine_.inspect_network(network.id);
      if (!inspected) continue;
      taken.labels = own_labels(body);
      taken.differences =
          compare_networks(inspection_of_network_body(body), *inspected, subnets_of(body)).differences;
    }
    look->found.networks.push_back(std::move(taken));
  }
  for (const DesiredNetwork& network : stack.networks) {
    const auto is_it = [&](const EngineNetwork& one) { return one.name == network.name; };
    const bool is_there = std::ranges::any_of(look->project.networks, is_it) ||
                          std::ranges::any_of(look->observed.networks, is_it);
    if (network.owner == Owner::kStack && !is_there) look->found.missing_networks.push_back(network.name);
  }
}

asio::awaitable<void> Adopter::look_at_volumes(std::shared_ptr<Look> look) {
  const DesiredStack& stack = *look->found.stack;
  for (const DesiredVolume& volume : stack.volumes) {
    const bool is_ours = std::ranges::any_of(
        look->observed.volumes, [&](const EngineVolume& one) { return one.name == volume.name; });
    if (volume.owner == Owner::kExternal || is_ours) continue;
    TakenVolume taken{&volume};
    const std::optional<std::string> inspected = co_await engine_.inspect_volume(volume.name);
    taken.is_there = inspected.has_value();
    if (inspected) {
      const std::string body = volume_body({look->desired->node, look->desired->revision, stack}, volume);
      taken.differences = compare_volumes(inspection_of_volume_body(body), *inspected).differences;
    }
    look->found.volumes.push_back(std::move(taken));
  }
}

asio::awaitable<void> Adopter::look_at_containers(std::shared_ptr<Look> look) {
  const DesiredStack& stack = *look->found.stack;
  std::set<std::pair<std::string, std::uint32_t>> there;
  const auto note = [&](const std::string& service, std::uint32_t number, const std::string& id) {
    there.emplace(service, number);
    if (number == 1) look->bases.emplace(service, id);
  };
  for (const Container& container : look->observed.containers) {
    if (label_of(container.labels, labels::kStack) != stack.name) continue;
    note(std::string(label_of(container.labels, labels::kService)),
         number_of({container.id, container.name, container.labels}), container.id);
  }
  for (const ListedContainer& container : look->project.containers)
    note(std::string(label_of(container.labels, labels::kComposeService)), number_of(container),
         container.id);
  for (const ListedContainer& container : look->project.containers) {
    const DesiredService* service = stack.service(label_of(container.labels, labels::kComposeService));
    co_await look_at(look, service, container);
  }
  for (const DesiredService& service : stack.services) {
    for (std::uint32_t number = 1; number <= service.replicas; ++number) {
      if (!there.contains({service.name, number}))
        look->found.missing_containers.push_back(service.container(stack.name, number));
    }
  }
}

asio::awaitable<void> Adopter::look_at(std::shared_ptr<Look> look, const DesiredService* service,
                                       ListedContainer there) {
  TakenContainer taken{there, service};
  const std::optional<std::string> inspected = co_await engine_.inspect_container(there.id);
  if (!inspected) co_return;  // it went meanwhile
  taken.is_running = runs(*inspected);
  if (service != nullptr) {
    const std::uint32_t number = number_of(there);
    taken.is_surplus = number == 0 || number > service->replicas;
    const std::string body = body_of(*look, *service, there);
    taken.labels = own_labels(body);
    if (!taken.is_surplus) taken.differences = co_await differences(look, service, body, *inspected);
  }
  look->found.containers.push_back(std::move(taken));
}

std::string Adopter::body_of(const Look& look, const DesiredService& service,
                             const ListedContainer& there) const {
  const DesiredStack& stack = *look.found.stack;
  ContainerContext context{service, number_of(there), {}, {}, look.engine_api};
  for (const DesiredMount& mount : service.mounts)
    context.mount_sources.push_back(mount.is_secret() ? "/" : files_.source_of(stack.name, mount).string());
  for (const std::string& base : service.bases()) {
    const auto found = look.bases.find(base);
    context.bases[base] = found == look.bases.end() ? "none" : found->second;
  }
  const std::set<std::string> secrets(service.secrets.begin(), service.secrets.end());
  if (can_be_made(service))
    context.filled_in = [&](const std::string& text) { return vault_->filled_in(text, &secrets); };
  return container_body({look.desired->node, look.desired->revision, stack}, context);
}

bool Adopter::can_be_made(const DesiredService& service) const {
  return service.secrets_flaw.empty() && std::ranges::all_of(service.secrets, [&](const std::string& id) {
           return vault_->why_not(id).empty() && vault_->why_no_text(id).empty();
         });
}

asio::awaitable<std::vector<Difference>> Adopter::differences(std::shared_ptr<Look> look,
                                                              const DesiredService* service, std::string body,
                                                              std::string inspected) {
  std::optional<Difference> reason = co_await obstacle(look, service);
  std::string ours;
  if (!reason) {
    try {
      ours = co_await scratch(look, service, body);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kUnavailable) throw;
      reason = cannot_be_made(error.what());
    }
  }
  std::vector<Difference> found;
  if (reason) {
    found.push_back(*reason);
  } else {
    found = compare_containers(ours, inspected).differences;
  }
  for (Difference& one : found) {
    vault_->redactor()->redact(&one.ours);
    vault_->redactor()->redact(&one.theirs);
  }
  co_return found;
}

// What keeps a scratch container from being made, or would be made along with it. What the container that is
// there uses is there, so it cannot be equal.
asio::awaitable<std::optional<Difference>> Adopter::obstacle(std::shared_ptr<Look> look,
                                                             const DesiredService* service) {
  if (!can_be_made(*service)) co_return Difference{"secrets", "\"not on the node\"", "\"the present ones\""};
  for (const DesiredMount& mount : service->mounts) {
    if (mount.is_secret()) co_return Difference{"mount '" + mount.target + "'", "\"a secret\"", ""};
  }
  const std::optional<std::string> image = co_await engine_.image_id(service->image);
  if (!image)
    co_return Difference{"Image", json(service->image + " (not on the node yet)").dump(), "\"another one\""};
  for (const std::string& name : service->facts.volumes) {
    const bool exists = co_await engine_.volume_exists(name);
    if (!exists) co_return Difference{"volume '" + name + "'", "\"will be made\"", ""};
  }
  for (const DesiredEndpoint& endpoint : service->endpoints) {
    const bool exists = co_await engine_.network_exists(endpoint.network);
    if (!exists) co_return Difference{"network '" + endpoint.network + "'", "\"will be made\"", ""};
  }
  for (const std::string& base : service->bases()) {
    if (!look->bases.contains(base))
      co_return Difference{"container of '" + base + "'", "\"will be made\"", ""};
  }
  co_return std::nullopt;
}

// The inspection of a container that is made of the body and is gone when this returns. A crash leaves it,
// with its label, to the next sweep().
asio::awaitable<std::string> Adopter::scratch(std::shared_ptr<Look> look, const DesiredService* service,
                                              std::string body) {
  const std::string name = "hivemind-scratch-" + random_hex(8);
  const std::string text = scratch_body(body, look->desired->node);
  const Created created = co_await engine_.create_container(name, service->platform, text);
  std::optional<Error> failure;
  std::optional<std::string> inspected;
  try {
    co_await connect_rest(look, service, created.id);
    inspected = co_await engine_.inspect_container(created.id);
  } catch (const Error& error) {
    failure = error;
  }
  co_await engine_.remove_container(created.id, true);
  if (failure) throw *failure;
  if (!inspected) throw Error(ErrorCode::kConflict, "container '{}' was removed by somebody else", name);
  co_return *inspected;
}

asio::awaitable<void> Adopter::connect_rest(std::shared_ptr<Look> look, const DesiredService* service,
                                            std::string id) {
  if (look->engine_api >= kManyEndpoints) co_return;
  for (std::size_t i = 1; i < service->endpoints.size(); ++i) {
    const DesiredEndpoint& endpoint = service->endpoints[i];
    co_await engine_.connect_network(endpoint.network, id, endpoint.engine_body);
  }
}

}  // namespace hivemind::agent
