#include "hub/inventory/why_stack.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/report_text.h"

namespace hivemind::hub {
namespace {

bool is_done(v1::State state) {
  return state == v1::STATE_RUNNING || state == v1::STATE_COMPLETED;
}

bool waits_for_another(const v1::ServiceReport& service) {
  return service.reason() == v1::REASON_WAITING_DEPENDENCY ||
         service.reason() == v1::REASON_DEPENDENCY_FAILED;
}

int rank_of(const v1::ServiceReport& service) {
  if (waits_for_another(service)) return 2;
  return service.state() == v1::STATE_FAILED ? 0 : 1;
}

std::string megabytes(std::int64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6);
}

// "43 % (12.0 of 28.0 MB)"
std::string progress(std::int64_t fetched, std::int64_t whole) {
  const std::int64_t done = std::min(fetched, whole);
  return fmt::format("{} % ({} of {} MB)", done * 100 / whole, megabytes(done), megabytes(whole));
}

std::string text_of(const v1::ServiceReport& service) {
  if (service.reason() == v1::REASON_PULLING && service.fetch_bytes() > 0) {
    return fmt::format("pulling '{}': {}", service.image(),
                       progress(service.fetched_bytes(), service.fetch_bytes()));
  }
  return service.text().empty() ? reason_name(service.reason()) : service.text();
}

// Of the stack as a whole. While a release is fetched, its services run as the one before, and only their
// bytes tell of it.
std::string text_of(const v1::StackReport& stack) {
  std::int64_t fetched = 0;
  std::int64_t whole = 0;
  for (const v1::ServiceReport& service : stack.services()) {
    fetched += service.fetched_bytes();
    whole += service.fetch_bytes();
  }
  if (stack.reason() == v1::REASON_PULLING && whole > 0)
    return fmt::format("stack '{}': pulling {}: {}", stack.stack(), progress(fetched, whole), stack.text());
  return stack.text().empty() ? fmt::format("stack '{}' is {}", stack.stack(), state_name(stack.state()))
                              : fmt::format("stack '{}': {}", stack.stack(), stack.text());
}

std::vector<const v1::ServiceReport*> telling_services(const v1::StackReport& stack) {
  std::vector<const v1::ServiceReport*> services;
  for (const v1::ServiceReport& service : stack.services()) {
    if (!is_done(service.state()) && service.reason() != v1::REASON_NONE) services.push_back(&service);
  }
  std::stable_sort(services.begin(), services.end(),
                   [](const auto* a, const auto* b) { return rank_of(*a) < rank_of(*b); });
  return services;
}

std::string retry(const std::string& node, const std::string& stack) {
  return fmt::format("hivemind retry {}{}{}", node, stack.empty() ? "" : " ", stack);
}

Cause rolled_back(const std::string& node, const v1::StackReport& stack) {
  const std::string text = stack.has_failed()     ? failure_text(stack.failed())
                           : stack.text().empty() ? "its release failed here, and the one before runs"
                                                  : stack.text();
  return {reason_name(v1::REASON_ROLLED_BACK), stack.stack(), stack.failed().service(),
          fmt::format("stack '{}': {}", stack.stack(), text),
          remedy_of(v1::REASON_ROLLED_BACK, node, stack.stack())};
}

}  // namespace

std::string remedy_of(v1::Reason reason, const std::string& node, const std::string& stack) {
  switch (reason) {
    case v1::REASON_ROLLED_BACK:
    case v1::REASON_PRE_FAILED:
    case v1::REASON_POST_FAILED:
      return fmt::format("commit a release that works, or have this one tried again: {}", retry(node, stack));
    case v1::REASON_UNHEALTHY:
    case v1::REASON_EXITED:
    case v1::REASON_CREATE_FAILED:
    case v1::REASON_START_FAILED:
    case v1::REASON_HOOK_FAILED:
    case v1::REASON_ENGINE_REFUSED:
    case v1::REASON_FILES_FAILED:
      return fmt::format("mend it and commit; it is tried again by itself, at once with: {}",
                         retry(node, stack));
    case v1::REASON_PULL_FAILED:
      return fmt::format(
          "check the image's name, the registry and its login; it is tried again by itself, at once with: {}",
          retry(node, stack));
    case v1::REASON_IMAGE_ABSENT:
      return "load the image on the node, or change the service's pull_policy";
    case v1::REASON_ENGINE_DOWN:
      return "start the engine on the node";
    case v1::REASON_ENGINE_TOO_OLD:
      return "update the engine on the node, or do without what needs a newer one";
    case v1::REASON_EXTERNAL_ABSENT:
      return "make it on the node, or drop 'external: true'";
    case v1::REASON_DISK_SHORT:
      return "make room on the node's disk";
    case v1::REASON_STORE_FAILED:
      return "make room on the node's disk, or mend its file system";
    case v1::REASON_SIGNATURE_REFUSED:
      return fmt::format(
          "give the agent this hub's key: by a new enrolment (hivemind node replace {}), or, where it is not "
          "enrolled, with --hub-key, a copy of the hub's hub.pub",
          node);
    case v1::REASON_WRONG_NODE:
      return "give each agent an id of its own (--node)";
    case v1::REASON_MALFORMED:
      return "update the agent";
    case v1::REASON_PORT_TAKEN:
      return "free the port on the node, or publish another one";
    case v1::REASON_POLICY_REFUSED:
      return "commit a release that does without it, or ask the node's owner to change the agent's setting";
    case v1::REASON_ADOPTION_NEEDED:
      return fmt::format("hivemind adopt {} {}", node, stack);
    case v1::REASON_WINDOW_CLOSED:
      return fmt::format("not to wait for the window: hivemind apply --now {} {}", node, stack);
    case v1::REASON_CLOCK_UNSET:
      return fmt::format("set the node's clock (run an NTP client), or: hivemind apply --now {} {}", node,
                         stack);
    default:
      return {};
  }
}

std::vector<Cause> stack_causes(const std::string& node, const v1::StackReport& stack) {
  if (stack.state() == v1::STATE_ROLLED_BACK) return {rolled_back(node, stack)};
  const bool waits = stack.reason() == v1::REASON_WINDOW_CLOSED || stack.reason() == v1::REASON_CLOCK_UNSET;
  if (is_done(stack.state()) && !waits) return {};
  std::vector<Cause> causes;
  const auto services = telling_services(stack);
  const bool is_said = std::ranges::any_of(
      services, [&](const v1::ServiceReport* service) { return service->reason() == stack.reason(); });
  if (!is_said) {
    causes.push_back({reason_name(stack.reason()), stack.stack(), "", text_of(stack),
                      remedy_of(stack.reason(), node, stack.stack())});
  }
  for (const v1::ServiceReport* service : services) {
    causes.push_back(
        {reason_name(service->reason()), stack.stack(), service->service(),
         fmt::format("stack '{}': service '{}': {}", stack.stack(), service->service(), text_of(*service)),
         remedy_of(service->reason(), node, stack.stack())});
  }
  return causes;
}

}  // namespace hivemind::hub
