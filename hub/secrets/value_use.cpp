#include "hub/secrets/value_use.h"

namespace hivemind::hub {
namespace {

// Of the values of one name, the one in question taken out.
class Judge {
 public:
  Judge(const SecretScope& scope, const std::vector<SecretScope>& scopes) : scope_(scope), all_(scopes) {
    for (const SecretScope& each : scopes) {
      if (each != scope) others_.push_back(each);
    }
  }

  // Nothing can be more specific, and nothing is left without it.
  bool is_the_only_one_for_all() const { return scope_.kind == SecretScope::Kind::kFleet && others_.empty(); }

  void judge(const std::string& stack, const NodeIdentity& node, ValueUse& use) const {
    const int first = most_specific(all_, stack, node);
    if (first < 0 || all_[static_cast<std::size_t>(first)] != scope_) return;
    use.stacks.insert(stack);
    const int next = most_specific(others_, stack, node);
    if (next < 0) {
      use.bereft.insert(stack);
    } else {
      use.instead[others_[static_cast<std::size_t>(next)].description()].insert(stack);
    }
  }

 private:
  const SecretScope& scope_;
  const std::vector<SecretScope>& all_;
  std::vector<SecretScope> others_;
};

}  // namespace

ValueUse use_of(const SecretScope& scope, const std::vector<SecretScope>& scopes,
                const std::vector<SecretUser>& users, const std::vector<NodeIdentity>& nodes) {
  const Judge judge(scope, scopes);
  ValueUse use;
  for (const SecretUser& user : users) {
    bool is_run = false;
    if (!judge.is_the_only_one_for_all()) {
      for (const NodeIdentity& node : nodes) {
        if (!user.nodes.selects(node)) continue;
        is_run = true;
        judge.judge(user.stack, node, use);
      }
    }
    if (!is_run) judge.judge(user.stack, {}, use);
  }
  return use;
}

}  // namespace hivemind::hub
