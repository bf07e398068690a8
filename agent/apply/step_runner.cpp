#include "agent/apply/step_runner.h"

#include <optional>

#include <boost/asio/use_awaitable.hpp>

#include "agent/apply/body.h"
#include "agent/plan/differences.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

constexpr unsigned kQuickCalls = 4;
constexpr unsigned kStops = 16;

const DesiredStack& stack_of(const Occasion& occasion, const Step& step) {
  const auto& desired = step.job.empty() ? occasion.desired : occasion.manifest;
  const DesiredStack* stack = desired ? desired->stack(step.stack) : nullptr;
  if (stack == nullptr) throw Error(ErrorCode::kInternal, "stack '{}' is not in the manifest", step.stack);
  return *stack;
}

const DesiredService& service_of(const Occasion& occasion, const Step& step) {
  const DesiredService* service = stack_of(occasion, step).service(step.service);
  if (service == nullptr)
    throw Error(ErrorCode::kInternal, "service '{}' is not in the manifest", step.service);
  return *service;
}

std::string id_of(const Occasion& occasion, const ContainerRef& container) {
  if (!container.id.empty()) return container.id;
  const auto made = occasion.made.find(container.name);
  if (made == occasion.made.end())
    throw Error(ErrorCode::kInternal, "container '{}' was not made", container.name);
  return made->second;
}

BodyContext context_of(const Occasion& occasion, const Step& step) {
  return {occasion.desired->node, occasion.desired->revision, stack_of(occasion, step)};
}

std::string network_body_of(const Occasion& occasion, const Step& step, const std::string& name) {
  const DesiredNetwork* network = stack_of(occasion, step).network(name);
  if (network == nullptr) throw Error(ErrorCode::kInternal, "network '{}' is not in the manifest", name);
  return network_body(context_of(occasion, step), *network);
}

std::string volume_body_of(const Occasion& occasion, const Step& step, const std::string& name) {
  const DesiredVolume* volume = stack_of(occasion, step).volume(name);
  if (volume == nullptr) throw Error(ErrorCode::kInternal, "volume '{}' is not in the manifest", name);
  return volume_body(context_of(occasion, step), *volume);
}

std::string endpoint_body_of(const Occasion& occasion, const Step& step, const std::string& network) {
  for (const DesiredEndpoint& endpoint : service_of(occasion, step).endpoints) {
    if (endpoint.network == network) return endpoint.engine_body;
  }
  return {};
}

void learn(Occasion& occasion, const Step& step, const std::vector<std::string>& warnings) {
  occasion.notices[subject_of(step)] = engine_warnings(step.stack, step.service, warnings);
}

// One that was there before, and is not ours, is no part of what is observed.
void learn_volume(Occasion& occasion, const Step& step, const EngineVolume& there) {
  const DesiredVolume* volume = stack_of(occasion, step).volume(there.name);
  if (volume == nullptr) return;
  const std::string difference = volume_difference(*volume, there);
  std::vector<Notice> notices;
  if (!difference.empty()) notices.push_back({step.stack, notice_kinds::kVolumeDiffers, "", difference});
  occasion.notices[subject_of(step)] = std::move(notices);
}

void place_files(const Files& files, const Occasion& occasion, const Step& step) {
  const DesiredStack& stack = stack_of(occasion, step);
  for (const DesiredMount& mount : service_of(occasion, step).mounts) {
    if (!mount.is_secret()) files.place(stack, mount, *stack.contents);
  }
}

void place_secrets(const SecretFiles& files, const Vault& vault, const Occasion& occasion, const Step& step) {
  for (const DesiredMount& mount : service_of(occasion, step).mounts) {
    if (mount.is_secret()) files.place(step.stack, mount, vault);
  }
}

std::set<std::string> listed_secrets(const DesiredService& service) {
  return {service.secrets.begin(), service.secrets.end()};
}

}  // namespace

StepRunner::StepRunner(asio::any_io_executor loop, Engine& engine, Files files, SecretFiles secret_files,
                       std::shared_ptr<Vault> vault)
    : engine_(engine),
      files_(std::move(files)),
      secret_files_(std::move(secret_files)),
      vault_(std::move(vault)),
      quick_(std::make_shared<Lanes>(loop, kQuickCalls)),
      slow_(std::make_shared<Lanes>(loop, kStops)) {}

asio::awaitable<void> StepRunner::run(std::shared_ptr<Occasion> occasion, Step step) {
  const bool may_last =
      std::holds_alternative<StopContainer>(step.action) || std::holds_alternative<RunHooks>(step.action);
  const auto lanes = may_last ? slow_ : quick_;
  const Lanes::Ticket ticket = co_await lanes->enter();
  co_await perform(std::move(occasion), std::move(step));
}

