// What goes on with files, and what is worth knowing of them and of other things.
#include <fmt/format.h>

#include "agent/apply/reconciler.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

// No service's name holds a colon.
std::string files_subject(const std::string& stack) {
  return subject_of(stack, "files:");
}

// Whether what is known of a subject still concerns what is wanted.
bool is_wanted(const std::string& subject, const Desired& desired) {
  const std::size_t slash = subject.find('/');
  const DesiredStack* stack = desired.stack(subject.substr(0, slash));
  if (stack == nullptr || slash == std::string::npos) return false;
  const std::string rest = subject.substr(slash + 1);
  const std::size_t colon = rest.find(':');
  if (colon == std::string::npos) return stack->service(rest.substr(0, rest.find('/'))) != nullptr;
  const std::string name = rest.substr(colon + 1);
  if (rest.starts_with("network:")) return stack->network(name) != nullptr;
  if (rest.starts_with("volume:")) return stack->volume(name) != nullptr;
  return true;
}

}  // namespace

void Reconciler::prune_files() {
  if (!standing_.desired || standing_.engine_reason != v1::REASON_NONE) return;
  std::set<std::string> restless = busy_;
  for (const Pending& pending : standing_.plan.pending) restless.insert(pending.stack);
  for (const auto& [stack, what] : refused_) restless.insert(stack);
  // What the good release needs stays until another one is good.
  for (const DesiredStack& stack : standing_.desired->stacks) {
    const GoodRelease* good = good_of(past_, stack.name);
    if (good != nullptr && good->digest != stack.digest) restless.insert(stack.name);
  }
  std::erase_if(unpruned_, [&](const std::string& stack) {
    if (restless.contains(stack)) return false;
    // What a stack leaves goes with its purge, but for secrets, which go with it.
    const DesiredStack* wanted = standing_.desired->stack(stack);
    if (wanted != nullptr) runner_.files().prune(*wanted);
    return prune_secrets(stack, wanted);
  });
}

// A kept container comes back without being made, so what another release seeded is put right before its
// start. Its read-only files are there still: they are named by their content.
void Reconciler::bring_back_files(const std::set<std::string>& busy) {
  for (const DesiredStack& stack : standing_.effective->stacks) {
    if (stack.origin != Origin::kGood) seeded_.erase(stack.name);
    if (stack.origin != Origin::kGood || busy.contains(stack.name) || seeded_[stack.name] == stack.digest)
      continue;
    seeded_[stack.name] = stack.digest;
    try {
      for (const DesiredService& service : stack.services) {
        for (const DesiredMount& mount : service.mounts) {
          if (mount.is_kept()) runner_.files().place(stack, mount, *stack.contents);
        }
      }
    } catch (const Error& error) {
      log::warn("stack '{}': files of its last good release: {}", stack.name, error.what());
    }
  }
}

// Nobody tells when an application has changed a file: stacks are looked through from time to time, and after
// their steps.
void Reconciler::tend_files() {
  if (!standing_.desired) return;
  const bool is_due = Clock::now() >= tend_at_;
  if (is_due) tend_at_ = Clock::now() + options_.observe_every;
  for (const DesiredStack& stack : standing_.effective->stacks) {
    if (busy_.contains(stack.name) || (!is_due && !untended_.contains(stack.name))) continue;
    const auto target = standing_.targets.find(stack.name);
    if (target != standing_.targets.end() && target->second.phase == Phase::kHeld) continue;
    untended_.erase(stack.name);
    tend_secrets(stack);
    try {
      past_.notices.learn(files_subject(stack.name), runner_.files().tend(stack, *stack.contents));
      tend_failure_.clear();
    } catch (const Error& error) {
      if (tend_failure_ != error.what()) log::warn("stack '{}': files: {}", stack.name, error.what());
      tend_failure_ = error.what();
    }
  }
  past_.notices.keep([&](const std::string& subject) {
    return is_wanted(subject, *standing_.desired) || is_wanted(subject, *standing_.effective);
  });
  if (past_.notices == noted_) return;
  noted_ = past_.notices;
  callbacks_.on_past();
}

// The engine names the port, and not who has it.
boost::asio::awaitable<Error> Reconciler::explained(Step step, Error failure) {
  const auto taken = taken_port(failure.what());
  if (!taken || !std::holds_alternative<StartContainer>(step.action)) co_return failure;
  std::vector<PublishedPort> published;
  try {
    published = co_await engine_.published_ports();
  } catch (const Error& error) {
    log::warn("{}", error.what());
  }
  const std::string text = port_taken_text(*taken, step.service, published);
  co_return Error(failure.code(), fmt::format("{}: {}", text, failure.what()));
}

}  // namespace hivemind::agent
