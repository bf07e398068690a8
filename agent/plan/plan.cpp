#include "agent/plan/plan.h"

#include <fmt/format.h>

#include "agent/plan/desired.h"

namespace hivemind::agent {
namespace {

struct ActionText {
  std::string operator()(const PullImage& a) const {
    return fmt::format("pull image {}", image_key(a.image, a.platform));
  }
  std::string operator()(const CreateNetwork& a) const { return fmt::format("create network {}", a.name); }
  std::string operator()(const RemoveNetwork& a) const { return fmt::format("remove network {}", a.name); }
  std::string operator()(const CreateVolume& a) const { return fmt::format("create volume {}", a.name); }
  std::string operator()(const PlaceFiles&) const { return "place files"; }
  std::string operator()(const PlaceSecrets&) const { return "place secrets"; }
  std::string operator()(const CreateContainer& a) const {
    return fmt::format("create container {}", a.name);
  }
  std::string operator()(const ConnectNetwork& a) const {
    return fmt::format("connect container {} to network {}", a.container.name, a.network);
  }
  std::string operator()(const StartContainer& a) const {
    return fmt::format("start container {}", a.container.name);
  }
  std::string operator()(const DisconnectNetwork& a) const {
    return fmt::format("disconnect container {} from network {}", a.container.name, a.network);
  }
  std::string operator()(const RunHooks& a) const {
    return fmt::format("run the hooks of container {}", a.container.name);
  }
  std::string operator()(const StopContainer& a) const {
    return fmt::format("stop container {}", a.container.name);
  }
  std::string operator()(const SetRestartPolicy& a) const {
    return fmt::format("set restart policy '{}' of container {}", a.policy, a.container.name);
  }
  std::string operator()(const UnpauseContainer& a) const {
    return fmt::format("unpause container {}", a.container.name);
  }
  std::string operator()(const RenameContainer& a) const {
    return fmt::format("rename container {} to {}", a.container.name, a.to);
  }
  std::string operator()(const RemoveContainer& a) const {
    return fmt::format("remove container {}", a.container.name);
  }
};

std::string reason_text(v1::Reason reason) {
  std::string name = v1::Reason_Name(reason).substr(std::string_view("REASON_").size());
  for (char& c : name) c = c == '_' ? ' ' : static_cast<char>(c | 0x20);
  return name;
}

}  // namespace

std::string subject_of(const Step& step) {
  if (const auto* network = std::get_if<CreateNetwork>(&step.action)) {
    return subject_of(step.stack, "network:" + network->name);
  }
  if (const auto* network = std::get_if<RemoveNetwork>(&step.action)) {
    return subject_of(step.stack, "network:" + network->name);
  }
  if (const auto* volume = std::get_if<CreateVolume>(&step.action)) {
    return subject_of(step.stack, "volume:" + volume->name);
  }
  return subject_of(step.stack, step.service);
}

std::string to_text(const Action& action) {
  return std::visit(ActionText{}, action);
}

std::string to_text(const Step& step) {
  return fmt::format("{}: {}", to_text(step.action), step.cause);
}

std::string to_text(const Plan& plan) {
  std::string text;
  for (const Step& step : plan.steps) text += to_text(step) + "\n";
  for (const Pending& pending : plan.pending) {
    text += fmt::format("pending {} ({}): {}\n", subject_of(pending.stack, pending.service),
                        reason_text(pending.reason), pending.text);
  }
  return text;
}

std::map<std::string, std::vector<Step>> by_stack(const Plan& plan) {
  std::map<std::string, std::vector<Step>> stacks;
  std::vector<std::size_t> place(plan.steps.size());
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    std::vector<Step>& steps = stacks[plan.steps[i].stack];
    place[i] = steps.size();
    steps.push_back(plan.steps[i]);
    for (std::size_t& before : steps.back().after) before = place[before];
  }
  return stacks;
}

}  // namespace hivemind::agent
