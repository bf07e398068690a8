#include "hub/desired/stack_compiler.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/compose/secrets.h"
#include "hub/desired/env_file.h"
#include "hub/desired/secret_env_file.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kMaxEnvFileBytes = 1u << 20;

// The names that an outcome depends on, in the order of reading, each once.
class NamesAsked {
 public:
  void add(const std::string& name) {
    if (seen_.insert(name).second) order_.push_back(name);
  }
  const std::vector<std::string>& order() const { return order_; }

 private:
  std::set<std::string> seen_;
  std::vector<std::string> order_;
};

}  // namespace

void StackCompiler::look_at(const Snapshot& snapshot, const std::optional<std::set<std::string>>& changed) {
  if (!loaded_ || !reads_.differ(snapshot, changed)) return;
  loaded_.reset();
  memo_.clear();
  reads_ = {};
}

void StackCompiler::begin(const StackEntry& entry, const Snapshot& snapshot, const StackPins* pins,
                          const KnownSecrets& secrets) {
  entry_ = &entry;
  pins_ = pins;
  secrets_ = &secrets;
  compiled_ = 0;
  used_.clear();
  options_ = {.profiles = entry.profiles,
              .unset_variables = entry.unset_variables,
              .pin = entry.pin ? PinImages::kYes : PinImages::kNo};
  const bool same_files = loaded_ && loaded_->options == options_ &&
                          loaded_->compose_files == entry.compose_files &&
                          loaded_->env_files == entry.env_files;
  // What is said of the entry must point at the line where it stands now.
  if (same_files && (loaded_->diagnostics.empty() || loaded_->location == entry.location)) {
    return forget_other_pins();
  }
  loaded_.reset();
  memo_.clear();
  reads_ = {};
  load(snapshot);
}

void StackCompiler::forget_other_pins() {
  if (pins_ == nullptr) return;
  const auto as_before = [&](const auto& asked) {
    const auto found = pins_->find(asked.first.reference);
    return found == pins_->end() ? !asked.second : asked.second == found->second;
  };
  std::vector<OutcomePtr> outcomes = memo_.all();
  std::erase_if(outcomes, [&](const OutcomePtr& one) { return !std::ranges::all_of(one->pins, as_before); });
  memo_.keep(outcomes);
}

void StackCompiler::load(const Snapshot& snapshot) {
  Loaded loaded;
  loaded.location = entry_->location;
  loaded.compose_files = entry_->compose_files;
  loaded.env_files = entry_->env_files;
  loaded.options = options_;
  const ReadRecorder recorder(snapshot, reads_);
  compose::PathsRead paths;
  loaded.source = compose::load(recorder, entry_->name, entry_->compose_files, paths, loaded.diagnostics);
  for (const std::string& path : entry_->env_files) {
    if (auto text = read_env_file(recorder, path, loaded.diagnostics))
      loaded.env_texts.push_back(std::move(*text));
  }
  add_paths(paths, snapshot);
  name_stack(loaded.diagnostics);
  if (has_errors(loaded.diagnostics)) loaded.source.reset();
  loaded_ = std::move(loaded);
}

std::optional<StackCompiler::EnvText> StackCompiler::read_env_file(const Snapshot& snapshot,
                                                                   const std::string& path,
                                                                   Diagnostics& diagnostics) {
  const auto refuse = [&](std::string message) {
    diagnostics.push_back({.code = "fleet.env-file",
                           .location = entry_->location,
                           .message = fmt::format("env file '{}': {}", path, message),
                           .remedy = "add it, or take it out of 'env_file'"});
    return std::nullopt;
  };
  try {
    const Entry entry = resolve(snapshot, path);
    if (entry.kind == EntryKind::kAbsent) return refuse("it is not in the repository");
    if (entry.kind != EntryKind::kFile && entry.kind != EntryKind::kExecutable)
      return refuse("it is no file");
    return EnvText{path, snapshot.read(entry.path, kMaxEnvFileBytes)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalid && error.code() != ErrorCode::kExhausted) throw;
    return refuse(error.what());
  }
}

// Directories that the compiler names count with all that is in them.
void StackCompiler::add_paths(const compose::PathsRead& paths, const Snapshot& snapshot) {
  for (const std::string& path : paths) reads_.add(snapshot.entry(path), Reads::Extent::kWhole);
}

void StackCompiler::name_stack(Diagnostics& diagnostics) const {
  for (Diagnostic& diagnostic : diagnostics) diagnostic.stack = entry_->name;
}

OutcomePtr StackCompiler::outcome(const NodeVariables& variables, const Snapshot& snapshot) {
  OutcomePtr outcome = memo_.find(variables);
  if (!outcome) {
    outcome = make(variables, snapshot);
    if (outcome->may_differ_next_time) return outcome;
    memo_.insert(outcome);
  }
  used_.insert(outcome);
  return outcome;
}

