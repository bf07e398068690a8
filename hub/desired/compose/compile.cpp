#include "hub/desired/compose/assemble.h"
#include "hub/desired/compose/contents.h"
#include "hub/desired/compose/lower.h"
#include "hub/desired/compose/pin.h"
#include "hub/desired/compose/project.h"
#include "hub/desired/compose/validate.h"

namespace hivemind::hub::compose {
namespace {

// Later steps build on what earlier ones have checked, so the first step with an error is the last.
std::optional<CompiledRelease> compile_steps(const Source& source, const Environment& environment,
                                             const Options& options, const Snapshot& snapshot,
                                             PathsRead& paths, Diagnostics& diagnostics) {
  Reader reader(source.stack, diagnostics);
  const auto document = assemble(source, environment, options, snapshot, paths, reader);
  if (!document) return std::nullopt;
  Project project = read_project(*document, source.stack, environment, options, reader);
  validate(project, reader);
  const Pinned pinned = pin_images(project, options, reader);
  Repository repository(snapshot, source.directory, paths, reader);
  for (auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    resolve_environment(service, environment, repository, reader, options.unset_variables);
    resolve_labels(service, repository, reader);
    resolve_seccomp(service, repository, reader);
  }
  if (has_errors(diagnostics)) return std::nullopt;
  v1::Release release = lower(project, source.stack, repository, reader);
  if (has_errors(diagnostics) || pinned == Pinned::kPending) return std::nullopt;
  return CompiledRelease{std::move(release), repository.take_files()};
}

}  // namespace

std::optional<CompiledRelease> compile(const Source& source, const Environment& environment,
                                       const Options& options, const Snapshot& snapshot, PathsRead& paths,
                                       Diagnostics& diagnostics) {
  Diagnostics own;
  auto result = compile_steps(source, environment, options, snapshot, paths, own);
  for (Diagnostic& diagnostic : own) {
    diagnostic.stack = source.stack;
    diagnostics.push_back(std::move(diagnostic));
  }
  return result;
}

}  // namespace hivemind::hub::compose
