#include "tests/unit/apply/reconciled_node.h"

#include <utility>

#include "tests/support/manifest_builder.h"
#include "tests/unit/apply/loop.h"

namespace hivemind::tests {

using agent::Reconciler;

void ReconciledNode::start() {
  Reconciler::Options options{directory.path()};
  Reconciler::Callbacks on;
  on.on_standing = [] {};
  on.on_happening = [this](const agent::Happening& happening) {
    happenings.push_back(happening.kind + " " + happening.stack);
  };
  on.on_past = [this] {
    if (is_saved) save();
  };
  on.is_saved = [this] { return is_saved; };
  prepare(options, on);
  reconciler_ = std::make_shared<Reconciler>(loop.get_executor(), engine, options, past, std::move(on));
  reconciler_->start();
}

void ReconciledNode::save() {
  const agent::Past& now = reconciler_->past();
  past = {};
  past.good = now.good;
  past.failed = now.failed;
  past.completed = now.completed;
  past.jobs = now.jobs;
  past.hooked = now.hooked;
  past.pulled = now.pulled;
  for (const auto& [stack, trial] : now.trials) past.trials[stack] = {trial.digest};
  on_saved();
}

void ReconciledNode::want(const std::vector<v1::Release>& releases, const std::vector<v1::File>& files) {
  add_images(releases);
  want_unpulled(releases, files);
}

void ReconciledNode::want_unpulled(const std::vector<v1::Release>& releases,
                                   const std::vector<v1::File>& files) {
  v1::Manifest wish = next_manifest(releases);
  for (const v1::File& file : files) *wish.add_files() = file;
  give(wish);
}

v1::Manifest ReconciledNode::next_manifest(const std::vector<v1::Release>& releases) const {
  return manifest(wanted_ ? wanted_->generation + 1 : 1, releases);
}

void ReconciledNode::add_images(const std::vector<v1::Release>& releases) {
  for (const v1::Release& release : releases) {
    for (const v1::Service& service : release.services()) engine.model.add_image(service.image());
  }
}

void ReconciledNode::give(const v1::Manifest& manifest) {
  wanted_ = std::make_shared<const agent::Desired>(agent::desired_from(manifest));
  reconciler_->set_desired(wanted_);
}

bool ReconciledNode::settled() const {
  const agent::Standing& now = reconciler_->standing();
  return now.desired == wanted_ && now.settled && now.engine_reason == v1::REASON_NONE;
}

bool ReconciledNode::settle() {
  return run_until(loop, [this] { return settled(); });
}

}  // namespace hivemind::tests