std::optional<Variables> StackCompiler::env_file_variables(const Lookup& lookup, SecretValues& secrets,
                                                           Diagnostics& diagnostics) const {
  Variables all;
  for (const EnvText& file : loaded_->env_texts) {
    const Lookup earlier_too = [&](std::string_view name) {
      auto value = lookup(name);
      if (value) return value;
      const auto found = all.find(name);
      return found == all.end() ? std::nullopt : std::optional(found->second);
    };
    const auto variables =
        is_sops_env_file(file.text)
            ? decrypt_env_file(file.text, file.path, earlier_too, secrets_->book(), secrets, diagnostics)
            : parse_env_file(file.text, file.path, earlier_too, diagnostics, options_.unset_variables);
    if (!variables) return std::nullopt;
    for (const auto& [name, value] : *variables) all.insert_or_assign(name, value);
  }
  return all;
}

void StackCompiler::note_pins(const Pins& pins, Outcome& outcome) const {
  for (PinRequest request : pins.asked()) {
    request.stack = entry_->name;
    const auto found = pins_->find(request.reference);
    outcome.pins.emplace_back(std::move(request),
                              found == pins_->end() ? std::nullopt : std::optional(found->second));
  }
}

// Variables that are secrets and were read, and secrets that were asked for by name. What is missing of the
// latter was said where it was used.
void StackCompiler::note_secrets(const NodeVariables& variables, const std::vector<std::string>& names,
                                 Outcome& outcome) const {
  for (const std::string& name : names) {
    if (name.starts_with(kSecretRead)) {
      outcome.secrets.insert(name.substr(kSecretRead.size()));
    } else if (const SecretVariable* variable = variables.as_secret(name)) {
      outcome.secrets.insert(variable->secret);
      if (variables.secret_id(variable->secret)) continue;
      Diagnostic missing = missing_secret(variable->secret, variable->location);
      missing.message = fmt::format("variable '{}': {}", name, missing.message);
      outcome.diagnostics.push_back(std::move(missing));
      outcome.release = nullptr;
    }
  }
}

void StackCompiler::add_sealed(CompiledRelease& release) const {
  for (const std::string& id : secret_ids(release.release)) {
    if (SecretPtr sealed = secrets_->sealed(id)) release.secrets.emplace(id, std::move(sealed));
  }
}

OutcomePtr StackCompiler::make(const NodeVariables& variables, const Snapshot& snapshot) {
  auto outcome = std::make_shared<Outcome>();
  NamesAsked names;
  const Lookup lookup = [&](std::string_view name) {
    names.add(std::string(name));
    if (auto value = variables.assigned(name)) return value;
    const std::string* value = variables.built_in(name);
    return value == nullptr ? std::nullopt : std::optional(*value);
  };
  SecretValues decrypted;
  if (const auto from_files = env_file_variables(lookup, decrypted, outcome->diagnostics)) {
    SecretsOffered offered = variables.secrets();
    for (const auto& [id, secret] : decrypted) offered.in_variables.insert(id);
    const Environment environment(variables.merged(*from_files), std::move(offered));
    const ReadRecorder recorder(snapshot, reads_);
    compose::PathsRead paths;
    std::optional<Pins> pins;
    if (pins_ != nullptr) pins.emplace(*pins_);
    compose::Options options = options_;
    options.pins = pins ? &*pins : nullptr;
    options.secrets = &secrets_->book();
    auto release =
        compose::compile(*loaded_->source, environment, options, recorder, paths, outcome->diagnostics);
    if (pins) note_pins(*pins, *outcome);
    add_paths(paths, snapshot);
    for (const std::string& name : environment.order_read()) names.add(name);
    if (release) {
      const std::set<std::string> ids = secret_ids(release->release);
      outcome->needs_secrets = !ids.empty();
      for (const auto& [id, secret] : decrypted) {
        if (ids.contains(id)) release->secrets.emplace(id, secret);
      }
      add_sealed(*release);
      outcome->release = shared(std::move(*release));
      outcome->claims = claims_of(*outcome->release);
    }
  }
  note_secrets(variables, names.order(), *outcome);
  outcome->may_differ_next_time = std::ranges::any_of(
      outcome->diagnostics, [](const Diagnostic& one) { return one.code == kSopsFailed; });
  name_stack(outcome->diagnostics);
  for (const std::string& name : names.order()) outcome->read.emplace_back(name, variables.fingerprint(name));
  ++compiled_;
  return outcome;
}

// Releases of one digest are one release, whatever they were compiled from.
ReleasePtr StackCompiler::shared(CompiledRelease release) {
  std::weak_ptr<const CompiledRelease>& known = by_digest_[release.release.digest()];
  if (auto alive = known.lock()) return alive;
  auto fresh = std::make_shared<const CompiledRelease>(std::move(release));
  known = fresh;
  return fresh;
}

void StackCompiler::end() {
  memo_.keep({used_.begin(), used_.end()});
  used_.clear();
  std::erase_if(by_digest_, [](const auto& one) { return one.second.expired(); });
}

}  // namespace hivemind::hub
