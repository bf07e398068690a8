#include <algorithm>
#include <set>
#include <utility>

#include "hub/desired/compose/assemble.h"
#include "hub/desired/compose/contents.h"
#include "hub/desired/compose/lower.h"
#include "hub/desired/compose/pin.h"
#include "hub/desired/compose/project.h"
#include "hub/desired/compose/secrets.h"
#include "hub/desired/compose/validate.h"

namespace hivemind::hub::compose {
namespace {

// Later steps build on what earlier ones have checked, so the first step with an error is the last.
std::optional<CompiledRelease> compile_steps(const Source& source, const Environment& environment,
                                             const Options& options, const Snapshot& snapshot,
                                             PathsRead& paths, Diagnostics& diagnostics) {
  Reader reader(source.stack, diagnostics);
  const auto document = assemble(source, environment, options, snapshot, paths, reader);
  if (!document || !secrets_are_well_placed(*document, reader)) return std::nullopt;
  Project project = read_project(*document, source.stack, environment, options, reader);
  validate(project, reader);
  check_secret_contents(project, environment, reader);
  resolve_secrets(project, environment, reader);
  const Pinned pinned = pin_images(project, options, reader);
  Repository repository(snapshot, source.directory, paths, reader, options.secrets);
  for (auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    resolve_environment(service, environment, repository, reader, options.unset_variables);
    resolve_labels(service, repository, reader);
    resolve_seccomp(service, repository, reader);
  }
  if (has_errors(diagnostics)) return std::nullopt;
  v1::Release release = lower(project, source.stack, environment, repository, reader);
  if (has_errors(diagnostics) || pinned == Pinned::kPending) return std::nullopt;
  return CompiledRelease{std::move(release), repository.take_files(), repository.take_secrets()};
}

bool is_about_unset_variable(const Diagnostic& diagnostic) {
  return diagnostic.code == "compose.unset-variable";
}

bool lacks_only_variables(const Diagnostics& diagnostics) {
  return has_errors(diagnostics) && std::ranges::all_of(diagnostics, [](const Diagnostic& one) {
           return one.severity != Severity::kError || is_about_unset_variable(one);
         });
}

using Lines = std::set<std::pair<std::string, int>>;

void add_lines_with_variables(const yaml::Node& node, Lines& lines) {
  if (node.substituted) lines.emplace(node.location.file, node.location.line);
  for (const yaml::Node& item : node.items) add_lines_with_variables(item, lines);
  for (const auto& [key, value] : node.members) add_lines_with_variables(value, lines);
}

// A variable without value hides nothing else that is wrong: the rest is looked at as if it were empty. What
// would be said of a line with a variable may follow from just that, and is left out.
void look_further(const Source& source, const Environment& environment, Options options,
                  const Snapshot& snapshot, PathsRead& paths, Diagnostics& diagnostics) {
  options.unset_variables = UnsetVariables::kWarn;
  Diagnostics others;
  Reader reader(source.stack, others);
  const auto document = assemble(source, environment, options, snapshot, paths, reader);
  if (!document) return;
  Project project = read_project(*document, source.stack, environment, options, reader);
  validate(project, reader);
  Lines lines;
  add_lines_with_variables(*document, lines);
  for (Diagnostic& other : others) {
    const bool known = is_about_unset_variable(other) ||
                       std::ranges::find(diagnostics, other) != diagnostics.end() ||
                       lines.contains({other.location.file, other.location.line});
    if (!known) diagnostics.push_back(std::move(other));
  }
}

}  // namespace

std::optional<CompiledRelease> compile(const Source& source, const Environment& environment,
                                       const Options& options, const Snapshot& snapshot, PathsRead& paths,
                                       Diagnostics& diagnostics) {
  Diagnostics own;
  auto result = compile_steps(source, environment, options, snapshot, paths, own);
  if (lacks_only_variables(own)) look_further(source, environment, options, snapshot, paths, own);
  for (Diagnostic& diagnostic : own) {
    diagnostic.stack = source.stack;
    diagnostics.push_back(std::move(diagnostic));
  }
  return result;
}

}  // namespace hivemind::hub::compose
