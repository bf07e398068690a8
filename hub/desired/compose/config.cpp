#include "hub/desired/compose/config.h"

#include <algorithm>
#include <span>

#include "hub/desired/compose/assemble.h"
#include "hub/desired/compose/contents.h"
#include "hub/desired/compose/lower.h"
#include "hub/desired/compose/print.h"
#include "hub/desired/compose/project.h"
#include "hub/desired/compose/validate.h"

namespace hivemind::hub::compose {
namespace {

// What a file may say to Compose on one machine, but not to nodes that nobody sits at.
constexpr std::string_view kOwnRefusals[] = {
    "compose.unsupported-key",   "compose.unsupported-value", "compose.build-without-image",
    "compose.reserved-label",    "compose.unset-variable",    "compose.no-services",
    "compose.port-conflict",     "compose.home-path",         "compose.too-large",
    "compose.refused-by-engine", "compose.never-healthy",
};

// What the parts of a file say of each other.
constexpr std::string_view kInconsistencies[] = {
    "compose.missing-image",    "compose.conflict",         "compose.undefined-service",
    "compose.undefined-volume", "compose.undefined-config", "compose.undefined-network",
    "compose.undefined-secret", "compose.dependency-cycle", "compose.duplicate-container-name",
    "compose.duplicate-target", "compose.missing-source",
};

bool is_one_of(const Diagnostic& diagnostic, std::span<const std::string_view> codes) {
  return std::ranges::find(codes, diagnostic.code) != codes.end();
}

// Which external secrets there are only a hub knows.
void assume_secrets(Project& project) {
  for (auto& [key, secret] : project.secrets) {
    if (secret.external) secret.content = secret_placeholder(AssumedSecrets().id(secret.name, {}));
  }
}

bool is_valid(const Diagnostics& diagnostics, Consistency consistency) {
  return std::ranges::all_of(diagnostics, [&](const Diagnostic& one) {
    return one.severity != Severity::kError || is_own_refusal(one) ||
           (consistency == Consistency::kIgnored && is_one_of(one, kInconsistencies));
  });
}

std::optional<nlohmann::json> config_steps(const Source& source, const Environment& environment,
                                           const Options& options, const Snapshot& snapshot,
                                           const std::string& directory, Consistency consistency,
                                           ModelFormat format, PathsRead& paths, Diagnostics& diagnostics) {
  Reader reader(source.stack, diagnostics);
  const auto document = assemble(source, environment, options, snapshot, paths, reader);
  if (!document) return std::nullopt;
  const std::string home = environment.get("HOME").value_or("");
  if (options.interpolation == Interpolation::kOff) {
    Project place;
    place.name = source.stack;
    place.home = home;
    place.directory = directory;
    nlohmann::json model = print_uninterpolated(*document, place);
    if (format == ModelFormat::kJson) empty_lists_as_nothing(model);
    return model;
  }
  Project project = read_project(*document, source.stack, environment, options, reader);
  project.directory = directory;
  project.home = home;
  validate(project, reader);
  Repository repository(snapshot, source.directory, paths, reader);
  for (auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    resolve_environment(service, environment, repository, reader);
    resolve_labels(service, repository, reader);
  }
  if (!is_valid(diagnostics, consistency)) return std::nullopt;
  nlohmann::json model = print_project(project, environment);
  if (format == ModelFormat::kYaml) model = yaml_shape(std::move(model), *document);
  if (has_errors(diagnostics)) return model;
  assume_secrets(project);
  lower(project, source.stack, environment, repository, reader);  // for what it objects to
  return model;
}

}  // namespace

bool is_own_refusal(const Diagnostic& diagnostic) {
  return is_one_of(diagnostic, kOwnRefusals);
}

std::optional<nlohmann::json> config(const Source& source, const Environment& environment,
                                     const Options& options, const Snapshot& snapshot,
                                     const std::string& directory, Consistency consistency,
                                     ModelFormat format, PathsRead& paths, Diagnostics& diagnostics) {
  Diagnostics own;
  auto model =
      config_steps(source, environment, options, snapshot, directory, consistency, format, paths, own);
  for (Diagnostic& diagnostic : own) {
    diagnostic.stack = source.stack;
    diagnostics.push_back(std::move(diagnostic));
  }
  return model;
}

}  // namespace hivemind::hub::compose
