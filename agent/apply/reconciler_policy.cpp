// What the node's owner forbids.
#include "agent/apply/real_path.h"
#include "agent/apply/reconciler.h"

namespace hivemind::agent {

std::optional<std::string> Reconciler::forbidden_in(const DesiredStack& stack) const {
  const std::optional<Violation> violation = violation_of(stack, options_.policy, real_path);
  return violation ? std::optional(violation->text()) : std::nullopt;
}

// In each pass, before anything of a release is fetched, made or healed: symlinks may lead elsewhere than in
// the one before. A good release that may not run any more, because the owner has changed their mind, does
// not come back either.
void Reconciler::judge_by_policy(const Desired& desired) {
  refused_.clear();
  past_.barred.clear();
  if (!options_.policy.restricts()) return;
  for (const DesiredStack& stack : desired.stacks) {
    if (auto forbidden = forbidden_in(stack)) refused_.emplace(stack.name, std::move(*forbidden));
  }
  for (const auto& [name, good] : past_.good) {
    if (good.release.empty()) continue;
    auto& judged = judged_good_[name];
    try {
      if (!judged || *judged->release != good.release)
        judged = std::make_shared<const DesiredStack>(good_stack_from(good.release, {}));
      if (forbidden_in(*judged)) past_.barred.insert(name);
    } catch (const Error&) {
      past_.barred.insert(name);  // one that cannot be read cannot be judged
    }
  }
}

}  // namespace hivemind::agent