asio::awaitable<void> StepRunner::create(std::shared_ptr<Occasion> occasion, Step step,
                                         CreateContainer action) {
  const DesiredService& service = service_of(*occasion, step);
  ContainerContext container{service,        action.number, {}, {}, occasion->engine_api,
                             action.volumes, action.image};
  container.log_driver = occasion->log_driver;
  container.job = step.job;
  for (const DesiredMount& mount : service.mounts) {
    container.mount_sources.push_back(mount.is_secret() ? secret_files_.source_of(step.stack, mount).string()
                                                        : files_.source_of(step.stack, mount).string());
  }
  const std::set<std::string> secrets = listed_secrets(service);
  container.filled_in = [&](const std::string& text) { return vault_->filled_in(text, &secrets); };
  for (const auto& [base, ref] : action.bases) container.bases[base] = id_of(*occasion, ref);
  // Moved along, so that there is one copy less of what it holds.
  std::string body = container_body(context_of(*occasion, step), container);
  const Created created = co_await engine_.create_container(action.name, service.platform, std::move(body));
  occasion->made[action.name] = created.id;
  learn(*occasion, step, created.warnings);
}

// Arguments are named first: g++ 12 destroys some temporaries of an awaited call twice when the call throws.
asio::awaitable<void> StepRunner::perform(std::shared_ptr<Occasion> occasion, Step step) {
  const Action& action = step.action;
  if (const auto* make = std::get_if<CreateContainer>(&action)) {
    co_await create(occasion, step, *make);
  } else if (const auto* connect = std::get_if<ConnectNetwork>(&action)) {
    const std::string id = id_of(*occasion, connect->container);
    const std::string body = endpoint_body_of(*occasion, step, connect->network);
    co_await engine_.connect_network(connect->network, id, body);
  } else if (const auto* network = std::get_if<CreateNetwork>(&action)) {
    const std::string body = network_body_of(*occasion, step, network->name);
    const Created created = co_await engine_.create_network(body);
    learn(*occasion, step, created.warnings);
  } else if (const auto* unwanted = std::get_if<RemoveNetwork>(&action)) {
    co_await engine_.remove_network(unwanted->id);
  } else if (const auto* volume = std::get_if<CreateVolume>(&action)) {
    const std::string body = volume_body_of(*occasion, step, volume->name);
    const EngineVolume there = co_await engine_.create_volume(body);
    learn_volume(*occasion, step, there);
  } else if (std::holds_alternative<PlaceFiles>(action)) {
    place_files(files_, *occasion, step);
  } else if (std::holds_alternative<PlaceSecrets>(action)) {
    place_secrets(secret_files_, *vault_, *occasion, step);
  } else {
    co_await move(occasion, step);
  }
}

// Podman before 5 answers as if there were no such container. Keeping one matters more than its policy:
// should both come up when the node starts, the next plan stops it.
asio::awaitable<void> StepRunner::set_policy(std::shared_ptr<Occasion> occasion, std::string id,
                                             std::string policy) {
  std::optional<Error> failure;
  try {
    co_await engine_.set_restart_policy(id, policy);
  } catch (const Error& error) {
    failure = error;
  }
  if (!failure) co_return;
  if (failure->code() != ErrorCode::kNotFound) throw *failure;
  const std::optional<std::string> there = co_await engine_.inspect_container(id);
  if (!there) throw *failure;
  occasion->fixed_policies = true;
}

// Steps at a container that is there.
asio::awaitable<void> StepRunner::move(std::shared_ptr<Occasion> occasion, Step step) {
  const Action& action = step.action;
  if (const auto* start = std::get_if<StartContainer>(&action)) {
    const std::string id = id_of(*occasion, start->container);
    co_await engine_.start_container(id);
  } else if (const auto* hooks = std::get_if<RunHooks>(&action)) {
    const std::string id = id_of(*occasion, hooks->container);
    const DesiredService& service = service_of(*occasion, step);
    const std::vector<Hook> post_start = service.post_start;
    const std::set<std::string> secrets = listed_secrets(service);
    co_await run_post_start(id, post_start, secrets);
  } else if (const auto* off = std::get_if<DisconnectNetwork>(&action)) {
    const std::string id = id_of(*occasion, off->container);
    co_await engine_.disconnect_network(off->network, id);
  } else if (const auto* stop = std::get_if<StopContainer>(&action)) {
    const std::string id = id_of(*occasion, stop->container);
    if (!stop->pre_stop.empty()) co_await run_pre_stop(occasion, step, id);
    co_await engine_.stop_container(id, stop->grace);
  } else if (const auto* policy = std::get_if<SetRestartPolicy>(&action)) {
    const std::string id = id_of(*occasion, policy->container);
    co_await set_policy(occasion, id, policy->policy);
  } else if (const auto* remove = std::get_if<RemoveContainer>(&action)) {
    // Forced, as between the stop and this the engine's restart policy may have had its way.
    const std::string id = id_of(*occasion, remove->container);
    co_await engine_.remove_container(id, true);
  } else if (const auto* rename = std::get_if<RenameContainer>(&action)) {
    const std::string id = id_of(*occasion, rename->container);
    co_await engine_.rename_container(id, rename->to);
  } else if (const auto* unpause = std::get_if<UnpauseContainer>(&action)) {
    const std::string id = id_of(*occasion, unpause->container);
    co_await engine_.unpause_container(id);
  }
}

}  // namespace hivemind::agent
