#include "agent/plan/report.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "agent/plan/report_phase.h"
#include "agent/plan/slots.h"
#include "agent/plan/trial.h"
#include "agent/plan/utf8.h"

namespace hivemind::agent {
namespace {

// So often may a container end early on before its service counts as failed: programs that wait for others to
// come up do.
constexpr unsigned kPatience = 3;

struct Verdict {
  v1::State state = v1::STATE_RUNNING;
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
};

std::string_view health_text(Health health) {
  switch (health) {
    case Health::kStarting:
      return "starting";
    case Health::kHealthy:
      return "healthy";
    case Health::kUnhealthy:
      return "unhealthy";
    case Health::kNone:
      break;
  }
  return "";
}

bool is_failure(v1::Reason reason) {
  return reason != v1::REASON_NONE && reason != v1::REASON_APPLYING && reason != v1::REASON_PULLING &&
         reason != v1::REASON_WAITING_DEPENDENCY;
}

const Pending* pending_of(const Plan& plan, const std::string& stack, const std::string& service) {
  const auto found = std::ranges::find_if(
      plan.pending, [&](const Pending& p) { return p.stack == stack && p.service == service; });
  return found == plan.pending.end() ? nullptr : &*found;
}

const Trouble* trouble_of(const Findings& findings, const std::string& stack, const DesiredService& service) {
  const auto found = findings.past.troubles.find(subject_of(stack, service.name));
  if (found == findings.past.troubles.end() || found->second.config_hash != service.config_hash)
    return nullptr;
  return &found->second;
}

Verdict of_slot(const Slot& slot, const ServiceView& view, const Past& past) {
  if (slot.current == nullptr) return {v1::STATE_APPLYING, v1::REASON_APPLYING, "has no container yet"};
  const Container& container = *slot.current;
  if (is_completed(container, view, past)) return {v1::STATE_COMPLETED, v1::REASON_NONE, ""};
  if (container.status == ContainerStatus::kRestarting || container.status == ContainerStatus::kExited) {
    const v1::State state = container.restarts >= kPatience ? v1::STATE_FAILED : v1::STATE_APPLYING;
    return {state, v1::REASON_EXITED, fmt::format("container exited with code {}", container.exit_code)};
  }
  if (container.status != ContainerStatus::kRunning)
    return {v1::STATE_APPLYING, v1::REASON_APPLYING, "is not started yet"};
  if (container.health == Health::kUnhealthy) {
    return {v1::STATE_FAILED, v1::REASON_UNHEALTHY, fmt::format("unhealthy: {}", container.health_text)};
  }
  if (container.health == Health::kStarting) {
    return {v1::STATE_APPLYING, v1::REASON_APPLYING, "health check has not passed yet"};
  }
  return {};
}

Verdict of_trouble(const Trouble& trouble) {
  return {trouble.is_tried_anew() ? v1::STATE_APPLYING : v1::STATE_FAILED, trouble.reason, trouble.text};
}

int badness(v1::State state) {
  switch (state) {
    case v1::STATE_FAILED:
      return 4;
    case v1::STATE_APPLYING:
      return 3;
    case v1::STATE_PENDING:
      return 2;
    case v1::STATE_RUNNING:
      return 1;
    default:
      return 0;
  }
}

Verdict of_service(const Findings& findings, const std::string& stack, const ServiceView& view) {
  Verdict worst;
  if (!view.slots.empty()) worst.state = v1::STATE_COMPLETED;
  for (const Slot& slot : view.slots) {
    const Verdict verdict = of_slot(slot, view, findings.past);
    if (badness(verdict.state) > badness(worst.state)) worst = verdict;
  }
  // One that keeps ending has failed, also in the moments when it runs; the trouble is forgotten once it
  // lasts.
  const Trouble* trouble = trouble_of(findings, stack, *view.service);
  const bool keeps_ending =
      trouble != nullptr && trouble->reason == v1::REASON_EXITED && trouble->attempts >= kPatience;
  if (keeps_ending && worst.state != v1::STATE_COMPLETED)
    return {v1::STATE_FAILED, trouble->reason, trouble->text};
  // A container runs before its hooks have.
  const bool hook_failed = trouble != nullptr && trouble->reason == v1::REASON_HOOK_FAILED;
  if (hook_failed && worst.state == v1::STATE_RUNNING) return of_trouble(*trouble);
  if (worst.state == v1::STATE_RUNNING || worst.state == v1::STATE_COMPLETED) return worst;
  const bool is_serious =
      trouble != nullptr && trouble->reason != v1::REASON_EXITED && trouble->reason != v1::REASON_APPLYING;
  if (is_serious) return of_trouble(*trouble);
  const Pending* pending = pending_of(findings.plan, stack, view.service->name);
  if (pending == nullptr || worst.state == v1::STATE_FAILED) return worst;
  const bool failed = is_failure(pending->reason) && pending->reason != v1::REASON_EXITED;
  return {failed ? v1::STATE_FAILED : v1::STATE_APPLYING, pending->reason, pending->text};
}

bool is_any_up(const ServiceView& view) {
  return std::ranges::any_of(view.slots, [](const Slot& slot) {
    return (slot.current != nullptr && is_up(*slot.current)) ||
           std::ranges::any_of(slot.old, [](const Container* c) { return is_up(*c); });
  });
}

std::uint32_t running_count(const ServiceView& view) {
  return static_cast<std::uint32_t>(std::ranges::count_if(view.slots, [](const Slot& slot) {
    const Container* container =
        slot.current != nullptr || slot.old.empty() ? slot.current : slot.old.front();
    return container != nullptr && container->status == ContainerStatus::kRunning;
  }));
}

void fill_container(v1::ServiceReport& report, const ServiceView& view) {
  if (view.slots.empty()) return;
  const Slot& slot = view.slots.front();
  const Container* container = slot.current != nullptr || slot.old.empty() ? slot.current : slot.old.front();
  if (container == nullptr) return;
  report.set_image_id(container->image_id);
  report.set_image_digest(container->image_digest);
  report.set_container_id(container->id);
  report.set_health(std::string(health_text(container->health)));
  report.set_health_output(last_words(container->health_text));
  report.set_exit_code(container->exit_code);
  report.set_restarts(container->restarts);
}

v1::ServiceReport service_report(const Findings& findings, const std::string& stack,
                                 const ServiceView& view) {
  Verdict verdict = of_service(findings, stack, view);
  if (verdict.state == v1::STATE_APPLYING && !is_any_up(view)) verdict.state = v1::STATE_PENDING;
  v1::ServiceReport report;
  report.set_service(view.service->name);
  report.set_state(verdict.state);
  report.set_reason(verdict.reason);
  report.set_text(valid_utf8(verdict.text));  // a hook may have printed anything
  report.set_image(view.service->image);
  report.set_replicas(view.service->replicas);
  report.set_running(running_count(view));
  fill_container(report, view);
  return report;
}

void add_once(std::multimap<std::string, std::string>& hashes, const Container& container) {
  const std::string service(label_of(container.labels, labels::kService));
  const std::string hash(label_of(container.labels, labels::kConfigHash));
  const auto [begin, end] = hashes.equal_range(service);
  const bool known = std::any_of(begin, end, [&](const auto& entry) { return entry.second == hash; });
  if (!known) hashes.emplace(service, hash);
}

bool is_in_place(const Container& container, const StackView& view) {
  return std::ranges::any_of(view.services, [&](const auto& service) {
    return std::ranges::any_of(service.second.slots,
                               [&](const Slot& slot) { return slot.current == &container; });
  });
}

// Config hashes of the stack's containers, by service. One that stands still beside another is only kept.
std::multimap<std::string, std::string> hashes_there(const StackView& view, const Observed& observed,
                                                     const std::string& node) {
  std::multimap<std::string, std::string> hashes;
  for (const Container& container : observed.containers) {
    if (!is_ours(container.labels, node) || label_of(container.labels, labels::kStack) != view.name) continue;
    if (is_up(container) || is_in_place(container, view)) add_once(hashes, container);
  }
  return hashes;
}

void fill_running(v1::StackReport& report, const StackView& view, const Findings& findings) {
  const auto there = hashes_there(view, findings.observed, findings.desired.node);
  const auto is_there = [&](const GoodRelease& release) {
    return std::ranges::equal(there, release.services, [](const auto& a, const auto& b) {
      return a.first == b.first && a.second == b.second;
    });
  };
  GoodRelease release = release_of(*view.stack);
  const auto good = findings.past.good.find(view.name);
  if (!is_there(release)) {
    if (good == findings.past.good.end() || !is_there(good->second)) return;
    release = good->second;
  } else if (!std::ranges::all_of(report.services(), [](const v1::ServiceReport& s) {
               return s.running() == s.replicas() || s.state() == v1::STATE_COMPLETED;
             })) {
    return;
  }
  report.set_running_digest(release.digest);
  report.set_running_revision(release.revision);
}

void fill_state(v1::StackReport& report, const Findings& findings) {
  report.set_state(v1::STATE_RUNNING);
  for (const v1::ServiceReport& service : report.services()) {
    if (badness(service.state()) <= std::max(badness(report.state()), 1)) continue;
    report.set_state(service.state());
    report.set_reason(service.reason());
    report.set_text(fmt::format("service '{}': {}", service.service(), service.text()));
  }
  if (const Pending* pending = pending_of(findings.plan, report.stack(), "")) {
    report.set_state(v1::STATE_FAILED);
    report.set_reason(pending->reason);
    report.set_text(valid_utf8(pending->text));
  }
  if (report.state() == v1::STATE_RUNNING && findings.busy.contains(report.stack())) {
    report.set_state(v1::STATE_APPLYING);
    report.set_reason(v1::REASON_APPLYING);
    report.set_text("steps are under way");
  }
}

void fill_notices(v1::StackReport& report, const Findings& findings) {
  std::vector<Notice> notices = findings.past.notices.of_stack(report.stack());
  for (const Notice& notice : findings.plan.notices) {
    if (notice.stack == report.stack()) notices.push_back(notice);
  }
  for (const Notice& notice : presentable(std::move(notices))) {
    v1::Notice& entry = *report.add_notices();
    entry.set_kind(notice.kind);
    entry.set_service(notice.service);
    entry.set_text(notice.text);
  }
}

// Of what is to run now, whether it is the manifest's release or the one that stands in for it.
v1::StackReport base_report(const Findings& findings, const DesiredStack& stack) {
  const StackView view =
      view_of(stack.name, &findings.running(stack), findings.observed, findings.desired.node);
  v1::StackReport report;
  report.set_stack(stack.name);
  report.set_desired_digest(stack.digest);
  report.set_desired_revision(stack.revision);
  for (const auto& [name, service] : view.services)
    *report.add_services() = service_report(findings, stack.name, service);
  fill_running(report, view, findings);
  fill_state(report, findings);
  return report;
}

// How far pulls are, also those for a release to come while the one before runs.
void fill_fetches(v1::StackReport& report, const Findings& findings, const DesiredStack& stack) {
  for (v1::ServiceReport& entry : *report.mutable_services()) {
    const DesiredService* service = stack.service(entry.service());
    if (service == nullptr) continue;
    const auto fetch = findings.past.fetches.find(image_key(service->image, service->platform));
    if (fetch == findings.past.fetches.end() || fetch->second.state != Fetch::State::kPulling) continue;
    entry.set_fetched_bytes(fetch->second.done_bytes);
    entry.set_fetch_bytes(fetch->second.total_bytes);
  }
}

v1::StackReport stack_report(const Findings& findings, const DesiredStack& stack) {
  v1::StackReport report = base_report(findings, stack);
  fill_phase(report, findings, stack);
  fill_fetches(report, findings, stack);
  fill_notices(report, findings);
  return report;
}

}  // namespace

GoodRelease release_of(const DesiredStack& stack) {
  GoodRelease release{stack.digest, stack.revision, {}};
  for (const DesiredService& service : stack.services) {
    if (service.replicas > 0) release.services.emplace(service.name, service.config_hash);
  }
  return release;
}

GoodRelease release_of(const DesiredStack& stack, const Observed& observed, const std::string& node) {
  GoodRelease release = release_of(stack);
  if (stack.release) release.release = *stack.release;
  const StackView view = view_of(stack.name, &stack, observed, node);
  for (const auto& [name, service] : view.services) {
    for (const Slot& slot : service.slots) {
      if (slot.current != nullptr) release.images.emplace(name, slot.current->image_id);
    }
  }
  return release;
}

const DesiredStack& Findings::running(const DesiredStack& stack) const {
  const DesiredStack* other = effective == nullptr ? nullptr : effective->stack(stack.name);
  return other == nullptr ? stack : *other;
}

const Target* Findings::target(const std::string& stack) const {
  if (targets == nullptr) return nullptr;
  const auto found = targets->find(stack);
  return found == targets->end() ? nullptr : &found->second;
}

bool is_sound(const Findings& findings, const DesiredStack& stack) {
  const auto is_of_it = [&](const Step& step) { return step.stack == stack.name; };
  if (std::ranges::any_of(findings.plan.steps, is_of_it)) return false;
  const v1::StackReport report = base_report(findings, stack);
  return report.state() == v1::STATE_RUNNING && report.running_digest() == stack.digest;
}

std::vector<v1::StackReport> stack_reports(const Findings& findings) {
  std::vector<v1::StackReport> reports;
  for (const DesiredStack& stack : findings.desired.stacks) reports.push_back(stack_report(findings, stack));
  return reports;
}

}  // namespace hivemind::agent
