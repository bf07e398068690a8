// Which release of each stack runs: the manifest's, or the last good one in its place.
#include <algorithm>

#include "agent/apply/reconciler.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

std::int64_t wall_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::set<std::string> names_of(const Desired& desired) {
  std::set<std::string> names;
  for (const DesiredStack& stack : desired.stacks) names.insert(stack.name);
  return names;
}

std::set<std::string> files_of(const DesiredStack& stack) {
  std::set<std::string> files;
  for (const DesiredService& service : stack.services) {
    for (const DesiredMount& mount : service.mounts) {
      for (const DesiredFile& file : mount.files) {
        if (file.secret.empty()) files.insert(file.sha256);
      }
    }
  }
  return files;
}

template <typename Map>
bool keep_wanted(Map& by_stack, const Desired& desired) {
  return std::erase_if(by_stack, [&](const auto& entry) { return desired.stack(entry.first) == nullptr; }) >
         0;
}

}  // namespace

// A good release that cannot be read is none; then the manifest's is all there is.
Reconciler::Decision Reconciler::choose(std::shared_ptr<const Desired> desired,
                                        const std::set<std::string>& fetched) {
  const std::set<std::string> unsaved = is_saved() ? std::set<std::string>() : names_of(*desired);
  const std::optional<std::int64_t> clock = options_.window_clock ? options_.window_clock() : wall_s();
  Decision decision;
  do {
    decision.targets = choose_targets({*desired, past_, fetched, unsaved, clock, opened_,
                                       begun_jobs(*desired, standing_.observed, past_), refused_});
  } while (!load_good_stacks(*desired, decision.targets));
  decision.effective = effective_of(desired, decision.targets);
  return decision;
}

// False when one of them is of no use; it is dropped.
bool Reconciler::load_good_stacks(const Desired& desired, const Targets& targets) {
  for (const DesiredStack& stack : desired.stacks) {
    if (!runs_good(targets.at(stack.name).phase)) {
      good_stacks_.erase(stack.name);
      continue;
    }
    GoodRelease& good = past_.good.at(stack.name);
    const auto known = good_stacks_.find(stack.name);
    if (known != good_stacks_.end() && known->second->digest == good.digest) continue;
    try {
      good_stacks_[stack.name] = good_stack(stack, good);
    } catch (const Error& error) {
      log::error("stack '{}': its last good release cannot come back: {}", stack.name, error.what());
      good.release.clear();
      return false;
    }
  }
  return true;
}

std::shared_ptr<const DesiredStack> Reconciler::good_stack(const DesiredStack& wanted,
                                                           const GoodRelease& good) const {
  DesiredStack stack = good_stack_from(good.release, good.images);
  if (stack.name != wanted.name || stack.digest != good.digest)
    throw Error(ErrorCode::kCorrupt, "it is '{}' of stack '{}'", stack.digest, stack.name);
  stack.contents = contents_for(stack, wanted);
  return std::make_shared<const DesiredStack>(std::move(stack));
}

// A file whose content is nowhere is left out: only a service whose files are to be written needs it.
std::shared_ptr<const Contents> Reconciler::contents_for(const DesiredStack& stack,
                                                         const DesiredStack& wanted) const {
  const std::set<std::string> files = files_of(stack);
  const auto is_known = [&](const std::string& sha256) { return wanted.contents->contains(sha256); };
  if (std::ranges::all_of(files, is_known)) return wanted.contents;
  Contents contents;
  for (const std::string& sha256 : files) {
    const auto known = wanted.contents->find(sha256);
    if (known != wanted.contents->end()) {
      contents.insert(*known);
    } else if (auto stored = callbacks_.content ? callbacks_.content(sha256) : std::nullopt) {
      contents.emplace(sha256, std::move(*stored));
    }
  }
  return std::make_shared<const Contents>(std::move(contents));
}

// Made anew only when it would be another one.
std::shared_ptr<const Desired> Reconciler::effective_of(std::shared_ptr<const Desired> desired,
                                                        const Targets& targets) {
  std::map<std::string, std::string> stand_ins;
  for (const auto& [stack, target] : targets) {
    if (runs_good(target.phase)) stand_ins.emplace(stack, good_stacks_.at(stack)->digest);
  }
  if (stand_ins.empty()) {
    stood_in_.reset();
    effective_.reset();
    return desired;
  }
  if (effective_ && stood_in_ == desired && stand_ins_ == stand_ins) return effective_;
  Desired effective = *desired;
  for (DesiredStack& stack : effective.stacks) {
    if (stand_ins.contains(stack.name)) stack = *good_stacks_.at(stack.name);
  }
  stood_in_ = desired;
  stand_ins_ = std::move(stand_ins);
  effective_ = std::make_shared<const Desired>(std::move(effective));
  return effective_;
}

void Reconciler::forget_unwanted(const Desired& desired) {
  bool changed = keep_wanted(past_.good, desired);
  changed = keep_wanted(past_.failed, desired) || changed;
  changed = keep_wanted(past_.trials, desired) || changed;
  changed = forget_jobs(past_, desired) || changed;
  keep_wanted(good_stacks_, desired);
  keep_wanted(judged_good_, desired);
  keep_wanted(opened_, desired);
  if (changed) callbacks_.on_past();
}

void Reconciler::watch_for_windows() {
  for (const auto& [stack, target] : standing_.targets) {
    if (!target.look_s) continue;
    const std::chrono::seconds wait(std::clamp<std::int64_t>(*target.look_s - wall_s(), 1, 24 * 3600));
    trigger(wait);
  }
}

void Reconciler::recall(Past stored) {
  past_.good.merge(stored.good);
  past_.failed.merge(stored.failed);
  past_.trials.merge(stored.trials);
  past_.jobs.merge(stored.jobs);
  past_.completed.merge(stored.completed);
  past_.hooked.merge(stored.hooked);
  past_.pulled.merge(stored.pulled);
  past_.images.merge(stored.images);
  learn_secrets();
  trigger();
}

void Reconciler::saved() {
  const bool waits = std::ranges::any_of(
      standing_.targets, [](const auto& entry) { return entry.second.phase == Phase::kUnsaved; });
  if (waits) trigger();
}

void Reconciler::retry(const std::string& stack) {
  const auto concerns = [&](const std::string& name) { return stack.empty() || name == stack; };
  auto forgotten = std::erase_if(past_.failed, [&](const auto& entry) { return concerns(entry.first); });
  for (auto& [name, ends] : past_.jobs) {
    if (concerns(name))
      forgotten += std::erase_if(ends, [](const auto& end) { return !end.second.text.empty(); });
  }
  for (auto& [subject, trouble] : past_.troubles) {
    if (concerns(subject.substr(0, subject.find('/')))) trouble.not_before = {};
  }
  if (forgotten > 0) callbacks_.on_past();
  if (pulls_) pulls_->retry(Pulls::Retry::kAtOnce);
  trigger();
}

void Reconciler::open_window(const std::string& stack) {
  if (!desired_) return;
  for (const DesiredStack& wanted : desired_->stacks) {
    if (stack.empty() || wanted.name == stack) opened_[wanted.name] = wanted.digest;
  }
  trigger();
}

}  // namespace hivemind::agent
