#include "hub/desired/compiler.h"

#include <algorithm>
#include <unordered_map>

#include "hub/desired/claims.h"
#include "hub/desired/diagnostic_merge.h"
#include "hub/desired/node_variables.h"
#include "hub/desired/read_recorder.h"
#include "hub/desired/stack_compiler.h"

namespace hivemind::hub {
namespace {

// A node with what counts of it here.
struct Candidate {
  NodeIdentity node;  // labels of stacks.yml over those of the agent
  Variables label_variables;
  const NodeEntry* entry = nullptr;
};

Candidate candidate(const NodeIdentity& node, const Fleet& fleet) {
  Candidate result{node, {}, nullptr};
  if (const auto entry = fleet.nodes.find(node.id); entry != fleet.nodes.end()) {
    for (const auto& [key, value] : entry->second.labels) result.node.labels.insert_or_assign(key, value);
    result.entry = &entry->second;
  }
  result.label_variables = label_variables(result.node.labels);
  return result;
}

// One stack for all nodes: what came out for which.
struct Column {
  const StackEntry* entry = nullptr;
  std::size_t selected = 0;
  std::unordered_map<std::string, OutcomePtr> outcomes;  // by node; null: the stack could not be loaded
  DiagnosticMerge said;
};

std::map<OutcomePtr, std::vector<std::string>> by_outcome(const Column& column) {
  std::map<OutcomePtr, std::vector<std::string>> nodes;
  for (const auto& [node, outcome] : column.outcomes) {
    if (outcome) nodes[outcome].push_back(node);
  }
  return nodes;
}

// Finds the stacks of a node that cannot run beside those listed before them. Nodes with the same releases
// are judged once.
class Neighbours {
 public:
  using Key = std::vector<const CompiledRelease*>;       // by the order of the file; null: none
  using Judgement = std::vector<std::vector<Conflict>>;  // as many, and in the same order

  const Judgement& judge(const Key& releases, const std::vector<const OutcomePtr*>& outcomes,
                         const std::vector<Column>& columns) {
    const auto [found, fresh] = judged_.try_emplace(releases);
    if (!fresh) return found->second;
    ClaimedBy claimed;
    for (std::size_t i = 0; i < releases.size(); ++i) {
      found->second.push_back(releases[i] == nullptr
                                  ? std::vector<Conflict>{}
                                  : claimed.add(columns[i].entry->name, (*outcomes[i])->claims));
    }
    return found->second;
  }

 private:
  std::map<Key, Judgement> judged_;
};

Diagnostic to_diagnostic(const Conflict& conflict, const StackEntry& entry) {
  return {.code = "fleet.conflict-on-node",
          .location = entry.location,
          .stack = entry.name,
          .service = conflict.service,
          .message = conflict.message,
          .remedy = conflict.remedy,
          .other_stack = conflict.other_stack};
}

Diagnostic not_enrolled(const StackEntry& entry) {
  return {
      .code = "fleet.not-enrolled",
      .location = entry.location,
      .stack = entry.name,
      .message = "it has secrets, and the node has no key to seal them to: it keeps what it has",
      .remedy = "enrol the node with 'hivemind node token create', or leave it out in the stack's 'nodes'"};
}

const AssumedSecrets kAssumed;

}  // namespace

class Compiler::Impl {
 public:
  explicit Impl(std::string directory) : directory_(std::move(directory)) {}

  Compilation compile(const Snapshot& snapshot, std::span<const NodeIdentity> nodes,
                      const std::optional<std::set<std::string>>& changed, const KnownPins* known,
                      const SecretBook* secrets) {
    book_ = secrets != nullptr ? secrets : &kAssumed;
    Compilation result;
    result.revision = snapshot.revision();
    // Before anything may end this early: the next call is told only of what changes from here on.
    for (auto& [name, stack] : stacks_) stack.look_at(snapshot, changed);
    read_fleet(snapshot, changed);
    result.diagnostics = fleet_diagnostics_;
    if (fleet_) {
      result.valid = true;
      compile_stacks(snapshot, nodes, known, result);
    }
    sort(result.diagnostics);
    return result;
  }

 private:
  void read_fleet(const Snapshot& snapshot, const std::optional<std::set<std::string>>& changed) {
    if (fleet_is_read_ && !fleet_reads_.differ(snapshot, changed)) return;
    fleet_is_read_ = false;  // until reading has not thrown
    fleet_reads_ = {};
    fleet_diagnostics_.clear();
    fleet_ = load_fleet(ReadRecorder(snapshot, fleet_reads_), directory_, fleet_diagnostics_);
    sealed_ =
        load_sealed_secrets(ReadRecorder(snapshot, fleet_reads_), directory_, *book_, fleet_diagnostics_);
    fleet_is_read_ = true;
  }

  void compile_stacks(const Snapshot& snapshot, std::span<const NodeIdentity> nodes, const KnownPins* known,
                      Compilation& result) {
    std::vector<Candidate> candidates;
    candidates.reserve(nodes.size());
    for (const NodeIdentity& node : nodes) {
      candidates.push_back(candidate(node, *fleet_));
      result.nodes.try_emplace(node.id);
    }
    forget_unlisted_stacks();
    std::vector<Column> columns;
    for (const StackEntry& entry : fleet_->stacks) {
      if (!entry.enabled) continue;
      columns.push_back(compile_stack(entry, snapshot, candidates, known, result));
      result.stacks.push_back(entry.name);
    }
    std::ranges::sort(result.stacks);
    if (known != nullptr) note_unlisted(*known, result);
    assign(columns, result);
    for (const Column& column : columns) column.said.append_to(result.diagnostics, column.selected);
  }

