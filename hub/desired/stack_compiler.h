#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/desired/compose/compose.h"
#include "hub/desired/diagnostic.h"
#include "hub/desired/fleet.h"
#include "hub/desired/interpolate.h"
#include "hub/desired/node_variables.h"
#include "hub/desired/read_recorder.h"
#include "hub/desired/release_memo.h"

namespace hivemind::hub {

// One stack over time: its files, read once, and its outcomes by the variables that they depend on.
class StackCompiler {
 public:
  // Forgets what was read when any of it looks different in the snapshot.
  void look_at(const Snapshot& snapshot, const std::optional<std::set<std::string>>& changed);

  // Reads the files of the entry unless they are known already, and forgets the outcomes that other pins were
  // used for. entry, pins and secrets must stay until the next call; null: there are none to be had.
  void begin(const StackEntry& entry, const Snapshot& snapshot, const StackPins* pins,
             const KnownSecrets& secrets);

  // What is wrong with its files as such. With errors there is no outcome for any node.
  const Diagnostics& load_diagnostics() const { return loaded_->diagnostics; }
  bool is_loaded() const { return loaded_->source.has_value(); }

  // Needs is_loaded().
  OutcomePtr outcome(const NodeVariables& variables, const Snapshot& snapshot);

  // Whether what was read so far would look different, had these paths changed.
  bool has_read(const std::set<std::string>& paths) const { return reads_.concern(paths); }

  // Outcomes that no node had since begin() are forgotten.
  void end();

  // Outcomes that were made, not remembered, since begin().
  std::size_t compiled() const { return compiled_; }

 private:
  struct EnvText {
    std::string path;
    std::string text;
  };
  struct Loaded {
    Location location;  // of the entry
    std::vector<std::string> compose_files;
    std::vector<std::string> env_files;
    compose::Options options;
    std::optional<compose::Source> source;
    std::vector<EnvText> env_texts;
    Diagnostics diagnostics;
  };

  void load(const Snapshot& snapshot);
  void forget_other_pins();
  std::optional<EnvText> read_env_file(const Snapshot& snapshot, const std::string& path,
                                       Diagnostics& diagnostics);
  std::optional<Variables> env_file_variables(const Lookup& lookup, SecretValues& secrets,
                                              Diagnostics& diagnostics) const;
  OutcomePtr make(const NodeVariables& variables, const Snapshot& snapshot);
  void note_pins(const Pins& pins, Outcome& outcome) const;
  void note_secrets(const NodeVariables& variables, const std::vector<std::string>& names,
                    Outcome& outcome) const;
  void add_sealed(CompiledRelease& release) const;
  ReleasePtr shared(CompiledRelease release);
  void add_paths(const compose::PathsRead& paths, const Snapshot& snapshot);
  void name_stack(Diagnostics& diagnostics) const;

  const StackEntry* entry_ = nullptr;
  compose::Options options_;  // of the entry
  const StackPins* pins_ = nullptr;
  const KnownSecrets* secrets_ = nullptr;
  std::optional<Loaded> loaded_;
  Reads reads_;
  ReleaseMemo memo_;
  std::set<OutcomePtr> used_;
  std::unordered_map<std::string, std::weak_ptr<const CompiledRelease>> by_digest_;
  std::size_t compiled_ = 0;
};

}  // namespace hivemind::hub
