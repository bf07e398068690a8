#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/version.h"
#include "hub/cli/commands.h"
#include "hub/cli/desired_json.h"
#include "hub/cli/sample_nodes.h"
#include "hub/cli/text.h"
#include "hub/cli/views.h"
#include "hub/desired/compiler.h"
#include "hub/desired/diagnostic_json.h"
#include "hub/desired/directory_snapshot.h"
#include "hub/desired/fleet.h"
#include "hub/desired/sealed_secrets.h"

// lint and render: the hub's own compiler, run over a directory.
namespace hivemind::hub::cli {
namespace {

std::string subdirectory(const std::string& path) {
  return path.empty() ? path : join_path("", path);
}

// stacks.yml is read twice, here for its nodes and by the compiler for the rest, which then says what is
// wrong with it.
Compilation compile_for_samples(const Snapshot& snapshot, const std::string& path) {
  Diagnostics said_again_by_the_compiler;
  const auto fleet = load_fleet(snapshot, path, said_again_by_the_compiler);
  const std::vector<NodeIdentity> nodes = fleet ? sample_nodes(*fleet) : std::vector<NodeIdentity>{};
  return Compiler(path).compile(snapshot, nodes, std::nullopt);
}

std::int64_t count(const Diagnostics& diagnostics, Severity severity) {
  return std::ranges::count(diagnostics, severity, &Diagnostic::severity);
}

std::string lint_summary(const Compilation& compilation) {
  const std::int64_t errors = count(compilation.diagnostics, Severity::kError);
  const std::int64_t warnings = count(compilation.diagnostics, Severity::kWarning);
  std::string text =
      fmt::format("{}, {}: ", count_text(static_cast<std::int64_t>(compilation.stacks.size()), "stack"),
                  count_text(static_cast<std::int64_t>(compilation.nodes.size()), "node"));
  if (errors == 0 && warnings == 0) return text + "nothing to complain about";
  return text + fmt::format("{}, {}", count_text(errors, "error"), count_text(warnings, "warning"));
}

// Secrets that only a hub can have: those that are asked for, without those of secrets.yml.
std::vector<std::string> assumed_secrets(const Compilation& compilation, const Snapshot& snapshot,
                                         const std::string& path) {
  Diagnostics said_by_the_compiler;
  const SealedSecrets sealed = load_sealed_secrets(snapshot, path, AssumedSecrets(), said_by_the_compiler);
  std::vector<std::string> names;
  for (const auto& [name, stacks] : compilation.secret_uses) {
    if (!sealed.contains(name)) names.push_back(name);
  }
  return names;
}

std::string assumed_note(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  return fmt::format("note: taken for granted, since only the hub knows: secret{} '{}'\n",
                     names.size() == 1 ? "" : "s", fmt::join(names, "', '"));
}

Json lint_json(const Compilation& compilation, const std::vector<std::string>& assumed) {
  Json nodes = Json::array();
  for (const auto& [node, assignments] : compilation.nodes) nodes.push_back(node);
  return {{"valid", !has_errors(compilation.diagnostics)},
          {"errors", count(compilation.diagnostics, Severity::kError)},
          {"warnings", count(compilation.diagnostics, Severity::kWarning)},
          {"stacks", compilation.stacks},
          {"nodes", nodes},
          {"assumed_secrets", assumed},
          {"diagnostics", diagnostics_json(compilation.diagnostics)}};
}

}  // namespace

ExitCode lint(const LintCommand& command, const Console& console) {
  const DirectorySnapshot snapshot(command.directory);
  const std::string path = subdirectory(command.path);
  const Compilation compilation = compile_for_samples(snapshot, path);
  const std::vector<std::string> assumed = assumed_secrets(compilation, snapshot, path);
  const Diagnostics& diagnostics = compilation.diagnostics;
  switch (command.format) {
    case LintFormat::kJson:
      console.out << pretty(lint_json(compilation, assumed));
      break;
    case LintFormat::kSarif:
      console.out << to_sarif(diagnostics, version()).dump(2) << '\n';
      break;
    case LintFormat::kText:
      console.out << diagnostics_view(diagnostics_json(diagnostics), console.out_screen())
                  << assumed_note(assumed) << lint_summary(compilation) << '\n';
  }
  return has_errors(diagnostics) || !compilation.valid ? ExitCode::kBad : ExitCode::kOk;
}

ExitCode render(const RenderCommand& command, const Console& console) {
  const DirectorySnapshot snapshot(command.directory);
  NodeIdentity node{command.node, {}};
  for (const auto& [key, value] : command.labels) node.labels[key] = value;
  const Compilation compilation =
      Compiler(subdirectory(command.path)).compile(snapshot, std::span(&node, 1), std::nullopt);
  Json releases = Json::array();
  if (const auto found = compilation.nodes.find(node.id); found != compilation.nodes.end()) {
    for (const Assignment& assignment : found->second) {
      if (assignment.release) releases.push_back(release_json(assignment.release->release));
    }
  }
  console.out << pretty({{"node", node.id}, {"releases", releases}});
  console.err << diagnostics_view(diagnostics_json(compilation.diagnostics), console.err_screen())
              << assumed_note(assumed_secrets(compilation, snapshot, subdirectory(command.path)));
  return has_errors(compilation.diagnostics) || !compilation.valid ? ExitCode::kBad : ExitCode::kOk;
}

}  // namespace hivemind::hub::cli
