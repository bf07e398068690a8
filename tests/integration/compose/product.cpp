#include "tests/integration/compose/product.h"

#include <chrono>
#include <memory>
#include <set>

#include "agent/apply/executor.h"
#include "agent/apply/step_runner.h"
#include "agent/engine/docker_engine.h"
#include "agent/plan/planner.h"
#include "common/error.h"
#include "common/sealing.h"
#include "hub/desired/compose/compose.h"
#include "hub/desired/directory_snapshot.h"
#include "tests/integration/engine/live_engine.h"
#include "tests/support/memory_place.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr int kRounds = 12;

struct Compiled {
  std::optional<hub::CompiledRelease> release;
  std::string diagnostics;
};

Compiled compile(const fs::path& directory, const std::string& project) {
  const hub::DirectorySnapshot snapshot(directory.parent_path());
  hub::compose::PathsRead paths;
  hub::Diagnostics diagnostics;
  Compiled compiled;
  const auto source = hub::compose::load(snapshot, project, {(directory.filename() / "compose.yml").string()},
                                         paths, diagnostics);
  if (source) {
    hub::compose::Options options;
    options.unset_variables = hub::UnsetVariables::kWarn;
    compiled.release = hub::compose::compile(*source, hub::Environment(hub::Variables()), options, snapshot,
                                             paths, diagnostics);
  }
  for (const hub::Diagnostic& one : diagnostics) {
    if (one.severity == hub::Severity::kError) compiled.diagnostics += hub::to_text(one) + "\n";
  }
  return compiled;
}

// Order and gates say when a container is started, nothing of what it is.
v1::Manifest manifest_of(const hub::CompiledRelease& compiled, const std::string& node, const SealKey& key) {
  v1::Manifest manifest;
  manifest.set_node(node);
  manifest.set_generation(1);
  manifest.set_revision(std::string(40, '1'));
  *manifest.add_releases() = compiled.release;
  for (v1::Service& service : *manifest.mutable_releases(0)->mutable_services()) {
    service.clear_depends_on();
    service.set_pull_policy(v1::PULL_POLICY_MISSING);
  }
  for (const auto& [digest, content] : compiled.files) {
    v1::File& file = *manifest.add_files();
    file.set_sha256(digest);
    file.set_content(*content);
  }
  for (const auto& [id, secret] : compiled.secrets) {
    v1::SealedSecret& sealed = *manifest.add_secrets();
    sealed.set_id(id);
    sealed.set_name(secret->name());
    sealed.set_sealed(key.seal(secret->value()));
  }
  return manifest;
}

class Maker {
 public:
  Maker(const std::string& node, v1::Manifest manifest, std::shared_ptr<const OpenKey> key)
      : engine_(loop_.get_executor(), agent::engine_address_from_environment(), node),
        runner_(loop_.get_executor(), engine_, agent::Files(directory_.path()),
                agent::SecretFiles(memory_.path(), node), std::make_shared<agent::Vault>(std::move(key))),
        desired_(std::make_shared<const agent::Desired>(agent::desired_from(std::move(manifest)))) {
    runner_.vault().learn(*desired_->sealed);
  }

  // Why not all was made.
  std::string make() {
    const agent::EngineInfo engine = await(loop_, engine_.negotiate());
    api_ = {engine.api.major, engine.api.minor};
    log_driver_ = engine.log_driver;
    std::string failure;
    for (int round = 0; round < kRounds; ++round) {
      const agent::Plan plan = next_plan();
      failure.clear();
      for (const agent::Pending& pending : plan.pending)
        failure += pending.service + ": " + pending.text + "\n";
      std::vector<agent::Step> steps = plan.steps;
      if (std::ranges::none_of(steps, makes)) return failure;
      const std::string refused = run(std::move(steps));
      if (!refused.empty()) return refused;
    }
    return "it does not come to an end: " + failure;
  }

 private:
  static bool starts(const agent::Step& step) {
    return std::holds_alternative<agent::StartContainer>(step.action) ||
           std::holds_alternative<agent::RunHooks>(step.action) ||
           std::holds_alternative<agent::PullImage>(step.action);
  }
  static bool makes(const agent::Step& step) {
    return std::holds_alternative<agent::CreateContainer>(step.action) ||
           std::holds_alternative<agent::CreateNetwork>(step.action) ||
           std::holds_alternative<agent::CreateVolume>(step.action);
  }

  agent::Plan next_plan() {
    const agent::Observed observed = await(loop_, engine_.observe());
    agent::Answers answers;
    for (;;) {
      agent::Plan plan = agent::make_plan(
          {*desired_, observed, past_, answers, api_, busy_, std::chrono::steady_clock::now()});
      if (plan.questions.empty()) return plan;
      for (const std::string& image : plan.questions.images)
        answers.images[image] = await(loop_, engine_.image_id(image));
      for (const std::string& network : plan.questions.networks)
        answers.networks[network] = await(loop_, engine_.network_exists(network));
      for (const std::string& volume : plan.questions.volumes)
        answers.volumes[volume] = await(loop_, engine_.volume_exists(volume));
    }
  }

  asio::awaitable<void> perform(std::shared_ptr<agent::Occasion> occasion, agent::Step step) {
    if (!starts(step)) co_await runner_.run(std::move(occasion), std::move(step));
  }

  std::string run(std::vector<agent::Step> steps) {
    const auto occasion = std::make_shared<agent::Occasion>();
    occasion->desired = desired_;
    occasion->engine_api = api_;
    occasion->log_driver = log_driver_;
    const agent::RunStep run_step = [this, occasion](agent::Step step) {
      return perform(occasion, std::move(step));
    };
    const std::vector<agent::Outcome> outcomes =
        await(loop_, agent::execute(loop_.get_executor(), steps, run_step));
    std::string failure;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (outcomes[i].state == agent::Outcome::State::kFailed)
        failure += agent::to_text(steps[i].action) + ": " + outcomes[i].error->what() + "\n";
    }
    return failure;
  }

  asio::io_context loop_{1};
  TemporaryDirectory directory_;
  MemoryPlace memory_;
  agent::DockerEngine engine_;
  agent::StepRunner runner_;
  std::shared_ptr<const agent::Desired> desired_;
  agent::Past past_;
  std::set<std::string> busy_;
  agent::ApiLevel api_;
  std::string log_driver_;
};

}  // namespace

MadeByProduct made_by_product(const EngineClient& engine, const fs::path& directory,
                              const std::string& project) {
  MadeByProduct result;
  const Compiled compiled = compile(directory, project);
  if (!compiled.release) {
    result.made.failure = compiled.diagnostics;
    return result;
  }
  for (const v1::Network& network : compiled.release->release.networks())
    result.network_bodies[network.name()] = network.engine_body();
  const std::string label = "com.hivemind.node=" + project;
  std::string failure;
  try {
    const auto key = std::make_shared<const OpenKey>(OpenKey::generate());
    Maker maker(project, manifest_of(*compiled.release, project, key->seal_key()), key);
    failure = maker.make();
    result.made = made_with_label(engine, label);
  } catch (const Error& error) {
    failure = error.what();
  }
  result.made.failure = failure;
  engine.remove_all(label);
  return result;
}

}  // namespace hivemind::tests
