#include "tests/unit/plan/scenario.h"

#include <algorithm>

#include "agent/apply/body.h"
#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::tests {

using namespace hivemind::agent;

namespace {

void add_images(EngineModel& engine, const Desired& desired) {
  for (const DesiredStack& stack : desired.stacks) {
    for (const DesiredService& service : stack.services) engine.add_image(service.image);
  }
}

}  // namespace

Scenario::Scenario(std::vector<v1::Release> releases) : wanted(desired(releases)) {
  add_images(engine, wanted);
}

void Scenario::want(std::vector<v1::Release> releases) {
  wanted = desired(releases, wanted.generation + 1);
  add_images(engine, wanted);
}

Plan Scenario::plan() const {
  Answers answers;
  const std::set<std::string> busy;
  const Observed observed = engine.observe();
  std::vector<const DesiredStack*> to_come;
  for (const DesiredStack& candidate : candidates) to_come.push_back(&candidate);
  Plan plan =
      make_plan({wanted, observed, past, answers, api, busy, now, wall_s, to_come, jobs, true, secrets});
  for (int round = 0; round < 3 && !plan.questions.empty(); ++round) {
    for (const std::string& image : plan.questions.images) answers.images[image] = engine.image_id(image);
    for (const std::string& name : plan.questions.networks)
      answers.networks[name] = engine.network_exists(name);
    for (const std::string& name : plan.questions.volumes) answers.volumes[name] = engine.volume_exists(name);
    for (const std::string& user : plan.questions.network_users)
      answers.network_users[user] = engine.network_users(user);
    plan = make_plan({wanted, observed, past, answers, api, busy, now, wall_s, to_come, jobs, true, secrets});
  }
  REQUIRE(plan.questions.empty());
  return plan;
}

void Scenario::apply(const Plan& plan, std::size_t most) {
  for (std::size_t i = 0; i < plan.steps.size() && i < most; ++i) {
    for (const std::size_t before : plan.steps[i].after) REQUIRE(before < i);
    apply(plan.steps[i]);
  }
}

void Scenario::apply(const Step& step) {
  const auto job = std::ranges::find(jobs, step.job, &Job::label);
  const DesiredStack* stack = job == jobs.end() ? wanted.stack(step.stack) : job->stack;
  const auto id = [&](const ContainerRef& ref) {
    return ref.id.empty() ? engine.container(ref.name).id : ref.id;
  };
  if (const auto* pull = std::get_if<PullImage>(&step.action)) {
    engine.add_image(pull->image);
  } else if (const auto* network = std::get_if<CreateNetwork>(&step.action)) {
    engine.create_network(network_body({kNode, "r", *stack}, *stack->network(network->name)));
  } else if (const auto* gone = std::get_if<RemoveNetwork>(&step.action)) {
    engine.remove_network(gone->id);
  } else if (const auto* volume = std::get_if<CreateVolume>(&step.action)) {
    engine.create_volume(volume_body({kNode, "r", *stack}, *stack->volume(volume->name)));
  } else if (const auto* create = std::get_if<CreateContainer>(&step.action)) {
    const DesiredService& service = *stack->service(step.service);
    const std::vector<std::string> sources(service.mounts.size(), "/data");
    std::map<std::string, std::string> bases;
    for (const auto& [base, ref] : create->bases) bases[base] = id(ref);
    ContainerContext context{service, create->number, sources, bases, api, create->volumes, create->image};
    context.job = step.job;
    engine.create_container(create->name, container_body({kNode, "r", *stack}, context));
  } else if (const auto* connect = std::get_if<ConnectNetwork>(&step.action)) {
    engine.connect_network(connect->network, id(connect->container));
  } else if (const auto* start = std::get_if<StartContainer>(&step.action)) {
    past.hooked.erase(id(start->container));
    past.restarting.erase(id(start->container));
    engine.start_container(id(start->container));
  } else if (const auto* hooks = std::get_if<RunHooks>(&step.action)) {
    for (const Hook& hook : stack->service(step.service)->post_start)
      REQUIRE(engine.exec(id(hooks->container), hook.command) == 0);
    past.hooked.insert(id(hooks->container));
  } else if (const auto* off = std::get_if<DisconnectNetwork>(&step.action)) {
    engine.disconnect_network(off->network, id(off->container));
  } else if (const auto* stop = std::get_if<StopContainer>(&step.action)) {
    if (step.purpose == Purpose::kFollow) past.restarting.insert(id(stop->container));
    for (const Hook& hook : hooks_from_label(stop->pre_stop)) engine.exec(id(stop->container), hook.command);
    engine.stop_container(id(stop->container));
  } else if (const auto* policy = std::get_if<SetRestartPolicy>(&step.action)) {
    engine.set_restart_policy(id(policy->container), policy->policy);
  } else if (const auto* unpause = std::get_if<UnpauseContainer>(&step.action)) {
    engine.unpause_container(id(unpause->container));
  } else if (const auto* rename = std::get_if<RenameContainer>(&step.action)) {
    engine.rename_container(id(rename->container), rename->to);
  } else if (const auto* remove = std::get_if<RemoveContainer>(&step.action)) {
    engine.remove_container(id(remove->container), false);
  }
}

int Scenario::converge() {
  for (int plans = 0; plans < 20; ++plans) {
    const Plan next = plan();
    if (next.steps.empty()) return plans;
    apply(next);
  }
  FAIL("no end of steps:\n" + plan_text());
  return -1;
}

void Scenario::remember() {
  for (const DesiredStack& stack : wanted.stacks) past.good[stack.name] = release_of(stack);
}

void Scenario::find_good() {
  remember();
  for (auto& [stack, good] : past.good) good.release = "its body";
}

void Scenario::go_back(std::vector<v1::Release> good) {
  for (const DesiredStack& stack : wanted.stacks) past.failed[stack.name][stack.digest].digest = stack.digest;
  wanted = desired(good, wanted.generation);
  for (DesiredStack& stack : wanted.stacks) stack.origin = Origin::kGood;
}

std::string Scenario::states() const {
  const Observed observed = engine.observe();
  const Plan now_planned = plan();
  const std::set<std::string> busy;
  std::string text;
  const auto name = [](v1::State state) { return v1::State_Name(state).substr(6); };
  for (const v1::StackReport& stack : stack_reports({wanted, observed, past, now_planned, busy})) {
    text += stack.stack() + " " + name(stack.state());
    for (const v1::ServiceReport& service : stack.services())
      text += " " + service.service() + ":" + name(service.state());
    text += "\n";
  }
  return text;
}

}  // namespace hivemind::tests
