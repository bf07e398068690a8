#include "hub/git_worker.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hivemind::hub {

namespace asio = boost::asio;

namespace {

// Nodes that stacks.yml names get a manifest before they were ever seen.
std::vector<NodeIdentity> with_named(std::vector<NodeIdentity> nodes, const Fleet& fleet) {
  std::set<std::string> named = named_nodes(fleet);
  for (const NodeIdentity& node : nodes) named.erase(node.id);
  for (const std::string& id : named) nodes.push_back({id, {}});
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return nodes;
}

}  // namespace

GitWorker::GitWorker(const std::filesystem::path& mirror, git::RemoteOptions remote, std::string directory,
                     SignerFiles signers)
    : mirror_(mirror, std::move(remote)),
      directory_(std::move(directory)),
      signers_(std::move(signers)),
      compiler_(directory_) {}

GitWorker::~GitWorker() {
  mirror_.cancel();
  pool_.stop();
  pool_.join();
}

asio::awaitable<GitOutcome> GitWorker::perform(GitTask task) {
  co_return co_await asio::co_spawn(pool_.get_executor(), work(std::move(task)), asio::use_awaitable);
}

asio::awaitable<GitOutcome> GitWorker::work(GitTask task) {
  GitOutcome outcome;
  if (task.fetch == GitTask::Fetch::kYes) fetch(outcome);
  try {
    outcome.head = mirror_.head().value_or("");
    if (!outcome.head.empty()) outcome.commit = mirror_.describe(outcome.head);
    verify_head(task, outcome);
    const std::string revision = to_compile(task, outcome);
    if (!revision.empty()) compile(revision, task, outcome);
    if (revision == outcome.head) seen_head_ = outcome.head;
  } catch (const Error& error) {
    outcome.compile_error = error;
    compiled_.clear();
  } catch (const std::exception& error) {
    outcome.compile_error = Error(ErrorCode::kInternal, "{}", error.what());
    compiled_.clear();
  }
  co_return outcome;
}

// Nothing that cannot be trusted is compiled: nodes that come meanwhile get what is in force.
std::string GitWorker::to_compile(const GitTask& task, const GitOutcome& outcome) const {
  const bool is_refused = !outcome.unsigned_because.empty();
  if (!is_refused && outcome.head != seen_head_) return outcome.head;
  if (task.compile != GitTask::Compile::kAlways) return {};
  if (is_refused) return task.acted;
  return task.instead.empty() ? outcome.head : task.instead;
}

// What was not acted on is looked at again with each fetch: the operator may have let its signer in, or
// thrown him out.
void GitWorker::verify_head(const GitTask& task, GitOutcome& outcome) {
  if (!signers_.any() || outcome.head.empty()) return;
  const bool is_in_force = verdict_.accepted && outcome.head == task.acted;
  const bool is_known = verified_ == outcome.head && (is_in_force || task.fetch == GitTask::Fetch::kNo);
  if (!is_known) {
    verdict_ = verify(signers_, mirror_.signature(outcome.head));
    verified_ = outcome.head;
  }
  if (verdict_.accepted) outcome.signer = verdict_.text;
  if (!verdict_.accepted && outcome.head != task.acted) outcome.unsigned_because = verdict_.text;
}

void GitWorker::fetch(GitOutcome& outcome) {
  outcome.fetched = true;
  try {
    outcome.changed = mirror_.fetch().changed;
  } catch (const Error& error) {
    outcome.fetch_error = error;
  } catch (const std::exception& error) {
    outcome.fetch_error = Error(ErrorCode::kInternal, "{}", error.what());
  }
}

void GitWorker::compile(const std::string& revision, const GitTask& task, GitOutcome& outcome) {
  const auto snapshot = mirror_.snapshot(revision);
  Diagnostics told_by_compiler;
  const std::optional<Fleet> fleet = load_fleet(*snapshot, directory_, told_by_compiler);
  if (fleet) {
    outcome.stacks = fleet->stacks;
    for (const auto& [id, entry] : fleet->nodes) outcome.node_labels.emplace(id, entry.labels);
  }
  outcome.fleet_file_absent = snapshot->entry(join_path(directory_, kFleetFile)).kind == EntryKind::kAbsent;
  const KnownPins known{task.pins, changed_paths(task.acted, revision)};
  outcome.compilation = compiler_.compile(*snapshot, fleet ? with_named(task.nodes, *fleet) : task.nodes,
                                          changed_paths(compiled_, revision), &known, task.secrets.get());
  compiled_ = revision;
}

std::optional<std::set<std::string>> GitWorker::changed_paths(const std::string& from,
                                                              const std::string& to) const {
  if (from.empty()) return std::nullopt;
  try {
    return mirror_.changed_paths(from, to);
  } catch (const Error&) {
    return std::nullopt;  // the former one is gone, after a force-push: everything is looked at
  }
}

}  // namespace hivemind::hub