  void forget_unlisted_stacks() {
    std::set<std::string_view> listed;
    for (const StackEntry& entry : fleet_->stacks) {
      if (entry.enabled) listed.insert(entry.name);
    }
    std::erase_if(stacks_, [&](const auto& known) { return !listed.contains(known.first); });
  }

  static void note_unlisted(const KnownPins& known, Compilation& result) {
    for (const auto& [stack, pins] : known.pins) {
      if (!std::ranges::binary_search(result.stacks, stack)) result.pins_outdated.insert(stack);
    }
  }

  // Only once it has been compiled it is known what a stack reads. When that has changed since its pins were
  // made, they are not for this release.
  Column compile_stack(const StackEntry& entry, const Snapshot& snapshot,
                       const std::vector<Candidate>& candidates, const KnownPins* known,
                       Compilation& result) {
    const StackPins none;
    if (known == nullptr) return compile_with(nullptr, entry, snapshot, candidates, result);
    const auto found = known->pins.find(entry.name);
    if (found == known->pins.end()) {
      Column column = compile_with(&none, entry, snapshot, candidates, result);
      // An answer may be on its way that was asked for before.
      if (known->changed && stacks_[entry.name].has_read(*known->changed))
        result.pins_outdated.insert(entry.name);
      return column;
    }
    Column column = compile_with(&found->second, entry, snapshot, candidates, result);
    if (known->changed && !stacks_[entry.name].has_read(*known->changed)) return column;
    result.pins_outdated.insert(entry.name);
    return compile_with(&none, entry, snapshot, candidates, result);
  }

  Column compile_with(const StackPins* pins, const StackEntry& entry, const Snapshot& snapshot,
                      const std::vector<Candidate>& candidates, Compilation& result) {
    Column column{&entry, 0, {}, {}};
    StackCompiler& stack = stacks_[entry.name];
    const KnownSecrets secrets(*book_, sealed_);
    stack.begin(entry, snapshot, pins, secrets);
    column.said.add(stack.load_diagnostics());
    for (const Candidate& one : candidates) {
      if (!entry.nodes.selects(one.node)) continue;
      const NodeVariables variables(one.node, one.label_variables, one.entry, entry, snapshot.revision(),
                                    &secrets);
      column.outcomes[one.node.id] = stack.is_loaded() ? stack.outcome(variables, snapshot) : nullptr;
    }
    column.selected = column.outcomes.size();
    for (const auto& [outcome, concerned] : by_outcome(column)) {
      column.said.add(outcome->diagnostics, concerned);
      for (const auto& [request, pin] : outcome->pins) {
        if (!pin) result.pins_wanted.insert(request);
      }
      for (const std::string& secret : outcome->secrets) result.secret_uses[secret].insert(entry.name);
    }
    result.compiled += stack.compiled();
    stack.end();
    return column;
  }

  void assign(std::vector<Column>& columns, Compilation& result) const {
    Neighbours neighbours;
    for (auto& [node, assignments] : result.nodes) {
      Neighbours::Key releases(columns.size(), nullptr);
      std::vector<const OutcomePtr*> outcomes(columns.size(), nullptr);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto found = columns[i].outcomes.find(node);
        if (found == columns[i].outcomes.end()) continue;
        outcomes[i] = &found->second;
        if (found->second) releases[i] = found->second->release.get();
      }
      const Neighbours::Judgement& judgement = neighbours.judge(releases, outcomes, columns);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (outcomes[i] == nullptr) continue;
        const OutcomePtr& outcome = *outcomes[i];
        const bool reached = !outcome || !outcome->needs_secrets || book_->reaches(node);
        const bool fits = outcome && judgement[i].empty() && reached;
        assignments.push_back({columns[i].entry->name, fits ? outcome->release : nullptr});
        for (const Conflict& conflict : judgement[i]) {
          columns[i].said.add({to_diagnostic(conflict, *columns[i].entry)}, {node});
        }
        if (!reached) columns[i].said.add({not_enrolled(*columns[i].entry)}, {node});
      }
      std::ranges::sort(assignments, {}, &Assignment::stack);
    }
  }

  std::string directory_;
  bool fleet_is_read_ = false;
  Reads fleet_reads_;
  std::optional<Fleet> fleet_;
  Diagnostics fleet_diagnostics_;
  const SecretBook* book_ = &kAssumed;  // during a compilation
  SealedSecrets sealed_;
  std::map<std::string, StackCompiler> stacks_;
};

Compiler::Compiler(std::string directory) : impl_(std::make_unique<Impl>(std::move(directory))) {}
Compiler::~Compiler() = default;

Compilation Compiler::compile(const Snapshot& snapshot, std::span<const NodeIdentity> nodes,
                              const std::optional<std::set<std::string>>& changed, const KnownPins* known,
                              const SecretBook* secrets) {
  return impl_->compile(snapshot, nodes, changed, known, secrets);
}

}  // namespace hivemind::hub
