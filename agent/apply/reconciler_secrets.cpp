// Secrets: which can be had, and that they are where containers look for them.
#include <algorithm>

#include "agent/apply/reconciler.h"
#include "agent/plan/slots.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

std::set<std::string> ids_of(const SealedSecrets& sealed) {
  std::set<std::string> ids;
  for (const auto& [id, secret] : sealed) ids.insert(id);
  return ids;
}

bool has_files(const DesiredService& service) {
  return std::ranges::any_of(service.mounts, &DesiredMount::is_secret);
}

bool has_container(const Observed& observed, const std::string& stack, const std::string& service) {
  return std::ranges::any_of(observed.containers, [&](const Container& container) {
    return label_of(container.labels, labels::kStack) == stack &&
           label_of(container.labels, labels::kService) == service;
  });
}

}  // namespace

// Those of good releases come from the store: they have to come back without a hub.
void Reconciler::learn_secrets() {
  Vault& vault = runner_.vault();
  if (desired_) {
    vault.learn(*desired_->sealed);
    vault.learn_logins(desired_->registry_logins);
  }
  SealedSecrets stored;
  for (const auto& [stack, good] : past_.good) {
    for (const std::string& id : secrets_named_in(good.release)) {
      if (vault.why_not(id).empty() || !callbacks_.sealed) continue;
      if (auto secret = callbacks_.sealed(id)) stored.emplace(id, std::move(*secret));
    }
  }
  vault.learn(stored);
}

// Not before all is as desired: what goes may have to be told of a secret by its hooks.
void Reconciler::forget_secrets() {
  if (!standing_.settled || !busy_.empty() || !unpruned_.empty() || standing_.desired != desired_) return;
  std::map<std::string, std::string> good;
  for (const auto& [stack, release] : past_.good) good[stack] = release.digest;
  if (kept_secrets_for_ == desired_ && kept_secrets_with_ == good) return;
  kept_secrets_for_ = desired_;
  kept_secrets_with_ = good;
  std::set<std::string> ids = ids_of(*desired_->sealed);
  for (const auto& [stack, release] : past_.good) ids.merge(secrets_named_in(release.release));
  runner_.vault().keep_only(ids);
}

SecretTroubles Reconciler::secret_troubles(const Desired& desired, const Desired& effective) const {
  SecretTroubles troubles;
  bool has_any_files = false;
  const auto look_at = [&](const DesiredStack& stack, const DesiredService& service) {
    has_any_files = has_any_files || has_files(service);
    for (const std::string& id : secrets_of(service)) {
      const std::string why = runner_.vault().why_not(id);
      if (why.empty()) continue;
      if (!std::ranges::binary_search(service.secrets, id) && are_in_place(stack, service)) continue;
      troubles.unavailable[id] = why;
    }
    for (const std::string& id : service.secrets) {
      const std::string why = runner_.vault().why_no_text(id);
      if (!why.empty()) troubles.no_text[id] = why;
    }
  };
  for (const Desired* all : {&desired, &effective}) {
    for (const DesiredStack& stack : all->stacks) {
      for (const DesiredService& service : stack.services) look_at(stack, service);
    }
  }
  if (has_any_files) troubles.no_place = runner_.secret_files().trouble();
  return troubles;
}

bool Reconciler::are_in_place(const DesiredStack& stack, const DesiredService& service) const {
  try {
    return std::ranges::all_of(service.mounts, [&](const DesiredMount& mount) {
      return !mount.is_secret() || runner_.secret_files().is_in_place(stack.name, mount);
    });
  } catch (const Error&) {
    return false;  // whoever places them says why
  }
}

// The engine starts a container that has ended by itself, and must find them then.
void Reconciler::tend_secrets(const DesiredStack& stack) {
  for (const DesiredService& service : stack.services) {
    if (!has_files(service) || !has_container(standing_.observed, stack.name, service.name)) continue;
    try {
      for (const DesiredMount& mount : service.mounts) {
        if (mount.is_secret()) runner_.secret_files().place(stack.name, mount, runner_.vault());
      }
      secrets_failures_.erase(subject_of(stack.name, service.name));
    } catch (const Error& error) {
      std::string& told = secrets_failures_[subject_of(stack.name, service.name)];
      if (told != error.what())
        log::warn("stack '{}': service '{}': secrets: {}", stack.name, service.name, error.what());
      told = error.what();
    }
  }
}

// False: it is tried again.
bool Reconciler::prune_secrets(const std::string& stack, const DesiredStack* wanted) {
  try {
    runner_.secret_files().prune(stack, wanted);
    return true;
  } catch (const Error& error) {
    log::warn("stack '{}': secrets: {}", stack, error.what());
    return false;
  }
}

}  // namespace hivemind::agent
